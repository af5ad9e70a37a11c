"""What every step of the hotline works with: its configuration, the house, reviewed words, a clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from channels.voice.port import Calls, Did, Happening, Words
from channels.voice.requests import Step, Where
from channels.voice.speech import Speech

MOST_TARGETS = 10
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Config:
    """How the hotline is set up.

    ``url``: how Twilio reaches the hook (``https://…/hooks/voice``). ``fallback``: numbers in E.164 that are
    rung when no counselor accepts. ``web``, ``sms``: how to go on by text, as far as there is a way.
    ``utc_offset``: hours, for the times that a callback may be asked for.
    """

    account: str
    token: str = field(repr=False)
    number: str = field(repr=False)
    url: str
    ring_seconds: int = 25
    hold_seconds: int = 180
    fallback: tuple[str, ...] = field(default=(), repr=False)
    record: bool = False
    most_calls: int = 20
    web: str = ""
    sms: str = ""
    utc_offset: int = 9

    def __post_init__(self) -> None:
        if not self.url:
            raise ValueError("the hotline needs a public address")
        if not all(E164.fullmatch(number) for number in (self.number, *self.fallback)):
            raise ValueError("the hotline's numbers are written like +82212345678")
        if len(self.fallback) > MOST_TARGETS:
            raise ValueError("at most 10 fallback numbers ring together")


@dataclass(frozen=True, slots=True)
class Table:
    """The things every step needs. ``clock``: Unix seconds."""

    config: Config
    calls: Calls
    words: Words
    clock: Callable[[], float]

    async def did(self, step: Step, did: Did) -> None:
        """Tell the house what happened."""
        await self.calls.happened(Happening(step.call, did, step.where.lang))

    def to(self, step: str, where: Where) -> str:
        """The address of a step."""
        query = where.query()
        return f"{self.config.url}/{step}" + (f"?{query}" if query else "")

    def speech(self) -> Speech:
        """An empty answer."""
        return Speech(self.words)
