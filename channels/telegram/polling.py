"""Updates fetched by ourselves, for a server that nobody can reach from outside.

Telegram forgets an update when it is asked for a higher number. That number only moves over updates that are
kept. It is sent once and then left out: numbers start anew, possibly lower, after a week of silence
(core.telegram.org/bots/api#update), and every update is told apart by its own number, never by "higher than
the last".
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from channels.errors import ChannelError, Throttled
from channels.port import Busy
from channels.telegram.client import Client, Conflict
from channels.telegram.forms import is_id
from channels.telegram.receive import Receiver

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
AFTER_CONFLICT = 30.0
TRIES = 5
"""How often an update that fails is tried while others beside it are kept."""

_log = structlog.get_logger("channels.telegram")


class Polling:
    """Fetches updates until cancelled."""

    def __init__(
        self, client: Client, receiver: Receiver, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._client = client
        self._receiver = receiver
        self._sleep = sleep
        self._offset: int | None = None
        self._failures: dict[int, int] = {}

    async def prepare(self) -> None:
        """Take the webhook away, without which Telegram gives nothing out. What waits is kept."""
        await self._client.delete_webhook()

    async def run(self) -> None:
        """Prepare, then fetch and hand over, with growing pauses while something fails."""
        step, pause = self.prepare, FIRST_PAUSE
        while True:
            try:
                await step()
            except Exception as error:  # noqa: BLE001  the outermost loop: polling must go on
                await self._sleep(_pause(error, pause))
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                step, pause = self.round, FIRST_PAUSE

    async def round(self) -> None:
        """Fetch once and hand over. Raises when something was not kept; Telegram then gives it again."""
        batch = await self._client.updates(self._offset)
        if not batch:
            self._offset = None  # what it confirmed is forgotten there
            return
        failed: Exception | None = None
        done: list[bool] = []
        for update in batch:
            try:
                await self._take(update)
            except Busy as busy:
                failed = busy
                break
            except Exception as error:  # noqa: BLE001  one bad update must not hold the others
                done.append(False)
                failed = error
            else:
                done.append(True)
        self._give_up(batch, done)
        self._confirm(batch, done)
        if failed is not None:
            raise failed

    async def _take(self, update: Mapping[str, Any]) -> None:
        if not is_id(update.get("update_id")):
            _log.error("telegram.update_without_id")
            return
        await self._receiver.take(update)
        self._failures.pop(update["update_id"], None)

    def _give_up(self, batch: Sequence[Mapping[str, Any]], done: list[bool]) -> None:
        """Let go of an update that fails again and again while others are kept: it would stop the line."""
        if not any(done):
            return
        there = {update.get("update_id") for update in batch}
        self._failures = {number: tries for number, tries in self._failures.items() if number in there}
        for place, kept in enumerate(done):
            if kept:
                continue
            number = batch[place]["update_id"]
            self._failures[number] = self._failures.get(number, 0) + 1
            if self._failures[number] >= TRIES:
                _log.error("telegram.update_given_up", update=number)
                del self._failures[number]
                done[place] = True

    def _confirm(self, batch: Sequence[Mapping[str, Any]], done: list[bool]) -> None:
        """Move the number over the kept updates at the head, and not over one that was not kept."""
        for update, kept in zip(batch, done, strict=False):
            if not kept:
                return
            if is_id(update.get("update_id")):
                self._offset = update["update_id"] + 1


def _pause(error: Exception, pause: float) -> float:
    """How long to wait after this error; said in the log."""
    if isinstance(error, Conflict):
        _log.error("telegram.conflict", hint="another process polls with this token, or set a webhook")
        return AFTER_CONFLICT
    if isinstance(error, Busy):
        return float(error.seconds)
    if isinstance(error, Throttled):
        return error.seconds
    level = _log.warning if isinstance(error, ChannelError) else _log.error
    level("telegram.polling_failed", error=type(error).__name__)
    return pause * random.uniform(1.0, 1.5)  # noqa: S311  jitter, not a secret
