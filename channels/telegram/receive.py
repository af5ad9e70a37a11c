"""What webhook and polling share: hand over what was said, then do the small things around it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import structlog

from channels.errors import ChannelError
from channels.port import Intake
from channels.telegram.buttons import Buttons
from channels.telegram.client import Client
from channels.telegram.config import Phrases, TelegramConfig
from channels.telegram.updates import Chore, NotAlone, Reading, Tapped, parse

MOST_AT_ONCE = 100
GROUPS = 1_000

_log = structlog.get_logger("channels.telegram")


class Errands:
    """Chores beside the conversation. They never hold up a message, and none is worth a second try."""

    def __init__(self, client: Client, phrases: Phrases) -> None:
        self._client = client
        self._phrases = phrases
        self._running: set[asyncio.Task[None]] = set()
        self._told: OrderedDict[int, None] = OrderedDict()

    def soon(self, chore: Chore) -> None:
        """Do it beside everything else; with a hundred under way it is left."""
        if len(self._running) >= MOST_AT_ONCE:
            _log.warning("telegram.chore_left")
            return
        task = asyncio.create_task(self._safely(chore))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def done(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _safely(self, chore: Chore) -> None:
        try:
            await self._do(chore)
        except ChannelError as error:
            _log.info("telegram.chore_failed", error=type(error).__name__)

    async def _do(self, chore: Chore) -> None:
        match chore:
            case Tapped():
                words = self._phrases.worn.in_(chore.lang) if chore.worn else None
                await self._client.answer_tap(chore.query, words)
                if chore.chat is not None and chore.message is not None:
                    await self._client.take_buttons_away(chore.chat, chore.message)
            case NotAlone():
                try:
                    await self._tell(chore)
                finally:
                    await self._client.leave(chore.chat)

    async def _tell(self, group: NotAlone) -> None:
        """Once, however often we are asked in; those told longest ago are forgotten first."""
        if not group.tell or group.chat in self._told:
            return
        self._told[group.chat] = None
        if len(self._told) > GROUPS:
            self._told.popitem(last=False)
        await self._client.send(group.chat, self._phrases.alone.in_(group.lang))


class Receiver:
    """Takes one update at a time. The same update again changes nothing: the house knows its events."""

    def __init__(self, config: TelegramConfig, intake: Intake, errands: Errands) -> None:
        self._reading = Reading(config.phrases, Buttons(config.says))
        self._intake = intake
        self._errands = errands

    async def take(self, update: Mapping[str, Any]) -> None:
        """When this returns, everything in it is kept, or there was nothing to keep. Raises ``Busy``."""
        heard = parse(update, self._reading)
        for event in heard.events:
            await self._intake.keep(event)
        if not heard.events:
            _log.info("telegram.not_taken_in", kind=heard.kind)
        for chore in heard.chores:
            self._errands.soon(chore)
