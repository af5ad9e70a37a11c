"""How an answer goes out as texts: part by part, and no part twice.

Neither carrier has an idempotency key for texts. So what went out is remembered under the parcel's key, in
memory: a retry goes on where it stopped. A part of which nobody can say whether it was accepted is taken as
sent: on a lock screen the same text again and again is worse than one that may be missing, and the carrier's
report, which repeats our token, says what became of it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from channels.errors import Refused, Undeliverable
from channels.port import Parcel, Way
from channels.sms.parts import parts
from channels.sms.wire import Unknown

REMEMBERED = 2_000
_log = structlog.get_logger("channels.sms")


@dataclass(frozen=True, slots=True)
class Piece:
    """One text on its way. ``token`` is our own name of it, for the carrier to repeat in its reports."""

    address: str = field(repr=False)
    text: str = field(repr=False)
    token: str = field(repr=False)


class Carrier(Protocol):
    """What Twilio and SOLAPI each do their own way."""

    async def carry(self, piece: Piece) -> str:
        """Give a text to the carrier; returns its id. Raises a ``ChannelError`` or ``Unknown``."""


class Posting:
    """The sending half of both carriers."""

    def __init__(self, carrier: Carrier, write: Callable[[str], str], fits: Callable[[str], bool]) -> None:
        self._carrier = carrier
        self._write = write
        self._fits = fits
        self._gone_out: OrderedDict[str, list[str]] = OrderedDict()

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """See ``Sender.send``. Nothing is added to the words but part numbers; buttons are left out."""
        texts = [part for text in parcel.texts for part in parts(self._write(text), self._fits)]
        if not texts:
            raise Refused("nothing of this answer can be sent as a text")
        failure: Undeliverable = Refused("no number to send to")
        for way in ways:
            try:
                return await self._to(way.address, parcel.key, texts)
            except Undeliverable as error:
                failure = error
        raise failure

    async def _to(self, address: str, key: str, texts: Sequence[str]) -> Sequence[str]:
        sent = self._begun(_name(key, address))
        for number in range(len(sent), len(texts)):
            piece = Piece(address, texts[number], _name(key, address, str(number)))
            await _to_its_end(self._one(piece, sent))
        return tuple(sent)

    async def _one(self, piece: Piece, sent: list[str]) -> None:
        try:
            sent.append(await self._carrier.carry(piece))
        except Unknown:
            _log.warning("sms.unknown", token=piece.token)
            sent.append(piece.token)

    def _begun(self, name: str) -> list[str]:
        sent = self._gone_out.setdefault(name, [])
        self._gone_out.move_to_end(name)
        if len(self._gone_out) > REMEMBERED:
            self._gone_out.popitem(last=False)
        return sent


async def _to_its_end(errand: Coroutine[None, None, None]) -> None:
    """Do something even if the caller's time is up meanwhile: it has a deadline of its own."""
    task = asyncio.ensure_future(errand)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _name(*of: str) -> str:
    """A name of 128 bits from which nobody reads a number or a key."""
    return hashlib.blake2b("\x00".join(of).encode(), digest_size=16).hexdigest()
