"""Telegram's side of one bot: its token, where its updates go, and the updates that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FIRST_UPDATE = 518_000_001
A_DAY = 86_400.0


class Wrong(Exception):
    """A call that Telegram refuses, in Telegram's words."""

    def __init__(self, code: int, description: str, retry_after: int = 0) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """What Telegram answers."""
        more = {"parameters": {"retry_after": self.retry_after}} if self.retry_after else {}
        return {"ok": False, "error_code": self.code, "description": self.description} | more


@dataclass(frozen=True, slots=True)
class Update:
    """One update as it is sent, and when it happened."""

    id: int
    at: float
    body: Mapping[str, Any] = field(repr=False)


class Box:
    """Updates, oldest first, until the bot has them or they are a day old."""

    def __init__(self, token: str, clock: Callable[[], float]) -> None:
        self.token = token
        self.clock = clock
        self.webhook = ""
        self.secret = ""
        self.allowed: Sequence[str] = ()
        self.last_error = ""
        self._next = FIRST_UPDATE
        self._updates: list[Update] = []
        self._changed = asyncio.Condition()
        self._fetch = 0
        self.latest: Update | None = None

    @property
    def bot(self) -> dict[str, Any]:
        """The bot as Telegram shows it."""
        number = int(self.token.partition(":")[0])
        return {"id": number, "is_bot": True, "first_name": "곁", "username": "gyeot_simulated_bot"}

    @property
    def waiting(self) -> Sequence[Update]:
        """What the bot does not have yet."""
        return tuple(self._updates)

    async def put(self, kind: str, content: Mapping[str, Any]) -> None:
        """Something happened that the bot may want to know."""
        if self.allowed and kind not in self.allowed:
            return
        number, self._next = self._next, self._next + 1
        self.latest = Update(number, self.clock(), {"update_id": number, kind: content})
        await self.repeat(self.latest)

    async def repeat(self, update: Update) -> None:
        """Line an update up, whether or not the bot had it before."""
        async with self._changed:
            self._updates.append(update)
            self._changed.notify_all()

    async def set_webhook(self, url: str, secret: str, allowed: Sequence[str] | None) -> None:
        """Where updates go from now on; empty: they wait."""
        async with self._changed:
            self.webhook, self.secret, self.last_error = url, secret, ""
            self.allowed = self.allowed if allowed is None else allowed
            self._changed.notify_all()

    async def next_for_webhook(self) -> Update:
        """The oldest update that is due for the webhook; waits for one, and for a webhook."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.webhook and self._updates)
            return self._updates[0]

    def forget(self, update: Update) -> None:
        """The bot has it, or it is too old."""
        if update in self._updates:
            self._updates.remove(update)

    async def fetch(self, offset: int, limit: int, wait: float) -> list[Mapping[str, Any]]:
        """Updates from ``offset`` on; all before it are forgotten. Only one may fetch at a time."""
        self._refuse_beside_webhook()
        self._fetch = mine = self._fetch + 1
        oldest = self.clock() - A_DAY
        async with self._changed:
            self._changed.notify_all()  # who fetched before us is told to stop
            self._updates = [u for u in self._updates if u.id >= offset and u.at > oldest]
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait_for(
                        lambda: (
                            any(update.id >= offset for update in self._updates)
                            or self.webhook
                            or mine != self._fetch
                        )
                    )
            except TimeoutError:
                return []
            self._refuse_beside_webhook()
            if mine != self._fetch:
                raise Wrong(
                    409,
                    "Conflict: terminated by other getUpdates request; "
                    "make sure that only one bot instance is running",
                )
            return [update.body for update in self._updates if update.id >= offset][:limit]

    def _refuse_beside_webhook(self) -> None:
        if self.webhook:
            raise Wrong(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
