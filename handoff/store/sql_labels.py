"""Labels in SQL, and the assessments that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, tuple_

from handoff.conversation import Assessed, Label
from handoff.store import rows, tables
from handoff.store.sql_connection import SqlConnection


class SqlLabels:
    """Labels in the table ``label``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def put(self, labels: Sequence[Label]) -> None:
        if labels:
            await self._connection.execute(tables.label.insert(), [rows.label_row(value) for value in labels])

    async def since(self, at: int) -> Sequence[Label]:
        table = tables.label
        statement = select(table).where(table.c.at >= at).order_by(table.c.at, table.c.id)
        return [rows.to_label(row) for row in (await self._connection.execute(statement)).mappings()]

    async def assessed(self, after: tuple[int, str, int], limit: int) -> Sequence[Assessed]:
        table, thread = tables.assessment, tables.conversation
        mark = tuple_(table.c.at, table.c.conversation, table.c.seq)
        shown = (table.c.conversation, table.c.seq, table.c.at, thread.c.lang)
        statement = (
            select(*shown, table.c.confidence, table.c.model, table.c.version)
            .join(thread, thread.c.id == table.c.conversation)
            .where(mark > after)
            .order_by(table.c.at, table.c.conversation, table.c.seq)
            .limit(limit)
        )
        return [Assessed(**row) for row in (await self._connection.execute(statement)).mappings()]
