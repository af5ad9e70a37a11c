"""The bell over a real Redis, and with Redis gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from handoff import redis_bell
from handoff.bell import Rings
from handoff.redis_bell import CHANNEL, RedisBell
from tests.builders import soon


@pytest.fixture(autouse=True)
def _a_channel_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis publishes to every database: two workers must not hear each other."""
    monkeypatch.setattr(redis_bell, "CHANNEL", f"{CHANNEL}:test:{time.time_ns()}")
    monkeypatch.setattr(redis_bell, "RETRY_AFTER", 0.05)


async def until(rings: Rings, wanted: str) -> list[str | None]:
    heard = [await soon(rings.next(), 5)]
    while heard[-1] != wanted:
        heard.append(await soon(rings.next(), 5))
    return heard


@pytest.fixture
async def two(redis_url: str) -> AsyncIterator[tuple[RedisBell, RedisBell]]:
    """Two bells that hear each other, as two processes have them."""
    bells = RedisBell(redis_url), RedisBell(redis_url)
    async with bells[0].listen() as a, bells[1].listen() as b:
        for bell in bells:
            await bell.start()
        await until(a, "")
        await until(b, "")
    yield bells
    for bell in bells:
        await bell.close()


async def test_two_bells_hear_each_other_and_each_ring_once(two: tuple[RedisBell, RedisBell]) -> None:
    first, second = two
    async with first.listen() as here, second.listen() as there, second.listen("c1") as one:
        await first.ring("c1")
        assert await soon(here.next()) == "c1"
        assert await soon(there.next()) == "c1"
        assert await soon(one.next()) == "c1"
        await second.ring("c2")
        assert await soon(there.next()) == "c2"
        assert await soon(here.next()) == "c2"
        for rings in (here, there, one):
            with pytest.raises(TimeoutError):
                await soon(rings.next(), 0.1)


async def test_only_ids_travel(two: tuple[RedisBell, RedisBell], redis_url: str) -> None:
    heard: list[str] = []
    ids = [f"{n:024x}" for n in range(5)]
    async with Redis.from_url(redis_url) as client, client.pubsub() as spy, two[1].listen() as there:
        await spy.subscribe(redis_bell.CHANNEL)
        await spy.get_message(timeout=2)
        for id in ids:
            await two[0].ring(id)
        await until(there, ids[-1])
        while (message := await spy.get_message(timeout=0.3)) is not None:
            heard.append(message["data"].decode())
        keys = await client.keys("*bell*")
    assert [one.split(" ") for one in heard] == [[two[0]._name, id] for id in ids]
    assert len(two[0]._name) == 16
    assert keys == []


async def test_a_lost_connection_is_made_again_and_said(
    two: tuple[RedisBell, RedisBell], redis_url: str
) -> None:
    first, second = two
    async with first.listen() as here, second.listen("c9") as there, Redis.from_url(redis_url) as client:
        assert (await client.pubsub_numsub(redis_bell.CHANNEL))[0][1] == 2
        for bell in two:
            await _cut(bell)
        assert await soon(here.next(), 5) == ""
        assert await soon(there.next(), 5) == ""
        await first.ring("c9")
        assert await until(there, "c9")


async def _cut(bell: RedisBell) -> None:
    """Close the socket of the bell's subscription under it."""
    for connection in list(bell._redis.connection_pool._in_use_connections):
        assert connection._writer is not None
        connection._writer.transport.abort()


async def test_without_redis_rings_in_this_process_go_on_and_nobody_waits() -> None:
    bell = RedisBell("redis://127.0.0.1:1/0")
    await bell.start()
    async with bell.listen() as rings:
        began = time.monotonic()
        for n in range(600):
            await bell.ring(f"c{n}")
            assert await soon(rings.next()) == f"c{n}"
        assert time.monotonic() - began < 1
    await soon(bell.close())


async def test_a_redis_that_accepts_and_never_answers_holds_nobody_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    bell = RedisBell(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    await bell.start()
    async with bell.listen() as rings:
        await asyncio.sleep(0.1)
        async with asyncio.timeout(0.5):
            await bell.ring("c1")
            assert await rings.next() == "c1"
    await soon(bell.close())
    server.close()
    await server.wait_closed()


async def test_closing_ends_listening(two: tuple[RedisBell, RedisBell]) -> None:
    async with two[0].listen() as rings:
        await soon(two[0].close())
        assert await soon(rings.next()) is None
