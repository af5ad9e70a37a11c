"""Phones of staff, in memory: the twin of ``SqlPhones``."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Protocol

from handoff.people import Staff, StaffSession


class _People(Protocol):
    """The part of the state that this looks at."""

    @property
    def staff(self) -> MutableMapping[str, Staff]: ...
    @property
    def sessions(self) -> Mapping[bytes, StaffSession]: ...


class MemoryPhones:
    """Phones, kept with the members of staff themselves."""

    def __init__(self, people: _People) -> None:
        self._people = people

    async def put(self, staff: str, sealed: bytes | None) -> None:
        kept = self._people.staff
        if staff in kept:
            kept[staff] = replace(kept[staff], sealed_phone=sealed)

    async def present(self, since: int) -> Sequence[Staff]:
        sessions = self._people.sessions.values()
        here = {session.staff for session in sessions if max(session.seen_at, session.heard_at) >= since}
        return sorted(
            (
                person
                for person in self._people.staff.values()
                if person.id in here and person.disabled_at is None and person.sealed_phone is not None
            ),
            key=lambda person: person.id,
        )
