"""What a call does to conversations: kept once, in any order, sealed, and never lost from the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call_work import LONGEST_TALK
from bot.calls import HotlineCalls
from bot.tools import Tools
from channels.port import Busy
from channels.voice.port import GROUP, Did, Happening, Leg, Round, Wish
from handoff.conversation import Author, Conversation, Entry, Phase
from handoff.desk import Desk
from handoff.desk import Tools as DeskTools
from handoff.oncall import Listed, Phone
from handoff.risk import Risk, Topic
from handoff.store.memory import MemoryStore
from handoff.store.ports import Store
from tests.builders import START, Clock, person, request
from tests.journey.indoors import desked, some_tools
from vault.desk import DeskKey, new_desk_key, open_conversation_key
from vault.entries import open_entry
from vault.places import EntryPlace
from vault.secret import SecretText

CALL, OTHER = "CA" + "1" * 32, "CA" + "2" * 32
NUMBER = "+821055556666"
ONE, TWO = Round(CALL, 1), Round(CALL, 2)
A, B = person("a"), person("b")


@dataclass
class Hall:
    """The calls of a house with two counselors, and a key that opens what was written."""

    tools: Tools
    desk: DeskKey
    on_call: Listed
    clock: Clock
    calls: HotlineCalls = field(init=False)

    def __post_init__(self) -> None:
        self.calls = HotlineCalls(self.tools, self.on_call)

    async def did(self, did: Did, call: str = CALL, **more: str) -> None:
        await self.calls.happened(Happening(call, did, **more))

    async def conversations(self) -> list[Conversation]:
        async with self.tools.store.read() as tx:
            found = await tx.conversations.in_phase(list(Phase))
        return sorted(found, key=lambda value: (value.opened_at, value.id))

    async def one(self) -> Conversation:
        [found] = await self.conversations()
        return found

    async def entries(self, conversation: Conversation) -> list[Entry]:
        async with self.tools.store.read() as tx:
            return list(await tx.entries.of(conversation.id))

    async def written(self) -> list[tuple[str, ...]]:
        """What staff read, opened as their browsers open it."""
        conversation = await self.one()
        key = open_conversation_key(self.desk, conversation.sealed_key or b"", conversation.id)
        lines = []
        for entry in await self.entries(conversation):
            assert entry.author is Author.SYSTEM
            lines.append(
                open_entry(key, entry.sealed, EntryPlace(entry.conversation, entry.seq, "system")).texts
            )
        return lines

    def said(self, *names: str) -> list[tuple[str, ...]]:
        """The reviewed words of these entries."""
        return [(self.tools.content.render(f"voice.log.{name}", "ko")[0],) for name in names]

    async def deeds(self) -> list[tuple[str, str]]:
        async with self.tools.store.read() as tx:
            return [(record.actor, record.action) for record, _ in await tx.audit.read()]


async def a_hall(store: Store | None = None) -> Hall:
    desk, clock = new_desk_key(1), Clock()
    store = await desked(store or MemoryStore(), desk)
    async with store.begin() as tx:
        for someone in (A, B):
            await tx.staff.add(someone.staff)
    on_call = Listed([Phone("id-a", SecretText("+821011111111")), Phone("id-b", SecretText("+821022222222"))])
    return Hall(some_tools(store, now=clock), desk, on_call, clock)


@pytest.fixture
async def hall() -> Hall:
    return await a_hall()


async def test_a_call_is_a_conversation_of_its_own(store: Store) -> None:
    hall = await a_hall(store)
    async with hall.tools.bell.listen() as rings:
        await hall.did(Did.BEGAN)
        await hall.did(Did.BEGAN)
        await hall.did(Did.ASKED)
        assert await rings.next() == (await hall.one()).id
    conversation = await hall.one()
    assert (conversation.channel, conversation.phase) == ("voice", Phase.WAITING)
    assert (conversation.risk, conversation.topic) == (Risk.HIGH, Topic.HUMAN)
    assert conversation.waiting_since == START
    assert await hall.written() == hall.said("began", "asked")
    assert await hall.deeds() == [("bot", "call_began"), ("bot", "queued")]
    async with store.read() as tx:
        [record] = await tx.entries.assessments(conversation.id)
        [address] = await tx.addresses.of(conversation.id)
    assert (record.risk, record.seq, record.reasons) == (Risk.HIGH, 2, ("context:a-call",))
    assert address.sealed_address is None
    await hall.did(Did.BEGAN, OTHER)
    assert len(await hall.conversations()) == 2


async def test_the_language_that_was_chosen_is_kept(hall: Hall) -> None:
    await hall.did(Did.BEGAN)
    await hall.did(Did.ASKED, lang="en")
    assert (await hall.one()).lang == "en"


async def test_who_accepts_holds_the_conversation(store: Store) -> None:
    hall = await a_hall(store)
    await hall.did(Did.BEGAN)
    await hall.did(Did.ASKED)
    found = await hall.calls.reachable(ONE)
    assert [phone.who for phone in found.phones] == ["id-a", "id-b"]
    assert await hall.calls.accepted(Leg(ONE, "leg-b", "id-b"))
    assert not await hall.calls.accepted(Leg(ONE, "leg-a", "id-a")), (
        "the second is told that somebody was first"
    )
    assert await hall.calls.accepted(Leg(ONE, "leg-b", "id-b")), "the same leg again hears the same"
    assert not await hall.calls.accepted(Leg(ONE, "leg-a", "id-a"))
    conversation = await hall.one()
    assert (conversation.phase, conversation.holder, conversation.claimed_at) == (
        Phase.CLAIMED,
        "id-b",
        START,
    )
    assert await hall.calls.dialed(ONE, bridged=True)
    assert await hall.calls.dialed(ONE, bridged=True)
    await hall.did(Did.ENDED)
    _, _, ringing, accepted, over = await hall.written()
    assert ringing[0].endswith("(2)")
    assert accepted[0].endswith("(b)")
    assert [over] == hall.said("over")
    deeds = await hall.deeds()
    assert deeds[2:] == [("id-b", "claim"), ("bot", "call_ended")]
    assert (await hall.one()).phase is Phase.CLAIMED, "notes are written after the talk"


async def test_a_machine_that_picked_up_is_left_out_next_time(hall: Hall) -> None:
    await hall.did(Did.ASKED)
    await hall.calls.reachable(ONE)
    await hall.did(Did.PICKED_UP, who="id-a")
    assert not await hall.calls.dialed(ONE, bridged=None), "answered, but nobody pressed 1"
    assert [phone.who for phone in (await hall.calls.reachable(TWO)).phones] == ["id-b"]
    await hall.did(Did.PICKED_UP, who="id-b")
    assert len((await hall.calls.reachable(Round(CALL, 3))).phones) == 2, "somebody is better than nobody"


async def test_who_is_talking_is_not_rung(hall: Hall) -> None:
    await hall.did(Did.ASKED, OTHER)
    assert await hall.calls.accepted(Leg(Round(OTHER, 1), "leg", "id-a"))
    await hall.did(Did.ASKED)
    assert [phone.who for phone in (await hall.calls.reachable(ONE)).phones] == ["id-b"]
    hall.on_call.phones = hall.on_call.phones[:1]
    found = await hall.calls.reachable(TWO)
    assert (found.phones, found.busy) == ((), True)
    await hall.did(Did.ENDED, OTHER)
    assert [phone.who for phone in (await hall.calls.reachable(TWO)).phones] == ["id-a"]


async def test_an_end_that_was_never_told_is_not_believed_for_ever(hall: Hall) -> None:
    await hall.did(Did.ASKED, OTHER)
    await hall.calls.accepted(Leg(Round(OTHER, 1), "leg", "id-a"))
    hall.clock.pass_by(LONGEST_TALK)
    await hall.did(Did.ASKED)
    assert len((await hall.calls.reachable(ONE)).phones) == 2


async def test_nobody_on_call_is_neither_busy_nor_rung(hall: Hall) -> None:
    hall.on_call.phones = []
    await hall.did(Did.ASKED)
    found = await hall.calls.reachable(ONE)
    assert (found.phones, found.busy, found.over) == ((), False, False)
    assert await hall.written() == hall.said("asked")


async def test_taken_but_not_connected_goes_back_into_the_queue(hall: Hall) -> None:
    await hall.did(Did.ASKED)
    hall.clock.pass_by(1000)
    await hall.calls.accepted(Leg(ONE, "leg", "id-a"))
    assert not await hall.calls.dialed(ONE, bridged=False)
    assert not await hall.calls.dialed(ONE, bridged=False)
    conversation = await hall.one()
    assert (conversation.phase, conversation.holder) == (Phase.WAITING, None)
    assert conversation.waiting_since == START, "it keeps its place"
    assert await hall.calls.accepted(Leg(TWO, "leg-2", "id-b"))
    assert (await hall.one()).holder == "id-b"
    assert [action for _, action in await hall.deeds()] == ["queued", "claim", "release", "claim"]


async def test_who_answers_takes_over_what_another_claimed_at_the_console(hall: Hall) -> None:
    await hall.did(Did.ASKED)
    tools = hall.tools
    desk = Desk(
        DeskTools(tools.store, tools.bell, tools.ring, tools.index, tools.ledger, tools.now, tools.new_id)
    )
    await desk.claim(request(A, (await hall.one()).id))
    assert await hall.calls.accepted(Leg(ONE, "leg", "id-b"))
    assert (await hall.one()).holder == "id-b"


async def test_things_told_at_once_are_kept_once(store: Store) -> None:
    hall = await a_hall(store)
    await asyncio.gather(*(hall.did(Did.BEGAN) for _ in range(5)))
    await asyncio.gather(*(hall.did(Did.ASKED) for _ in range(3)))
    legs = [Leg(ONE, f"leg-{name}", f"id-{name}") for name in "abab"]
    won = await asyncio.gather(*(hall.calls.accepted(leg) for leg in legs))
    conversation = await hall.one()
    assert {leg.who for leg, has in zip(legs, won, strict=True) if has} == {conversation.holder}
    assert len(await hall.written()) == 3


async def test_a_1_that_comes_after_its_round_takes_nothing(hall: Hall) -> None:
    await hall.did(Did.ASKED)
    assert not await hall.calls.dialed(ONE, bridged=False)
    assert not await hall.calls.accepted(Leg(ONE, "leg", "id-a")), "the next round is ringing"
    assert (await hall.one()).phase is Phase.WAITING
    assert await hall.calls.accepted(Leg(TWO, "leg-2", "id-a"))


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        ([Did.BEGAN], "left"),
        ([Did.ASKED], "hung_up"),
        ([Did.ASKED, Did.NOBODY], "nobody"),
        ([Did.ASKED, Did.HIDDEN], "nobody"),
    ],
)
async def test_the_chain_says_how_a_call_ended(hall: Hall, before: list[Did], outcome: str) -> None:
    for did in (*before, Did.ENDED):
        await hall.did(did)
    async with hall.tools.store.read() as tx:
        last = [record for record, _ in await tx.audit.read()][-1]
    assert (last.action, dict(last.detail)) == ("call_ended", {"outcome": outcome})


async def test_the_fallback_group_answers_and_a_counselor_follows_up(hall: Hall) -> None:
    await hall.did(Did.ASKED)
    group = Round(CALL, 4, group=True)
    found = await hall.calls.reachable(group)
    assert (found.phones, found.over) == ((), False)
    assert await hall.calls.accepted(Leg(group, "leg", GROUP))
    assert await hall.calls.dialed(group, bridged=True)
    assert await hall.written() == hall.said("asked", "group", "group_accepted", "over")
    assert (await hall.one()).phase is Phase.WAITING


@pytest.mark.parametrize("who", ["id-nobody", "id-c"])
async def test_a_stranger_or_somebody_who_left_takes_no_call(hall: Hall, who: str) -> None:
    async with hall.tools.store.begin() as tx:
        await tx.staff.add(person("c").staff)
        await tx.staff.disable("id-c", START)
    await hall.did(Did.ASKED)
    assert not await hall.calls.accepted(Leg(ONE, "leg", who))
    assert await hall.calls.accepted(Leg(ONE, "leg-a", "id-a")), "the call stays free for the others"


@pytest.mark.parametrize("window", ["hour", "evening", "tomorrow"])
async def test_a_callback_leaves_the_number_with_staff_only(store: Store, window: str) -> None:
    hall = await a_hall(store)
    for did in (Did.BEGAN, Did.ASKED, Did.NOBODY):
        await hall.did(did)
    for _ in range(2):
        await hall.calls.call_back(Wish(CALL, NUMBER, window))
    await hall.did(Did.ENDED)
    *_, wish, end = await hall.written()
    assert wish == (*hall.said(f"callback.{window}")[0], NUMBER)
    assert [end] == hall.said("over")
    conversation = await hall.one()
    assert conversation.phase is Phase.WAITING
    assert NUMBER.encode() not in b"".join(entry.sealed for entry in await hall.entries(conversation))
    async with store.read() as tx:
        assert all(address.sealed_address is None for address in await tx.addresses.of(conversation.id))
        details = [
            dict(record.detail)
            for record, _ in await tx.audit.read()
            if record.action == "callback_requested"
        ]
    assert details == [{"window": window}]


async def test_hanging_up_while_waiting_leaves_a_missed_call(hall: Hall) -> None:
    for did in (Did.BEGAN, Did.UNSURE, Did.ENDED, Did.ENDED):
        await hall.did(did)
    assert (await hall.one()).phase is Phase.WAITING
    assert await hall.written() == hall.said("began", "unsure", "hung_up")
    assert (await hall.calls.reachable(ONE)).over
    assert not await hall.calls.accepted(Leg(ONE, "leg", "id-a")), "there is nobody to talk with any more"
    assert (await hall.one()).phase is Phase.WAITING


async def test_hanging_up_before_asking_leaves_nothing_to_do(hall: Hall) -> None:
    for did in (Did.BEGAN, Did.BY_TEXT, Did.ENDED):
        await hall.did(did)
    conversation = await hall.one()
    assert (conversation.phase, conversation.closed_at) == (Phase.CLOSED, START)
    assert await hall.written() == hall.said("began", "by_text", "left")


async def test_the_end_of_an_unknown_call_opens_nothing(hall: Hall) -> None:
    await hall.did(Did.ENDED)
    assert await hall.conversations() == []


@pytest.mark.parametrize("order", list(permutations([Did.BEGAN, Did.ASKED, Did.ENDED])), ids="-".join)
async def test_a_caller_who_asked_is_in_the_queue_in_whatever_order_it_is_told(
    hall: Hall, order: list[Did]
) -> None:
    for did in order:
        await hall.did(did)
    conversation = await hall.one()
    assert (conversation.phase, conversation.risk) == (Phase.WAITING, Risk.HIGH)


STEPS: list[Callable[[Hall], object]] = [
    lambda hall: hall.did(Did.BEGAN),
    lambda hall: hall.did(Did.ASKED),
    lambda hall: hall.calls.reachable(ONE),
    lambda hall: hall.did(Did.PICKED_UP, who="id-a"),
    lambda hall: hall.calls.accepted(Leg(ONE, "leg-a", "id-a")),
    lambda hall: hall.calls.accepted(Leg(ONE, "leg-b", "id-b")),
    lambda hall: hall.calls.dialed(ONE, None),
    lambda hall: hall.calls.dialed(ONE, False),
    lambda hall: hall.did(Did.NOBODY),
    lambda hall: hall.calls.call_back(Wish(CALL, NUMBER, "hour")),
    lambda hall: hall.did(Did.ENDED),
]


@given(st.lists(st.sampled_from(range(len(STEPS))), max_size=25))
async def test_any_order_and_any_repetition_ends_well(order: list[int]) -> None:
    hall = await a_hall()
    for step in order:
        await STEPS[step](hall)
    found = await hall.conversations()
    assert len(found) <= 1
    written = await hall.written() if found else []
    assert len(written) == len(set(written)), "nothing is written twice"
    if found and {1, 9} & set(order):
        assert found[0].phase in {Phase.WAITING, Phase.CLAIMED}, "who wanted a person is never lost"
    async with hall.tools.store.read() as tx:
        assert await hall.tools.ledger.first_broken(tx) is None


async def test_without_a_desk_nothing_is_kept_and_the_caller_hears_the_fallback() -> None:
    calls = HotlineCalls(some_tools(MemoryStore()), Listed([]))
    with pytest.raises(Busy):
        await calls.happened(Happening(CALL, Did.BEGAN))
