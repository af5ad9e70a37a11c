from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from handoff.ledger import Deed, Ledger
from handoff.store.memory import MemoryStore
from handoff.store.ports import Store
from tests.builders import AUDIT_KEY, START
from vault.audit import AuditRecord

Chain = list[tuple[AuditRecord, bytes]]


async def chain_of(store: Store, deeds: int = 6) -> Ledger:
    ledger = Ledger(AUDIT_KEY)
    for n in range(deeds):
        async with store.begin() as tx:
            await ledger.write(tx, [Deed(START + n, f"id-{n}", "opened", f"c{n}", {"to": "high", "n": n})])
    return ledger


async def first_broken(ledger: Ledger, store: Store) -> int | None:
    async with store.read() as tx:
        return await ledger.first_broken(tx)


async def test_deeds_are_numbered_and_kept_as_they_were(store: Store) -> None:
    ledger = await chain_of(store)
    async with store.begin() as tx:
        await ledger.write(tx, [])
        await ledger.write(
            tx, [Deed(START + 123, "bot", "raised", "c9"), Deed(START + 124, "bot", "queued", "c9")]
        )
    async with store.read() as tx:
        records = [record for record, _ in await tx.audit.read()]
    assert [record.n for record in records] == list(range(1, 9))
    assert records[0].detail == {"to": "high", "n": 0}
    assert round(records[6].at.timestamp() * 1000) == START + 123
    assert await first_broken(ledger, store) is None


async def test_an_empty_chain_is_whole(store: Store) -> None:
    assert await first_broken(Ledger(AUDIT_KEY), store) is None


def changed(chain: Chain) -> Chain:
    return [(replace(r, actor="id-x") if r.n == 3 else r, mac) for r, mac in chain]


def detail_changed(chain: Chain) -> Chain:
    return [(replace(r, detail={"to": "low", "n": 2}) if r.n == 3 else r, mac) for r, mac in chain]


def dropped(chain: Chain) -> Chain:
    return [pair for pair in chain if pair[0].n != 3]


def dropped_and_renumbered(chain: Chain) -> Chain:
    return [(replace(r, n=r.n - 1) if r.n > 3 else r, mac) for r, mac in chain if r.n != 3]


def beginning_dropped(chain: Chain) -> Chain:
    return chain[3:]


def swapped(chain: Chain) -> Chain:
    third, fourth = chain[2], chain[3]
    return [*chain[:2], (replace(fourth[0], n=3), fourth[1]), (replace(third[0], n=4), third[1]), *chain[4:]]


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (changed, 3),
        (detail_changed, 3),
        (dropped, 4),
        (dropped_and_renumbered, 3),
        (beginning_dropped, 4),
        (swapped, 3),
    ],
)
async def test_tampering_is_found(tamper: Callable[[Chain], Chain], found: int) -> None:
    store = MemoryStore()
    ledger = await chain_of(store)
    store._state.audit = tamper(store._state.audit)
    assert await first_broken(ledger, store) == found


async def test_another_key_makes_another_chain() -> None:
    store = MemoryStore()
    await chain_of(store)
    assert await first_broken(Ledger(bytes(reversed(AUDIT_KEY))), store) == 1


async def test_a_long_chain_is_checked_to_its_end() -> None:
    store, ledger = MemoryStore(), Ledger(AUDIT_KEY)
    async with store.begin() as tx:
        await ledger.write(tx, [Deed(START, "a", "opened", f"c{n}") for n in range(2300)])
    assert await first_broken(ledger, store) is None
    record, mac = store._state.audit[1000]
    store._state.audit[1000] = (replace(record, subject="c0"), mac)
    assert await first_broken(ledger, store) == 1001
    store._state.audit[1000] = (record, mac)
    del store._state.audit[2000]
    assert await first_broken(ledger, store) == 2002


async def test_a_failed_transaction_leaves_the_chain_as_it_was(store: Store) -> None:
    ledger = await chain_of(store, 2)

    async def fail() -> None:
        async with store.begin() as tx:
            await ledger.write(tx, [Deed(START, "a", "opened", "c1")])
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with store.begin() as tx:
        await ledger.write(tx, [Deed(START, "a", "opened", "c1")])
        assert (await tx.audit.head())[0] == 3
    assert await first_broken(ledger, store) is None
