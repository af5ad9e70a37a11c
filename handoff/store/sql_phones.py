"""Phones of staff in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select, update

from handoff.people import Staff
from handoff.store import rows, tables
from handoff.store.sql_connection import SqlConnection


class SqlPhones:
    """Phones, in a column of the table ``staff``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def put(self, staff: str, sealed: bytes | None) -> None:
        table = tables.staff
        await self._connection.execute(update(table).where(table.c.id == staff).values(sealed_phone=sealed))

    async def present(self, since: int) -> Sequence[Staff]:
        table, session = tables.staff, tables.staff_session
        here = select(session.c.staff).where(or_(session.c.seen_at >= since, session.c.heard_at >= since))
        statement = (
            select(table)
            .where(table.c.id.in_(here), table.c.disabled_at.is_(None), table.c.sealed_phone.is_not(None))
            .order_by(table.c.id)
        )
        return [rows.to_staff(row) for row in (await self._connection.execute(statement)).mappings()]
