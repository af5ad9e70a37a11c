from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.lanes import Lanes
from tests.builders import soon


async def test_one_lane_is_first_come_first_served() -> None:
    lanes, done = Lanes(), []

    async def work(n: int) -> None:
        async with lanes.turn("a"):
            done.append(("in", n))
            await asyncio.sleep(0)
            done.append(("out", n))

    await asyncio.gather(*(work(n) for n in range(5)))
    assert done == [(what, n) for n in range(5) for what in ("in", "out")]
    assert len(lanes) == 0


async def test_lanes_do_not_wait_for_one_another() -> None:
    lanes = Lanes()
    async with lanes.turn("a"), lanes.turn("b"):
        assert len(lanes) == 2
    assert len(lanes) == 0


async def test_one_who_gives_up_leaves_the_lane_open_and_clean() -> None:
    lanes, done = Lanes(), []

    async def work(n: int) -> None:
        async with lanes.turn("a"):
            done.append(n)

    async with lanes.turn("a"):
        tasks = [asyncio.create_task(work(n)) for n in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
    await soon(asyncio.gather(*tasks, return_exceptions=True))
    assert done == [0, 2]
    assert len(lanes) == 0


async def test_an_error_frees_the_lane() -> None:
    lanes = Lanes()
    with suppress(ValueError):
        async with lanes.turn("a"):
            raise ValueError
    assert len(lanes) == 0
    async with asyncio.timeout(1), lanes.turn("a"):
        assert len(lanes) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=20))
def test_never_two_in_a_lane_and_never_a_lane_left_over(callers: list[tuple[str, bool]]) -> None:
    async def journey() -> None:
        lanes, inside = Lanes(), set()

        async def work(name: str) -> None:
            async with lanes.turn(name):
                assert name not in inside
                inside.add(name)
                try:
                    await asyncio.sleep(0)
                finally:
                    inside.discard(name)

        tasks = [(asyncio.create_task(work(name)), leaves) for name, leaves in callers]
        await asyncio.sleep(0)
        for task, leaves in tasks:
            if leaves:
                task.cancel()
        outcomes = await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)
        assert not any(isinstance(outcome, AssertionError) for outcome in outcomes)
        assert len(lanes) == 0

    asyncio.run(journey())
