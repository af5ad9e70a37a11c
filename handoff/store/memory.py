"""The store in memory: the twin that tests use, with the same behaviour as the databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from handoff.conversation import (
    Address,
    AssessmentRecord,
    Claim,
    ClaimKey,
    Conversation,
    DeliveryState,
    Entry,
    InboxItem,
    Label,
    OutboxItem,
    Phase,
    Sent,
)
from handoff.errors import Conflict
from handoff.people import DeskKey, DeskShare, Staff, StaffSession
from handoff.store.memory_labels import MemoryLabels
from handoff.store.memory_phones import MemoryPhones
from handoff.store.memory_sent import MemorySentBook
from vault.audit import AuditRecord


@dataclass(slots=True)
class _State:
    """Everything that is kept. Values are frozen, so copying the containers copies the state."""

    claims: dict[ClaimKey, Claim] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    addresses: dict[bytes, Address] = field(default_factory=dict)
    codes: dict[bytes, str] = field(default_factory=dict)
    entries: dict[tuple[str, int], Entry] = field(default_factory=dict)
    assessments: dict[tuple[str, int], AssessmentRecord] = field(default_factory=dict)
    inbox: dict[tuple[str, int], InboxItem] = field(default_factory=dict)
    outbox: dict[str, OutboxItem] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    sessions: dict[bytes, StaffSession] = field(default_factory=dict)
    desk: dict[int, DeskKey] = field(default_factory=dict)
    shares: dict[tuple[int, str], DeskShare] = field(default_factory=dict)
    audit: list[tuple[AuditRecord, bytes]] = field(default_factory=list)
    labels: dict[str, Label] = field(default_factory=dict)
    sent: dict[tuple[str, bytes], Sent] = field(default_factory=dict)

    def snapshot(self) -> Self:
        return type(self)(*(copy(getattr(self, name)) for name in self.__slots__))


K = TypeVar("K")
V = TypeVar("V")


def _insert(kept: dict[K, V], new: Mapping[K, V]) -> None:
    if not kept.keys().isdisjoint(new):
        raise Conflict("such a row exists already")
    kept.update(new)


class _Part:
    def __init__(self, state: _State) -> None:
        self._state = state


class MemoryClaims(_Part):
    """Twin of ``SqlClaims``."""

    async def take(self, claims: Sequence[Claim]) -> set[ClaimKey]:
        new = {claim.key: claim for claim in claims if claim.key not in self._state.claims}
        self._state.claims.update(new)
        return set(new)

    async def find(self, keys: Sequence[ClaimKey]) -> Mapping[ClaimKey, Claim]:
        return {key: self._state.claims[key] for key in keys if key in self._state.claims}

    async def sweep(self, before: int) -> int:
        old = [key for key, claim in self._state.claims.items() if claim.at < before]
        for key in old:
            del self._state.claims[key]
        return len(old)


class MemoryConversations(_Part):
    """Twin of ``SqlConversations``."""

    async def add(self, conversations: Sequence[Conversation]) -> None:
        _insert(self._state.conversations, {value.id: value for value in conversations})

    async def lock(self, ids: Sequence[str]) -> Mapping[str, Conversation]:
        known = self._state.conversations
        return {id: known[id] for id in ids if id in known}

    async def save(self, conversations: Sequence[Conversation]) -> None:
        kept = self._state.conversations
        for value in conversations:
            if value.id in kept:
                never = {name: getattr(kept[value.id], name) for name in _NEVER_CHANGES}
                kept[value.id] = replace(value, **never)

    async def erase(self, id: str) -> None:
        state = self._state
        state.entries = {key: value for key, value in state.entries.items() if key[0] != id}
        state.inbox = {key: value for key, value in state.inbox.items() if key[0] != id}
        state.codes = {key: value for key, value in state.codes.items() if value != id}
        state.outbox = {key: value for key, value in state.outbox.items() if value.conversation != id}

    async def erased(self, limit: int) -> Sequence[str]:
        at = {value.conversation for value in self._state.addresses.values()}
        return sorted(
            id for id, value in self._state.conversations.items() if value.sealed_key is None and id in at
        )[:limit]

    async def in_phase(self, phases: Sequence[Phase]) -> Sequence[Conversation]:
        chosen = [value for value in self._state.conversations.values() if value.phase in phases]
        return sorted(chosen, key=_queue_order)[:1000]

    async def count(self, phase: Phase) -> int:
        return sum(value.phase is phase for value in self._state.conversations.values())

    async def find(self, id: str) -> Conversation | None:
        return self._state.conversations.get(id)


_NEVER_CHANGES = ("opened_at", "desk_epoch", "public_key")


def _queue_order(value: Conversation) -> tuple[int, int, str]:
    since = value.opened_at if value.waiting_since is None else value.waiting_since
    return (-value.risk, since, value.id)


class MemoryAddresses(_Part):
    """Twin of ``SqlAddresses``."""

    async def find(self, indexes: Sequence[bytes]) -> Mapping[bytes, Address]:
        known = self._state.addresses
        return {index: known[index] for index in indexes if index in known}

    async def add(self, addresses: Sequence[Address]) -> None:
        _insert(self._state.addresses, {value.index: value for value in addresses})

    async def change(self, addresses: Sequence[Address]) -> None:
        kept = self._state.addresses
        for value in addresses:
            if value.index in kept:
                first = kept[value.index]
                kept[value.index] = replace(value, channel=first.channel, created_at=first.created_at)

    async def of(self, conversation: str) -> Sequence[Address]:
        chosen = [value for value in self._state.addresses.values() if value.conversation == conversation]
        return sorted(chosen, key=_last_heard_first)

    async def remove(self, index: bytes) -> None:
        self._state.addresses.pop(index, None)


def _last_heard_first(value: Address) -> tuple[int, int, bytes]:
    heard = value.created_at if value.heard_at is None else value.heard_at
    return (-heard, -value.created_at, value.index)


class MemoryRecoveryCodes(_Part):
    """Twin of ``SqlRecoveryCodes``."""

    async def put(self, index: bytes, conversation: str, at: int) -> None:
        codes = self._state.codes
        for old in [key for key, value in codes.items() if value == conversation]:
            del codes[old]
        codes[index] = conversation

    async def find(self, index: bytes) -> str | None:
        return self._state.codes.get(index)


class MemoryEntries(_Part):
    """Twin of ``SqlEntries``."""

    async def append(self, entries: Sequence[Entry]) -> None:
        _insert(self._state.entries, {(value.conversation, value.seq): value for value in entries})

    async def of(self, conversation: str, after: int = 0) -> Sequence[Entry]:
        chosen = [e for e in self._state.entries.values() if e.conversation == conversation and e.seq > after]
        return sorted(chosen, key=lambda value: value.seq)

    async def assess(self, records: Sequence[AssessmentRecord]) -> None:
        _insert(self._state.assessments, {(value.conversation, value.seq): value for value in records})

    async def assessments(self, conversation: str) -> Sequence[AssessmentRecord]:
        chosen = [value for value in self._state.assessments.values() if value.conversation == conversation]
        return sorted(chosen, key=lambda value: value.seq)


class MemoryInbox(_Part):
    """Twin of ``SqlInbox``."""

    async def put(self, items: Sequence[InboxItem]) -> None:
        _insert(self._state.inbox, {(item.conversation, item.seq): item for item in items})

    async def of(self, conversations: Sequence[str]) -> Sequence[InboxItem]:
        chosen = [item for item in self._state.inbox.values() if item.conversation in conversations]
        return sorted(chosen, key=lambda item: (item.conversation, item.seq))

    async def undecided(self, before: int, limit: int) -> Sequence[InboxItem]:
        chosen = [item for item in self._state.inbox.values() if item.received_at < before]
        return sorted(chosen, key=lambda item: (item.received_at, item.conversation, item.seq))[:limit]

    async def tried(self, item: InboxItem) -> None:
        key = (item.conversation, item.seq)
        if key in self._state.inbox:
            kept = self._state.inbox[key]
            self._state.inbox[key] = replace(kept, attempts=kept.attempts + 1)

    async def drop(self, items: Sequence[InboxItem]) -> None:
        for item in items:
            self._state.inbox.pop((item.conversation, item.seq), None)


class MemoryOutbox(_Part):
    """Twin of ``SqlOutbox``."""

    async def put(self, items: Sequence[OutboxItem]) -> None:
        _insert(self._state.outbox, {item.id: item for item in items})

    async def lease(self, channels: Sequence[str], now: int, until: int, limit: int) -> Sequence[OutboxItem]:
        pending = [item for item in self._state.outbox.values() if item.state is DeliveryState.PENDING]
        first: dict[tuple[str, str], OutboxItem] = {}
        for item in sorted(pending, key=lambda item: item.seq):
            first.setdefault((item.conversation, item.channel), item)
        due = [
            item
            for item in first.values()
            if item.channel in channels and item.due_at <= now and item.leased_until <= now
        ]
        taken = [
            replace(item, leased_until=until) for item in sorted(due, key=lambda i: (i.due_at, i.seq))[:limit]
        ]
        self._state.outbox.update({item.id: item for item in taken})
        return taken

    async def settle(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._state.outbox.pop(id, None)

    async def change(self, item: OutboxItem) -> None:
        if item.id in self._state.outbox:
            self._state.outbox[item.id] = item

    async def release(self, conversations: Sequence[str], now: int) -> None:
        for item in list(self._state.outbox.values()):
            if item.state is DeliveryState.HELD and item.conversation in conversations:
                self._state.outbox[item.id] = replace(
                    item, state=DeliveryState.PENDING, due_at=now, attempts=0, leased_until=0, error=None
                )

    async def of(self, conversation: str) -> Sequence[OutboxItem]:
        chosen = [item for item in self._state.outbox.values() if item.conversation == conversation]
        return sorted(chosen, key=lambda item: item.seq)


class MemoryShown(_Part):
    """Twin of ``SqlShown``."""

    async def up_to(self, marks: Mapping[str, int], channel: str) -> None:
        shown = [
            item.id
            for item in self._state.outbox.values()
            if item.channel == channel and item.seq <= marks.get(item.conversation, -1)
        ]
        for id in shown:
            del self._state.outbox[id]

    async def failed(self, conversations: Sequence[str]) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for item in self._state.outbox.values():
            if item.state is DeliveryState.FAILED and item.conversation in conversations:
                counts[item.conversation] = counts.get(item.conversation, 0) + 1
        return counts


class MemoryStaffBook(_Part):
    """Twin of ``SqlStaffBook``."""

    async def add(self, staff: Staff) -> None:
        if any(known.name == staff.name for known in self._state.staff.values()):
            raise Conflict("a member of staff with this name exists")
        _insert(self._state.staff, {staff.id: staff})

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


class MemoryStaffSessions(_Part):
    """Twin of ``SqlStaffSessions``."""

    async def add(self, session: StaffSession) -> None:
        _insert(self._state.sessions, {session.token_hash: session})

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


class MemoryDeskKeys(_Part):
    """Twin of ``SqlDeskKeys``."""

    async def add(self, key: DeskKey) -> None:
        _insert(self._state.desk, {key.epoch: key})

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


class MemoryAuditTrail(_Part):
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


class MemoryTransaction:
    """The repositories of one transaction in memory."""

    def __init__(self, state: _State) -> None:
        self.claims = MemoryClaims(state)
        self.conversations = MemoryConversations(state)
        self.addresses = MemoryAddresses(state)
        self.recovery = MemoryRecoveryCodes(state)
        self.entries = MemoryEntries(state)
        self.inbox = MemoryInbox(state)
        self.outbox = MemoryOutbox(state)
        self.shown = MemoryShown(state)
        self.staff = MemoryStaffBook(state)
        self.phones = MemoryPhones(state)
        self.sessions = MemoryStaffSessions(state)
        self.desk_keys = MemoryDeskKeys(state)
        self.audit = MemoryAuditTrail(state)
        self.sent = MemorySentBook(state.sent)
        self.labels = MemoryLabels(state.labels, state.assessments, state.conversations)


class MemoryStore:
    """A home for conversations that is gone with the process."""

    def __init__(self) -> None:
        self._state = _State()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction]:
        """One transaction on a copy, which becomes the state only if the block ends well."""
        async with self._lock:
            working = self._state.snapshot()
            yield MemoryTransaction(working)
            self._state = working

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryTransaction]:
        """A look at a copy."""
        yield MemoryTransaction(self._state.snapshot())

    async def close(self) -> None:
        """Nothing to let go of."""
