"""What an erased conversation leaves behind goes too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.erase import TOLD_WITHIN, TRIED_FOR, Erasure
from bot.intake import receive, sent_record
from bot.tools import Tools
from channels.errors import Blocked, Unreachable
from channels.port import InboundMessage, Parcel, Way
from handoff.conversation import Phase
from handoff.letter import Letter, posted
from handoff.store.memory import MemoryStore
from tests.builders import Clock
from tests.journey.indoors import desked, some_tools
from tests.unit.test_intake import arrival

ADDRESS = "tg:5"


class Phone:
    """A channel that can delete; raises what stands next in ``trouble``."""

    def __init__(self, *trouble: Exception) -> None:
        self.trouble = list(trouble)
        self.deleted: list[tuple[str, list[str]]] = []

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        raise NotImplementedError

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.deleted.append((address, sorted(sent_ids)))


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


async def erased(tools: Tools, *, told: bool = True) -> str:
    """A conversation on Telegram whose key is gone."""
    message = InboundMessage("telegram", "e1", ADDRESS, "안녕", "ko", own_id="5:100")
    [received] = await receive(tools, [arrival(tools, message)])
    id = received.conversation
    async with tools.store.begin() as tx:
        await tx.conversations.erase(id)
        kept = (await tx.conversations.lock([id]))[id]
        gone = replace(kept, sealed_key=None, phase=Phase.CLOSED, closed_at=tools.now())
        await tx.conversations.save([gone])
        await tx.sent.put([sent_record(tools, "telegram", id, 2, "5:101")])
        if not told:
            farewell = Letter("f", id, 3, "telegram", ("지웠어요",))
            await tx.outbox.put([posted(tools.ring, farewell, tools.now())])
    return id


async def left(tools: Tools, id: str) -> tuple[int, int, int]:
    async with tools.store.read() as tx:
        return len(await tx.addresses.of(id)), len(await tx.sent.of(id)), len(await tx.outbox.of(id))


def pass_by(tools: Tools, milliseconds: int) -> None:
    assert isinstance(tools.now, Clock)
    tools.now.pass_by(milliseconds)


async def test_both_sides_are_deleted_and_nothing_leads_back(tools: Tools) -> None:
    id, phone = await erased(tools), Phone()
    assert await Erasure(tools, {"telegram": phone}).finish() == 1
    assert phone.deleted == [(ADDRESS, ["5:100", "5:101"])]
    assert await left(tools, id) == (0, 0, 0)
    assert await Erasure(tools, {"telegram": phone}).finish() == 0


async def test_the_visitor_is_told_first_but_not_waited_for_without_end(tools: Tools) -> None:
    id, phone = await erased(tools, told=False), Phone()
    erasure = Erasure(tools, {"telegram": phone})
    assert await erasure.finish() == 0
    assert phone.deleted == []
    pass_by(tools, TOLD_WITHIN)
    assert await erasure.finish() == 1
    assert await left(tools, id) == (0, 0, 0)


async def test_a_provider_that_is_away_is_asked_again_for_two_days(tools: Tools) -> None:
    id, phone = await erased(tools), Phone(Unreachable(), Unreachable(), Unreachable())
    erasure = Erasure(tools, {"telegram": phone})
    assert [await erasure.finish() for _ in range(2)] == [0, 0]
    assert (await left(tools, id))[:2] == (1, 2)
    pass_by(tools, TRIED_FOR)
    assert await erasure.finish() == 1


async def test_what_the_provider_will_never_delete_does_not_hold_it_up(tools: Tools) -> None:
    id = await erased(tools)
    assert await Erasure(tools, {"telegram": Phone(Blocked())}).finish() == 1
    assert await left(tools, id) == (0, 0, 0)


async def test_without_a_channel_here_the_addresses_go_all_the_same(tools: Tools) -> None:
    id = await erased(tools)
    assert await Erasure(tools, {}).finish() == 1
    assert await left(tools, id) == (0, 0, 0)
