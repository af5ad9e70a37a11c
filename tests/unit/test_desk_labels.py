"""A counselor's correction becomes a label: ids, numbers and constant words, and never a text."""

from __future__ import annotations

from dataclasses import fields

import pytest

from handoff.conversation import AssessmentRecord, Judgement, Label
from handoff.errors import NotYours
from handoff.risk import Risk, Topic
from tests.builders import START, Room, person, request, room

A, B = person("a"), person("b")


async def staffed() -> Room:
    here = await room()
    await here.seat(A, B)
    await here.open("c1", topic=Topic.GROOMING)
    return here


async def labels(here: Room) -> list[Label]:
    async with here.store.read() as tx:
        return list(await tx.labels.since(0))


def assessed(seq: int, confidence: float, version: str | None) -> AssessmentRecord:
    return AssessmentRecord(
        "c1",
        seq,
        START,
        Risk.HIGH,
        Topic.GROOMING,
        "grooming_contact",
        confidence,
        (),
        "answered",
        version,
    )


async def test_it_holds_what_stood_before_and_what_the_machine_had_said_last() -> None:
    here = await staffed()
    async with here.store.begin() as tx:
        await tx.entries.assess([assessed(1, 0.5, "nlu-1"), assessed(3, 0.75, "nlu-2")])
    await here.desk.claim(request(A))
    here.clock.pass_by(1000)
    await here.desk.correct(request(A), Risk.IMMINENT, Topic.IMMEDIATE_DANGER)
    [label] = await labels(here)
    assert label == Label(
        id=label.id,
        conversation="c1",
        seq=3,
        at=START + 1000,
        staff="id-a",
        version="nlu-2",
        intent="grooming_contact",
        confidence=0.75,
        before=Judgement(Risk.HIGH, Topic.GROOMING),
        after=Judgement(Risk.IMMINENT, Topic.IMMEDIATE_DANGER),
    )


async def test_each_correction_is_one_label_and_a_form_that_comes_again_none() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    for _ in range(2):
        await here.desk.correct(request(A, form="f"), Risk.LOW, Topic.PREVENTION)
    await here.desk.correct(request(A), Risk.LOW, Topic.PREVENTION)
    first, second = await labels(here)
    assert (first.before.risk, first.after.risk, first.seq) == (Risk.HIGH, Risk.LOW, 0)
    assert second.before == second.after == Judgement(Risk.LOW, Topic.PREVENTION)
    assert (await here.find("c1")).risk is Risk.LOW


async def test_a_refused_correction_leaves_no_label() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    with pytest.raises(NotYours):
        await here.desk.correct(request(B), Risk.LOW, Topic.PREVENTION)
    assert await labels(here) == []


def test_a_label_has_no_room_for_text() -> None:
    assert {field.name for field in fields(Label)} == {
        "id",
        "conversation",
        "seq",
        "at",
        "staff",
        "version",
        "intent",
        "confidence",
        "before",
        "after",
    }
