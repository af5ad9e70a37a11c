"""Erasing the rest: what an erased conversation left outside our database goes too.

The key and all that was said are gone at once (``bot/decide.py``). What is left is the way back to the
visitor, kept until they have been told, and what the provider still lets us delete on their screen. Who
writes again meanwhile leads their address elsewhere: then the provider's ids alone must do.
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
from vault.errors import VaultError
from vault.keyring import Place

EVERY = 5.0
AT_ONCE = 1_000
REST = 60_000
TOLD_WITHIN = 600_000
TRIED_FOR = 48 * 3_600_000
ERASE_WITHIN = 20.0

_log = structlog.get_logger("bot.erase")


class Erasure:
    """Finishes what an erased conversation left behind."""

    def __init__(self, tools: Tools, senders: Mapping[str, Sender]) -> None:
        self._tools = tools
        self._senders = senders
        self._rests: dict[str, int] = {}

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
        now = self._tools.now()
        async with self._tools.store.read() as tx:
            ids = await tx.conversations.erased(AT_ONCE)
        self._rests = {id: until for id, until in self._rests.items() if until > now}
        return sum([await self._finish_safely(id) for id in ids if id not in self._rests])

    async def _finish_safely(self, id: str) -> bool:
        """One that cannot be finished rests a while, and never keeps the others from it."""
        try:
            return await self._finish(id)
        except StoreBusy:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the others must not wait for it
            _log.error("erase.failed", conversation=id, error=type(error).__name__)
            self._rests[id] = self._tools.now() + REST
            return False

    async def _finish(self, id: str) -> bool:
        tools = self._tools
        async with tools.store.read() as tx:
            conversation = await tx.conversations.find(id)
            unsaid = await tx.outbox.of(id)
            addresses, sent = await tx.addresses.of(id), await tx.sent.of(id)
        since = tools.now() - (conversation.closed_at or 0 if conversation else 0)
        if unsaid and since < TOLD_WITHIN:
            return False
        if not await self._deleted(id, addresses, sent) and since < TRIED_FOR:
            self._rests[id] = tools.now() + REST
            return False
        async with tools.store.begin() as tx:
            await tx.conversations.lock([id])  # who writes again meanwhile leads their address elsewhere
            if len(await tx.sent.of(id)) > len(sent):  # an answer was on its way when it was erased
                return False
            await tx.outbox.settle([item.id for item in unsaid])
            await tx.sent.drop(id)
            for address in await tx.addresses.of(id):
                await tx.addresses.remove(address.index)
        _log.info("erase.finished", conversation=id)
        return True

    async def _deleted(self, id: str, addresses: Sequence[Address], sent: Sequence[Sent]) -> bool:
        """Ask each channel to delete; False when one should be asked again later."""
        try:
            return await self._asked(id, addresses, sent)
        except VaultError as error:  # a service key may be missing here
            _log.error("erase.unreadable", conversation=id, error=type(error).__name__)
            return False

    async def _asked(self, id: str, addresses: Sequence[Address], sent: Sequence[Sent]) -> bool:
        done = True
        for channel in sorted({value.channel for value in sent} & set(self._senders)):
            ids = [self._sent_id(value) for value in sent if value.channel == channel]
            here = [value for value in addresses if value.channel == channel and value.sealed_address]
            for to in [self._to(address) for address in here] or [""]:  # they wrote again: the ids alone
                done = await self._delete(id, channel, to, ids) and done
        return done

    async def _delete(self, id: str, channel: str, to: str, ids: Sequence[str]) -> bool:
        try:
            async with asyncio.timeout(ERASE_WITHIN):
                await self._senders[channel].erase(to, ids)
        except Undeliverable:
            return True
        except (ChannelError, TimeoutError) as error:
            _log.warning("erase.later", conversation=id, error=type(error).__name__)
            return False
        return True

    def _to(self, address: Address) -> str:
        place = Place("address", address.index.hex(), "sealed_address")
        return self._tools.ring.open_text(place, address.sealed_address or b"").reveal()

    def _sent_id(self, sent: Sent) -> str:
        return self._tools.ring.open_text(
            Place("sent", sent.index.hex(), "sealed_id"), sent.sealed_id
        ).reveal()
