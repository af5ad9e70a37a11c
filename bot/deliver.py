"""Delivering: answers that must be pushed leave the outbox in order, once each.

A row is leased, sent, and settled. What cannot arrive now is postponed with exponential back-off and
jitter. What waits for the visitor (they blocked us, asked for quiet, cannot be reached until they write) is
held and goes out when they write. What never will arrive, or has failed too often, stays as a dead letter.
The console shows all of these.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from bot.discretion import NOTICE, Screen, may_show
from bot.intake import sent_record
from bot.tools import Tools
from channels.errors import Blocked, Throttled, Undeliverable, WindowClosed
from channels.port import Parcel, QuickReply, Sender, Way
from handoff.conversation import Address, Conversation, DeliveryState, OutboxItem
from handoff.errors import StoreBusy
from handoff.letter import opened
from handoff.store.ports import Transaction
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


class _Waits(Exception):
    """The answer waits for the visitor. ``why``: the word that the console shows."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class _Round:
    """What is known when an answer is about to go out."""

    item: OutboxItem
    conversation: Conversation
    addresses: Sequence[Address]
    noticed: bool


class Delivery:
    """Sends what is due on the channels that can be pushed to."""

    def __init__(self, tools: Tools, senders: Mapping[str, Sender]) -> None:
        self._tools = tools
        self._senders = senders

    async def run(self) -> None:
        """Send whenever the bell rings, and every two seconds, until cancelled.

        Each channel for itself: a provider that answers late makes nobody wait on another channel.
        """
        async with asyncio.TaskGroup() as channels:
            for channel in self._senders:
                channels.create_task(self._run(channel))
            await asyncio.Event().wait()

    async def _run(self, channel: str) -> None:
        async with self._tools.bell.listen() as rings:
            while True:
                await self._send_safely(channel)
                try:
                    await asyncio.wait_for(rings.next(), LOOK_EVERY)
                except TimeoutError:
                    continue

    async def send_due(self, *channels: str) -> int:
        """Send what is due now on these channels (none given: on all).

        Returns how many rows were settled, postponed, held or failed.
        """
        now = self._tools.now()
        async with self._tools.store.begin() as tx:
            items = await tx.outbox.lease(channels or list(self._senders), now, now + LEASE, AT_ONCE)
        await asyncio.gather(*(self._send(item) for item in items))
        return len(items)

    async def _send_safely(self, channel: str) -> None:
        try:
            while await self.send_due(channel):
                pass
        except StoreBusy as error:
            _log.warning("deliver.busy", error=str(error))
        except Exception as error:  # noqa: BLE001  the outermost loop: delivering must go on
            _log.error("deliver.failed", error=type(error).__name__)

    async def _send(self, item: OutboxItem) -> None:
        began = self._tools.now()
        try:
            async with asyncio.timeout(SEND_WITHIN):
                await self._go(item)
        except _Waits as waits:
            await self._hold(item, waits.why, began)
        except (WindowClosed, Blocked) as error:
            await self._hold(item, type(error).__name__, began)
        except (Undeliverable, VaultError) as error:
            await self._change(self._failed(item, type(error).__name__))
        except Exception as error:  # noqa: BLE001  an adapter's own fault is counted like any other
            await self._change(self._postponed(item, error))

    async def _go(self, item: OutboxItem) -> None:
        """Send one answer and settle it. Raises what keeps it from going."""
        around = await self._look(item)
        ways = self._ways(around)
        letter, lang = opened(self._tools.ring, item), around.conversation.lang
        if not may_show(_screen(around), around.conversation.risk, self._tools.now()):
            if not around.noticed:
                words = self._tools.content.render(_notice(around), lang)
                await self._push(around, ways, Parcel(f"{item.id}n", words, lang=_lang(lang)))
            raise _Waits(NOTICE)
        quick = [QuickReply(q.label, q.say) for q in self._tools.content.quick(letter.quick, lang)]
        await self._push(around, ways, Parcel(item.id, letter.texts, tuple(quick), _lang(lang)), settles=True)

    async def _look(self, item: OutboxItem) -> _Round:
        async with self._tools.store.read() as tx:
            addresses = await tx.addresses.of(item.conversation)
            conversation = await tx.conversations.find(item.conversation)
            others = await tx.outbox.of(item.conversation)
        here = [value for value in addresses if value.channel == item.channel and value.sealed_address]
        if conversation is None or not here:
            raise Undeliverable("no address on this channel")
        noticed = any(other.error == NOTICE for other in others)
        return _Round(item, conversation, here, noticed)

    def _ways(self, around: _Round) -> list[Way]:
        open_ = [address for address in around.addresses if address.shut is None]
        if not open_:
            raise _Waits(str(around.addresses[0].shut))
        return [self._way(address) for address in open_]

    def _way(self, address: Address) -> Way:
        row, ring = address.index.hex(), self._tools.ring
        to = ring.open_text(Place("address", row, "sealed_address"), address.sealed_address or b"").reveal()
        ticket = None
        if address.sealed_ticket and (address.ticket_until or 0) > self._tools.now():
            place = Place("address", row, "sealed_ticket")
            ticket = ring.open_text(place, address.sealed_ticket).reveal()
        return Way(to, ticket)

    async def _push(
        self, around: _Round, ways: Sequence[Way], parcel: Parcel, *, settles: bool = False
    ) -> None:
        """Hand it to the channel; what the provider calls it is kept for receipts and erasing."""
        item = around.item
        try:
            sent_ids = await self._senders[item.channel].send(ways, parcel)
        except Blocked:
            await self._shut(around)
            raise
        sent = [sent_record(self._tools, item.channel, item.conversation, item.seq, id) for id in sent_ids]
        async with self._tools.store.begin() as tx:
            spent = [now for then, now in await _still(tx, around) if then.sealed_ticket == now.sealed_ticket]
            if settles:
                await tx.outbox.settle([item.id])
            await tx.sent.put(sent)
            await tx.addresses.change(
                [replace(now, sealed_ticket=None, ticket_until=None) for now in spent if now.sealed_ticket]
            )

    async def _shut(self, around: _Round) -> None:
        """Nothing goes to where we are blocked, unless they wrote from there meanwhile."""
        async with self._tools.store.begin() as tx:
            silent = [now for then, now in await _still(tx, around) if then.heard_at == now.heard_at]
            await tx.addresses.change([replace(now, shut="Blocked") for now in silent])

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

    async def _hold(self, item: OutboxItem, why: str, began: int) -> None:
        """Let it wait for the visitor, unless they wrote while it was on its way."""
        async with self._tools.store.begin() as tx:
            wrote = any((value.heard_at or 0) > began for value in await tx.addresses.of(item.conversation))
            state = DeliveryState.PENDING if wrote else DeliveryState.HELD
            await tx.outbox.change(replace(item, state=state, leased_until=0, error=why))
        await self._tools.bell.ring(item.conversation)

    def _failed(self, item: OutboxItem, error: str) -> OutboxItem:
        _log.error("deliver.dead_letter", conversation=item.conversation, seq=item.seq, error=error)
        return replace(item, attempts=item.attempts + 1, state=DeliveryState.FAILED, error=error)

    async def _change(self, item: OutboxItem) -> None:
        async with self._tools.store.begin() as tx:
            await tx.outbox.change(item)
        await self._tools.bell.ring(item.conversation)


async def _still(tx: Transaction, around: _Round) -> list[tuple[Address, Address]]:
    """The addresses as they were and as they are now, locked; without those that lead elsewhere by now."""
    await tx.conversations.lock([around.conversation.id])
    now = await tx.addresses.find([address.index for address in around.addresses])
    pairs = [(then, now[then.index]) for then in around.addresses if then.index in now]
    return [(then, kept) for then, kept in pairs if kept.conversation == then.conversation]


def _screen(around: _Round) -> Screen:
    """The screen it may appear on: of several the one that others see, for any of them may be the one."""
    open_ = [address for address in around.addresses if address.shut is None] or around.addresses
    device = "watched" if any(address.device == "watched" for address in open_) else open_[0].device
    first = around.conversation.talk.turn <= 1
    return Screen(around.item.channel, device, open_[0].heard_at, first)


def _notice(around: _Round) -> str:
    return "notice.first" if _screen(around).first and _screen(around).device is None else "notice"


def _lang(lang: str) -> Literal["ko", "en"]:
    return "en" if lang == "en" else "ko"
