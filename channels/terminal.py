"""The terminal, as a channel that answers are pushed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from channels.errors import Refused
from channels.port import Parcel, Way

CHANNEL = "terminal"


class Terminal:
    """Writes answers to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """Print the texts, then what may be answered. Raises ``Refused`` when the stream is closed."""
        try:
            for text in parcel.texts:
                self._stream.write(f"  {text}\n")
            if parcel.quick:
                self._stream.write("  " + "  ".join(f"[{reply.label}]" for reply in parcel.quick) + "\n")
            self._stream.write("\n")
            self._stream.flush()
        except ValueError:
            raise Refused("the terminal is closed") from None
        return ()

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        """What was printed stays on the screen."""
