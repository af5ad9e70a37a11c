from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.batch import Batcher, Full
from handoff.errors import StoreBusy
from tests.builders import soon


class Works:
    """Doubles numbers; fails for 13; notes the batches it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.busy = 0

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.open.wait()
        if self.busy:
            self.busy -= 1
            raise StoreBusy("busy")
        if 13 in items:
            raise ValueError("13")
        return [item * 2 for item in items]


async def test_a_lone_caller_waits_for_nobody() -> None:
    works = Works()
    assert await soon(Batcher(works).submit(4)) == 8
    assert works.batches == [[4]]


async def test_what_comes_together_is_done_together_and_in_order() -> None:
    works = Works()
    batcher = Batcher(works, size=10)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(25) if n != 13)) == [
        n * 2 for n in range(25) if n != 13
    ]
    assert [len(batch) for batch in works.batches] == [10, 10, 4]
    assert [n for batch in works.batches for n in batch] == [n for n in range(25) if n != 13]


async def test_what_comes_meanwhile_shares_the_next_batch() -> None:
    works = Works()
    works.open.clear()
    batcher = Batcher(works)
    first = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batcher.submit(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    works.open.set()
    assert await soon(asyncio.gather(first, *others)) == [2, 4, 6]
    assert works.batches == [[1], [2, 3]]


async def test_beyond_the_bound_nothing_is_taken_in() -> None:
    works = Works()
    works.open.clear()
    batcher = Batcher(works, size=1, bound=2)
    first = asyncio.create_task(batcher.submit(0))
    await asyncio.sleep(0.01)
    kept = [asyncio.create_task(batcher.submit(n)) for n in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(Full):
        await batcher.submit(3)
    works.open.set()
    assert await soon(asyncio.gather(first, *kept)) == [0, 2, 4]
    assert await soon(batcher.submit(3)) == 6


async def test_one_bad_item_fails_alone() -> None:
    works = Works()
    batcher = Batcher(works)
    outcomes = await asyncio.gather(*(batcher.submit(n) for n in (1, 13, 2)), return_exceptions=True)
    assert outcomes[0] == 2
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == 4
    assert works.batches == [[1, 13, 2], [1], [13], [2]]


async def test_a_store_that_was_busy_for_a_moment_is_asked_once_more() -> None:
    works = Works()
    works.busy = 1
    batcher = Batcher(works)
    assert await soon(asyncio.gather(*(batcher.submit(n) for n in (1, 2)))) == [2, 4]
    assert works.batches == [[1, 2], [1, 2]]


async def test_a_busy_store_fails_the_batch_and_is_not_asked_for_every_item() -> None:
    works = Works()
    works.busy = 2
    batcher = Batcher(works)
    outcomes = await asyncio.gather(*(batcher.submit(n) for n in range(9)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreBusy] * 9
    assert len(works.batches) == 2
    assert await soon(batcher.submit(1)) == 2


async def test_a_caller_who_gives_up_takes_nobody_along() -> None:
    works = Works()
    works.open.clear()
    batcher = Batcher(works)
    tasks = [asyncio.create_task(batcher.submit(n)) for n in (1, 2, 3)]
    await asyncio.sleep(0.01)
    tasks[1].cancel()
    await asyncio.sleep(0)
    works.open.set()
    outcomes = await soon(asyncio.gather(*tasks, return_exceptions=True))
    assert outcomes[0] == 2
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert outcomes[2] == 6
    assert works.batches == [[1, 2, 3]]


async def test_work_that_forgets_a_result_fails_and_does_not_hang() -> None:
    async def forgetful(items: Sequence[int]) -> list[int]:
        return []

    with pytest.raises(ValueError, match="one result"):
        await soon(Batcher(forgetful).submit(1))


async def test_when_the_runner_is_stopped_nobody_waits_for_ever() -> None:
    works = Works()
    works.open.clear()
    batcher = Batcher(works, size=1)
    tasks = [asyncio.create_task(batcher.submit(n)) for n in (1, 2)]
    await asyncio.sleep(0.01)
    assert batcher._runner is not None
    batcher._runner.cancel()
    outcomes = await soon(asyncio.gather(*tasks, return_exceptions=True))
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2
