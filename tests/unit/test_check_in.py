"""Asking into the silence after danger: when it is due, once for any number of askers, and in words that are true."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot import check_in
from bot.check_in import SILENT_FOR, CheckIn, is_due
from bot.decide import Decider
from bot.tools import Tools
from handoff.conversation import Conversation, Phase, Talk
from handoff.letter import opened
from handoff.risk import Risk
from handoff.store.memory import MemoryStore
from tests.builders import START, Clock, waiting
from tests.journey.indoors import desked, some_tools
from tests.unit.test_decide import found, kept

DANGER = "지금 옥상이에요 죽으려고요"


def asked(**changes: Any) -> Conversation:
    given = {"risk": Risk.IMMINENT, "talk": Talk(asked="safe_now", danger_seq=1)} | changes
    return waiting("c1", START, **given)


def test_it_is_due_after_three_and_after_ten_minutes_and_never_again() -> None:
    first, second = SILENT_FOR
    assert not is_due(asked(), START + first - 1)
    assert is_due(asked(), START + first)
    once = asked(talk=Talk(asked="safe_now", check_ins=1))
    assert not is_due(once, START + second - 1)
    assert is_due(once, START + second)
    assert not is_due(asked(talk=Talk(asked="safe_now", check_ins=2)), START + 10 * second)


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": Phase.CLAIMED, "holder": "s"},
        {"phase": Phase.CLOSED},
        {"risk": Risk.HIGH},
        {"talk": Talk(asked=None)},
        {"talk": Talk(asked="wipe_sure")},
        {"sealed_key": None},
    ],
)
def test_it_is_not_due(changes: dict[str, Any]) -> None:
    assert not is_due(asked(**changes), START + 10 * SILENT_FOR[-1])


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


async def danger(tools: Tools) -> str:
    [item] = await kept(tools, DANGER)
    decided = await Decider(tools).decide(item)
    assert decided is not None
    assert decided.conversation.risk is Risk.IMMINENT
    return item.conversation


def wait(tools: Tools, milliseconds: int) -> None:
    assert isinstance(tools.now, Clock)
    tools.now.pass_by(milliseconds)


async def test_any_number_of_watches_ask_once(tools: Tools) -> None:
    id = await danger(tools)
    wait(tools, SILENT_FOR[0])
    async with tools.bell.listen() as rings:
        assert sum(await asyncio.gather(*(CheckIn(tools).look() for _ in range(5)))) == 1
        assert await asyncio.wait_for(rings.next(), 1) == id
    after = await found(tools, id)
    assert (after.talk.check_ins, after.talk.asked, after.talk.said[-1]) == (1, "safe_now", "check_in.first")
    async with tools.store.read() as tx:
        letters = [opened(tools.ring, row) for row in await tx.outbox.of(id)]
        deeds = [record.action for record, _ in await tx.audit.read()]
    assert letters[-1].texts == tools.content.render("check_in.first", "ko")
    assert letters[-1].quick == ("safe", "not_safe", "unsure")
    assert deeds.count("checked_in") == 1


async def test_one_that_cannot_be_asked_keeps_nobody_from_it(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken, sound = await danger(tools), await danger(tools)
    wait(tools, SILENT_FOR[0])
    seal = check_in.seal_entry

    def failing(key: bytes, body: Any, place: Any) -> bytes:
        if place.conversation == broken:
            raise ValueError("표식")
        return seal(key, body, place)

    monkeypatch.setattr(check_in, "seal_entry", failing)
    assert await CheckIn(tools).look() == 1
    assert (await found(tools, sound)).talk.check_ins == 1
    assert (await found(tools, broken)).talk.check_ins == 0
    told = "".join(capfd.readouterr())
    assert "check_in.failed" in told
    assert "표식" not in told


async def test_a_line_of_the_visitor_begins_anew(tools: Tools) -> None:
    id = await danger(tools)
    wait(tools, SILENT_FOR[0])
    await CheckIn(tools).look()
    async with tools.store.begin() as tx:
        value = (await tx.conversations.lock([id]))[id]
        await tx.conversations.save([replace(value, talk=replace(value.talk, check_ins=2))])
    assert await CheckIn(tools).look() == 0
