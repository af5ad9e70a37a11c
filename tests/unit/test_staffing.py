from __future__ import annotations

import pytest

from bot.staffing import Staffing
from handoff.errors import Conflict, Forbidden, NotFound
from handoff.ledger import Ledger
from handoff.people import Role
from handoff.store.memory import MemoryStore
from tests.builders import AUDIT_KEY, Clock, ids
from vault.errors import Forged
from vault.secret import SecretText


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def staffing(store: MemoryStore) -> Staffing:
    fresh = ids()
    return Staffing(store, Ledger(AUDIT_KEY), Clock(), lambda: next(fresh))


async def deeds(store: MemoryStore) -> list[str]:
    async with store.read() as tx:
        return [record.action for record, _ in await tx.audit.read()]


async def test_the_first_must_be_a_supervisor(staffing: Staffing, store: MemoryStore) -> None:
    with pytest.raises(Forbidden):
        await staffing.add("minjun", Role.COUNSELOR)
    assert await staffing.everyone() == []
    async with store.read() as tx:
        assert await tx.desk_keys.current() is None


async def test_the_first_supervisor_makes_the_desk_and_unlocks_it(
    staffing: Staffing, store: MemoryStore
) -> None:
    first = await staffing.add("seoyeon", Role.SUPERVISOR)
    assert first.admitted
    [key] = await staffing.unlock_desk("seoyeon", first.passphrase)
    async with store.read() as tx:
        current = await tx.desk_keys.current()
    assert current is not None
    assert (key.epoch, key.pair.public) == (1, current.public_key)
    assert first.passphrase.reveal() not in repr(first)
    assert await deeds(store) == ["staff_added"]


async def test_later_members_are_admitted_by_a_supervisor_or_wait(staffing: Staffing) -> None:
    first = await staffing.add("seoyeon", Role.SUPERVISOR)
    desk = await staffing.unlock_desk("seoyeon", first.passphrase)
    assert (await staffing.add("minjun", Role.COUNSELOR, desk)).admitted
    assert not (await staffing.add("haeun", Role.COUNSELOR)).admitted
    found = {staff.name: admitted for staff, admitted in await staffing.everyone()}
    assert found == {"seoyeon": True, "minjun": True, "haeun": False}


async def test_who_may_unlock_the_desk(staffing: Staffing) -> None:
    first = await staffing.add("seoyeon", Role.SUPERVISOR)
    second = await staffing.add("minjun", Role.COUNSELOR)
    with pytest.raises(Forged):
        await staffing.unlock_desk("seoyeon", SecretText("forest lamp quiet river stone wrong"))
    with pytest.raises(Forbidden):
        await staffing.unlock_desk("minjun", second.passphrase)
    with pytest.raises(NotFound):
        await staffing.unlock_desk("nobody", first.passphrase)


async def test_a_name_is_taken_once(staffing: Staffing, store: MemoryStore) -> None:
    await staffing.add("seoyeon", Role.SUPERVISOR)
    with pytest.raises(Conflict):
        await staffing.add("seoyeon", Role.COUNSELOR)
    assert len(await staffing.everyone()) == 1
    assert await deeds(store) == ["staff_added"]


async def test_who_leaves_holds_no_share_of_the_next_epoch(staffing: Staffing, store: MemoryStore) -> None:
    first = await staffing.add("seoyeon", Role.SUPERVISOR)
    desk = await staffing.unlock_desk("seoyeon", first.passphrase)
    leaver = await staffing.add("minjun", Role.COUNSELOR, desk)
    await staffing.add("haeun", Role.COUNSELOR)
    await staffing.disable("minjun")
    async with store.read() as tx:
        current = await tx.desk_keys.current()
        shares = await tx.desk_keys.shares()
    assert current is not None
    assert current.epoch == 2
    assert leaver.staff.id not in {share.staff for share in shares}
    found = {staff.name: (admitted, staff.disabled_at) for staff, admitted in await staffing.everyone()}
    assert found["seoyeon"] == (True, None)
    assert found["haeun"][0] is False, "who was never admitted is not admitted by somebody's leaving"
    assert found["minjun"][1] is not None
    assert [key.epoch for key in await staffing.unlock_desk("seoyeon", first.passphrase)] == [1, 2]
    assert (await deeds(store))[-1] == "staff_disabled"


async def test_somebody_must_be_left_to_admit(staffing: Staffing) -> None:
    await staffing.add("seoyeon", Role.SUPERVISOR)
    await staffing.add("jiwoo", Role.SUPERVISOR)
    with pytest.raises(Conflict):
        await staffing.disable("seoyeon")
    with pytest.raises(NotFound):
        await staffing.disable("nobody")
