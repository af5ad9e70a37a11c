"""What passes between the hotline and the rest of the house: what happened in a call, and whom to ring.

A call is known by Twilio's CallSid. A number of the caller passes only when they asked to be called back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

Lang: TypeAlias = Literal["ko", "en"]

GROUP = "group"
"""Who answered, when it was one of the fallback numbers."""


class Did(StrEnum):
    """What happened in a call."""

    BEGAN = "began"
    ASKED = "asked"
    UNSURE = "unsure"
    BY_TEXT = "by_text"
    PICKED_UP = "picked_up"
    NOBODY = "nobody"
    HIDDEN = "hidden"
    NO_CALLBACK = "no_callback"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened. ``who``: whose phone picked up (a machine may have), for ``PICKED_UP``."""

    call: str = field(repr=False)
    did: Did
    lang: Lang = "ko"
    who: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of ringing, counted from 1. ``group``: the fallback numbers are rung."""

    call: str = field(repr=False)
    number: int
    group: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """A phone that picked up in a round and pressed 1. ``id`` is Twilio's id of that leg."""

    round: Round
    id: str = field(repr=False)
    who: str


@dataclass(frozen=True, slots=True)
class Phone:
    """A counselor's phone in E.164."""

    who: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reachable:
    """Whom to ring now. ``busy``: somebody is on call, but talking. ``over``: the caller is gone."""

    phones: tuple[Phone, ...] = ()
    busy: bool = False
    over: bool = False


Window: TypeAlias = Literal["hour", "evening", "tomorrow"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A caller who said that they may be called back at their number, and when."""

    call: str = field(repr=False)
    number: str = field(repr=False)
    window: Window


class Calls(Protocol):
    """The house, as the hotline sees it.

    Each raises ``Busy`` when it could not be kept. The same step again is kept once.
    """

    async def happened(self, happening: Happening) -> None:
        """Keep what happened. A call that is not known yet begins with it, unless it ended."""

    async def reachable(self, ring: Round) -> Reachable:
        """Whom to ring in this round, at most ten; kept as a round of ringing when there is somebody."""

    async def accepted(self, leg: Leg) -> bool:
        """Whether this leg may be connected: the first to press 1 in a round, while the caller is there."""

    async def dialed(self, ring: Round, bridged: bool | None) -> bool:
        """Whether somebody talked with the caller in this round. ``bridged``: what the provider says."""

    async def call_back(self, wish: Wish) -> None:
        """Keep that the caller asked to be called back."""


class Words(Protocol):
    """Reviewed sentences."""

    def render(self, text: str, lang: str) -> Sequence[str]:
        """The sentences of one text. Raises ``KeyError`` for an unknown id."""
