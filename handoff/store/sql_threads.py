"""Conversations, addresses, entries and claims in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from handoff.conversation import (
    Address,
    AssessmentRecord,
    Claim,
    ClaimKey,
    Conversation,
    Entry,
    Phase,
)
from handoff.store import rows, tables
from handoff.store.sql_connection import SqlConnection

_NEVER_CHANGES = {"id", "opened_at", "desk_epoch", "public_key"}
_SAVE = (
    update(tables.conversation)
    .where(tables.conversation.c.id == bindparam("key"))
    .values({c.name: bindparam(c.name) for c in tables.conversation.c if c.name not in _NEVER_CHANGES})
)
_CHANGE = (
    update(tables.address)
    .where(tables.address.c.address_index == bindparam("key"))
    .values(
        {
            column.name: bindparam(column.name)
            for column in tables.address.c
            if column.name not in {"address_index", "channel", "created_at"}
        }
    )
)
_LOCK = (
    select(tables.conversation)
    .where(tables.conversation.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(tables.conversation.c.id)
    .with_for_update()
)


def _one_order(claim: Claim) -> tuple[str, bytes]:
    """Two batches with the same claims take them in the same order, so that neither waits for the other."""
    return (claim.key.source, claim.key.index)


def insert_new(connection: SqlConnection, table: Any) -> Any:
    """``INSERT … ON CONFLICT DO NOTHING`` in the dialect of this connection."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


class SqlClaims:
    """Claims in the table ``claim``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def take(self, claims: Sequence[Claim]) -> set[ClaimKey]:
        if not claims:
            return set()
        table = tables.claim
        statement = (
            insert_new(self._connection, table)
            .values([rows.claim_row(claim) for claim in sorted(claims, key=_one_order)])
            .returning(table.c.source, table.c.key_index)
        )
        return {ClaimKey(row.source, row.key_index) for row in await self._connection.execute(statement)}

    async def find(self, keys: Sequence[ClaimKey]) -> Mapping[ClaimKey, Claim]:
        if not keys:
            return {}
        table = tables.claim
        statement = select(table).where(
            tuple_(table.c.source, table.c.key_index).in_([(key.source, key.index) for key in keys])
        )
        found = [rows.to_claim(row) for row in (await self._connection.execute(statement)).mappings()]
        return {claim.key: claim for claim in found}

    async def sweep(self, before: int) -> int:
        result = await self._connection.execute(delete(tables.claim).where(tables.claim.c.at < before))
        return int(result.rowcount)


class SqlConversations:
    """Conversations in the table ``conversation``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def add(self, conversations: Sequence[Conversation]) -> None:
        if conversations:
            await self._connection.execute(
                tables.conversation.insert(), [rows.conversation_row(value) for value in conversations]
            )

    async def lock(self, ids: Sequence[str]) -> Mapping[str, Conversation]:
        if not ids:
            return {}
        found = await self._connection.execute(_LOCK, {"ids": list(ids)})
        return {row["id"]: rows.to_conversation(row) for row in found.mappings()}

    async def save(self, conversations: Sequence[Conversation]) -> None:
        changed = []
        for value in conversations:
            row = rows.conversation_row(value)
            row["key"] = row["id"]
            changed.append({name: row[name] for name in row if name not in _NEVER_CHANGES})
        if changed:
            await self._connection.execute(_SAVE, changed)

    async def erase(self, id: str) -> None:
        for table in (tables.entry, tables.inbox, tables.recovery, tables.outbox):
            await self._connection.execute(delete(table).where(table.c.conversation == id))

    async def erased(self, limit: int) -> Sequence[str]:
        thread, rest = tables.conversation, (tables.address, tables.sent, tables.outbox)
        statement = (
            select(thread.c.id)
            .where(thread.c.sealed_key.is_(None))
            .where(or_(*(exists().where(table.c.conversation == thread.c.id) for table in rest)))
            .order_by(thread.c.id)
            .limit(limit)
        )
        return list((await self._connection.execute(statement)).scalars())

    async def in_phase(self, phases: Sequence[Phase]) -> Sequence[Conversation]:
        table = tables.conversation
        statement = (
            select(table)
            .where(table.c.phase.in_([str(phase) for phase in phases]))
            .order_by(
                table.c.risk.desc(), func.coalesce(table.c.waiting_since, table.c.opened_at), table.c.id
            )
            .limit(1000)
        )
        return [rows.to_conversation(row) for row in (await self._connection.execute(statement)).mappings()]

    async def count(self, phase: Phase) -> int:
        table = tables.conversation
        statement = select(func.count()).select_from(table).where(table.c.phase == str(phase))
        return int((await self._connection.execute(statement)).scalar() or 0)

    async def find(self, id: str) -> Conversation | None:
        statement = select(tables.conversation).where(tables.conversation.c.id == id)
        row = (await self._connection.execute(statement)).mappings().first()
        return rows.to_conversation(row) if row else None


class SqlAddresses:
    """Addresses in the table ``address``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def find(self, indexes: Sequence[bytes]) -> Mapping[bytes, Address]:
        if not indexes:
            return {}
        statement = select(tables.address).where(tables.address.c.address_index.in_(list(indexes)))
        found = [rows.to_address(row) for row in (await self._connection.execute(statement)).mappings()]
        return {address.index: address for address in found}

    async def add(self, addresses: Sequence[Address]) -> None:
        if addresses:
            await self._connection.execute(
                tables.address.insert(), [rows.address_row(value) for value in addresses]
            )

    async def change(self, addresses: Sequence[Address]) -> None:
        if addresses:
            changed = [{**rows.address_row(value), "key": value.index} for value in addresses]
            for row in changed:
                del row["address_index"], row["channel"], row["created_at"]
            await self._connection.execute(_CHANGE, changed)

    async def of(self, conversation: str) -> Sequence[Address]:
        table = tables.address
        statement = (
            select(table)
            .where(table.c.conversation == conversation)
            .order_by(
                func.coalesce(table.c.heard_at, table.c.created_at).desc(),
                table.c.created_at.desc(),
                table.c.address_index,
            )
        )
        return [rows.to_address(row) for row in (await self._connection.execute(statement)).mappings()]

    async def remove(self, index: bytes) -> None:
        await self._connection.execute(delete(tables.address).where(tables.address.c.address_index == index))


class SqlRecoveryCodes:
    """Recovery codes in the table ``recovery``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def put(self, index: bytes, conversation: str, at: int) -> None:
        table = tables.recovery
        await self._connection.execute(delete(table).where(table.c.conversation == conversation))
        await self._connection.execute(
            table.insert(), {"code_index": index, "conversation": conversation, "at": at}
        )

    async def find(self, index: bytes) -> str | None:
        table = tables.recovery
        statement = select(table.c.conversation).where(table.c.code_index == index)
        found: str | None = (await self._connection.execute(statement)).scalar()
        return found


class SqlEntries:
    """Transcripts in the tables ``entry`` and ``assessment``."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def append(self, entries: Sequence[Entry]) -> None:
        if entries:
            await self._connection.execute(tables.entry.insert(), [asdict(value) for value in entries])

    async def of(self, conversation: str, after: int = 0) -> Sequence[Entry]:
        table = tables.entry
        statement = (
            select(table)
            .where(and_(table.c.conversation == conversation, table.c.seq > after))
            .order_by(table.c.seq)
        )
        return [rows.to_entry(row) for row in (await self._connection.execute(statement)).mappings()]

    async def assess(self, records: Sequence[AssessmentRecord]) -> None:
        if records:
            await self._connection.execute(
                tables.assessment.insert(), [rows.assessment_row(value) for value in records]
            )

    async def assessments(self, conversation: str) -> Sequence[AssessmentRecord]:
        table = tables.assessment
        statement = select(table).where(table.c.conversation == conversation).order_by(table.c.seq)
        return [rows.to_assessment(row) for row in (await self._connection.execute(statement)).mappings()]
