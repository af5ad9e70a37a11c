from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot import watch
from bot.decide import Decided, Decider, Undecided
from bot.tools import Tools
from bot.watch import AFTER, TRIES, Watch
from handoff.conversation import Claim, ClaimKey, Phase
from handoff.errors import StoreBusy
from handoff.store.memory import MemoryStore
from tests.builders import Clock
from tests.journey.indoors import desked, some_tools
from tests.unit.test_decide import THREAT, found, kept
from tests.unit.test_listen import Stuck


class Allergic(Decider):
    """Fails for one conversation, as often as it is asked to read it."""

    poison = ""
    tried = 0

    async def decide(self, item: Undecided) -> Decided | None:
        if item.conversation == self.poison:
            self.tried += 1
            raise RuntimeError(item.text.reveal())
        return await super().decide(item)


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


def clock(tools: Tools) -> Clock:
    assert isinstance(tools.now, Clock)
    return tools.now


async def undecided(tools: Tools, *ids: str) -> int:
    async with tools.store.read() as tx:
        return len(await tx.inbox.of(ids))


async def test_what_was_left_undecided_is_decided(tools: Tools) -> None:
    first, second = await kept(tools, THREAT, "무서워요")
    assert await Watch(tools, Decider(tools)).look(0) == 0, "what came in this very moment is under way"
    clock(tools).pass_by(1)
    assert await Watch(tools, Decider(tools)).look(0) == 2
    assert await undecided(tools, first.conversation) == 0
    assert (await found(tools, first.conversation)).phase is Phase.WAITING
    async with tools.store.read() as tx:
        assert [record.seq for record in await tx.entries.assessments(first.conversation)] == [1, second.seq]


async def test_what_is_under_way_is_left_alone(tools: Tools) -> None:
    [item] = await kept(tools, THREAT)
    look = Watch(tools, Decider(tools)).look
    clock(tools).pass_by(AFTER)
    assert await look(AFTER) == 0
    clock(tools).pass_by(1)
    assert await look(AFTER) == 1
    assert await undecided(tools, item.conversation) == 0


async def test_poison_goes_to_a_person_after_three_tries_and_holds_nobody_up(
    tools: Tools, capfd: pytest.CaptureFixture[str]
) -> None:
    [poison] = await kept(tools, "독이 든 글")
    others = [(await kept(tools, THREAT))[0] for _ in range(3)]
    decider = Allergic(tools)
    decider.poison = poison.conversation
    look = Watch(tools, decider).look
    clock(tools).pass_by(1)
    assert await look(0) == 4
    assert await undecided(tools, *(item.conversation for item in others)) == 0
    for _ in range(TRIES - 1):
        assert await look(0) == 1
    assert (await found(tools, poison.conversation)).phase is Phase.WITH_BOT
    assert await look(0) == 1
    assert decider.tried == TRIES
    assert (await found(tools, poison.conversation)).phase is Phase.WAITING
    assert await undecided(tools, poison.conversation) == 0
    told = "".join(capfd.readouterr())
    assert "watch.handed_over" in told
    assert "독이 든" not in told


async def test_a_text_that_no_key_opens_goes_to_a_person_at_once(tools: Tools) -> None:
    [item] = await kept(tools, THREAT)
    async with tools.store.begin() as tx:
        [row] = await tx.inbox.of([item.conversation])
        await tx.inbox.drop([row])
        await tx.inbox.put([replace(row, sealed_text=row.sealed_text[:-1] + b"?")])
    clock(tools).pass_by(1)
    await Watch(tools, Decider(tools)).look(0)
    assert (await found(tools, item.conversation)).phase is Phase.WAITING
    assert await undecided(tools, item.conversation) == 0


async def test_old_claims_are_swept_and_young_ones_kept(tools: Tools) -> None:
    keys = [ClaimKey("web", bytes([number])) for number in range(2)]
    async with tools.store.begin() as tx:
        await tx.claims.take([Claim(keys[0], "c", 1, clock(tools)() - watch.CLAIMS_KEPT - 1)])
        await tx.claims.take([Claim(keys[1], "c", 2, clock(tools)() - watch.CLAIMS_KEPT)])
    await Watch(tools, Decider(tools)).look(0)
    async with tools.store.read() as tx:
        assert set(await tx.claims.find(keys)) == {keys[1]}


async def test_watching_goes_on_whatever_a_look_meets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.005)
    monkeypatch.setattr(watch, "AFTER", 0)
    store = Stuck()
    tools = some_tools(await desked(store))
    [item] = await kept(tools, THREAT)
    clock(tools).pass_by(1)
    met: list[Any] = [StoreBusy("busy"), RuntimeError("anything")]
    read = store.read

    def failing() -> Any:
        if met:
            raise met.pop()
        return read()

    monkeypatch.setattr(store, "read", failing)
    running = asyncio.create_task(Watch(tools, Decider(tools)).run())
    async with asyncio.timeout(5):
        while met or await undecided(tools, item.conversation):
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await undecided(tools, item.conversation) == 0
