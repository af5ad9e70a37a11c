"""Sending: in Telegram's sizes, at Telegram's pace, each part once as far as we know."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence

from channels.errors import Refused, Throttled, Undeliverable
from channels.pace import Pace
from channels.port import Parcel, Way
from channels.telegram.buttons import Buttons
from channels.telegram.client import AT_ONCE, Client

UNITS = 4096
"""UTF-16 code units in one message (core.telegram.org/bots/api#sendmessage)."""
CHAT_A_MINUTE, CHAT_BURST = 60, 3
ALL_A_MINUTE, ALL_BURST = 1800, 30
"""One message a second in a chat, 30 over all (core.telegram.org/bots/faq, "My bot is hitting limits")."""
LONGEST_WAIT = 5.0
REMEMBERED = 2_000


class Turns:
    """Lets calls through no faster than Telegram wants them."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._chats = Pace(CHAT_A_MINUTE, CHAT_BURST, clock)
        self._all = Pace(ALL_A_MINUTE, ALL_BURST, clock)
        self._sleep = sleep

    async def take(self, chat: int) -> None:
        """Wait for a turn. Raises ``Throttled`` when it is more than five seconds away."""
        left = await self._wait(self._chats, f"{chat}", LONGEST_WAIT)
        await self._wait(self._all, "", left)

    async def _wait(self, pace: Pace, who: str, left: float) -> float:
        while wait := pace.wait(who):
            if wait > left:
                raise Throttled(wait)
            left -= wait
            await self._sleep(wait)
        return left


class TelegramSender:
    """Implements ``Sender``. Sent ids are ``chat:message``."""

    def __init__(self, client: Client, buttons: Buttons, turns: Turns) -> None:
        self._client = client
        self._buttons = buttons
        self._turns = turns
        self._begun: OrderedDict[tuple[str, str], list[str]] = OrderedDict()

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """Send by the newest way that takes it. An attempt after a failure goes on where that one stopped."""
        failed: Undeliverable = Refused("no way to the visitor")
        for way in ways:
            try:
                return await self._send(way.address, parcel)
            except Undeliverable as error:
                failed = error
        raise failed

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        """Delete our messages and the visitor's own: Telegram allows it for 48 hours. The rest stays."""
        chats: dict[str, set[int]] = {}
        for sent_id in sent_ids:
            where, _, message = sent_id.partition(":")
            if where == (address or where) and message.isascii() and message.isdecimal():
                chats.setdefault(where, set()).add(int(message))
        for chat, messages in chats.items():
            newest = sorted(messages, reverse=True)
            for first in range(0, len(newest), AT_ONCE):
                await self._delete(_chat(chat), newest[first : first + AT_ONCE])

    async def _send(self, address: str, parcel: Parcel) -> Sequence[str]:
        chat, begun = _chat(address), (parcel.key, address)
        sent = self._begun.setdefault(begun, [])
        while len(self._begun) > REMEMBERED:
            self._begun.popitem(last=False)
        parts = [part for text in parcel.texts for part in split(text)]
        for number, part in enumerate(parts[len(sent) :], start=len(sent) + 1):
            buttons = self._buttons.rows(parcel.quick) if number == len(parts) else []
            await self._turns.take(chat)
            message = await self._client.send(chat, part, buttons)
            sent.append(f"{chat}:{message}")
        self._begun.pop(begun, None)
        return tuple(sent)

    async def _delete(self, chat: int, messages: Sequence[int]) -> None:
        """Halve what Telegram refuses as a whole, down to the single message that is too old."""
        try:
            await self._client.delete(chat, messages)
        except Refused:
            half = len(messages) // 2
            for part in (messages[:half], messages[half:]) if half else ():
                await self._delete(chat, part)


def build(client: Client, buttons: Buttons) -> TelegramSender:
    """A sender that keeps time by the running loop."""
    return TelegramSender(client, buttons, Turns(asyncio.get_running_loop().time, asyncio.sleep))


def split(text: str) -> Iterator[str]:
    """Parts of at most 4,096 UTF-16 units, cut at a blank line, a line, or a space if there is one.

    No words are lost and no character is cut in two; a part is never blank.
    """
    rest = text.encode(errors="replace").decode().strip()  # half a character cannot be sent
    while rest:
        end = _fitting(rest)
        if end < len(rest):
            end = _good_end(rest[:end])
        yield rest[:end].rstrip()
        rest = rest[end:].lstrip()


def _fitting(text: str) -> int:
    """How many characters from the start fit into one message."""
    units = text[:UNITS].encode("utf-16-le")[: 2 * UNITS]
    return len(units.decode("utf-16-le", "ignore"))


def _good_end(part: str) -> int:
    """Where to cut, not before the middle."""
    for mark in ("\n\n", "\n", " "):
        if (place := part.rfind(mark, len(part) // 2)) > 0:
            return place
    return len(part)


def _chat(address: str) -> int:
    try:
        return int(address)
    except ValueError:
        raise Refused("no address of this channel") from None
