"""A telephone that texts, and what carriers share: its number, what goes wrong next, posts to the service."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field

import aiohttp

from simulators.stage import Stage

TROUBLES = ("phone-off", "filtered", "too-fast", "down", "lost")


@dataclass(frozen=True, slots=True)
class Posted:
    """What the service answered; status 0: nothing in time."""

    status: int
    body: str = field(default="", repr=False)

    @property
    def good(self) -> bool:
        """Whether it was taken."""
        return self.status // 100 == 2  # noqa: PLR2004


@dataclass(slots=True)
class Phone:
    """The visitor's telephone.

    ``stopped``: nothing of the service gets through. ``troubles``: what goes wrong with the next texts.
    """

    number: str = field(repr=False)
    stage: Stage
    stopped: bool = False
    troubles: list[str] = field(default_factory=list)
    _errands: set[asyncio.Task[None]] = field(default_factory=set)

    def trouble(self) -> str:
        """What goes wrong with this text; empty when nothing does."""
        return self.troubles.pop(0) if self.troubles else ""

    def run(self, errand: Coroutine[None, None, None]) -> None:
        """Do something beside the answer."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def said(self, text: str) -> None:
        """What the carrier itself shows or would write into its log."""
        await self.stage.show("provider", text)


async def post(url: str, body: bytes, headers: Mapping[str, str], within: float) -> Posted:
    """Post to the service as a carrier does: no redirects, and no longer than it waits."""
    limits = aiohttp.ClientTimeout(total=within)
    try:
        async with (
            aiohttp.ClientSession(timeout=limits) as session,
            session.post(url, data=body, headers=dict(headers), allow_redirects=False) as answer,
        ):
            return Posted(answer.status, await answer.text())
    except (aiohttp.ClientError, TimeoutError):
        return Posted(0)
