"""One visitor's messages are handled one by one: a lane for each conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Lanes:
    """Locks by name that exist only while somebody uses them. Waiting is first come, first served."""

    def __init__(self) -> None:
        self._lanes: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn of this caller in the lane of this name."""
        lock, users = self._lanes.get(name, (asyncio.Lock(), 0))
        self._lanes[name] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._lanes[name]
            if users == 1:
                del self._lanes[name]
            else:
                self._lanes[name] = (lock, users - 1)

    def __len__(self) -> int:
        return len(self._lanes)
