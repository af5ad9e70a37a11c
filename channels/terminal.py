"""The terminal, as a channel that answers are pushed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from channels.errors import Refused
from channels.port import QuickReply

CHANNEL = "terminal"


class Terminal:
    """Writes answers to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, address: str, texts: Sequence[str], quick: Sequence[QuickReply]) -> None:
        """Print the texts, then what may be answered. Raises ``Refused`` when the stream is closed."""
        try:
            for text in texts:
                self._stream.write(f"  {text}\n")
            if quick:
                self._stream.write("  " + "  ".join(f"[{reply.label}]" for reply in quick) + "\n")
            self._stream.write("\n")
            self._stream.flush()
        except ValueError:
            raise Refused("the terminal is closed") from None
