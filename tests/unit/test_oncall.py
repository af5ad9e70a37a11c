"""Who is rung: those who are signed in and have a phone, the most idle counselor first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.settings import Unusable
from bot.staffing import Staffing
from handoff.conversation import Phase
from handoff.errors import NotFound
from handoff.ledger import Ledger
from handoff.oncall import MOST, Listed, OnCall, Phone, SignedIn, by_idleness, phone_number, phone_place
from handoff.people import DeskKey, DeskShare, Role, StaffSession
from handoff.store.engine import open_engine
from handoff.store.memory import MemoryStore
from handoff.store.migrate import upgrade_now
from handoff.store.ports import PRESENT_FOR, Store
from handoff.store.sql import SqlStore
from tests.builders import AUDIT_KEY, KEY_RING, START, Clock, conversation, person
from vault.keyring import ServiceKeyRing
from vault.keytext import new_key_text
from vault.secret import SecretText

RING = ServiceKeyRing.parse(KEY_RING)
NUMBER = "+821012345678"


async def signed_in(
    store: Store, name: str, *, role: Role = Role.COUNSELOR, heard: int = START, phone: str = NUMBER
):
    staff = person(name, role).staff
    async with store.begin() as tx:
        await tx.staff.add(staff)
        await tx.sessions.add(
            StaffSession(name.encode().ljust(32, b"s"), "form", staff.id, START, START, heard)
        )
        if phone:
            await tx.phones.put(staff.id, RING.seal_text(phone_place(staff.id), SecretText(phone)))
    return staff


async def reachable(on_call: OnCall, store: Store, now: int = START) -> Sequence[Phone]:
    async with store.read() as tx:
        return await on_call.reachable(tx, now)


async def test_who_is_here_and_has_a_phone_is_rung(store: Store) -> None:
    await signed_in(store, "here")
    await signed_in(store, "no_phone", phone="")
    staff = await signed_in(store, "gone")
    async with store.begin() as tx:
        await tx.staff.disable(staff.id, START)
    [phone] = await reachable(SignedIn(RING), store)
    assert (phone.staff, phone.number.reveal()) == ("id-here", NUMBER)
    assert NUMBER not in repr(phone)
    assert await reachable(SignedIn(RING), store, START + PRESENT_FOR + 1) == []


async def test_a_page_that_is_only_open_counts_as_here(store: Store) -> None:
    await signed_in(store, "open", heard=START + PRESENT_FOR)
    assert len(await reachable(SignedIn(RING), store, START + 2 * PRESENT_FOR)) == 1


async def test_a_phone_is_forgotten(store: Store) -> None:
    staff = await signed_in(store, "here")
    async with store.begin() as tx:
        await tx.phones.put(staff.id, None)
        found = await tx.staff.find(staff.id)
    assert found is not None
    assert found.sealed_phone is None
    assert await reachable(SignedIn(RING), store) == []


async def test_a_phone_that_does_not_open_rings_nobody_else_less(store: Store) -> None:
    await signed_in(store, "a")
    staff = await signed_in(store, "b")
    other = ServiceKeyRing.parse(f"k1:{new_key_text()}")
    async with store.begin() as tx:
        await tx.phones.put(staff.id, other.seal_text(phone_place(staff.id), SecretText(NUMBER)))
    assert [phone.staff for phone in await reachable(SignedIn(RING), store)] == ["id-a"]


async def test_a_phone_copied_to_somebody_else_does_not_open(store: Store) -> None:
    staff = await signed_in(store, "a")
    async with store.begin() as tx:
        await tx.phones.put(staff.id, RING.seal_text(phone_place("id-b"), SecretText(NUMBER)))
    assert await reachable(SignedIn(RING), store) == []


@pytest.mark.parametrize("kind", ["signed_in", "listed"])
async def test_at_most_ten_are_rung(store: Store, kind: str) -> None:
    for n in range(MOST + 3):
        await signed_in(store, f"p{n:02}")
    everybody = [Phone(f"id-p{n:02}", SecretText(NUMBER)) for n in range(MOST + 3)]
    on_call: OnCall = SignedIn(RING) if kind == "signed_in" else Listed(everybody)
    assert [phone.staff for phone in await reachable(on_call, store)] == [p.staff for p in everybody[:MOST]]


def test_counselors_first_and_of_them_the_most_idle() -> None:
    names = ("busy", "rested", "tired", "fresh")
    people = [person(name).staff for name in names]
    people += [person("boss", Role.SUPERVISOR).staff, person("admin", Role.ADMINISTRATOR).staff]
    held = [
        conversation("1", phase=Phase.CLAIMED, holder="id-busy", claimed_at=START - 9),
        conversation("2", phase=Phase.CLAIMED, holder="id-busy", claimed_at=START - 8),
        conversation("3", phase=Phase.CLAIMED, holder="id-tired", claimed_at=START - 1),
        conversation("4", phase=Phase.CLAIMED, holder="id-rested", claimed_at=START - 5),
        conversation("5", phase=Phase.CLAIMED, holder="id-stranger", claimed_at=START),
        conversation("6", phase=Phase.CLAIMED, holder=None),
    ]
    order = ["id-fresh", "id-rested", "id-tired", "id-busy", "id-boss"]
    assert [staff.id for staff in by_idleness(people, held)] == order
    assert [staff.id for staff in by_idleness([replace(one) for one in reversed(people)], held)] == order


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("010-1234-5678", NUMBER),
        ("+82 10 1234 5678", NUMBER),
        ("02-735-8994", "+8227358994"),
        ("+1 (415) 555.2671", "+14155552671"),
    ],
)
def test_numbers_as_people_write_them(written: str, number: str) -> None:
    assert phone_number(written).reveal() == number


@pytest.mark.parametrize(
    "written", ["", "112", "1234567890", "0082101234567", "+0123456789", "+82 10 12ab", "+" + "1" * 16]
)
def test_what_is_no_number_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(ValueError) as refused:
        phone_number(written)
    assert not written or written not in str(refused.value)


# ── the command ─────────────────────────────────────────────────────────────────────────────────────


async def staffing(store: Store) -> Staffing:
    async with store.begin() as tx:
        await tx.desk_keys.add(DeskKey(1, b"public", START))
        for one in (person("boss", Role.SUPERVISOR), person("minjun")):
            await tx.staff.add(one.staff)
            await tx.desk_keys.share([DeskShare(1, one.staff.id, b"sealed")])
    return Staffing(store, Ledger(AUDIT_KEY), Clock(), lambda: "new")


async def kept(store: Store) -> tuple[bytes | None, list[str]]:
    async with store.read() as tx:
        found = await tx.staff.named("minjun")
        deeds = [f"{record.action} {dict(record.detail)}" for record, _ in await tx.audit.read()]
    assert found is not None
    return found.sealed_phone, deeds


async def test_a_phone_is_set_sealed_and_removed() -> None:
    store = MemoryStore()
    desk = await staffing(store)
    await desk.phone("minjun", SecretText(NUMBER), RING)
    sealed, deeds = await kept(store)
    assert sealed is not None
    assert NUMBER.encode() not in sealed
    assert RING.open_text(phone_place("id-minjun"), sealed) == SecretText(NUMBER)
    assert deeds == ["phone_set {}"], "the chain holds no number"
    await desk.phone("minjun", None, RING)
    assert await kept(store) == (None, ["phone_set {}", "phone_removed {}"])
    with pytest.raises(NotFound):
        await desk.phone("nobody", None, RING)


async def test_who_leaves_is_rung_no_more() -> None:
    store = MemoryStore()
    desk = await staffing(store)
    await desk.phone("minjun", SecretText(NUMBER), RING)
    await desk.disable("minjun")
    assert (await kept(store))[0] is None
    with pytest.raises(NotFound):
        await desk.phone("minjun", SecretText(NUMBER), RING)


def test_the_command_sets_and_removes(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    keys = {"SERVICE_KEYS": KEY_RING, "INDEX_KEY": new_key_text(), "AUDIT_KEY": new_key_text()}
    for name, value in {"DATABASE_URL": sqlite_url, **keys}.items():
        monkeypatch.setenv(f"GYEOT_{name}", value)
    upgrade_now(sqlite_url)

    async def prepare_and_look(add: bool) -> bytes | None:
        store = SqlStore(open_engine(sqlite_url))
        if add:
            await staffing(store)
        sealed, _ = await kept(store)
        await store.close()
        return sealed

    asyncio.run(prepare_and_look(add=True))
    run = CliRunner().invoke
    assert run(app, ["staff", "phone", "minjun", "010-1234-5678"]).exit_code == 0
    sealed = asyncio.run(prepare_and_look(add=False))
    assert RING.open_text(phone_place("id-minjun"), sealed or b"") == SecretText(NUMBER)
    refused = run(app, ["staff", "phone", "minjun", "112"])
    assert isinstance(refused.exception, Unusable)
    assert asyncio.run(prepare_and_look(add=False)) == sealed
    assert run(app, ["staff", "phone", "minjun", ""]).exit_code == 0
    assert asyncio.run(prepare_and_look(add=False)) is None
