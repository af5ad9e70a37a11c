"""One process of a storm: a house that can lose its store and all its tasks from one moment to the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from bot import hooks
from bot.clock import now as real_now
from bot.compose import House
from bot.doorways import Doorways
from channels.port import Parcel, Sender, Way
from handoff.store.sql import SqlStore
from tests.chaos.storm_books import GIVEN, NOTICE, UNDER_WAY, Books
from tests.contract.channel_requests import Brought


class Clock:
    """Real milliseconds, and what was skipped while nothing ran."""

    def __init__(self) -> None:
        self._skipped = 0

    def __call__(self) -> int:
        return real_now() + self._skipped

    def skip(self, milliseconds: int) -> None:
        self._skipped += milliseconds


class Mortal:
    """A store that is gone from one moment to the next."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.dead = False

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._store.begin() as tx:
            self._alive()
            yield tx
            self._alive()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        self._alive()
        async with self._store.read() as tx:
            yield tx

    async def close(self) -> None:
        await self._store.close()

    def _alive(self) -> None:
        if self.dead:
            raise asyncio.CancelledError


class Watched:
    """A channel's sender that says which parcel is under way."""

    def __init__(self, inner: Sender, books: Books) -> None:
        self._inner = inner
        self._books = books

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        UNDER_WAY.set(parcel.key)
        if not parcel.key.endswith(NOTICE):
            self._books.letters[parcel.key] = parcel.texts
        return await self._inner.send(ways, parcel)

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        await self._inner.erase(address, sent_ids)


@dataclass(frozen=True, slots=True)
class Life:
    """One process."""

    house: House
    doorways: Doorways
    store: Mortal
    app: Any

    def senders(self, books: Books) -> dict[str, Sender]:
        return {name: Watched(sender, books) for name, sender in self.doorways.senders.items()}

    async def take(self, brought: Brought) -> tuple[int, bytes]:
        """Hand one webhook request to the application."""
        path = f"/hooks/{brought.path}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": brought.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in brought.headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("gyeot.test", 443),
        }
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": brought.body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:])


def given_noted() -> Any:
    """Have the house note which answers it puts into a response."""
    lease = hooks.Hooks._lease

    async def noted(self: hooks.Hooks, conversation: str, channel: str) -> Any:
        found = await lease(self, conversation, channel)
        noted_in = GIVEN.get()
        if noted_in is not None and found.items:
            noted_in.append(([item.id for item in found.items], found.answer.texts))
        return found

    return mock.patch.object(hooks.Hooks, "_lease", noted)
