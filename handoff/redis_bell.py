"""The bell over Redis, for several processes. Only ids pass through it: the ringer's and conversations'."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from handoff.bell import RINGS_KEPT, LocalBell, Rings

CHANNEL = "gyeot:bell"
DEADLINE = 2.0
RETRY_AFTER = 1.0
SILENCE = 15.0

_log = structlog.get_logger("handoff.bell")


class RedisBell:
    """Rings in this process at once, and in the others through Redis.

    Nobody who rings waits for Redis. Losing it loses no message: rings in this process go on, the others
    are told «some were missed» once it is back, and everybody looks again.
    """

    def __init__(self, url: str) -> None:
        # No retries inside the client: it would subscribe anew in silence, and nobody would know that
        # rings were missed.
        self._redis = Redis.from_url(
            url, socket_timeout=DEADLINE, socket_connect_timeout=DEADLINE, retry=Retry(NoBackoff(), 0)
        )
        self._name = secrets.token_hex(8)
        self._local = LocalBell()
        self._outgoing: asyncio.Queue[str] = asyncio.Queue(RINGS_KEPT)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to hear the other processes and to tell them."""
        self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._tell())]

    async def ring(self, conversation: str) -> None:
        """Ring here, and soon after for the others if Redis answers."""
        await self._local.ring(conversation)
        if self._outgoing.full():  # Redis is away or slow: «some were missed» stands for all of them
            while not self._outgoing.empty():
                self._outgoing.get_nowait()
            conversation = ""
        self._outgoing.put_nowait(conversation)

    def listen(self, only: str | None = None) -> AbstractAsyncContextManager[Rings]:
        """Hear rings of every process."""
        return self._local.listen(only)

    async def close(self) -> None:
        """End every listening and let go of Redis."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._local.close()
        await self._redis.aclose()

    async def _tell(self) -> None:
        missed = False
        while True:
            conversation = "" if missed else await self._outgoing.get()
            try:
                async with asyncio.timeout(DEADLINE):
                    await self._redis.publish(CHANNEL, f"{self._name} {conversation}")
                missed = False
            except (RedisError, OSError, TimeoutError) as error:
                if not missed:
                    _log.warning("bell.unreachable", error=type(error).__name__)
                missed = True
                await asyncio.sleep(RETRY_AFTER)

    async def _hear(self) -> None:
        while True:
            try:
                await self._hear_until_lost()
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("bell.lost", error=type(error).__name__)
            await asyncio.sleep(RETRY_AFTER)

    async def _hear_until_lost(self) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL)
            asked = subscribed = False
            while True:
                message = await pubsub.get_message(timeout=SILENCE)
                if message is None:
                    if asked:
                        raise TimeoutError
                    await pubsub.ping()  # a connection that fell silent may be dead without saying so
                    asked = True
                    continue
                asked = False
                if message["type"] == "message":
                    ringer, _, conversation = message["data"].decode("ascii", "replace").partition(" ")
                    if ringer != self._name:
                        await self._local.ring(conversation)
                elif message["type"] == "subscribe" and not subscribed:
                    subscribed = True
                    await self._local.ring("")  # whatever rang while we were away
