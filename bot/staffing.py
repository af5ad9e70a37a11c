"""Adding and removing staff from the command line.

The first member must be a supervisor: with them the desk's key pair is made. Later members can be given
the desk's keys at once by a supervisor who types their passphrase, or later from a supervisor's browser.
When somebody leaves, new conversations are sealed to a new epoch that they have no share of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handoff import people
from handoff.errors import Conflict, Forbidden, NotFound
from handoff.ledger import Deed, Ledger
from handoff.oncall import phone_place
from handoff.people import DeskShare, Role, Staff
from handoff.store.ports import Store, Transaction
from vault.desk import DeskKey, new_desk_key, open_share, seal_share
from vault.keyring import ServiceKeyRing
from vault.secret import SecretText
from vault.staffkeys import StaffKeys, enrol, make_passphrase, unlock

ACTOR = "administrator"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A member of staff just added. The passphrase is shown once and kept nowhere."""

    staff: Staff
    passphrase: SecretText
    admitted: bool


class Staffing:
    """Adds, lists, admits and disables."""

    def __init__(
        self, store: Store, ledger: Ledger, now: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._now = now
        self._new_id = new_id

    async def add(self, name: str, role: Role, desk: Sequence[DeskKey] = ()) -> Newcomer:
        """Add one member, admitted to the epochs in ``desk``.

        Raises ``Conflict`` when the name is taken, ``Forbidden`` when the very first is no supervisor.
        """
        passphrase = make_passphrase()
        keys = await asyncio.to_thread(enrol, passphrase, self._new_id())
        async with self._store.begin() as tx:
            if await tx.staff.named(name) is not None:
                raise Conflict("a member of staff with this name exists")
            staff = self._staff(keys, name, role)
            if await tx.desk_keys.current() is None:
                desk = await self._first_desk(tx, role)
            await tx.staff.add(staff)
            await tx.desk_keys.share(_shares(desk, staff))
            await self._ledger.write(tx, [Deed(self._now(), ACTOR, "staff_added", staff.id, {"role": role})])
        return Newcomer(staff, passphrase, bool(desk))

    async def unlock_desk(self, name: str, passphrase: SecretText) -> list[DeskKey]:
        """The desk's keys as a supervisor holds them, for admitting somebody right now.

        Raises ``NotFound``, ``Forbidden``, or the vault's ``Forged`` for a wrong passphrase.
        """
        async with self._store.read() as tx:
            staff = await tx.staff.named(name)
            if staff is None or staff.disabled_at is not None:
                raise NotFound("no such member of staff")
            if staff.role is not Role.SUPERVISOR:
                raise Forbidden("only a supervisor admits")
            shares = await tx.desk_keys.shares(staff.id)
        keys = StaffKeys(staff.id, staff.salt, staff.proof_hash, staff.public_key, staff.wrapped_private_key)
        private = await asyncio.to_thread(unlock, passphrase, keys)
        return [open_share(private, share.sealed, share.epoch, staff.id) for share in shares]

    async def everyone(self) -> list[tuple[Staff, bool]]:
        """All members and whether they hold the newest epoch of the desk."""
        async with self._store.read() as tx:
            current = await tx.desk_keys.current()
            epoch = current.epoch if current else 0
            holders = {share.staff for share in await tx.desk_keys.shares() if share.epoch == epoch}
            return [(staff, staff.id in holders) for staff in await tx.staff.all()]

    async def disable(self, name: str) -> None:
        """Close an account and begin a new epoch for everybody else. Raises ``NotFound``, ``Conflict``.

        What the person could read before they can have kept; no software takes that back.
        """
        async with self._store.begin() as tx:
            staff = await tx.staff.named(name)
            if staff is None:
                raise NotFound("no such member of staff")
            others = [p for p in await tx.staff.all() if p.id != staff.id and p.disabled_at is None]
            holders = {share.staff for share in await tx.desk_keys.shares()}
            staying = [person for person in others if person.id in holders]
            if not any(person.role is Role.SUPERVISOR for person in staying):
                raise Conflict("the last supervisor cannot be disabled: nobody could admit anyone")
            await tx.staff.disable(staff.id, self._now())
            await tx.phones.put(staff.id, None)
            await self._next_epoch(tx, staying)
            await self._ledger.write(tx, [Deed(self._now(), ACTOR, "staff_disabled", staff.id)])

    async def phone(self, name: str, number: SecretText | None, ring: ServiceKeyRing) -> None:
        """Set the phone at which somebody is rung when they are on call, or forget it. Raises ``NotFound``.

        The chain keeps that it was done, never the number.
        """
        async with self._store.begin() as tx:
            staff = await tx.staff.named(name)
            if staff is None or staff.disabled_at is not None:
                raise NotFound("no such member of staff")
            sealed = None if number is None else ring.seal_text(phone_place(staff.id), number)
            await tx.phones.put(staff.id, sealed)
            action = "phone_removed" if number is None else "phone_set"
            await self._ledger.write(tx, [Deed(self._now(), ACTOR, action, staff.id)])

    async def _next_epoch(self, tx: Transaction, staying: Sequence[Staff]) -> None:
        current = await tx.desk_keys.current()
        if current is None:
            return
        desk = new_desk_key(current.epoch + 1)
        await tx.desk_keys.add(people.DeskKey(desk.epoch, desk.pair.public, self._now()))
        await tx.desk_keys.share([share for person in staying for share in _shares([desk], person)])

    async def _first_desk(self, tx: Transaction, role: Role) -> list[DeskKey]:
        if role is not Role.SUPERVISOR:
            raise Forbidden("the first member of staff must be a supervisor")
        desk = new_desk_key(1)
        await tx.desk_keys.add(people.DeskKey(desk.epoch, desk.pair.public, self._now()))
        return [desk]

    def _staff(self, keys: StaffKeys, name: str, role: Role) -> Staff:
        return Staff(
            id=keys.staff,
            name=name,
            role=role,
            salt=keys.salt,
            proof_hash=keys.proof_hash,
            public_key=keys.public_key,
            wrapped_private_key=keys.wrapped_private_key,
            created_at=self._now(),
        )


def _shares(desk: Sequence[DeskKey], staff: Staff) -> list[DeskShare]:
    return [DeskShare(key.epoch, staff.id, seal_share(key, staff.id, staff.public_key)) for key in desk]
