"""Conversations, addresses, entries and claims in memory: twins of ``sql_threads``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from handoff.conversation import (
    Address,
    AssessmentRecord,
    Claim,
    ClaimKey,
    Conversation,
    Entry,
    Phase,
)
from handoff.store.memory_state import Part, insert


class MemoryClaims(Part):
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


class MemoryConversations(Part):
    """Twin of ``SqlConversations``."""

    async def add(self, conversations: Sequence[Conversation]) -> None:
        insert(self._state.conversations, {value.id: value for value in conversations})

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
        state = self._state
        rest = (state.addresses, state.sent, state.outbox)
        at = {value.conversation for part in rest for value in part.values()}
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


class MemoryAddresses(Part):
    """Twin of ``SqlAddresses``."""

    async def find(self, indexes: Sequence[bytes]) -> Mapping[bytes, Address]:
        known = self._state.addresses
        return {index: known[index] for index in indexes if index in known}

    async def add(self, addresses: Sequence[Address]) -> None:
        insert(self._state.addresses, {value.index: value for value in addresses})

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


class MemoryRecoveryCodes(Part):
    """Twin of ``SqlRecoveryCodes``."""

    async def put(self, index: bytes, conversation: str, at: int) -> None:
        codes = self._state.codes
        for old in [key for key, value in codes.items() if value == conversation]:
            del codes[old]
        codes[index] = conversation

    async def find(self, index: bytes) -> str | None:
        return self._state.codes.get(index)


class MemoryEntries(Part):
    """Twin of ``SqlEntries``."""

    async def append(self, entries: Sequence[Entry]) -> None:
        insert(self._state.entries, {(value.conversation, value.seq): value for value in entries})

    async def of(self, conversation: str, after: int = 0) -> Sequence[Entry]:
        chosen = [e for e in self._state.entries.values() if e.conversation == conversation and e.seq > after]
        return sorted(chosen, key=lambda value: value.seq)

    async def assess(self, records: Sequence[AssessmentRecord]) -> None:
        insert(self._state.assessments, {(value.conversation, value.seq): value for value in records})

    async def assessments(self, conversation: str) -> Sequence[AssessmentRecord]:
        chosen = [value for value in self._state.assessments.values() if value.conversation == conversation]
        return sorted(chosen, key=lambda value: value.seq)
