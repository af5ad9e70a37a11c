"""The bell: something changed, look again. It carries ids only and may lose a ring.

Losing a ring costs seconds, never a message: every listener also looks again on its own when it
(re)connects and from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

RINGS_KEPT = 256


class Rings(Protocol):
    """Rings heard since listening began."""

    async def next(self) -> str | None:
        """The next conversation that changed; ``""`` when some were missed; ``None`` when it is over."""


class Bell(Protocol):
    """Rings for conversations."""

    async def ring(self, conversation: str) -> None:
        """Tell everyone who listens that this conversation changed. Never raises."""

    def listen(self, only: str | None = None) -> AbstractAsyncContextManager[Rings]:
        """Hear rings, of one conversation or of all, until the block ends or the bell is closed."""

    async def close(self) -> None:
        """End every listening."""


class _Ear:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(RINGS_KEPT)
        self._over = False

    def hear(self, conversation: str | None) -> None:
        if conversation is None:
            self._over = True
        try:
            self._queue.put_nowait(conversation)
        except asyncio.QueueFull:  # too slow: forget the single rings, say «some were missed»
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(None if self._over else "")

    async def next(self) -> str | None:
        if self._over and self._queue.empty():
            return None
        return await self._queue.get()


class LocalBell:
    """A bell within one process."""

    def __init__(self) -> None:
        self._ears: dict[str | None, set[_Ear]] = {}
        self._closed = False

    async def ring(self, conversation: str) -> None:
        """Ring at once: for those who listen to everything and those who listen to this conversation."""
        if conversation == "":
            self._tell_all("")
            return
        for ear in (*self._ears.get(None, ()), *self._ears.get(conversation, ())):
            ear.hear(conversation)

    @asynccontextmanager
    async def listen(self, only: str | None = None) -> AsyncIterator[_Ear]:
        """Hear rings until the block ends or the bell is closed."""
        ear = _Ear()
        if self._closed:
            ear.hear(None)
        self._ears.setdefault(only, set()).add(ear)
        try:
            yield ear
        finally:
            self._ears[only].discard(ear)
            if not self._ears[only]:
                del self._ears[only]

    async def close(self) -> None:
        """End every listening, so that open streams let the server stop."""
        self._closed = True
        self._tell_all(None)

    def _tell_all(self, what: str | None) -> None:
        for ears in tuple(self._ears.values()):
            for ear in tuple(ears):
                ear.hear(what)
