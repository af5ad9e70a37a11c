from __future__ import annotations

import asyncio

import pytest

from handoff.bell import RINGS_KEPT, LocalBell
from tests.builders import soon


async def test_everybody_who_listens_to_all_or_to_this_one_hears() -> None:
    bell = LocalBell()
    async with bell.listen() as everything, bell.listen("c1") as one, bell.listen("c2") as other:
        await bell.ring("c1")
        assert await soon(everything.next()) == "c1"
        assert await soon(one.next()) == "c1"
        with pytest.raises(TimeoutError):
            await soon(other.next(), 0.01)


async def test_rings_come_in_order_and_only_since_listening_began() -> None:
    bell = LocalBell()
    await bell.ring("before")
    async with bell.listen() as rings:
        for id in ("a", "b", "c"):
            await bell.ring(id)
        assert [await soon(rings.next()) for _ in range(3)] == ["a", "b", "c"]


async def test_some_were_missed_is_for_everybody() -> None:
    bell = LocalBell()
    async with bell.listen("c1") as rings:
        await bell.ring("")
        assert await soon(rings.next()) == ""


async def test_one_who_is_too_slow_is_told_that_some_were_missed() -> None:
    bell = LocalBell()
    async with bell.listen() as rings:
        for n in range(RINGS_KEPT + 1):
            await bell.ring(f"c{n}")
        await bell.ring("last")
        assert await soon(rings.next()) == ""
        assert await soon(rings.next()) == "last"


async def test_closing_ends_every_listening_at_once() -> None:
    bell = LocalBell()
    async with bell.listen() as first, bell.listen("c1") as second:
        hearing = asyncio.create_task(first.next())
        await asyncio.sleep(0)
        await bell.close()
        assert await soon(hearing) is None
        assert await soon(second.next()) is None
        assert await soon(second.next()) is None
    async with bell.listen() as late:
        assert await soon(late.next()) is None


async def test_closing_reaches_even_one_whose_ears_are_full() -> None:
    bell = LocalBell()
    async with bell.listen() as rings:
        for n in range(RINGS_KEPT):
            await bell.ring(f"c{n}")
        await bell.close()
        assert await soon(rings.next()) is None


async def test_who_stopped_listening_is_forgotten() -> None:
    bell = LocalBell()
    for only in (None, "c1"):
        async with bell.listen(only):
            pass
    assert bell._ears == {}
    await bell.ring("c1")
