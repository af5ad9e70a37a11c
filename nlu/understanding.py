"""Values that say what was read in a text. None of them holds the text itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["ko", "en"]
Source: TypeAlias = Literal["rules", "model"]
ModelState: TypeAlias = Literal["answered", "unsure", "away", "off"]


class Worry(IntEnum):
    """How worrying one reading is. Ordered, so that the worse of two is ``max``."""

    CALM = 0
    CARE = 1
    URGENT = 2
    DANGER = 3

    @property
    def word(self) -> str:
        """The level in lower case, as the rule files write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that one reader saw.

    ``family`` is a topic word, ``name`` a rule id or an intent, ``confidence`` lies in 0..1 (1.0 for a rule).
    """

    family: str
    worry: Worry
    source: Source
    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class RuleReading:
    """What the rule floor saw: signals, most worrying first, and the harmless phrases it recognised.

    ``weak``: what may be danger where no signal is; it counts only with a second opinion, or where nobody
    else has read the message.
    """

    signals: tuple[Signal, ...] = ()
    harmless: tuple[str, ...] = ()
    intent: str | None = None
    weak: tuple[Signal, ...] = ()

    @property
    def worry(self) -> Worry:
        """The worst of the signals; calm where there is none."""
        return max((signal.worry for signal in self.signals), default=Worry.CALM)


@dataclass(frozen=True, slots=True)
class ModelReading:
    """The language model's answer: the best intent and the ranking behind it (best first, 0..1 each).

    ``version`` names the trained model, where it is known. ``entities``: the kinds of facts in the text
    ("deadline"), each once, never their words.
    """

    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...] = ()
    version: str | None = None
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Understanding:
    """What rules and model read together. ``signals`` come most worrying first.

    ``shares``: how much of the model's confidence each family of intents has, the largest first; empty when
    the model has not read the message. ``entities``: kinds of facts in the text, never their words.
    """

    lang: Lang
    intent: str | None
    confidence: float
    signals: tuple[Signal, ...]
    model: ModelState
    version: str | None = None
    shares: tuple[tuple[str, float], ...] = ()
    entities: tuple[str, ...] = ()

    @property
    def worry(self) -> Worry:
        """The worst of the signals; calm where there is none."""
        return max((signal.worry for signal in self.signals), default=Worry.CALM)
