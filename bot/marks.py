"""Things that come in like a message but are no words to be understood: a refused photo, a code, a way out.

A mark travels through the same two transactions as any message, so it is kept, ordered and never done twice.
In the inbox it stands behind a sign that no visitor can type.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from nlu.understanding import Signal, Understanding, Worry
from vault.keyring import Place

if TYPE_CHECKING:
    from nlu.understanding import Lang

_SIGN: Final = "\x00"


class Mark(StrEnum):
    """What came in, where it is not to be read as words."""

    MEDIA = "media"  # a photo, video, recording or file: refused by its type
    STICKER = "sticker"  # a sticker, contact, place: refused, and no reason to call anybody
    EXIT = "exit"  # the word that stops all sending
    WIPE = "wipe"  # the word that asks for erasing
    ALONE = "alone"  # nobody else sees this device
    WATCHED = "watched"  # somebody else may see this device
    CODE = "code"  # a recovery code that led here
    NO_CODE = "no_code"  # six words of the list that lead nowhere
    SLOW = "slow"  # more than we take in; told once a minute, without its words


SAYS: Final = {
    Mark.MEDIA: ("media.refused",),
    Mark.STICKER: ("media.sticker",),
    Mark.EXIT: (),
    Mark.ALONE: ("device.alone",),
    Mark.WATCHED: ("device.watched",),
    Mark.CODE: ("code.welcome",),
    Mark.NO_CODE: ("code.wrong",),
    Mark.SLOW: ("flood.slow",),
}
"""Ids of the texts that answer a mark. ``WIPE`` is answered by the dialogue: it asks before it erases."""

SHOWN: Final = {
    Mark.MEDIA: "sent.media",
    Mark.STICKER: "sent.sticker",
    Mark.CODE: "sent.code",
    Mark.NO_CODE: "sent.code",
    Mark.SLOW: "sent.slow",
}
"""Ids of the words that stand in the transcript instead of what came in; the others keep their own words."""

_CALLS_NOBODY: Final = frozenset({"sticker", "contact", "location", "other"})


def wipe_asked(lang: Lang) -> Understanding:
    """The word for erasing, understood without asking anybody."""
    signal = Signal("wipe", Worry.CALM, "rules", "wipe", 1.0)
    return Understanding(lang, "wipe", 1.0, (signal,), "off")


def of_media(kind: str) -> Mark:
    """The mark of a refused medium (``InboundMessage.media``)."""
    return Mark.STICKER if kind in _CALLS_NOBODY else Mark.MEDIA


def for_inbox(text: str, mark: Mark | None) -> str:
    """What the inbox keeps. The sign is taken out of what a visitor wrote."""
    return f"{_SIGN}{mark}" if mark else text.replace(_SIGN, "")


def inbox_place(conversation: str, seq: int) -> Place:
    """Where an undecided text belongs."""
    return Place("inbox", f"{conversation}/{seq}", "sealed_text")


def in_inbox(kept: str) -> Mark | None:
    """The mark that the inbox kept, if it was one."""
    return Mark(kept[1:]) if kept.startswith(_SIGN) else None
