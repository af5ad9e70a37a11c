"""What pushed channels keep, in one class over all homes of conversations."""

from __future__ import annotations

from dataclasses import replace

from handoff.conversation import Address, DeliveryState, OutboxItem, Sent
from handoff.store.ports import Store
from tests.builders import START, conversation
from tests.store.test_store import entry, inbox, outbox, with_conversations


def address(n: int, conversation: str = "c1") -> Address:
    return Address("sms", b"address %d" % n, conversation, b"sealed", None, START + n)


def sent(n: int, conversation: str = "c1", at: int = START) -> Sent:
    return Sent("sms", b"index %d" % n, conversation, n, b"id %d" % n, at)


class TestAddresses:
    async def test_change_what_is_known_and_where_they_lead(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        async with store.begin() as tx:
            await tx.addresses.add([address(1), address(2)])
            changed = replace(
                address(1), conversation="c2", heard_at=START + 9, shut="Blocked", device="watched",
                sealed_ticket=b"ticket", ticket_until=START + 60, sealed_address=b"other",
            )  # fmt: skip
            await tx.addresses.change([changed, replace(address(7), shut="Quiet")])
        async with store.read() as tx:
            assert await tx.addresses.find([address(1).index, address(7).index]) == {changed.index: changed}
            assert list(await tx.addresses.of("c2")) == [changed]

    async def test_last_heard_from_comes_first(self, store: Store) -> None:
        await with_conversations(store, "c1")
        async with store.begin() as tx:
            await tx.addresses.add([replace(address(1), heard_at=START + 50), address(2), address(3)])
        async with store.read() as tx:
            assert [value.index for value in await tx.addresses.of("c1")] == [
                address(1).index, address(3).index, address(2).index,
            ]  # fmt: skip


class TestHeldAnswers:
    async def test_are_not_leased_and_go_when_released(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        held = replace(outbox("o1"), state=DeliveryState.HELD, attempts=3, error="Blocked", due_at=START + 99)
        other = replace(outbox("o2", "c2"), state=DeliveryState.HELD, error="Blocked")
        failed = replace(outbox("o3", seq=2), state=DeliveryState.FAILED, error="Refused")
        async with store.begin() as tx:
            await tx.outbox.put([held, other, failed])
            assert list(await tx.outbox.lease(["sms"], START + 500, START + 900, 9)) == []
            await tx.outbox.release(["c1"], START + 5)
            await tx.outbox.release([], START + 5)
        async with store.begin() as tx:
            [item] = await tx.outbox.lease(["sms"], START + 5, START + 900, 9)
            assert item == OutboxItem("o1", "c1", 1, "sms", b"body", START + 5, leased_until=START + 900)
            assert [kept.state for kept in await tx.outbox.of("c2")] == [DeliveryState.HELD]
            assert [kept.state for kept in await tx.outbox.of("c1")][1] is DeliveryState.FAILED


class TestSent:
    async def test_is_found_moves_on_and_is_swept(self, store: Store) -> None:
        await with_conversations(store, "c1")
        async with store.begin() as tx:
            await tx.sent.put([sent(1), sent(2, at=START + 10)])
            await tx.sent.put([replace(sent(1), state="read")])  # known already: stays
            await tx.sent.put([])
        async with store.begin() as tx:
            assert await tx.sent.find("sms", sent(1).index) == sent(1)
            assert await tx.sent.find("telegram", sent(1).index) is None
            await tx.sent.change(replace(sent(1), state="delivered"))
        async with store.begin() as tx:
            assert [value.state for value in await tx.sent.of("c1")] == ["delivered", "sent"]
            assert await tx.sent.sweep(START + 5) == 1
            assert [value.seq for value in await tx.sent.of("c1")] == [2]
            await tx.sent.drop("c1")
            assert list(await tx.sent.of("c1")) == []


class TestErasing:
    async def test_takes_what_was_said_and_leaves_the_row(self, store: Store) -> None:
        await with_conversations(store, "c1", "c2")
        async with store.begin() as tx:
            for id in ("c1", "c2"):
                await tx.entries.append([entry(1, id)])
                await tx.inbox.put([inbox(1, id)])
                await tx.outbox.put([outbox(f"o-{id}", id)])
                await tx.recovery.put(id.encode(), id, START)
                await tx.addresses.add([replace(address(1, id), index=id.encode())])
            await tx.conversations.erase("c1")
            await tx.conversations.save([conversation("c1", sealed_key=None)])
        async with store.read() as tx:
            assert list(await tx.entries.of("c1")) == []
            assert list(await tx.inbox.of(["c1"])) == []
            assert list(await tx.outbox.of("c1")) == []
            assert await tx.recovery.find(b"c1") is None
            assert len(await tx.entries.of("c2")) == len(await tx.inbox.of(["c2"])) == 1
            assert await tx.recovery.find(b"c2") == "c2"
            found = await tx.conversations.find("c1")
            assert found is not None
            assert found.sealed_key is None
            assert list(await tx.conversations.erased(5)) == ["c1"]
        async with store.begin() as tx:
            await tx.addresses.remove(b"c1")
            assert list(await tx.conversations.erased(5)) == []
