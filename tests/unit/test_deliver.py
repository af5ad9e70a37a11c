from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot import deliver
from bot.decide import Decider
from bot.deliver import ATTEMPTS, FIRST_PAUSE, LEASE, LONGEST_PAUSE, Delivery
from bot.discretion import NOTICE, READING_FOR
from bot.intake import receive
from bot.marks import Mark
from bot.tools import Tools
from channels.errors import Blocked, Refused, Throttled, Unreachable, WindowClosed
from channels.port import InboundMessage, Parcel, Way
from handoff.conversation import DeliveryState, InboxItem, OutboxItem, Talk
from handoff.letter import Letter, posted
from handoff.store.memory import MemoryStore
from tests.builders import Clock
from tests.journey.indoors import desked, some_tools
from tests.unit.test_decide import THREAT, _undecided
from tests.unit.test_intake import arrival

ADDRESS = "+82 10 0000 0000"


@dataclass
class Phone:
    """A channel that raises what stands next in ``trouble``, and else notes what it was given."""

    trouble: list[BaseException] = field(default_factory=list)
    sent: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)
    tickets: list[str | None] = field(default_factory=list)
    tries: int = 0

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        self.tries += 1
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble.pop(0)
        self.sent.append((ways[0].address, parcel.texts, len(parcel.quick)))
        self.tickets.append(ways[0].ticket)
        return (f"id-{self.tries}",)

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        raise NotImplementedError


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


def clock(tools: Tools) -> Clock:
    assert isinstance(tools.now, Clock)
    return tools.now


async def begun(tools: Tools, event: str = "e1", address: str = ADDRESS) -> str:
    """A conversation over Telegram whose outbox is empty."""
    [received] = await receive(
        tools, [arrival(tools, InboundMessage("telegram", event, address, THREAT, "ko"))]
    )
    return received.conversation


async def put(tools: Tools, conversation: str, *seqs: int) -> None:
    letters = [Letter(f"{conversation}-{s}", conversation, s, "telegram", (f"답 {s}",)) for s in seqs]
    async with tools.store.begin() as tx:
        await tx.outbox.put([posted(tools.ring, letter, tools.now()) for letter in letters])


async def rows(tools: Tools, conversation: str) -> list[OutboxItem]:
    async with tools.store.read() as tx:
        return list(await tx.outbox.of(conversation))


async def test_an_answer_of_the_bot_is_pushed_to_the_opened_address_and_settled(tools: Tools) -> None:
    conversation = await begun(tools)
    async with tools.store.read() as tx:
        [item] = await tx.inbox.of([conversation])
    decided = await Decider(tools).decide(_undecided(item, THREAT))  # type: ignore[arg-type]
    assert decided is not None
    assert decided.answer is not None
    phone = Phone()
    assert await Delivery(tools, {"telegram": phone}).send_due() == 1
    [(address, texts, quick)] = phone.sent
    assert (address, texts, quick) == (ADDRESS, decided.answer.texts, len(decided.answer.quick))
    assert await rows(tools, conversation) == []


async def test_of_each_conversation_only_the_first_goes_and_the_next_after_it(tools: Tools) -> None:
    one, other = await begun(tools), await begun(tools, "e2", "+82 2")
    await put(tools, one, 4, 2, 3)
    await put(tools, other, 2)
    phone = Phone()
    delivery = Delivery(tools, {"telegram": phone})
    assert [await delivery.send_due() for _ in range(4)] == [2, 1, 1, 0]
    assert [texts[0] for address, texts, _ in phone.sent if address == ADDRESS] == ["답 2", "답 3", "답 4"]


async def test_only_channels_that_are_here_are_served(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2)
    assert await Delivery(tools, {"kakao": Phone()}).send_due() == 0
    assert await Delivery(tools, {}).send_due() == 0
    assert len(await rows(tools, conversation)) == 1


async def test_two_deliveries_at_once_send_once(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2)
    phone = Phone()
    both = [Delivery(tools, {"telegram": phone}) for _ in range(2)]
    assert sorted(await asyncio.gather(*(delivery.send_due() for delivery in both))) == [0, 1]
    assert phone.tries == 1


async def test_a_lease_that_ran_out_is_sent_again(tools: Tools) -> None:
    """The process died between leasing and sending."""
    conversation = await begun(tools)
    await put(tools, conversation, 2)
    async with tools.store.begin() as tx:
        await tx.outbox.lease(["telegram"], tools.now(), tools.now() + LEASE, 10)
    phone = Phone()
    delivery = Delivery(tools, {"telegram": phone})
    assert await delivery.send_due() == 0
    clock(tools).pass_by(LEASE)
    assert await delivery.send_due() == 1
    assert len(phone.sent) == 1


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
async def test_pauses_double_up_to_the_longest_and_jitter_adds_at_most_half(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, jitter: float
) -> None:
    monkeypatch.setattr(deliver.random, "randrange", lambda stop: round((stop - 1) * jitter))
    conversation = await begun(tools)
    await put(tools, conversation, 2)
    phone = Phone([Unreachable() for _ in range(ATTEMPTS)])
    delivery = Delivery(tools, {"telegram": phone})
    for attempt in range(ATTEMPTS - 1):
        assert await delivery.send_due() == 1
        [row] = await rows(tools, conversation)
        assert (row.attempts, row.state, row.error) == (attempt + 1, DeliveryState.PENDING, "Unreachable")
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
        assert row.due_at - tools.now() == pause + round(pause // 2 * jitter)
        clock(tools).pass_by(row.due_at - tools.now() - 1)
        assert await delivery.send_due() == 0
        clock(tools).pass_by(1)
    assert await delivery.send_due() == 1
    [row] = await rows(tools, conversation)
    assert (row.attempts, row.state) == (ATTEMPTS, DeliveryState.FAILED)
    assert phone.tries == ATTEMPTS


async def test_a_throttled_channel_is_left_alone_as_long_as_it_asked(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2)
    delivery = Delivery(tools, {"telegram": Phone([Throttled(90)])})
    await delivery.send_due()
    [row] = await rows(tools, conversation)
    assert 90_000 <= row.due_at - tools.now() <= 135_000


async def test_what_will_never_arrive_is_a_dead_letter_at_once_and_the_next_goes(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2, 3)
    phone = Phone([Refused("no")])
    delivery = Delivery(tools, {"telegram": phone})
    async with tools.bell.listen() as rings:
        await delivery.send_due()
        assert await asyncio.wait_for(rings.next(), 1) == conversation
    assert await delivery.send_due() == 1
    [row] = await rows(tools, conversation)
    assert (row.seq, row.state, row.error) == (2, DeliveryState.FAILED, "Refused")
    assert [texts for _, texts, _ in phone.sent] == [("답 3",)]
    async with tools.store.read() as tx:
        assert await tx.shown.failed([conversation]) == {conversation: 1}


async def wrote(tools: Tools, event: str, text: str = "네", **more: Any) -> None:
    """The visitor writes again."""
    channel = more.pop("channel", "telegram")
    message = InboundMessage(channel, event, ADDRESS, text, "ko", **more)
    [received] = await receive(tools, [replace(arrival(tools, message), at=tools.now())])
    async with tools.store.begin() as tx:  # decided by nobody here
        await tx.inbox.drop([InboxItem(received.conversation, received.seq, b"", 0)])


@pytest.mark.parametrize("error", [WindowClosed("late"), Blocked("blocked")], ids=repr)
async def test_what_cannot_reach_the_visitor_now_waits_until_they_write(
    tools: Tools, error: Exception
) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2, 3)
    phone = Phone([error] if isinstance(error, Blocked) else [error, error])
    delivery = Delivery(tools, {"telegram": phone})
    while await delivery.send_due():
        pass
    held = await rows(tools, conversation)
    assert [row.state for row in held] == [DeliveryState.HELD, DeliveryState.HELD]
    assert held[0].error == type(error).__name__
    assert phone.sent == []
    clock(tools).pass_by(1)
    await wrote(tools, "e9")
    while await delivery.send_due():
        pass
    assert [texts for _, texts, _ in phone.sent] == [("답 2",), ("답 3",)]
    assert await rows(tools, conversation) == []


async def test_a_blocked_address_is_not_tried_again_before_they_write(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2, 3)
    phone = Phone([Blocked("blocked")])
    delivery = Delivery(tools, {"telegram": phone})
    assert [await delivery.send_due() for _ in range(3)] == [1, 1, 0]
    assert phone.tries == 1
    assert [row.error for row in await rows(tools, conversation)] == ["Blocked", "Blocked"]


async def test_quiet_was_asked_for_so_nothing_is_sent(tools: Tools) -> None:
    conversation = await begun(tools)
    message = InboundMessage("telegram", "e2", ADDRESS, "나가기", "ko")
    await receive(tools, [replace(arrival(tools, message), mark=Mark.EXIT)])
    await put(tools, conversation, 5)
    phone = Phone()
    delivery = Delivery(tools, {"telegram": phone})
    await delivery.send_due()
    assert phone.tries == 0
    [row] = await rows(tools, conversation)
    assert (row.state, row.error) == (DeliveryState.HELD, "Quiet")
    clock(tools).pass_by(1)
    await wrote(tools, "e3")
    assert await delivery.send_due() == 1
    assert [texts for _, texts, _ in phone.sent] == [("답 5",)]


async def test_a_visitor_who_writes_while_an_answer_bounces_is_not_forgotten(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2)

    class Meanwhile(Phone):
        async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
            if not self.tries:
                clock(tools).pass_by(5)
                await wrote(tools, "e7")
            return await super().send(ways, parcel)

    phone = Meanwhile([WindowClosed("late")])
    delivery = Delivery(tools, {"telegram": phone})
    assert [await delivery.send_due() for _ in range(3)] == [1, 1, 0]
    assert [texts for _, texts, _ in phone.sent] == [("답 2",)]


async def test_a_ticket_is_given_once_and_only_while_it_is_good(tools: Tools) -> None:
    conversation = await begun(tools)
    await wrote(tools, "e2", ticket="callback-1", ticket_for=60.0)
    await put(tools, conversation, 5, 6)
    phone = Phone()
    delivery = Delivery(tools, {"telegram": phone})
    while await delivery.send_due():
        pass
    await wrote(tools, "e3", ticket="callback-2", ticket_for=60.0)
    await put(tools, conversation, 9)
    clock(tools).pass_by(60_000)
    await delivery.send_due()
    assert phone.tickets == ["callback-1", None, None]


async def test_what_the_provider_calls_an_answer_is_kept_sealed_and_found_again(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2)
    await Delivery(tools, {"telegram": Phone()}).send_due()
    async with tools.store.read() as tx:
        [sent] = await tx.sent.of(conversation)
        assert await tx.sent.find("telegram", tools.index.of("sent/telegram", "id-1")) == sent
    assert b"id-1" not in sent.sealed_id
    assert (sent.seq, sent.state) == (2, "sent")


async def test_a_late_answer_by_sms_waits_behind_one_notice_that_tells_nothing(tools: Tools) -> None:
    message = InboundMessage("sms", "e1", ADDRESS, THREAT, "ko")
    [received] = await receive(tools, [arrival(tools, message)])
    conversation = received.conversation
    letters = [Letter(f"l{s}", conversation, s, "sms", (f"비밀 {s}",)) for s in (2, 3)]
    clock(tools).pass_by(READING_FOR)
    async with tools.store.begin() as tx:
        await tx.outbox.put([posted(tools.ring, letter, tools.now()) for letter in letters])
    phone = Phone()
    delivery = Delivery(tools, {"sms": phone})
    while await delivery.send_due():
        pass
    assert [texts for _, texts, _ in phone.sent] == [tools.content.render("notice.first", "ko")]
    assert {row.error for row in await rows(tools, conversation)} == {NOTICE}
    await wrote(tools, "e2", "1", channel="sms")
    async with tools.store.begin() as tx:
        await tx.conversations.save(
            [
                replace(value, talk=Talk(turn=2))
                for value in (await tx.conversations.lock([conversation])).values()
            ]
        )
    while await delivery.send_due():
        pass
    assert [texts for _, texts, _ in phone.sent][1:] == [("비밀 2",), ("비밀 3",)]


async def test_a_fault_of_the_adapter_is_counted_and_holds_nobody_else_up(tools: Tools) -> None:
    one, other = await begun(tools), await begun(tools, "e2", "+82 2")
    await put(tools, one, 2)
    await put(tools, other, 2)
    phone = Phone([ZeroDivisionError()])
    assert await Delivery(tools, {"telegram": phone}).send_due() == 2
    left = [*await rows(tools, one), *await rows(tools, other)]
    assert [(row.attempts, row.error, row.leased_until) for row in left] == [(1, "ZeroDivisionError", 0)]
    assert len(phone.sent) == 1


async def test_an_answer_without_an_address_or_that_no_key_opens_is_a_dead_letter(tools: Tools) -> None:
    conversation = await begun(tools)
    await put(tools, conversation, 2)
    async with tools.store.begin() as tx:
        for address in await tx.addresses.of(conversation):
            await tx.addresses.remove(address.index)
        await tx.outbox.put([OutboxItem("x", "another", 2, "telegram", b"no letter", 0)])
    phone = Phone()
    assert await Delivery(tools, {"telegram": phone}).send_due() == 2
    assert phone.tries == 0
    [row] = await rows(tools, conversation)
    assert (row.state, row.error) == (DeliveryState.FAILED, "Undeliverable")


async def test_a_channel_that_hangs_is_given_up(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "SEND_WITHIN", 0.01)

    class Hanging(Phone):
        async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
            await asyncio.Event().wait()
            return ()

    conversation = await begun(tools)
    await put(tools, conversation, 2)
    await Delivery(tools, {"telegram": Hanging()}).send_due()
    [row] = await rows(tools, conversation)
    assert (row.attempts, row.error) == (1, "TimeoutError")


async def test_running_sends_when_the_bell_rings(tools: Tools) -> None:
    conversation = await begun(tools)
    phone = Phone()
    task = asyncio.create_task(Delivery(tools, {"telegram": phone}).run())
    await asyncio.sleep(0.01)
    await put(tools, conversation, 2, 3)
    await tools.bell.ring(conversation)
    async with asyncio.timeout(1):  # less than the two seconds after which it looks anyway
        while len(phone.sent) < 2:
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
