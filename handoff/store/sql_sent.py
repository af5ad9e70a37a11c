"""Messages as providers know them, in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, delete, select, update

from handoff.conversation import Sent
from handoff.store import rows, tables
from handoff.store.sql_connection import SqlConnection
from handoff.store.sql_threads import insert_new


class SqlSentBook:
    """What was sent, in the table ``sent``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def put(self, sent: Sequence[Sent]) -> None:
        if sent:
            statement = insert_new(self._connection, tables.sent)
            await self._connection.execute(statement, [rows.sent_row(value) for value in sent])

    async def find(self, channel: str, index: bytes) -> Sent | None:
        table = tables.sent
        statement = select(table).where(and_(table.c.channel == channel, table.c.id_index == index))
        row = (await self._connection.execute(statement.with_for_update())).mappings().first()
        return rows.to_sent(row) if row else None

    async def change(self, sent: Sent) -> None:
        table = tables.sent
        await self._connection.execute(
            update(table)
            .where(and_(table.c.channel == sent.channel, table.c.id_index == sent.index))
            .values(state=sent.state)
        )

    async def of(self, conversation: str) -> Sequence[Sent]:
        table = tables.sent
        statement = (
            select(table).where(table.c.conversation == conversation).order_by(table.c.at, table.c.seq)
        )
        return [rows.to_sent(row) for row in (await self._connection.execute(statement)).mappings()]

    async def drop(self, conversation: str) -> None:
        table = tables.sent
        await self._connection.execute(delete(table).where(table.c.conversation == conversation))

    async def sweep(self, before: int) -> int:
        result = await self._connection.execute(delete(tables.sent).where(tables.sent.c.at < before))
        return int(result.rowcount)
