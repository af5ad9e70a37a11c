"""What became of a text we sent: a status only ever moves on, whatever order the carrier tells it in.

Names are Twilio's (https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks);
other carriers are translated to them.
"""

from __future__ import annotations

from typing import Literal

Meaning = Literal["sent", "delivered", "read", "failed"]

_LADDER = ("accepted", "scheduled", "queued", "sending", "sent", "partially_delivered", "delivered", "read")
_RANK = {status: rank for rank, status in enumerate(_LADDER)}
_ENDS = frozenset({"failed", "undelivered", "canceled"})
_MEANING: dict[str, Meaning] = {
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
}


def advanced(before: str | None, now: str) -> str | None:
    """The new status, or ``None`` when nothing moves: a repetition, an older or an unknown status.

    A failure is final. What is known to have arrived cannot fail any more.
    """
    if now not in _RANK and now not in _ENDS:
        return None
    if before is None:
        return now
    if before in _ENDS:
        return None
    if now in _ENDS:
        return now if _RANK[before] < _RANK["delivered"] else None
    return now if _RANK[now] > _RANK[before] else None


def meaning(status: str | None) -> Meaning | None:
    """What a status means to a counselor; ``None`` while it is only on its way to the carrier."""
    return _MEANING.get(status) if status is not None else None
