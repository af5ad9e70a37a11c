"""Delivering: answers that must be pushed leave the outbox in order, once each.

A row is leased, sent, and settled. What cannot arrive now is postponed with exponential back-off and
jitter; what never will, or has failed too often, stays as a dead letter that the console shows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace

import structlog

from bot.tools import Tools
from channels.errors import Throttled, Undeliverable
from channels.port import QuickReply, Sender
from handoff.conversation import Address, DeliveryState, OutboxItem
from handoff.errors import StoreBusy
from handoff.letter import opened
from vault.errors import VaultError
from vault.keyring import Place

LEASE = 60_000
SEND_WITHIN = 20.0
AT_ONCE = 50
ATTEMPTS = 8
FIRST_PAUSE = 1_000
LONGEST_PAUSE = 300_000
LOOK_EVERY = 2.0

_log = structlog.get_logger("bot.deliver")


class Delivery:
    """Sends what is due on the channels that can be pushed to."""

    def __init__(self, tools: Tools, senders: Mapping[str, Sender]) -> None:
        self._tools = tools
        self._senders = senders

    async def run(self) -> None:
        """Send whenever the bell rings, and every two seconds, until cancelled."""
        async with self._tools.bell.listen() as rings:
            while True:
                await self._send_safely()
                try:
                    await asyncio.wait_for(rings.next(), LOOK_EVERY)
                except TimeoutError:
                    continue

    async def send_due(self) -> int:
        """Send what is due now; return how many rows were settled, postponed or failed."""
        now = self._tools.now()
        async with self._tools.store.begin() as tx:
            items = await tx.outbox.lease(list(self._senders), now, now + LEASE, AT_ONCE)
        await asyncio.gather(*(self._send(item) for item in items))
        return len(items)

    async def _send_safely(self) -> None:
        try:
            while self._senders and await self.send_due():
                pass
        except StoreBusy as error:
            _log.warning("deliver.busy", error=str(error))
        except Exception as error:  # noqa: BLE001  the outermost loop: delivering must go on
            _log.error("deliver.failed", error=type(error).__name__)

    async def _send(self, item: OutboxItem) -> None:
        try:
            async with asyncio.timeout(SEND_WITHIN):
                await self._hand_to_channel(item)
        except (Undeliverable, VaultError) as error:
            await self._change(self._failed(item, type(error).__name__))
        except Exception as error:  # noqa: BLE001  an adapter's own fault is counted like any other
            await self._change(self._postponed(item, error))
        else:
            async with self._tools.store.begin() as tx:
                await tx.outbox.settle([item.id])

    async def _hand_to_channel(self, item: OutboxItem) -> None:
        async with self._tools.store.read() as tx:
            addresses = await tx.addresses.of(item.conversation)
            conversation = await tx.conversations.find(item.conversation)
        address = next((a for a in addresses if a.channel == item.channel and a.sealed_address), None)
        if address is None or conversation is None:
            raise Undeliverable("no address on this channel")
        letter = opened(self._tools.ring, item)
        quick = [
            QuickReply(reply.label, reply.say)
            for reply in self._tools.content.quick(letter.quick, conversation.lang)
        ]
        await self._senders[item.channel].send(self._opened(address), letter.texts, quick)

    def _opened(self, address: Address) -> str:
        place = Place("address", address.index.hex(), "sealed_address")
        return self._tools.ring.open_text(place, address.sealed_address or b"").reveal()

    def _postponed(self, item: OutboxItem, error: Exception) -> OutboxItem:
        attempts = item.attempts + 1
        if attempts >= ATTEMPTS:
            return self._failed(item, type(error).__name__)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**item.attempts)
        if isinstance(error, Throttled):
            pause = max(pause, int(error.seconds * 1000))
        pause += random.randrange(pause // 2 + 1)  # noqa: S311  jitter, not a secret
        return replace(
            item,
            attempts=attempts,
            due_at=self._tools.now() + pause,
            leased_until=0,
            error=type(error).__name__,
        )

    def _failed(self, item: OutboxItem, error: str) -> OutboxItem:
        _log.error("deliver.dead_letter", conversation=item.conversation, seq=item.seq, error=error)
        return replace(item, attempts=item.attempts + 1, state=DeliveryState.FAILED, error=error)

    async def _change(self, item: OutboxItem) -> None:
        async with self._tools.store.begin() as tx:
            await tx.outbox.change(item)
        await self._tools.bell.ring(item.conversation)
