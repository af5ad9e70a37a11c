"""One class over all homes of conversations: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from handoff.conversation import (
    Address,
    AssessmentRecord,
    Author,
    Claim,
    ClaimKey,
    DeliveryState,
    Entry,
    InboxItem,
    OutboxItem,
    Phase,
    Talk,
)
from handoff.errors import Conflict, StoreBusy, StoreFault
from handoff.people import DeskKey, DeskShare, Role, StaffSession
from handoff.risk import Risk, Topic
from handoff.store.ports import Store, Transaction
from handoff.store.sql import SqlStore
from tests.builders import START, conversation, person, waiting
from vault.audit import AuditRecord


class Undone(Exception):
    """Raised by tests inside a transaction."""


def entry(seq: int, conversation: str = "c1", author: Author = Author.VISITOR) -> Entry:
    return Entry(
        conversation, seq, author, START + seq, b"sealed %d" % seq, "n1" if author == "note" else None
    )


def inbox(seq: int, conversation: str = "c1", at: int = START) -> InboxItem:
    return InboxItem(conversation, seq, b"text %d" % seq, at)


def outbox(id: str, conversation: str = "c1", seq: int = 1, channel: str = "sms") -> OutboxItem:
    return OutboxItem(id, conversation, seq, channel, b"body", START)


def claim(n: int, at: int = START) -> Claim:
    return Claim(ClaimKey("web", b"event %d" % n), f"c{n}", n, at)


async def with_conversations(store: Store, *ids: str) -> None:
    async with store.begin() as tx:
        await tx.conversations.add([conversation(id) for id in ids])


class TestStore:
    async def test_rolls_back_everything_when_the_block_raises(self, store: Store) -> None:
        await with_conversations(store, "c1")

        async def write_and_fail() -> None:
            async with store.begin() as tx:
                await tx.conversations.add([conversation("c2")])
                await tx.conversations.save([conversation("c1", risk=Risk.HIGH)])
                await tx.entries.append([entry(1)])
                await tx.claims.take([claim(1)])
                raise Undone

        with pytest.raises(Undone):
            await write_and_fail()
        async with store.read() as tx:
            assert await tx.conversations.find("c2") is None
            assert await tx.conversations.find("c1") == conversation("c1")
            assert list(await tx.entries.of("c1")) == []
            assert await tx.claims.find([claim(1).key]) == {}

    async def test_reading_changes_nothing(self, store: Store) -> None:
        with suppress(StoreFault):  # PostgreSQL says no, the others forget it
            async with store.read() as tx:
                await tx.conversations.add([conversation("c1")])
        async with store.read() as tx:
            assert await tx.conversations.find("c1") is None

    async def test_a_look_is_of_one_moment_and_waits_for_no_writer(self, store: Store) -> None:
        await with_conversations(store, "c1")
        async with store.begin() as writing:
            await writing.conversations.save([conversation("c1", risk=Risk.HIGH)])
            async with asyncio.timeout(2), store.read() as tx:
                found = await tx.conversations.find("c1")
                assert found is not None
                assert found.risk is Risk.LOW
        async with store.read() as tx:
            first = await tx.conversations.find("c1")
            async with store.begin() as writing:
                await writing.conversations.save([conversation("c1", risk=Risk.IMMINENT)])
            assert await tx.conversations.find("c1") == first

    async def test_claims_are_taken_once(self, store: Store) -> None:
        async with store.begin() as tx:
            assert await tx.claims.take([claim(1), claim(2)]) == {claim(1).key, claim(2).key}
            assert await tx.claims.take([]) == set()
        replay = replace(claim(2), conversation="other", seq=9)
        async with store.begin() as tx:
            assert await tx.claims.take([replay, claim(3)]) == {claim(3).key}
            found = await tx.claims.find([claim(2).key, claim(3).key, claim(4).key])
            assert found == {claim(2).key: claim(2), claim(3).key: claim(3)}
            assert await tx.claims.find([]) == {}

    async def test_the_same_index_of_another_source_is_another_event(self, store: Store) -> None:
        other = replace(claim(1), key=ClaimKey("console", claim(1).key.index))
        async with store.begin() as tx:
            await tx.claims.take([claim(1)])
            assert await tx.claims.take([other]) == {other.key}

    async def test_old_claims_are_swept(self, store: Store) -> None:
        async with store.begin() as tx:
            await tx.claims.take([claim(1, START - 1), claim(2, START), claim(3, START + 1)])
            assert await tx.claims.sweep(START) == 1
            assert set(await tx.claims.find([claim(n).key for n in (1, 2, 3)])) == {
                claim(2).key,
                claim(3).key,
            }

    async def test_concurrent_claims_of_one_event_have_one_winner(self, store: Store) -> None:
        async def take() -> bool:
            async with store.begin() as tx:
                return bool(await tx.claims.take([claim(1), claim(2)]))

        assert sum(await asyncio.gather(*(take() for _ in range(8)))) == 1

    async def test_conversations_come_back_as_they_were(self, store: Store) -> None:
        full = conversation(
            "c1",
            phase=Phase.CLAIMED,
            risk=Risk.IMMINENT,
            topic=Topic.SELF_HARM,
            intent="suicide_intent",
            model="answered",
            talk=Talk(("danger.now", "handoff"), "are_you_safe", 3),
            next_seq=8,
            waiting_since=START + 1,
            holder="id-a",
            claimed_at=START + 2,
            closed_at=START + 3,
            sealed_key=None,
        )
        async with store.begin() as tx:
            await tx.conversations.add([full, conversation("c2")])
            await tx.conversations.add([])
        async with store.begin() as tx:
            assert await tx.conversations.find("c1") == full
            assert await tx.conversations.find("c9") is None
            assert dict(await tx.conversations.lock(["c2", "c1", "c9"])) == {
                "c1": full,
                "c2": conversation("c2"),
            }
            assert await tx.conversations.lock([]) == {}

    async def test_saving_changes_what_may_change_and_adds_nothing(self, store: Store) -> None:
        await with_conversations(store, "c1")
        changed = conversation(
            "c1", lang="en", channel="sms", last_at=START + 5, sealed_key=None, talk=Talk(("a",), "b", 1)
        )
        async with store.begin() as tx:
            forged = replace(changed, opened_at=0, desk_epoch=9, public_key=b"other")
            await tx.conversations.save([forged, conversation("unknown")])
            await tx.conversations.save([])
        async with store.read() as tx:
            assert await tx.conversations.find("c1") == changed
            assert await tx.conversations.find("unknown") is None

    async def test_a_conversation_is_added_once(self, store: Store) -> None:
        await with_conversations(store, "c1")
        with pytest.raises(Conflict):
            await with_conversations(store, "c1")

    async def test_a_queue_is_in_order(self, store: Store) -> None:
        values = [
            waiting("low", START, Risk.LOW),
            waiting("late", START + 2),
            waiting("b-early", START),
            waiting("a-early", START),
            waiting("worst", START + 9, Risk.IMMINENT),
            conversation("with-bot", risk=Risk.IMMINENT),
            conversation("claimed", phase=Phase.CLAIMED, risk=Risk.HIGH, waiting_since=START + 1),
        ]
        async with store.begin() as tx:
            await tx.conversations.add(values)
        async with store.read() as tx:
            found = [value.id for value in await tx.conversations.in_phase([Phase.WAITING])]
            assert found == ["worst", "a-early", "b-early", "late", "low"]
            both = [value.id for value in await tx.conversations.in_phase([Phase.WAITING, Phase.CLAIMED])]
            assert both == ["worst", "a-early", "b-early", "claimed", "late", "low"]
            assert list(await tx.conversations.in_phase([Phase.CLOSED])) == []

    async def test_a_lock_keeps_others_from_changing(self, store: Store) -> None:
        await with_conversations(store, "c1")

        async def add_one() -> None:
            async with store.begin() as tx:
                value = (await tx.conversations.lock(["c1"]))["c1"]
                await asyncio.sleep(0)
                await tx.conversations.save([replace(value, next_seq=value.next_seq + 1)])

        await asyncio.gather(*(add_one() for _ in range(30)))
        async with store.read() as tx:
            found = await tx.conversations.find("c1")
        assert found is not None
        assert found.next_seq == 31

    async def test_addresses(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        old = Address("sms", b"i1", "c1", b"sealed", None, START)
        new = Address("web", b"i2", "c1", None, b"key", START + 1)
        other = Address("web", b"i3", "c2", None, None, START)
        async with store.begin() as tx:
            await tx.addresses.add([old, new, other])
            await tx.addresses.add([])
        async with store.begin() as tx:
            assert await tx.addresses.find([b"i1", b"i3", b"i9"]) == {b"i1": old, b"i3": other}
            assert await tx.addresses.find([]) == {}
            assert list(await tx.addresses.of("c1")) == [new, old]
            await tx.addresses.remove(b"i2")
            await tx.addresses.remove(b"i9")
            assert list(await tx.addresses.of("c1")) == [old]
        with pytest.raises(Conflict):
            async with store.begin() as tx:
                await tx.addresses.add([replace(other, index=b"i1")])

    async def test_a_conversation_has_one_recovery_code(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        async with store.begin() as tx:
            await tx.recovery.put(b"code 1", "c1", START)
            await tx.recovery.put(b"code 2", "c2", START)
            await tx.recovery.put(b"code 3", "c1", START + 1)
        async with store.read() as tx:
            assert await tx.recovery.find(b"code 1") is None
            assert await tx.recovery.find(b"code 3") == "c1"
            assert await tx.recovery.find(b"code 2") == "c2"

    async def test_entries_are_in_order_and_never_overwritten(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        async with store.begin() as tx:
            await tx.entries.append([entry(2, author=Author.NOTE), entry(1), entry(1, "c2")])
            await tx.entries.append([entry(3, author=Author.BOT)])
            await tx.entries.append([])
        with pytest.raises(Conflict):
            async with store.begin() as tx:
                await tx.entries.append([entry(4), replace(entry(2), sealed=b"other")])
        async with store.read() as tx:
            all_of_it = [entry(1), entry(2, author=Author.NOTE), entry(3, author=Author.BOT)]
            assert list(await tx.entries.of("c1")) == all_of_it
            assert list(await tx.entries.of("c1", after=2)) == all_of_it[2:]
            assert list(await tx.entries.of("c9")) == []

    async def test_assessments(self, store: Store) -> None:
        await with_conversations(store, "c1")
        second = AssessmentRecord(
            "c1",
            3,
            START,
            Risk.HIGH,
            Topic.SPREAD_THREAT,
            "spread_threat",
            0.5,
            ("rule:x", "model"),
            "answered",
        )
        first = replace(second, seq=1, intent=None, reasons=(), risk=Risk.LOW)
        async with store.begin() as tx:
            await tx.entries.assess([second, first])
            await tx.entries.assess([])
        async with store.read() as tx:
            assert list(await tx.entries.assessments("c1")) == [first, second]

    async def test_inbox(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        items = [inbox(2, at=START + 9), inbox(1, at=START + 3), inbox(1, "c2", at=START)]
        async with store.begin() as tx:
            await tx.inbox.put(items)
            await tx.inbox.put([])
        async with store.begin() as tx:
            assert list(await tx.inbox.of(["c2", "c1"])) == [items[1], items[0], items[2]]
            assert list(await tx.inbox.of([])) == []
            assert list(await tx.inbox.undecided(START + 9, 10)) == [items[2], items[1]]
            assert list(await tx.inbox.undecided(START + 10, 1)) == [items[2]]
            await tx.inbox.tried(items[0])
            await tx.inbox.tried(items[0])
            await tx.inbox.tried(inbox(77))
            await tx.inbox.drop([items[1], items[2], inbox(77)])
            await tx.inbox.drop([])
            assert list(await tx.inbox.of(["c1", "c2"])) == [replace(items[0], attempts=2)]

    async def test_a_lease_takes_the_first_of_each_conversation(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        first, second = outbox("a2", seq=4), outbox("a1", seq=7)
        other = replace(outbox("b1", "c2"), due_at=START - 5)
        async with store.begin() as tx:
            await tx.outbox.put([second, first, other])
            await tx.outbox.put([])
        async with store.begin() as tx:
            taken = await tx.outbox.lease(["sms"], START, START + 60, 10)
            assert list(taken) == [
                replace(other, leased_until=START + 60),
                replace(first, leased_until=START + 60),
            ]
            assert list(await tx.outbox.lease(["sms"], START, START + 60, 10)) == []
            await tx.outbox.settle(["a2"])
            await tx.outbox.settle([])
            assert [item.id for item in await tx.outbox.lease(["sms"], START, START + 60, 10)] == ["a1"]

    async def test_a_lease_ends(self, store: Store) -> None:
        await with_conversations(store, "c1")
        async with store.begin() as tx:
            await tx.outbox.put([outbox("a1")])
            assert len(await tx.outbox.lease(["sms"], START, START + 60, 10)) == 1
            assert len(await tx.outbox.lease(["sms"], START + 59, START + 99, 10)) == 0
            assert len(await tx.outbox.lease(["sms"], START + 60, START + 99, 10)) == 1

    async def test_a_lease_heeds_channel_due_time_and_limit(self, store: Store) -> None:
        await with_conversations(store, *"abcde")
        async with store.begin() as tx:
            await tx.outbox.put(
                [replace(outbox(f"{id}1", id), due_at=START + n) for n, id in enumerate("abcd")]
            )
            await tx.outbox.put([outbox("e1", "e", channel="web"), outbox("a2", "a", 2, channel="kakao")])
            taken = await tx.outbox.lease(["sms", "kakao"], START + 2, START + 60, 3)
            assert sorted(item.id for item in taken) == ["a1", "a2", "b1"]
            assert [item.id for item in await tx.outbox.lease(["sms"], START + 2, START + 60, 9)] == ["c1"]
            assert list(await tx.outbox.lease([], START + 9, START + 60, 9)) == []

    async def test_a_postponed_answer_holds_its_lane_and_a_dead_one_lets_go(self, store: Store) -> None:
        await with_conversations(store, "c1")
        first, second = outbox("a1", seq=1), outbox("a2", seq=2)
        async with store.begin() as tx:
            await tx.outbox.put([first, second])
            await tx.outbox.change(replace(first, due_at=START + 500, attempts=1, error="Throttled"))
            assert list(await tx.outbox.lease(["sms"], START, START + 60, 10)) == []
            dead = replace(first, state=DeliveryState.FAILED, attempts=8, error="Undeliverable")
            await tx.outbox.change(dead)
            await tx.outbox.change(outbox("unknown"))
            assert [item.id for item in await tx.outbox.lease(["sms"], START, START + 60, 10)] == ["a2"]
            assert list(await tx.outbox.of("c1")) == [dead, replace(second, leased_until=START + 60)]
            assert await tx.shown.failed(["c1", "c2"]) == {"c1": 1}
            assert await tx.shown.failed([]) == {}

    async def test_leasers_never_get_the_same_answer(self, store: Store) -> None:
        names = [f"c{n}" for n in range(24)]
        await with_conversations(store, *names)
        async with store.begin() as tx:
            await tx.outbox.put([outbox(f"{name}-{seq}", name, seq) for name in names for seq in (1, 2)])

        async def lease() -> list[str]:
            got: list[str] = []
            for _ in range(4):
                async with store.begin() as tx:
                    got += [item.id for item in await tx.outbox.lease(["sms"], START, START + 60, 3)]
            return got

        taken = [id for got in await asyncio.gather(*(lease() for _ in range(4))) for id in got]
        assert len(taken) == len(set(taken))
        assert sorted(taken) == sorted(f"{name}-1" for name in names)

    async def test_what_was_shown_is_settled_up_to_its_mark(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2", "c3")
        async with store.begin() as tx:
            await tx.outbox.put([outbox(f"w{seq}", seq=seq, channel="web") for seq in (1, 3, 5)])
            await tx.outbox.put(
                [outbox("s1", seq=2), outbox("x1", "c2", 4, "web"), outbox("y1", "c3", 1, "web")]
            )
            await tx.shown.up_to({"c1": 3, "c2": 3}, "web")
            await tx.shown.up_to({}, "web")
            assert [item.id for item in await tx.outbox.of("c1")] == ["s1", "w5"]
            assert [item.id for item in await tx.outbox.of("c2")] == ["x1"]
            assert [item.id for item in await tx.outbox.of("c3")] == ["y1"]

    async def test_staff(self, store: Store) -> None:
        b, a = person("b", Role.SUPERVISOR).staff, person("a").staff
        async with store.begin() as tx:
            await tx.staff.add(b)
            await tx.staff.add(a)
        async with store.begin() as tx:
            assert await tx.staff.find(b.id) == b
            assert await tx.staff.find("nobody") is None
            assert await tx.staff.named("a") == a
            assert await tx.staff.named("nobody") is None
            assert list(await tx.staff.all()) == [a, b]
        for twin in (replace(a, id="other"), replace(a, name="other")):
            with pytest.raises(Conflict):
                async with store.begin() as tx:
                    await tx.staff.add(twin)

    async def test_disabling_ends_sessions_and_shares(self, store: Store) -> None:
        a, b = person("a").staff, person("b").staff
        async with store.begin() as tx:
            await tx.desk_keys.add(DeskKey(1, b"public", START))
            for someone in (a, b):
                await tx.staff.add(someone)
                await tx.sessions.add(StaffSession(someone.id.encode(), "form", someone.id, START, START))
                await tx.desk_keys.share([DeskShare(1, someone.id, b"sealed")])
            await tx.staff.disable(a.id, START + 1)
            await tx.staff.disable("nobody", START + 1)
        async with store.read() as tx:
            assert await tx.staff.find(a.id) == replace(a, disabled_at=START + 1)
            assert await tx.sessions.find(a.id.encode()) is None
            assert await tx.sessions.find(b.id.encode()) is not None
            assert list(await tx.desk_keys.shares()) == [DeskShare(1, b.id, b"sealed")]

    async def test_sessions_and_who_is_on_duty(self, store: Store) -> None:
        session = StaffSession(b"h1", "form", "id-a", START, START)
        async with store.begin() as tx:
            for name in "ab":
                await tx.staff.add(person(name).staff)
            await tx.sessions.add(session)
            await tx.sessions.add(replace(session, token_hash=b"h2"))
            await tx.sessions.add(replace(session, token_hash=b"h3", staff="id-b"))
        async with store.begin() as tx:
            assert await tx.sessions.find(b"h1") == session
            assert await tx.sessions.find(b"h9") is None
            assert await tx.sessions.present(START) == 2
            assert await tx.sessions.present(START + 1) == 0
            await tx.sessions.touch(b"h1", START + 7)
            await tx.sessions.touch(b"h9", START + 7)
            await tx.sessions.hear(b"h3", START + 8)
            await tx.sessions.hear(b"h9", START + 8)
            assert await tx.sessions.find(b"h1") == replace(session, seen_at=START + 7)
            assert await tx.sessions.present(START + 7) == 2
            assert await tx.sessions.present(START + 8) == 1
            await tx.sessions.end(b"h3")
            await tx.sessions.end(b"h9")
            assert await tx.sessions.present(START) == 1

    async def test_desk_keys_and_shares(self, store: Store) -> None:
        first, second = DeskKey(1, b"public 1", START), DeskKey(2, b"public 2", START + 1)
        async with store.begin() as tx:
            assert await tx.desk_keys.current() is None
            await tx.desk_keys.add(second)
            await tx.desk_keys.add(first)
            for name in "ab":
                await tx.staff.add(person(name).staff)
            await tx.desk_keys.share([DeskShare(2, "id-a", b"x"), DeskShare(1, "id-b", b"y")])
            await tx.desk_keys.share([])
        async with store.begin() as tx:
            await tx.desk_keys.share([DeskShare(2, "id-a", b"forged"), DeskShare(1, "id-a", b"z")])
            assert await tx.desk_keys.current() == second
            assert list(await tx.desk_keys.all()) == [first, second]
            of_a = [DeskShare(1, "id-a", b"z"), DeskShare(2, "id-a", b"x")]
            assert list(await tx.desk_keys.shares("id-a")) == of_a
            assert list(await tx.desk_keys.shares()) == [of_a[0], DeskShare(1, "id-b", b"y"), of_a[1]]
            assert list(await tx.desk_keys.shares("nobody")) == []

    async def test_audit_trail(self, store: Store) -> None:
        at = datetime.fromtimestamp(START / 1000, UTC)
        records = [
            (
                AuditRecord(n, at, "id-a", "opened", "c1", {"to": "high", "n": n, "yes": True, "no": None}),
                bytes([n] * 32),
            )
            for n in range(1, 6)
        ]
        async with store.begin() as tx:
            assert await tx.audit.head() == (0, b"")
            await tx.audit.append(records)
            await tx.audit.append([])
        async with store.begin() as tx:
            assert await tx.audit.head() == (5, bytes([5] * 32))
            assert list(await tx.audit.read()) == records
            assert list(await tx.audit.read(after=2, limit=2)) == records[2:4]
            assert list(await tx.audit.read(after=5)) == []
        with pytest.raises(Conflict):
            async with store.begin() as tx:
                await tx.audit.append(records[-1:])

    async def test_the_head_is_locked_until_the_transaction_ends(self, store: Store) -> None:
        at = datetime.fromtimestamp(START / 1000, UTC)

        async def add() -> None:
            async with store.begin() as tx:
                n, _ = await tx.audit.head()
                await asyncio.sleep(0.002)
                await tx.audit.append([(AuditRecord(n + 1, at, "a", "b", "c"), bytes(32))])

        await asyncio.gather(*(add() for _ in range(12)))
        async with store.read() as tx:
            assert [record.n for record, _ in await tx.audit.read()] == list(range(1, 13))

    async def test_a_cancelled_transaction_leaves_nothing_and_blocks_nobody(self, store: Store) -> None:
        started = asyncio.Event()

        async def write() -> None:
            async with store.begin() as tx:
                await tx.conversations.add([conversation("half")])
                started.set()
                await asyncio.sleep(60)

        writing = asyncio.create_task(write())
        await started.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        async with asyncio.timeout(5):
            await with_conversations(store, "whole")
        async with store.read() as tx:
            assert await tx.conversations.find("half") is None
            assert await tx.conversations.find("whole") is not None


async def test_rows_belong_to_a_conversation(sql_store: SqlStore) -> None:
    writes: list[Callable[[Transaction], Awaitable[None]]] = [
        lambda tx: tx.entries.append([entry(1, "nobody")]),
        lambda tx: tx.inbox.put([inbox(1, "nobody")]),
        lambda tx: tx.outbox.put([outbox("a", "nobody")]),
        lambda tx: tx.recovery.put(b"code", "nobody", START),
    ]
    for write in writes:
        with pytest.raises(Conflict):
            async with sql_store.begin() as tx:
                await write(tx)


async def test_a_deadlock_says_busy_and_one_of_the_two_goes_on(postgres_store: SqlStore) -> None:
    await with_conversations(postgres_store, "c1", "c2")
    both = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> str:
        try:
            async with postgres_store.begin() as tx:
                await tx.conversations.lock([first])
                await both.wait()
                await tx.conversations.lock([second])
        except StoreBusy:
            return "busy"
        return "done"

    assert sorted(await asyncio.gather(lock("c1", "c2"), lock("c2", "c1"))) == ["busy", "done"]
