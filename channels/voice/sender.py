"""Nothing can be sent to a call: what a counselor writes there stays in the transcript."""

from __future__ import annotations

from collections.abc import Sequence

from channels.errors import WindowClosed
from channels.port import Parcel, Way


class VoiceSender:
    """Implements ``channels.port.Sender`` by saying that it cannot."""

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """Raises ``WindowClosed``: the counselor sees that the visitor was not reached."""
        raise WindowClosed(
            "a call cannot be written to: call back if a callback was asked for, or keep a note"
        )

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        """Nothing was sent, so that there is nothing to erase."""
