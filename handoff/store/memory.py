"""The store in memory: the twin that tests use, with the same behaviour as the databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from handoff.store.memory_labels import MemoryLabels
from handoff.store.memory_mail import (
    MemoryInbox,
    MemoryOutbox,
    MemoryShown,
)
from handoff.store.memory_people import (
    MemoryAuditTrail,
    MemoryDeskKeys,
    MemoryStaffBook,
    MemoryStaffSessions,
)
from handoff.store.memory_phones import MemoryPhones
from handoff.store.memory_sent import MemorySentBook
from handoff.store.memory_state import State
from handoff.store.memory_threads import (
    MemoryAddresses,
    MemoryClaims,
    MemoryConversations,
    MemoryEntries,
    MemoryRecoveryCodes,
)


class MemoryTransaction:
    """The repositories of one transaction in memory."""

    def __init__(self, state: State) -> None:
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
        self._state = State()
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
