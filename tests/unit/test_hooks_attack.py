"""What meets on its way: letters, codes, blocked doors, floods and broken seals, all at the wrong moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from bot import intake
from bot.deliver import Delivery
from bot.discretion import NOTICE, READING_FOR
from bot.intake import held_addresses, receive
from bot.tools import Tools
from channels.errors import Blocked
from channels.port import Busy, Parcel, Way
from handoff.conversation import Address, DeliveryState, OutboxItem
from handoff.errors import Conflict, StoreBusy
from handoff.letter import Letter, posted
from handoff.store.memory import MemoryStore
from handoff.store.memory_threads import MemoryConversations
from tests.builders import Clock
from tests.journey.indoors import desked, some_tools
from tests.unit.test_hooks import (
    ADDRESS,
    DANGER,
    a_pace,
    all_settled,
    conversations,
    delivered,
    hooks,
    message,
    settled,
    waiting,
)
from tests.unit.test_intake import arrival
from vault.recovery import code_index, new_code


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


class Courier:
    """A channel on which something happens while an answer is on its way."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]], trouble: Exception | None = None) -> None:
        self._meanwhile = meanwhile
        self._trouble = trouble
        self.sent: list[tuple[list[str], tuple[str, ...]]] = []

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        await self._meanwhile()
        if self._trouble:
            raise self._trouble
        self.sent.append(([way.address for way in ways], parcel.texts))
        return ("id-1",)

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        raise NotImplementedError


async def nothing() -> None:
    """Nothing happens meanwhile."""


async def the_address(tools: Tools, address: str = ADDRESS, channel: str = "telegram") -> Address:
    index = tools.index.of(f"address/{channel}", address)
    async with tools.store.read() as tx:
        return (await tx.addresses.find([index]))[index]


async def a_code_for(tools: Tools, conversation: str) -> str:
    code = new_code("ko")
    async with tools.store.begin() as tx:
        await tx.recovery.put(code_index(tools.index, code), conversation, tools.now())
    return code.reveal()


def pass_by(tools: Tools, milliseconds: int) -> None:
    assert isinstance(tools.now, Clock)
    tools.now.pass_by(milliseconds)


class TestALetterOnItsWay:
    async def test_a_code_given_meanwhile_still_leads_where_it_led(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("안녕하세요", "w1", address="tg:1", lang="ko"))
        other = await settled(tools)
        await delivered(tools)
        code = await a_code_for(tools, other.id)
        await house.keep(message("저기요", lang="ko", ticket="t1", ticket_for=60.0))
        await all_settled(tools)

        async def meanwhile() -> None:
            await house.keep(message(code, "c1"))

        assert await Delivery(tools, {"telegram": Courier(meanwhile)}).send_due() == 1
        assert (await the_address(tools)).conversation == other.id

    async def test_the_ticket_of_a_newer_message_is_not_spent_with_the_older(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("저기요", lang="ko", ticket="t1", ticket_for=60.0))
        await settled(tools)

        async def meanwhile() -> None:
            await house.keep(message("또 저예요", "e2", lang="ko", ticket="t2", ticket_for=60.0))

        assert await Delivery(tools, {"telegram": Courier(meanwhile)}).send_due() == 1
        assert (await the_address(tools)).sealed_ticket is not None
        assert await Delivery(tools, {"telegram": Courier(nothing)}).send_due() >= 0
        await all_settled(tools)

    async def test_a_ticket_that_was_used_is_spent(self, tools: Tools) -> None:
        await hooks(tools).keep(message("저기요", lang="ko", ticket="t1", ticket_for=60.0))
        await settled(tools)
        assert await Delivery(tools, {"telegram": Courier(nothing)}).send_due() == 1
        assert (await the_address(tools)).sealed_ticket is None

    async def test_who_wrote_while_we_learned_of_a_block_is_not_shut_out(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("저기요", lang="ko"))
        found = await settled(tools)

        async def meanwhile() -> None:
            pass_by(tools, 1)
            await house.keep(message("다시 왔어요", "e2", lang="ko"))

        await Delivery(tools, {"telegram": Courier(meanwhile, Blocked())}).send_due()
        assert (await the_address(tools)).shut is None
        await all_settled(tools)
        assert {item.state for item in await waiting(tools, found.id)} == {DeliveryState.PENDING}

    async def test_who_is_silent_and_blocked_us_is_shut_out(self, tools: Tools) -> None:
        await hooks(tools).keep(message("저기요", lang="ko"))
        await settled(tools)
        await Delivery(tools, {"telegram": Courier(nothing, Blocked())}).send_due()
        assert (await the_address(tools)).shut == "Blocked"

    async def test_of_two_screens_the_one_that_others_see_counts(self, tools: Tools) -> None:
        """The newer phone blocked us, the older one lies where others read it."""
        house = hooks(tools)
        await house.keep(message("안녕하세요", "e1", lang="ko"))
        found = await settled(tools)
        await house.keep(message("다른 사람이 볼 수 있어요", "e2", lang="ko"))
        await settled(tools)
        pass_by(tools, 1)
        await house.keep(message(await a_code_for(tools, found.id), "e3", address="tg:99"))
        await house.keep(message("나만 봐요", "e4", address="tg:99", lang="ko"))
        await settled(tools)
        await delivered(tools)
        newer, older = await the_address(tools, "tg:99"), await the_address(tools, ADDRESS)
        async with tools.store.begin() as tx:
            await tx.addresses.change(
                [replace(newer, device="alone", shut="Blocked"), replace(older, shut=None)]
            )
            letter = Letter("l1", found.id, 90, "telegram", ("들키면 안 되는 말",))
            await tx.outbox.put([posted(tools.ring, letter, tools.now())])
        pass_by(tools, READING_FOR)
        phone = Courier(nothing)
        await Delivery(tools, {"telegram": phone}).send_due()
        assert all("들키면 안 되는 말" not in texts for _, texts in phone.sent)
        assert [item.error for item in await waiting(tools, found.id)] == [NOTICE]

    async def test_a_provider_that_hangs_keeps_nobody_waiting_elsewhere(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("안녕하세요", "k1", channel="kakao", address="k:1", lang="ko"))
        await house.keep(message(DANGER, "e1", lang="ko"))
        await all_settled(tools)
        arrived = asyncio.Event()

        async def hangs() -> None:
            await asyncio.Event().wait()

        async def comes() -> None:
            arrived.set()

        running = asyncio.create_task(
            Delivery(tools, {"kakao": Courier(hangs), "telegram": Courier(comes)}).run()
        )
        await asyncio.wait_for(arrived.wait(), 2)
        arrived.clear()
        await house.keep(message("듣고 있어요?", "e2", lang="ko"))
        await asyncio.wait_for(arrived.wait(), 5)
        running.cancel()


class TestTwoProcesses:
    async def test_an_address_led_elsewhere_meanwhile_is_read_again(
        self, tools: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other process commits between our look and our lock."""
        house = hooks(tools)
        for n in (1, 2):
            await house.keep(message("안녕", f"e{n}", address=f"tg:{n}", lang="ko"))
        one, two = sorted(await all_settled(tools), key=lambda value: value.id)
        here = [await the_address(tools, f"tg:{n}") for n in (1, 2)]
        mine = next(address for address in here if address.conversation == one.id)
        lock = MemoryConversations.lock

        async def moved(self: MemoryConversations, ids: Sequence[str]) -> object:
            self._state.addresses[mine.index] = replace(mine, conversation=two.id)
            return await lock(self, ids)

        monkeypatch.setattr(MemoryConversations, "lock", moved)
        with pytest.raises(StoreBusy):
            async with tools.store.begin() as tx:
                await held_addresses(tx, [mine.index])
        which = "tg:1" if mine is here[0] else "tg:2"
        with pytest.raises(StoreBusy):
            await receive(tools, [arrival(tools, message("또 저예요", "e9", address=which))])

    async def test_two_first_messages_of_one_address_are_both_kept(
        self, tools: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write, failed = intake._Intake.write, []

        async def late(self: intake._Intake, tx: object) -> None:
            if not failed:
                failed.append(True)
                raise Conflict("the address is there already")
            await write(self, tx)  # type: ignore[arg-type]

        monkeypatch.setattr(intake._Intake, "write", late)
        await hooks(tools).keep(message("안녕", lang="ko"))
        assert len(await conversations(tools)) == 1

    async def test_a_conflict_over_an_address_is_told_as_busy(
        self, tools: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await hooks(tools).keep(message("안녕", lang="ko"))
        found = await settled(tools)
        code = await a_code_for(tools, found.id)

        def conflict() -> None:
            raise Conflict("the address is there already")

        monkeypatch.setattr(tools.store, "begin", conflict)
        with pytest.raises(Busy):
            await hooks(tools).keep(message(code, "e2", address="tg:5"))


async def test_an_answer_whose_seal_is_broken_does_not_silence_the_others(tools: Tools) -> None:
    house = hooks(tools)
    await house.keep(message("안녕하세요", lang="ko"))
    found = await settled(tools)
    broken = OutboxItem("broken", found.id, 0, "telegram", b"\x01 no seal of ours", tools.now())
    async with tools.store.begin() as tx:
        await tx.outbox.put([broken])
    async with house.answer(message("저기요", "e2", lang="ko"), 3) as answer:
        assert answer is not None
        assert answer.texts
    await house.drain(1)
    assert [item.id for item in await waiting(tools, found.id)] == ["broken"]


async def test_one_flood_does_not_take_the_places_of_all(tools: Tools) -> None:
    house = hooks(tools, messages=a_pace(1), everything=a_pace(2), notices=a_pace(1))
    for n in range(20):
        await house.keep(message("ㅋㅋㅋ", f"e{n}", lang="ko"))
    await house.keep(message("도와줄 수 있어요?", "x1", address="tg:quiet", lang="ko"))
    assert len(await conversations(tools)) == 2
