"""Erasing the rest: what an erased conversation left outside our database goes too.

The key and all that was said are gone at once (``bot/decide.py``). What is left is the way back to the visitor,
kept until they have been told, and what the provider still lets us delete on their screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from bot.tools import Tools
from channels.errors import ChannelError, Undeliverable
from channels.port import Sender
from handoff.conversation import Address, Sent
from handoff.errors import StoreBusy
from vault.keyring import Place

EVERY = 5.0
AT_ONCE = 50
TOLD_WITHIN = 600_000
TRIED_FOR = 48 * 3_600_000
ERASE_WITHIN = 20.0

_log = structlog.get_logger("bot.erase")


class Erasure:
    """Finishes what an erased conversation left behind."""

    def __init__(self, tools: Tools, senders: Mapping[str, Sender]) -> None:
        self._tools = tools
        self._senders = senders

    async def run(self) -> None:
        """Look every five seconds, until cancelled."""
        while True:
            try:
                await self.finish()
            except StoreBusy as error:
                _log.warning("erase.busy", error=str(error))
            except Exception as error:  # noqa: BLE001  the outermost loop: the next look may do better
                _log.error("erase.failed", error=type(error).__name__)
            await asyncio.sleep(EVERY)

    async def finish(self) -> int:
        """Finish what can be finished now; return how many conversations left nothing behind."""
        async with self._tools.store.read() as tx:
            ids = await tx.conversations.erased(AT_ONCE)
        return sum([await self._finish(id) for id in ids])

    async def _finish(self, id: str) -> bool:
        tools = self._tools
        async with tools.store.read() as tx:
            conversation = await tx.conversations.find(id)
            unsaid = await tx.outbox.of(id)
            addresses, sent = await tx.addresses.of(id), await tx.sent.of(id)
        since = tools.now() - (conversation.closed_at or 0 if conversation else 0)
        if unsaid and since < TOLD_WITHIN:
            return False
        if not await self._deleted(addresses, sent) and since < TRIED_FOR:
            return False
        async with tools.store.begin() as tx:
            await tx.outbox.settle([item.id for item in unsaid])
            await tx.sent.drop(id)
            for address in addresses:
                await tx.addresses.remove(address.index)
        _log.info("erase.finished", conversation=id)
        return True

    async def _deleted(self, addresses: Sequence[Address], sent: Sequence[Sent]) -> bool:
        """Ask each channel to delete; False when one should be asked again later."""
        done = True
        for address in addresses:
            sender = self._senders.get(address.channel)
            ids = [self._sent_id(value) for value in sent if value.channel == address.channel]
            if sender is None or not ids or not address.sealed_address:
                continue
            place = Place("address", address.index.hex(), "sealed_address")
            to = self._tools.ring.open_text(place, address.sealed_address).reveal()
            try:
                async with asyncio.timeout(ERASE_WITHIN):
                    await sender.erase(to, ids)
            except Undeliverable:
                continue
            except (ChannelError, TimeoutError) as error:
                _log.warning("erase.later", conversation=address.conversation, error=type(error).__name__)
                done = False
        return done

    def _sent_id(self, sent: Sent) -> str:
        return self._tools.ring.open_text(
            Place("sent", sent.index.hex(), "sealed_id"), sent.sealed_id
        ).reveal()
