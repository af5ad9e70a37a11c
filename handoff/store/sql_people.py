"""Staff, sessions, desk keys and the audit trail in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from handoff.errors import Conflict
from handoff.people import DeskKey, DeskShare, Staff, StaffSession
from handoff.store import rows, tables
from handoff.store.sql_connection import SqlConnection
from handoff.store.sql_threads import insert_new
from vault.audit import AuditRecord

_AUDIT_LOCK = 4_703_121  # any constant: PostgreSQL's advisory lock for the end of the chain


class SqlStaffBook:
    """Members of staff in the table ``staff``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def add(self, staff: Staff) -> None:
        try:
            await self._connection.execute(tables.staff.insert(), rows.staff_row(staff))
        except IntegrityError:
            raise Conflict("a member of staff with this name exists") from None

    async def find(self, id: str) -> Staff | None:
        statement = select(tables.staff).where(tables.staff.c.id == id)
        row = (await self._connection.execute(statement)).mappings().first()
        return rows.to_staff(row) if row else None

    async def named(self, name: str) -> Staff | None:
        statement = select(tables.staff).where(tables.staff.c.name == name)
        row = (await self._connection.execute(statement)).mappings().first()
        return rows.to_staff(row) if row else None

    async def all(self) -> Sequence[Staff]:
        statement = select(tables.staff).order_by(tables.staff.c.name)
        return [rows.to_staff(row) for row in (await self._connection.execute(statement)).mappings()]

    async def disable(self, id: str, at: int) -> None:
        await self._connection.execute(
            update(tables.staff).where(tables.staff.c.id == id).values(disabled_at=at)
        )
        for table in (tables.staff_session, tables.desk_share):
            await self._connection.execute(delete(table).where(table.c.staff == id))


class SqlStaffSessions:
    """Signed-in browsers in the table ``staff_session``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def add(self, session: StaffSession) -> None:
        await self._connection.execute(tables.staff_session.insert(), asdict(session))

    async def find(self, token_hash: bytes) -> StaffSession | None:
        statement = select(tables.staff_session).where(tables.staff_session.c.token_hash == token_hash)
        row = (await self._connection.execute(statement)).mappings().first()
        return StaffSession(**row) if row else None

    async def touch(self, token_hash: bytes, at: int) -> None:
        table = tables.staff_session
        await self._connection.execute(
            update(table).where(table.c.token_hash == token_hash).values(seen_at=at)
        )

    async def hear(self, token_hash: bytes, at: int) -> None:
        table = tables.staff_session
        hearing = update(table).where(table.c.token_hash == token_hash).values(heard_at=at)
        await self._connection.execute(hearing)

    async def end(self, token_hash: bytes) -> None:
        table = tables.staff_session
        await self._connection.execute(delete(table).where(table.c.token_hash == token_hash))

    async def present(self, since: int) -> int:
        table = tables.staff_session
        lately = or_(table.c.seen_at >= since, table.c.heard_at >= since)
        statement = select(func.count(func.distinct(table.c.staff))).where(lately)
        return int((await self._connection.execute(statement)).scalar() or 0)


class SqlDeskKeys:
    """The desk's keys in the tables ``desk_key`` and ``desk_share``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def add(self, key: DeskKey) -> None:
        await self._connection.execute(tables.desk_key.insert(), asdict(key))

    async def current(self) -> DeskKey | None:
        statement = select(tables.desk_key).order_by(tables.desk_key.c.epoch.desc()).limit(1)
        row = (await self._connection.execute(statement)).mappings().first()
        return DeskKey(**row) if row else None

    async def all(self) -> Sequence[DeskKey]:
        statement = select(tables.desk_key).order_by(tables.desk_key.c.epoch)
        return [DeskKey(**row) for row in (await self._connection.execute(statement)).mappings()]

    async def share(self, shares: Sequence[DeskShare]) -> None:
        if shares:
            statement = insert_new(self._connection, tables.desk_share)
            await self._connection.execute(statement, [asdict(share) for share in shares])

    async def shares(self, staff: str | None = None) -> Sequence[DeskShare]:
        table = tables.desk_share
        statement = select(table).order_by(table.c.epoch, table.c.staff)
        if staff is not None:
            statement = statement.where(table.c.staff == staff)
        return [DeskShare(**row) for row in (await self._connection.execute(statement)).mappings()]


class SqlAuditTrail:
    """The chain of what people did in the table ``audit``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def head(self) -> tuple[int, bytes]:
        if self._connection.dialect.name == "postgresql":
            await self._connection.execute(text(f"SELECT pg_advisory_xact_lock({_AUDIT_LOCK})"))
        table = tables.audit
        row = (
            await self._connection.execute(
                select(table.c.n, table.c.link).order_by(table.c.n.desc()).limit(1)
            )
        ).first()
        return (row.n, row.link) if row else (0, b"")

    async def append(self, records: Sequence[tuple[AuditRecord, bytes]]) -> None:
        if records:
            await self._connection.execute(
                tables.audit.insert(),
                [
                    {
                        "n": record.n,
                        "at": round(record.at.timestamp() * 1000),
                        "actor": record.actor,
                        "action": record.action,
                        "subject": record.subject,
                        "detail": dict(record.detail),
                        "link": link,
                    }
                    for record, link in records
                ],
            )

    async def read(self, after: int = 0, limit: int = 1000) -> Sequence[tuple[AuditRecord, bytes]]:
        table = tables.audit
        statement = select(table).where(table.c.n > after).order_by(table.c.n).limit(limit)
        return [
            (
                AuditRecord(
                    n=row.n,
                    at=datetime.fromtimestamp(row.at / 1000, UTC),
                    actor=row.actor,
                    action=row.action,
                    subject=row.subject,
                    detail=row.detail,
                ),
                row.link,
            )
            for row in await self._connection.execute(statement)
        ]
