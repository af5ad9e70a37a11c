"""Many callers, one transaction: work that arrives together shares a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from handoff.errors import StoreBusy

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[Sequence[T]], Awaitable[Sequence[R]]]


class Full(Exception):
    """The queue is at its bound; nothing was taken in."""


class Batcher(Generic[T, R]):
    """Hands what has queued up to ``work`` in one go, at most ``size`` at a time.

    A lone caller waits for nobody. If a batch fails, its items are tried one by one, so that one bad
    item does not fail its neighbours. A busy store is no item's fault: the batch is tried once more as it
    is, then fails as a whole, because one by one every item would wait for the store again.

    A caller who gives up does not take back the work: what was queued is done.
    """

    def __init__(self, work: Work[T, R], size: int = 64, bound: int = 2048) -> None:
        self._work = work
        self._size = size
        self._queue: asyncio.Queue[tuple[T, asyncio.Future[R]]] = asyncio.Queue(bound)
        self._runner: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """The result for this item, once its batch is committed. Raises ``Full`` or what ``work`` raised."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((item, done))
        except asyncio.QueueFull:
            raise Full from None
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        batch: list[tuple[T, asyncio.Future[R]]] = []
        try:
            while batch := self._next_batch():
                await self._serve(batch)
        except asyncio.CancelledError:  # the loop is going down: nobody may wait for ever
            for _, done in (*batch, *self._next_batch(self._queue.qsize())):
                done.cancel()
            raise

    def _next_batch(self, size: int | None = None) -> list[tuple[T, asyncio.Future[R]]]:
        return [self._queue.get_nowait() for _ in range(min(size or self._size, self._queue.qsize()))]

    async def _serve(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work_on([item for item, _ in batch])
        except StoreBusy as error:
            for _, done in batch:
                _fail(done, error)
        except Exception as error:  # noqa: BLE001  handed to the callers, who are the ones to know what to do
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            for one in batch:
                await self._serve([one])
        else:
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():
                    done.set_result(result)

    async def _work_on(self, items: Sequence[T]) -> Sequence[R]:
        try:
            results = await self._work(items)
        except StoreBusy:
            results = await self._work(items)
        if len(results) != len(items):
            raise ValueError("a batch's work gives one result for each item")
        return results


def _fail(done: asyncio.Future[R], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
