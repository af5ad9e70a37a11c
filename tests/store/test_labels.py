"""Labels and what they are compared with, in every home of conversations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handoff.conversation import Assessed, AssessmentRecord, Judgement, Label
from handoff.errors import Conflict
from handoff.risk import Risk, Topic
from handoff.store.ports import Store
from tests.builders import START, conversation


def record(seq: int, conversation: str = "c1", at: int = START) -> AssessmentRecord:
    return AssessmentRecord(
        conversation=conversation,
        seq=seq,
        at=at,
        risk=Risk.HIGH,
        topic=Topic.GROOMING,
        intent="grooming_contact",
        confidence=0.75,
        reasons=("model:grooming_contact 0.75",),
        model="answered",
        version="nlu-1",
    )


def label(id: str, at: int = START) -> Label:
    return Label(
        id=id,
        conversation="c1",
        seq=1,
        at=at,
        staff="id-a",
        version="nlu-1",
        intent="grooming_contact",
        confidence=0.75,
        before=Judgement(Risk.HIGH, Topic.GROOMING),
        after=Judgement(Risk.IMMINENT, Topic.IMMEDIATE_DANGER),
    )


async def with_assessments(store: Store) -> None:
    async with store.begin() as tx:
        await tx.conversations.add([conversation("c1"), conversation("c2", lang="en")])
        await tx.entries.assess(
            [record(1), record(2, at=START + 5), record(1, "c2"), record(2, "c2", START + 5)]
        )


async def test_labels_come_back_as_they_were_in_order_of_time(store: Store) -> None:
    await with_assessments(store)
    bare = replace(label("a", START + 2), seq=0, version=None, intent=None, confidence=0.0)
    async with store.begin() as tx:
        await tx.labels.put([])
        await tx.labels.put([label("z", START + 1), bare, label("b", START + 1)])
    async with store.read() as tx:
        assert [one.id for one in await tx.labels.since(0)] == ["b", "z", "a"]
        assert list(await tx.labels.since(START + 1))[1] == label("z", START + 1)
        assert list(await tx.labels.since(START + 2)) == [bare]
        assert list(await tx.labels.since(START + 3)) == []


async def test_a_label_is_written_once(store: Store) -> None:
    await with_assessments(store)
    async with store.begin() as tx:
        await tx.labels.put([label("a")])
    with pytest.raises(Conflict):
        async with store.begin() as tx:
            await tx.labels.put([label("a")])


async def test_assessments_are_read_page_by_page_with_their_language(store: Store) -> None:
    await with_assessments(store)
    pages: list[Assessed] = []
    mark = (START, "", 0)
    async with store.read() as tx:
        while page := await tx.labels.assessed(mark, 3):
            assert len(page) <= 3
            pages += page
            mark = page[-1].mark
        assert list(await tx.labels.assessed((START + 6, "", 0), 3)) == []
    assert [(one.conversation, one.seq) for one in pages] == [("c1", 1), ("c2", 1), ("c1", 2), ("c2", 2)]
    assert pages[1] == Assessed("c2", 1, START, "en", 0.75, "answered", "nlu-1")


async def test_an_assessment_keeps_its_version_or_none(store: Store) -> None:
    await with_assessments(store)
    old = replace(record(3), version=None)
    async with store.begin() as tx:
        await tx.entries.assess([old])
        assert list(await tx.entries.assessments("c1"))[2] == old
        assert [one.version for one in await tx.entries.assessments("c1")] == ["nlu-1", "nlu-1", None]
