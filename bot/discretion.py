"""Whether an answer may appear on a screen that somebody else may see. Pure.

A text message stands on a lock screen. Where the visitor said that others may see the device, or where the
channel is SMS and nothing is known, an answer that comes later waits behind a notice that gives nothing away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handoff.risk import Risk

NOTICE: Final = "Notice"
READING_FOR: Final = 120_000
"""So many milliseconds after writing, a visitor is taken to hold the phone in their own hand."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What is known of the screen. ``device``: ``alone``, ``watched`` or None. Times in milliseconds.

    ``first``: this is the first answer of the conversation.
    """

    channel: str
    device: str | None
    heard_at: int | None
    first: bool


def may_show(screen: Screen, risk: Risk, now: int) -> bool:
    """Whether the words themselves may be sent now; else a notice is sent and they wait.

    Somebody whose life is in danger gets the words: a number to call matters more than who sees it.
    """
    unknown_text = screen.channel == "sms" and screen.device is None
    if screen.device != "watched" and not unknown_text:
        return True
    if risk is Risk.IMMINENT:
        return True
    reading = screen.heard_at is not None and now - screen.heard_at < READING_FOR
    return reading and not (unknown_text and screen.first)
