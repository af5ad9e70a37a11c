"""Watching: a message that was kept but not decided is found again within seconds, and silence after danger.

That happens when the process died between the two transactions, or when deciding failed. After
``TRIES`` failures the conversation goes to a person undecided: unknown is never «safe».
"""

from __future__ import annotations

import asyncio

import structlog

from bot.check_in import CheckIn
from bot.decide import Decider, Undecided
from bot.marks import inbox_place
from bot.tools import Tools
from handoff.conversation import InboxItem
from handoff.errors import StoreBusy
from vault.errors import VaultError

AFTER = 3_000
EVERY = 1.0
AT_ONCE = 100
TRIES = 3
CLAIMS_KEPT = 72 * 3_600_000
SENT_KEPT = 72 * 3_600_000
"""Longer than any provider lets us delete or tells us of a message: two days at Telegram."""
SWEEP_EVERY = 600_000
CHECK_IN_EVERY = 15_000

_log = structlog.get_logger("bot.watch")


class Watch:
    """Looks for what was left undone."""

    def __init__(self, tools: Tools, decider: Decider) -> None:
        self._tools = tools
        self._decider = decider
        self._swept_at = 0
        self._check_in = CheckIn(tools)
        self._checked_at = 0

    async def run(self) -> None:
        """Look at once, then every second, until cancelled."""
        await self._look_safely(0)
        while True:
            await asyncio.sleep(EVERY)
            await self._look_safely(AFTER)

    async def look(self, older_than: int) -> int:
        """Decide what has waited longer than this many milliseconds; return how many."""
        now = self._tools.now()
        async with self._tools.store.read() as tx:
            items = await tx.inbox.undecided(now - older_than, AT_ONCE)
        await asyncio.gather(*(self._decide_safely(item) for item in items))
        await self._sweep(now)
        if now - self._checked_at >= CHECK_IN_EVERY:
            self._checked_at = now
            await self._check_in.look()
        return len(items)

    async def _decide_safely(self, item: InboxItem) -> None:
        """Each for itself: one that waits for its turn, or is bad, must not keep the others waiting."""
        try:
            await self._decide(item)
        except Exception as error:  # noqa: BLE001  see above
            _log.error("watch.failed", conversation=item.conversation, error=type(error).__name__)

    async def _look_safely(self, older_than: int) -> None:
        try:
            await self.look(older_than)
        except StoreBusy as error:
            _log.warning("watch.busy", error=str(error))
        except Exception as error:  # noqa: BLE001  the outermost loop: watching must go on whatever one look met
            _log.error("watch.failed", error=type(error).__name__)

    async def _decide(self, item: InboxItem) -> None:
        async with self._tools.store.begin() as tx:
            await tx.inbox.tried(item)
            conversation = await tx.conversations.find(item.conversation)
        lang = conversation.lang if conversation else "ko"
        try:
            if item.attempts >= TRIES:
                _log.error("watch.handed_over", conversation=item.conversation, seq=item.seq)
                await self._decider.hand_over(item.conversation, item.seq, lang)
                return
            text = self._tools.ring.open_text(inbox_place(item.conversation, item.seq), item.sealed_text)
            await self._decider.decide(Undecided(item.conversation, item.seq, text, lang))
        except VaultError:
            _log.error("watch.unreadable", conversation=item.conversation, seq=item.seq)
            await self._decider.hand_over(item.conversation, item.seq, lang)

    async def _sweep(self, now: int) -> None:
        if now - self._swept_at < SWEEP_EVERY:
            return
        self._swept_at = now
        async with self._tools.store.begin() as tx:
            await tx.claims.sweep(now - CLAIMS_KEPT)
            await tx.sent.sweep(now - SENT_KEPT)
