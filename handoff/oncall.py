"""Who is on call now, and where they are rung.

Until there is a roster, on call are those who are signed in and have a phone: counselors before supervisors,
and of them first who holds the fewest conversations and has had the longest rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from handoff.conversation import Conversation, Phase
from handoff.people import Role, Staff
from handoff.store.ports import PRESENT_FOR, Transaction
from vault.errors import VaultError
from vault.keyring import Place, ServiceKeyRing
from vault.secret import SecretText

MOST = 10
"""As many phones ring at once; Twilio rings no more either."""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_RANK = {Role.COUNSELOR: 0, Role.SUPERVISOR: 1}


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone and whose it is. ``number`` is of the form E.164 (``+82…``)."""

    staff: str
    number: SecretText = field(repr=False)


class OnCall(Protocol):
    """Those who must answer now."""

    async def reachable(self, tx: Transaction, now: int) -> Sequence[Phone]:
        """Whom to ring at this moment (milliseconds), the first to be rung first; at most ``MOST``."""


class SignedIn:
    """Whoever is signed in and has a phone. A phone that does not open is left out."""

    def __init__(self, ring: ServiceKeyRing) -> None:
        self._ring = ring

    async def reachable(self, tx: Transaction, now: int) -> Sequence[Phone]:
        present = await tx.phones.present(now - PRESENT_FOR)
        held = await tx.conversations.in_phase([Phase.CLAIMED])
        found = (self._phone(person) for person in by_idleness(present, held))
        return [phone for phone in found if phone is not None][:MOST]

    def _phone(self, person: Staff) -> Phone | None:
        try:
            return Phone(person.id, self._ring.open_text(phone_place(person.id), person.sealed_phone or b""))
        except VaultError:
            return None


class Listed:
    """A list that tests and small centres write by hand."""

    def __init__(self, phones: Sequence[Phone]) -> None:
        self.phones = list(phones)

    async def reachable(self, tx: Transaction, now: int) -> Sequence[Phone]:
        return self.phones[:MOST]


def by_idleness(people: Sequence[Staff], held: Sequence[Conversation]) -> list[Staff]:
    """Counselors first, then supervisors; each from the most idle on. Others are never rung."""
    holds: Mapping[str, list[int]] = {person.id: [] for person in people}
    for conversation in held:
        if conversation.holder is not None and conversation.holder in holds:
            holds[conversation.holder].append(conversation.claimed_at or 0)

    def order(person: Staff) -> tuple[int, int, int, str]:
        times = holds[person.id]
        return (_RANK[person.role], len(times), max(times, default=0), person.id)

    return sorted((person for person in people if person.role in _RANK), key=order)


def phone_place(staff: str) -> Place:
    """Where a sealed phone belongs."""
    return Place("staff", staff, "sealed_phone")


def phone_number(written: str) -> SecretText:
    """A number as somebody writes it, in E.164; one that begins with 0 is Korean. Raises ``ValueError``."""
    bare = re.sub(r"[\s().-]", "", written)
    if bare.startswith("0") and not bare.startswith("00"):
        bare = "+82" + bare[1:]
    if not _E164.fullmatch(bare):
        raise ValueError("a phone number is written like +821012345678 or 010-1234-5678")
    return SecretText(bare)
