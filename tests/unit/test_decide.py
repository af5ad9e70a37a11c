from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot import decide
from bot.decide import Decided, Decider, NotYet, Undecided
from bot.intake import Received, receive
from bot.tools import Tools
from handoff.conversation import Author, Conversation, Phase
from handoff.letter import opened
from handoff.people import StaffSession
from handoff.risk import Risk, Topic
from handoff.store.memory import MemoryStore
from nlu.understanding import ModelReading
from tests.builders import START
from tests.journey.indoors import desked, new_token, some_tools, web_message
from tests.unit.test_intake import arrival
from vault.secret import SecretText

THREAT = "헤어진 남친이 사진 퍼뜨린다고 협박해요"
QUESTION = "여기 뭐 하는 곳이에요?"


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


async def kept(tools: Tools, *texts: str, token: str | None = None) -> list[Undecided]:
    """Messages of one visitor, taken in and undecided."""
    token = token or new_token()
    arrivals = [arrival(tools, web_message(text, token)) for text in texts]
    return [_undecided(it, text) for it, text in zip(await receive(tools, arrivals), texts, strict=True)]


def _undecided(received: Received, text: str) -> Undecided:
    return Undecided(received.conversation, received.seq, SecretText(text), "ko")


async def changed(tools: Tools, id: str, **changes: Any) -> None:
    async with tools.store.begin() as tx:
        found = (await tx.conversations.lock([id]))[id]
        await tx.conversations.save([replace(found, **changes)])


async def found(tools: Tools, id: str) -> Conversation:
    async with tools.store.read() as tx:
        value = await tx.conversations.find(id)
    assert value is not None
    return value


async def test_a_threat_is_decided_answered_and_queued_in_one_go(tools: Tools) -> None:
    [item] = await kept(tools, THREAT)
    decided = await Decider(tools).decide(item)
    assert decided is not None
    after = await found(tools, item.conversation)
    assert after == decided.conversation
    assert (after.phase, after.risk, after.topic) == (Phase.WAITING, Risk.HIGH, Topic.SPREAD_THREAT)
    assert (after.waiting_since, after.next_seq, after.talk.turn) == (START, 3, 1)
    async with tools.store.read() as tx:
        assert await tx.inbox.of([item.conversation]) == []
        assert [entry.author for entry in await tx.entries.of(item.conversation)] == ["visitor", "bot"]
        [record] = await tx.entries.assessments(item.conversation)
        [letter] = [opened(tools.ring, row) for row in await tx.outbox.of(item.conversation)]
        [(deed, _)] = await tx.audit.read()
    assert (record.seq, record.risk, record.model) == (1, Risk.HIGH, "off")
    assert letter == decided.answer
    assert (deed.action, deed.subject) == ("queued", item.conversation)


async def test_deciding_twice_decides_once(tools: Tools) -> None:
    [item] = await kept(tools, THREAT)
    decider = Decider(tools)
    first, second = await asyncio.gather(decider.decide(item), decider.decide(item))
    assert isinstance(first, Decided)
    assert second is None
    assert await Decider(tools).decide(item) is None
    async with tools.store.read() as tx:
        assert len(await tx.entries.of(item.conversation)) == 2


async def test_one_visitors_messages_are_decided_in_order_also_when_the_first_is_read_slowly() -> None:
    read: list[str] = []

    class Slow:
        async def read(self, text: str) -> ModelReading | None:
            await asyncio.sleep(0.05 if text == "첫 글" else 0)
            read.append(text)
            return None

        async def state(self) -> str:
            return "up"

    tools = some_tools(await desked(MemoryStore()))
    tools.ensemble._reader = Slow()  # type: ignore[assignment]
    items = await kept(tools, "첫 글", "둘째 글", "셋째 글")
    [other] = await kept(tools, "다른 사람의 글")
    decider = Decider(tools)
    await asyncio.gather(*(decider.decide(item) for item in (*items, other)))
    assert read == ["다른 사람의 글", "첫 글", "둘째 글", "셋째 글"]
    async with tools.store.read() as tx:
        records = await tx.entries.assessments(items[0].conversation)
    assert [record.seq for record in records] == [1, 2, 3]
    assert (await found(tools, items[0].conversation)).talk.turn == 3


async def test_a_later_message_waits_for_the_earlier_one_of_another_process(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "TURN_WAIT", 0.001)
    first, second = await kept(tools, "첫 글", "둘째 글")
    with pytest.raises(NotYet):
        await Decider(tools).decide(second)
    here, there = Decider(tools), Decider(tools)
    later = asyncio.create_task(here.decide(second))
    await asyncio.sleep(0.01)
    assert not later.done()
    assert await there.decide(first) is not None
    assert await later is not None


async def test_handing_over_reads_nothing_and_calls_a_person(tools: Tools) -> None:
    [item] = await kept(tools, QUESTION)
    decided = await Decider(tools).hand_over(item.conversation, item.seq, "ko")
    assert decided is not None
    assert decided.conversation.phase is Phase.WAITING
    assert decided.conversation.risk >= Risk.MEDIUM
    assert decided.answer is not None


async def test_risk_only_rises_and_a_rise_is_recorded(tools: Tools) -> None:
    token = new_token()
    decider = Decider(tools)
    risks = []
    for text in (QUESTION, THREAT, "지금 집 앞에 와서 문 두드려요", QUESTION):
        [item] = await kept(tools, text, token=token)
        decided = await decider.decide(item)
        assert decided is not None
        risks.append(decided.conversation.risk)
    assert risks == sorted(risks)
    assert (risks[1], risks[-1]) == (Risk.HIGH, Risk.IMMINENT)
    async with tools.store.read() as tx:
        deeds = [(deed.action, deed.detail["to"]) for deed, _ in await tx.audit.read()]
    assert deeds == [("queued", "high"), ("raised", "imminent")]


async def test_the_bot_is_silent_while_a_person_holds_the_conversation(tools: Tools) -> None:
    token = new_token()
    [item] = await kept(tools, THREAT, token=token)
    await Decider(tools).decide(item)
    await changed(tools, item.conversation, phase=Phase.CLAIMED, holder="s1")
    [item] = await kept(tools, "무서워요", token=token)
    decided = await Decider(tools).decide(item)
    assert decided is not None
    assert decided.answer is None
    assert (decided.conversation.phase, decided.conversation.holder) == (Phase.CLAIMED, "s1")
    async with tools.store.read() as tx:
        assert (await tx.entries.of(item.conversation))[-1].author is Author.VISITOR
        assert len(await tx.entries.assessments(item.conversation)) == 2


@pytest.mark.parametrize(("text", "phase"), [(THREAT, Phase.WAITING), (QUESTION, Phase.WITH_BOT)])
async def test_writing_opens_a_closed_conversation_anew(tools: Tools, text: str, phase: Phase) -> None:
    token = new_token()
    [item] = await kept(tools, QUESTION, token=token)
    await Decider(tools).decide(item)
    await changed(tools, item.conversation, phase=Phase.CLOSED, closed_at=START, waiting_since=START)
    [item] = await kept(tools, text, token=token)
    decided = await Decider(tools).decide(item)
    assert decided is not None
    assert decided.answer is not None
    after = decided.conversation
    assert (after.phase, after.closed_at) == (phase, None)
    assert (after.waiting_since is None) == (phase is Phase.WITH_BOT)


async def test_the_bell_rings_for_what_was_decided_and_only_then(tools: Tools) -> None:
    [item] = await kept(tools, THREAT)
    async with tools.bell.listen() as rings:
        await Decider(tools).decide(item)
        await Decider(tools).decide(item)
        assert await asyncio.wait_for(rings.next(), 1) == item.conversation
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rings.next(), 0.02)


async def test_a_message_that_cannot_be_decided_does_not_keep_others_from_it(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    [poison], [sound] = await kept(tools, "독이 든 글"), await kept(tools, THREAT)
    choose = decide.choose

    def failing(assessment: Any, scene: Any) -> Any:
        if assessment.topic is not Topic.SPREAD_THREAT:
            raise KeyError("no such text")
        return choose(assessment, scene)

    monkeypatch.setattr(decide, "choose", failing)
    decider = Decider(tools)
    results = await asyncio.gather(decider.decide(poison), decider.decide(sound), return_exceptions=True)
    assert isinstance(results[0], KeyError)
    assert isinstance(results[1], Decided)
    async with tools.store.read() as tx:
        assert len(await tx.inbox.of([poison.conversation])) == 1
        assert len(await tx.entries.of(poison.conversation)) == 1


async def test_a_person_at_the_console_is_spoken_of(tools: Tools) -> None:
    """Whether somebody is on duty changes what the bot may promise."""
    said = []
    for present in (False, True):
        if present:
            async with tools.store.begin() as tx:
                await tx.sessions.add(StaffSession(b"h", "f", "s1", START, START))
        [item] = await kept(tools, THREAT)
        decided = await Decider(tools).decide(item)
        assert decided is not None
        assert decided.answer is not None
        said.append(decided.answer.texts)
    assert said[0] != said[1]
