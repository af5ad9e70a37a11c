"""Signing in: the browser proves that it knows the passphrase without ever sending it.

The browser derives a key from the passphrase (Argon2id, then HKDF); one half is the proof sent here,
the other unwraps the private key and never leaves the browser. A session is a cookie of 256 random
bits, of which the database keeps the SHA-256, and a form token that every unsafe request repeats.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from handoff.ledger import Deed, Ledger
from handoff.people import DeskKey, DeskShare, Staff, StaffSession
from handoff.store.ports import Store
from vault.blindindex import BlindIndex
from vault.secret import SecretText
from vault.session import new_token, token_hash
from vault.staffkeys import false_salt, proof_matches

IDLE = 15 * 60_000
LONGEST = 12 * 3_600_000
TOUCH_EVERY = 20_000
FAILURES = 10
FAILURE_WINDOW = 5 * 60_000
NAMES_WATCHED = 10_000
NOBODYS_HASH = bytes(32)


class SignInRefused(Exception):
    """Wrong name or passphrase, or the account is closed."""


class TooManyTries(Exception):
    """``seconds`` to wait before the next try for this name."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session and what the browser needs to unlock its keys."""

    staff: Staff
    token: SecretText
    form_token: str = field(repr=False)
    desk: tuple[DeskKey, ...]
    shares: tuple[DeskShare, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody at the console: the member of staff and their session."""

    staff: Staff
    session: StaffSession


class FrontDesk:
    """Lets staff in and out."""

    def __init__(self, store: Store, index: BlindIndex, ledger: Ledger, now: Callable[[], int]) -> None:
        self._store = store
        self._index = index
        self._ledger = ledger
        self._now = now
        self._failures: dict[str, list[int]] = {}

    async def salt_of(self, name: str) -> tuple[str, bytes]:
        """Staff id and salt of a name; steady false ones for an unknown name, so that none can be tried."""
        async with self._store.read() as tx:
            staff = await tx.staff.named(name)
        if staff is not None and staff.disabled_at is None:
            return staff.id, staff.salt
        return self._index.of("false-staff", name).hex()[:24], false_salt(self._index, name)

    async def sign_in(self, name: str, proof: bytes) -> SignedIn:
        """Raises ``SignInRefused`` or ``TooManyTries``."""
        self._check_pace(name)
        self._failures.setdefault(name, []).append(self._now())  # taken back when it succeeds
        async with self._store.begin() as tx:
            staff = await tx.staff.named(name)
            matches = proof_matches(proof, staff.proof_hash if staff else NOBODYS_HASH)
            if staff is None or staff.disabled_at is not None or not matches:
                raise SignInRefused
            token, form_token, at = new_token(), secrets.token_urlsafe(24), self._now()
            await tx.sessions.add(StaffSession(token_hash(token), form_token, staff.id, at, at))
            await self._ledger.write(tx, [Deed(at, staff.id, "signed_in", staff.id)])
            shares = tuple(await tx.desk_keys.shares(staff.id))
            desk = tuple(await tx.desk_keys.all())
        self._failures.pop(name, None)
        return SignedIn(staff, token, form_token, desk, shares)

    async def seat(self, token: SecretText) -> Seat | None:
        """Whose session this is; ``None`` when it is unknown, idle too long, or too old."""
        hashed, now = token_hash(token), self._now()
        async with self._store.read() as tx:
            session = await tx.sessions.find(hashed)
            staff = await tx.staff.find(session.staff) if session else None
        if session is None or staff is None or staff.disabled_at is not None:
            return None
        if now - session.seen_at > IDLE or now - session.created_at > LONGEST:
            await self.sign_out(token)
            return None
        return Seat(staff, session)

    async def touch(self, seat: Seat) -> None:
        """Note that somebody is at work here, at most every twenty seconds."""
        now = self._now()
        if now - seat.session.seen_at > TOUCH_EVERY:
            async with self._store.begin() as tx:
                await tx.sessions.touch(seat.session.token_hash, now)

    async def sign_out(self, token: SecretText) -> None:
        """Forget a session."""
        async with self._store.begin() as tx:
            await tx.sessions.end(token_hash(token))

    def _check_pace(self, name: str) -> None:
        now = self._now()
        recent = [at for at in self._failures.get(name, []) if at > now - FAILURE_WINDOW]
        if recent:
            self._failures[name] = recent
        else:
            self._failures.pop(name, None)
        if len(recent) >= FAILURES:
            raise TooManyTries((recent[0] + FAILURE_WINDOW - now) // 1000 + 1)
        while len(self._failures) > NAMES_WATCHED:  # the oldest names go first, never all at once
            self._failures.pop(next(iter(self._failures)))
