"""What counselors do, with real keys: what is kept, what is rung, what the chain says."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from handoff.conversation import Author, Phase
from handoff.desk import ONE_OPENING, Note
from handoff.errors import Forbidden, NotFound, NotYours, Taken
from handoff.letter import opened
from handoff.people import DeskKey, DeskShare, Role
from handoff.risk import Risk, Topic
from tests.builders import START, Room, person, request, room, soon
from vault.desk import open_conversation_key, open_share, seal_share
from vault.entries import open_entry, open_note, seal_note
from vault.places import EntryPlace
from vault.secret import SecretText

A, B = person("a"), person("b")
S = person("s", Role.SUPERVISOR)
SENTENCE = "지금 옆에 있을게요. 혼자 아니에요."


async def staffed() -> Room:
    here = await room()
    await here.seat(A, B, S)
    await here.open("c1")
    return here


async def test_a_claim_sets_holder_and_time_and_keeps_the_waiting() -> None:
    here = await staffed()
    here.clock.pass_by(5000)
    claimed = await here.desk.claim(request(A))
    assert (claimed.phase, claimed.holder, claimed.claimed_at) == (Phase.CLAIMED, "id-a", START + 5000)
    assert claimed.waiting_since == START
    assert await here.find("c1") == claimed
    assert await here.deeds() == [("id-a", "claim", "c1", {})]


async def test_a_claim_from_the_bot_counts_no_waiting() -> None:
    here = await staffed()
    await here.open("c2", phase=Phase.WITH_BOT, waiting_since=None)
    here.clock.pass_by(5000)
    claimed = await here.desk.claim(request(A, "c2"))
    assert claimed.waiting_since == claimed.claimed_at == START + 5000


async def test_the_second_claim_loses() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    with pytest.raises(Taken):
        await here.desk.claim(request(B))
    assert (await here.find("c1")).holder == "id-a"


async def test_a_second_tab_of_the_holder_claims_nothing_twice() -> None:
    here = await staffed()
    first = await here.desk.claim(request(A))
    here.clock.pass_by(60_000)
    assert await here.desk.claim(request(A)) == first
    assert len(await here.deeds()) == 1


async def test_a_reply_is_sealed_posted_and_readable_by_the_desk() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    here.clock.pass_by(1000)
    replied = await here.desk.reply(request(A), SecretText(SENTENCE))
    assert (replied.next_seq, replied.last_at) == (2, START + 1000)
    async with here.store.read() as tx:
        (entry,), (item,) = await tx.entries.of("c1"), await tx.outbox.of("c1")
        share = (await tx.desk_keys.shares("id-a"))[0]
    assert (entry.seq, entry.author, entry.at) == (1, Author.COUNSELOR, START + 1000)
    assert SENTENCE.encode() not in entry.sealed + item.sealed_body
    desk = open_share(A.keys.private, share.sealed, 1, "id-a")
    private = open_conversation_key(desk, replied.sealed_key or b"", "c1")
    assert open_entry(private, entry.sealed, EntryPlace("c1", 1, "counselor")).texts == (SENTENCE,)
    letter = opened(here.ring, item)
    assert (letter.texts, letter.seq, letter.channel, item.due_at) == ((SENTENCE,), 1, "web", START + 1000)


async def test_a_form_that_comes_again_does_its_work_once() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    for _ in range(3):
        again = await here.desk.reply(request(A, form="f"), SecretText(SENTENCE))
    assert again.next_seq == 2
    async with here.store.read() as tx:
        assert len(await tx.entries.of("c1")) == len(await tx.outbox.of("c1")) == 1
    assert [deed[1] for deed in await here.deeds()] == ["claim", "reply"]


async def test_two_tabs_sending_the_same_form_at_once_write_one_entry() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    await asyncio.gather(*(here.desk.reply(request(A, form="f"), SecretText("네")) for _ in range(5)))
    async with here.store.read() as tx:
        assert len(await tx.entries.of("c1")) == 1


async def test_a_refused_form_may_be_sent_again() -> None:
    here = await staffed()
    with pytest.raises(NotYours):
        await here.desk.reply(request(A, form="f"), SecretText("네"))
    await here.desk.claim(request(A))
    await here.desk.reply(request(A, form="f"), SecretText("네"))
    async with here.store.read() as tx:
        assert len(await tx.entries.of("c1")) == 1


async def test_the_same_form_id_of_another_person_or_action_is_another_form() -> None:
    here = await staffed()
    await here.open("c2")
    await here.desk.claim(request(A, "c1", "f"))
    assert (await here.desk.claim(request(A, "c2", "f"))).holder == "id-a"
    assert (await here.desk.release(request(A, "c1", "f"))).phase is Phase.WAITING
    assert (await here.desk.claim(request(B, "c1", "f"))).holder == "id-b"


async def test_a_note_is_kept_as_the_browser_sealed_it() -> None:
    here = await staffed()
    claimed = await here.desk.claim(request(A))
    sealed = seal_note(claimed.public_key, "다시 전화하기", "c1", "n1")
    noted = await here.desk.note(request(A), Note("n1", sealed))
    assert (noted.next_seq, noted.last_at) == (2, START)
    async with here.store.read() as tx:
        (entry,) = await tx.entries.of("c1")
        assert list(await tx.outbox.of("c1")) == []
    assert (entry.author, entry.note_id) == (Author.NOTE, "n1")
    assert open_note(here.private["c1"], entry.sealed, "c1", "n1") == "다시 전화하기"


async def test_a_released_conversation_keeps_its_place() -> None:
    here = await staffed()
    here.clock.pass_by(9000)
    await here.desk.claim(request(A))
    released = await here.desk.release(request(S))
    assert (released.phase, released.holder, released.claimed_at) == (Phase.WAITING, None, None)
    assert released.waiting_since == START


async def test_closing_ends_the_waiting() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    closed = await here.desk.close(request(A))
    assert (closed.phase, closed.holder, closed.waiting_since) == (Phase.CLOSED, None, None)
    assert closed.closed_at == START


async def test_a_correction_may_lower_and_the_chain_keeps_what_it_was() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    lowered = await here.desk.correct(request(A), Risk.LOW, Topic.PREVENTION)
    assert (lowered.risk, lowered.topic) == (Risk.LOW, Topic.PREVENTION)
    assert (await here.deeds())[-1] == (
        "id-a",
        "risk",
        "c1",
        {"from": "high/smalltalk", "to": "low/prevention"},
    )


async def test_opening_is_written_down_for_each_reader_and_again_after_a_while() -> None:
    here = await staffed()
    assert (await here.desk.open(A.staff, "c1")).id == "c1"
    await here.desk.open(A.staff, "c1")
    await here.desk.open(B.staff, "c1")
    here.clock.pass_by(ONE_OPENING - 1)
    await here.desk.open(A.staff, "c1")
    assert await here.deeds() == [("id-a", "opened", "c1", {}), ("id-b", "opened", "c1", {})]
    here.clock.pass_by(1)
    await here.desk.open(A.staff, "c1")
    here.clock.pass_by(ONE_OPENING - 1)
    await here.desk.open(A.staff, "c1")
    assert [deed[0] for deed in await here.deeds()] == ["id-a", "id-b", "id-a"]


async def test_what_may_not_be_opened_is_refused_each_time() -> None:
    here = await staffed()
    await here.desk.open(A.staff, "c1")
    await here.desk.claim(request(B))
    for _ in range(2):
        with pytest.raises(Forbidden):
            await here.desk.open(A.staff, "c1")
        with pytest.raises(NotFound):
            await here.desk.open(A.staff, "c9")
    assert [deed[1] for deed in await here.deeds()] == ["opened", "claim"]


async def test_an_unknown_conversation_is_not_found() -> None:
    here = await staffed()
    with pytest.raises(NotFound):
        await here.desk.claim(request(A, "c9"))


async def test_the_bell_rings_after_the_work_and_not_for_a_refusal() -> None:
    here = await staffed()
    async with here.bell.listen() as rings:
        with pytest.raises(NotYours):
            await here.desk.close(request(B))
        await here.desk.claim(request(A))
        assert await soon(rings.next()) == "c1"
        with pytest.raises(TimeoutError):
            await soon(rings.next(), 0.02)


async def test_the_chain_is_whole_after_all_of_it() -> None:
    here = await staffed()
    await here.desk.claim(request(A))
    await here.desk.reply(request(A), SecretText("네"))
    await here.desk.correct(request(S), Risk.IMMINENT, Topic.IMMEDIATE_DANGER)
    await here.desk.close(request(A))
    assert [deed[1] for deed in await here.deeds()] == ["claim", "reply", "risk", "close"]
    assert await here.broken() is None


class TestAdmitting:
    async def newcomer(self, role: Role = Role.COUNSELOR) -> tuple[Room, DeskShare]:
        here, new = await staffed(), person("new", role)
        await here.seat(new, admitted=False)
        return here, DeskShare(1, "id-new", seal_share(here.desk_key, "id-new", new.staff.public_key))

    async def test_a_supervisor_admits(self) -> None:
        here, share = await self.newcomer()
        await here.desk.admit(S.staff, "id-new", [share])
        async with here.store.read() as tx:
            assert list(await tx.desk_keys.shares("id-new")) == [share]
        assert await here.deeds() == [("id-s", "admitted", "id-new", {})]

    async def test_the_same_form_again_is_one_deed(self) -> None:
        here, share = await self.newcomer()
        await here.desk.admit(S.staff, "id-new", [share])
        await here.desk.admit(S.staff, "id-new", [replace(share, sealed=b"other")])
        async with here.store.read() as tx:
            assert list(await tx.desk_keys.shares("id-new")) == [share]
        assert len(await here.deeds()) == 1

    async def test_a_missing_epoch_is_added_beside_the_old(self) -> None:
        here, share = await self.newcomer()
        await here.desk.admit(S.staff, "id-new", [share])
        async with here.store.begin() as tx:
            await tx.desk_keys.add(DeskKey(2, b"public", START))
        await here.desk.admit(S.staff, "id-new", [share, replace(share, epoch=2)])
        async with here.store.read() as tx:
            assert [one.epoch for one in await tx.desk_keys.shares("id-new")] == [1, 2]

    async def test_refusals(self) -> None:
        here, share = await self.newcomer()
        for wrong, by, to, shares in (
            (Forbidden, A, "id-new", [share]),
            (NotFound, S, "nobody", [share]),
            (NotFound, S, "id-new", [replace(share, epoch=7)]),
            (Forbidden, S, "id-new", [replace(share, staff="id-a")]),
        ):
            with pytest.raises(wrong):
                await here.desk.admit(by.staff, to, shares)
        async with here.store.begin() as tx:
            await tx.staff.disable("id-new", START)
        with pytest.raises(NotFound):
            await here.desk.admit(S.staff, "id-new", [share])
        assert await here.deeds() == []

    async def test_an_administrator_holds_no_keys(self) -> None:
        here, share = await self.newcomer(Role.ADMINISTRATOR)
        with pytest.raises(Forbidden):
            await here.desk.admit(S.staff, "id-new", [share])
