"""Staff, their sessions, the desk's keys and the audit trail in memory: twins of ``sql_people``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handoff.errors import Conflict
from handoff.people import DeskKey, DeskShare, Staff, StaffSession
from handoff.store.memory_state import Part, insert
from vault.audit import AuditRecord


class MemoryStaffBook(Part):
    """Twin of ``SqlStaffBook``."""

    async def add(self, staff: Staff) -> None:
        if any(known.name == staff.name for known in self._state.staff.values()):
            raise Conflict("a member of staff with this name exists")
        insert(self._state.staff, {staff.id: staff})

    async def find(self, id: str) -> Staff | None:
        return self._state.staff.get(id)

    async def named(self, name: str) -> Staff | None:
        return next((staff for staff in self._state.staff.values() if staff.name == name), None)

    async def all(self) -> Sequence[Staff]:
        return sorted(self._state.staff.values(), key=lambda staff: staff.name)

    async def disable(self, id: str, at: int) -> None:
        state = self._state
        if id in state.staff:
            state.staff[id] = replace(state.staff[id], disabled_at=at)
        state.sessions = {key: value for key, value in state.sessions.items() if value.staff != id}
        state.shares = {key: value for key, value in state.shares.items() if value.staff != id}


class MemoryStaffSessions(Part):
    """Twin of ``SqlStaffSessions``."""

    async def add(self, session: StaffSession) -> None:
        insert(self._state.sessions, {session.token_hash: session})

    async def find(self, token_hash: bytes) -> StaffSession | None:
        return self._state.sessions.get(token_hash)

    async def touch(self, token_hash: bytes, at: int) -> None:
        if token_hash in self._state.sessions:
            self._state.sessions[token_hash] = replace(self._state.sessions[token_hash], seen_at=at)

    async def hear(self, token_hash: bytes, at: int) -> None:
        if token_hash in self._state.sessions:
            self._state.sessions[token_hash] = replace(self._state.sessions[token_hash], heard_at=at)

    async def end(self, token_hash: bytes) -> None:
        self._state.sessions.pop(token_hash, None)

    async def present(self, since: int) -> int:
        return len(
            {
                value.staff
                for value in self._state.sessions.values()
                if max(value.seen_at, value.heard_at) >= since
            }
        )


class MemoryDeskKeys(Part):
    """Twin of ``SqlDeskKeys``."""

    async def add(self, key: DeskKey) -> None:
        insert(self._state.desk, {key.epoch: key})

    async def current(self) -> DeskKey | None:
        return self._state.desk[max(self._state.desk)] if self._state.desk else None

    async def all(self) -> Sequence[DeskKey]:
        return [self._state.desk[epoch] for epoch in sorted(self._state.desk)]

    async def share(self, shares: Sequence[DeskShare]) -> None:
        for share in shares:
            self._state.shares.setdefault((share.epoch, share.staff), share)

    async def shares(self, staff: str | None = None) -> Sequence[DeskShare]:
        chosen = [share for share in self._state.shares.values() if staff is None or share.staff == staff]
        return sorted(chosen, key=lambda share: (share.epoch, share.staff))


class MemoryAuditTrail(Part):
    """Twin of ``SqlAuditTrail``."""

    async def head(self) -> tuple[int, bytes]:
        if not self._state.audit:
            return (0, b"")
        record, link = self._state.audit[-1]
        return (record.n, link)

    async def append(self, records: Sequence[tuple[AuditRecord, bytes]]) -> None:
        numbers = {record.n for record, _ in self._state.audit}
        if any(record.n in numbers for record, _ in records):
            raise Conflict("an audit record with this number exists")
        self._state.audit.extend(records)

    async def read(self, after: int = 0, limit: int = 1000) -> Sequence[tuple[AuditRecord, bytes]]:
        return [(record, link) for record, link in self._state.audit if record.n > after][:limit]
