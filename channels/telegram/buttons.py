"""Buttons under a message: what they carry, and what a tap says.

Inline buttons, not a reply keyboard: a tap leaves no message of the visitor in the chat, and the buttons are
taken away after it. ``callback_data`` holds at most 64 bytes, less than some answers need
(core.telegram.org/bots/api#inlinekeyboardbutton).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from channels.port import QuickReply

DATA_BYTES = 64
_DIGEST = "q:"
_PLAIN = "s:"


class Buttons:
    """``says``: what reviewed buttons say. Other buttons carry their words, or lean on what they show."""

    def __init__(self, says: Iterable[str]) -> None:
        self._says = {_digest(say): say for say in says}

    def data(self, reply: QuickReply) -> str:
        """What a button carries, at most 64 bytes."""
        digest, plain = _digest(reply.say), _PLAIN + reply.say
        return digest if digest in self._says or len(plain.encode()) > DATA_BYTES else plain

    def rows(self, quick: Sequence[QuickReply]) -> list[tuple[str, str]]:
        """Label and data of each button."""
        return [(reply.label, self.data(reply)) for reply in quick]

    def said(self, data: str, labels: Mapping[str, str]) -> str | None:
        """What a tap on a button with this data says. ``labels``: what the message shows, by data.

        ``None``: the button is not known any more.
        """
        if data.startswith(_PLAIN):
            return data.removeprefix(_PLAIN) or None
        return self._says.get(data) or labels.get(data)


def _digest(say: str) -> str:
    return _DIGEST + hashlib.blake2b(say.encode(), digest_size=12).hexdigest()
