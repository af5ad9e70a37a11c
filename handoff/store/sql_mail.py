"""Inbox and outbox in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    update,
)

from handoff.conversation import DeliveryState, InboxItem, OutboxItem
from handoff.store import rows, tables
from handoff.store.sql_connection import SqlConnection

# Written out, not bound: SQLite and PostgreSQL use a partial index only when they see its condition.
_PENDING: ColumnElement[str] = literal_column(f"'{DeliveryState.PENDING}'")

_HELD: ColumnElement[str] = literal_column(f"'{DeliveryState.HELD}'")

_DROP = delete(tables.inbox).where(
    and_(tables.inbox.c.conversation == bindparam("c"), tables.inbox.c.seq == bindparam("s"))
)

_SHOWN = delete(tables.outbox).where(
    and_(
        tables.outbox.c.conversation == bindparam("c"),
        tables.outbox.c.seq <= bindparam("s"),
        tables.outbox.c.channel == bindparam("ch"),
    )
)


class SqlInbox:
    """Undecided texts in the table ``inbox``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def put(self, items: Sequence[InboxItem]) -> None:
        if items:
            await self._connection.execute(tables.inbox.insert(), [asdict(item) for item in items])

    async def of(self, conversations: Sequence[str]) -> Sequence[InboxItem]:
        if not conversations:
            return []
        table = tables.inbox
        statement = (
            select(table)
            .where(table.c.conversation.in_(list(conversations)))
            .order_by(table.c.conversation, table.c.seq)
        )
        return [rows.to_inbox(row) for row in (await self._connection.execute(statement)).mappings()]

    async def undecided(self, before: int, limit: int) -> Sequence[InboxItem]:
        table = tables.inbox
        statement = (
            select(table)
            .where(table.c.received_at < before)
            .order_by(table.c.received_at, table.c.conversation, table.c.seq)
            .limit(limit)
        )
        return [rows.to_inbox(row) for row in (await self._connection.execute(statement)).mappings()]

    async def tried(self, item: InboxItem) -> None:
        table = tables.inbox
        await self._connection.execute(
            update(table)
            .where(and_(table.c.conversation == item.conversation, table.c.seq == item.seq))
            .values(attempts=table.c.attempts + 1)
        )

    async def drop(self, items: Sequence[InboxItem]) -> None:
        if items:
            await self._connection.execute(_DROP, [{"c": item.conversation, "s": item.seq} for item in items])


class SqlOutbox:
    """Answers on their way in the table ``outbox``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def put(self, items: Sequence[OutboxItem]) -> None:
        if items:
            await self._connection.execute(tables.outbox.insert(), [rows.outbox_row(item) for item in items])

    async def lease(self, channels: Sequence[str], now: int, until: int, limit: int) -> Sequence[OutboxItem]:
        table = tables.outbox
        earlier = table.alias("earlier")
        first_of_its_lane = ~exists().where(
            and_(
                earlier.c.conversation == table.c.conversation,
                earlier.c.channel == table.c.channel,
                earlier.c.seq < table.c.seq,
                earlier.c.state == _PENDING,
            )
        )
        due = (
            select(table)
            .where(
                and_(
                    table.c.state == _PENDING,
                    table.c.channel.in_(list(channels)),
                    table.c.due_at <= now,
                    table.c.leased_until <= now,
                    first_of_its_lane,
                )
            )
            .order_by(table.c.due_at, table.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True, of=table)
        )
        taken = [rows.to_outbox(row) for row in (await self._connection.execute(due)).mappings()]
        if not taken:
            return []
        await self._connection.execute(
            update(table).where(table.c.id.in_([item.id for item in taken])).values(leased_until=until)
        )
        return [replace(item, leased_until=until) for item in taken]

    async def settle(self, ids: Sequence[str]) -> None:
        if ids:
            await self._connection.execute(delete(tables.outbox).where(tables.outbox.c.id.in_(list(ids))))

    async def change(self, item: OutboxItem) -> None:
        row = rows.outbox_row(item)
        await self._connection.execute(update(tables.outbox).where(tables.outbox.c.id == item.id).values(row))

    async def release(self, conversations: Sequence[str], now: int) -> None:
        table = tables.outbox
        if conversations:
            await self._connection.execute(
                update(table)
                .where(and_(table.c.conversation.in_(list(conversations)), table.c.state == _HELD))
                .values(state=str(DeliveryState.PENDING), due_at=now, attempts=0, leased_until=0, error=None)
            )

    async def of(self, conversation: str) -> Sequence[OutboxItem]:
        return await self._all(self._of(conversation))

    async def locked(self, conversation: str) -> Sequence[OutboxItem]:
        return await self._all(self._of(conversation).with_for_update())

    @staticmethod
    def _of(conversation: str) -> Select[Any]:
        table = tables.outbox
        return select(table).where(table.c.conversation == conversation).order_by(table.c.seq)

    async def _all(self, statement: Select[Any]) -> Sequence[OutboxItem]:
        return [rows.to_outbox(row) for row in (await self._connection.execute(statement)).mappings()]


class SqlShown:
    """What the web page has shown, and what could not be delivered anywhere."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def up_to(self, marks: Mapping[str, int], channel: str) -> None:
        if marks:
            await self._connection.execute(
                _SHOWN, [{"c": conversation, "s": seq, "ch": channel} for conversation, seq in marks.items()]
            )

    async def failed(self, conversations: Sequence[str]) -> Mapping[str, int]:
        if not conversations:
            return {}
        table = tables.outbox
        statement = (
            select(table.c.conversation, func.count().label("many"))
            .where(
                and_(
                    table.c.conversation.in_(list(conversations)),
                    table.c.state == str(DeliveryState.FAILED),
                )
            )
            .group_by(table.c.conversation)
        )
        found = (await self._connection.execute(statement)).mappings()
        return {row["conversation"]: row["many"] for row in found}
