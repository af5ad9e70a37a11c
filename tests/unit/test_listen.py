from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot import batch
from bot.decide import Decided, Decider, Undecided
from bot.listen import Listener
from bot.tools import Tools
from channels.port import Busy, InboundMessage
from handoff.conversation import Phase
from handoff.errors import StoreBusy
from handoff.store.memory import MemoryStore
from tests.journey.indoors import desked, new_token, some_tools, web_message

THREAT = "헤어진 남친이 사진 퍼뜨린다고 협박해요"


class Stuck(MemoryStore):
    """Says «busy» while told to."""

    busy = False

    def begin(self) -> Any:
        if self.busy:
            raise StoreBusy("the database did not answer")
        return super().begin()


class Slow(Decider):
    """Decides when it is let."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self.let = asyncio.Event()

    async def decide(self, item: Undecided) -> Decided | None:
        await self.let.wait()
        return await super().decide(item)


class Failing(Decider):
    async def decide(self, item: Undecided) -> Decided | None:
        raise RuntimeError(item.text.reveal())


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(Stuck()))


async def test_accepting_returns_once_it_is_kept_and_decides_after(tools: Tools) -> None:
    decider = Slow(tools)
    accepted = await Listener(tools, decider).accept(web_message(THREAT, new_token()))
    assert accepted.received.fresh
    assert accepted.decision is not None
    async with tools.store.read() as tx:
        assert len(await tx.inbox.of([accepted.received.conversation])) == 1
    decider.let.set()
    decided = await accepted.decision
    assert decided is not None
    assert decided.conversation.phase is Phase.WAITING


async def test_the_same_event_again_is_accepted_and_decides_nothing(tools: Tools) -> None:
    listener = Listener(tools, Decider(tools))
    message = web_message(THREAT, new_token())
    first = await listener.accept(message)
    assert first.decision is not None
    await first.decision
    again = [await listener.accept(message) for _ in range(3)]
    assert [accepted.decision for accepted in again] == [None] * 3
    assert {accepted.received.seq for accepted in again} == {1}
    async with tools.store.read() as tx:
        assert len(await tx.entries.of(first.received.conversation)) == 2


async def test_busy_keeps_nothing_and_the_next_try_is_taken_in(tools: Tools) -> None:
    listener = Listener(tools, Decider(tools))
    message = web_message(THREAT, new_token())
    assert isinstance(tools.store, Stuck)
    tools.store.busy = True
    with pytest.raises(Busy) as caught:
        await listener.accept(message)
    assert caught.value.seconds > 0
    assert caught.value.__suppress_context__
    tools.store.busy = False
    assert (await listener.accept(message)).received.fresh
    await listener.drain(2)


async def test_full_is_busy_too(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_self: object, _item: object) -> None:
        raise batch.Full

    monkeypatch.setattr(batch.Batcher, "submit", full)
    with pytest.raises(Busy):
        await Listener(tools, Decider(tools)).accept(web_message(THREAT, new_token()))


async def test_a_decision_that_fails_is_left_for_watch_and_tells_no_word(
    tools: Tools, capfd: pytest.CaptureFixture[str]
) -> None:
    accepted = await Listener(tools, Failing(tools)).accept(web_message(THREAT, new_token()))
    assert accepted.decision is not None
    assert await accepted.decision is None
    async with tools.store.read() as tx:
        assert len(await tx.inbox.of([accepted.received.conversation])) == 1
    told = "".join(capfd.readouterr())
    assert "listen.undecided" in told
    assert "협박" not in told


async def test_draining_waits_for_decisions_but_not_for_ever(tools: Tools) -> None:
    decider = Slow(tools)
    listener = Listener(tools, decider)
    accepted = await listener.accept(web_message(THREAT, new_token()))
    await listener.drain(0.02)
    assert accepted.decision is not None
    assert not accepted.decision.done()
    asyncio.get_running_loop().call_later(0.02, decider.let.set)
    await listener.drain(2)
    assert accepted.decision.done()
    await listener.drain(0)


@pytest.mark.parametrize(
    ("given", "text", "lang"),
    [
        (None, "무서워요", "ko"),
        (None, "i am scared", "en"),
        ("ko", "i am scared", "ko"),
        ("en", "무서워요", "en"),
    ],
)
async def test_the_language_is_the_channels_or_else_the_texts(
    tools: Tools, given: Any, text: str, lang: str
) -> None:
    listener = Listener(tools, Decider(tools))
    accepted = await listener.accept(InboundMessage("sms", "e", "a", text, given))
    async with tools.store.read() as tx:
        found = await tx.conversations.find(accepted.received.conversation)
    assert found is not None
    assert found.lang == lang
    await listener.drain(2)


async def test_messages_that_come_together_share_commits(tools: Tools) -> None:
    listener = Listener(tools, Decider(tools))
    begun = 0
    begin = tools.store.begin

    def counted() -> Any:
        nonlocal begun
        begun += 1
        return begin()

    object.__setattr__(tools.store, "begin", counted)
    messages = [web_message(THREAT, new_token()) for _ in range(40)]
    accepted = await asyncio.gather(*(listener.accept(message) for message in messages))
    assert len({each.received.conversation for each in accepted}) == 40
    assert begun < 10
    await listener.drain(5)
    assert begun < 40
