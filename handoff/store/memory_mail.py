"""Inbox and outbox in memory: twins of ``sql_mail``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from handoff.conversation import DeliveryState, InboxItem, OutboxItem
from handoff.store.memory_state import Part, insert


class MemoryInbox(Part):
    """Twin of ``SqlInbox``."""

    async def put(self, items: Sequence[InboxItem]) -> None:
        insert(self._state.inbox, {(item.conversation, item.seq): item for item in items})

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


class MemoryOutbox(Part):
    """Twin of ``SqlOutbox``."""

    async def put(self, items: Sequence[OutboxItem]) -> None:
        insert(self._state.outbox, {item.id: item for item in items})

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

    async def locked(self, conversation: str) -> Sequence[OutboxItem]:
        return await self.of(conversation)


class MemoryShown(Part):
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
