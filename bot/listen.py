"""Listening: every message of every channel enters here and leaves decided.

Acknowledge a message to its provider only after ``accept`` has returned: then it is on disk, sealed,
and will be decided even if this process dies at once (``bot/watch.py``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from bot.batch import Batcher, Full
from bot.decide import Decided, Decider, Undecided
from bot.intake import Arrival, Received, receive
from bot.marks import Mark, for_inbox
from bot.tools import Tools
from channels.port import Busy, InboundMessage
from handoff.conversation import ClaimKey
from handoff.errors import StoreBusy
from nlu.normalise import language
from vault.secret import SecretText

_log = structlog.get_logger("bot.listen")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that is kept. ``decision`` ends with the answer, or ``None`` when another process decides."""

    received: Received
    decision: asyncio.Task[Decided | None] | None = field(repr=False)


class Listener:
    """Takes messages in and sees to it that they are decided."""

    def __init__(self, tools: Tools, decider: Decider) -> None:
        self._tools = tools
        self._decider = decider
        self._batcher: Batcher[Arrival, Received] = Batcher(lambda batch: receive(tools, batch))
        self._deciding: set[asyncio.Task[Decided | None]] = set()

    async def accept(
        self, message: InboundMessage, seen: int = 0, *, mark: Mark | None = None, hold: int = 0
    ) -> Accepted:
        """Keep a message. Raises ``Busy`` when it could not be kept; the sender should come again.

        ``mark``: it is not to be read as words. ``hold``: milliseconds for which the answer is not pushed,
        because the channel means to give it in its response.
        """
        try:
            received = await self._batcher.submit(self._arrival(message, seen, mark))
        except (Full, StoreBusy) as error:
            _log.warning("listen.busy", error=type(error).__name__)
            raise Busy from None
        if not received.fresh:
            return Accepted(received, None)
        text = SecretText(for_inbox(message.text, mark))
        item = Undecided(received.conversation, received.seq, text, self._lang(message), hold)
        task = asyncio.create_task(self._decide(item))
        self._deciding.add(task)
        task.add_done_callback(self._deciding.discard)
        return Accepted(received, task)

    async def drain(self, seconds: float) -> None:
        """Let decisions under way end; what does not is found again by ``watch``."""
        if self._deciding:
            await asyncio.wait(self._deciding, timeout=seconds)

    async def _decide(self, item: Undecided) -> Decided | None:
        try:
            return await self._decider.decide(item)
        except Exception as error:  # noqa: BLE001  the outermost loop of a decision: `watch` finds the row again
            _log.error("listen.undecided", conversation=item.conversation, error=type(error).__name__)
            return None

    def _arrival(self, message: InboundMessage, seen: int, mark: Mark | None) -> Arrival:
        index = self._tools.index
        key = ClaimKey(message.channel, index.of(f"event/{message.channel}", message.event_id))
        address = index.of(f"address/{message.channel}", message.address)
        return Arrival(message, key, address, self._lang(message), self._tools.now(), seen, mark)

    @staticmethod
    def _lang(message: InboundMessage) -> str:
        return message.lang or language(message.text)
