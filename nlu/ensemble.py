"""Rules and language model read every message; the more worrying reading wins.

A silent or unsure model never makes a message safe, and a message that nobody could read asks for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from nlu.intents import MEANINGS
from nlu.normalise import language, normalise
from nlu.understanding import ModelState, Signal, Understanding, Worry

if TYPE_CHECKING:
    from nlu.lexicon import Lexicon
    from nlu.understanding import Lang, ModelReading, RuleReading

_NOBODY_COULD_READ: Final = Signal("human", Worry.CARE, "rules", "unread", 1.0)


class Reader(Protocol):
    """A language model. It may batch texts that come at the same time; it never raises for a text."""

    async def read(self, text: str) -> ModelReading | None:
        """The model's reading, or None when it cannot be had in time."""

    async def state(self) -> Literal["up", "away"]:
        """Whether the model answers at present."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How much of the model's confidence (0..1, summed over the intents at least so worrying) counts.

    Chosen on ``tests/sets/validation.jsonl`` (2026-11-22; one exception:
    docs/model-card.md). ``believed``: taken at its word;
    ``believed_danger``: the same for the word that life is in danger now; ``believed_against``: the same
    when the rules saw a harmless turn of phrase. ``doubt``: so much confidence in danger makes a message
    worth a gentle question. ``read``: below this the model has not really read a harmless message.
    """

    believed: float = 0.4
    believed_danger: float = 0.5
    believed_against: float = 0.8
    doubt: float = 0.2
    read: float = 0.2


THRESHOLDS: Final = Thresholds()


def combine(
    rules: RuleReading,
    reading: ModelReading | None,
    lang: Lang,
    *,
    silent: Literal["away", "off"] = "away",
    thresholds: Thresholds = THRESHOLDS,
) -> Understanding:
    """One understanding of both readings. ``reading`` None: the model is ``silent`` (away, or not in use)."""
    heard = _heard(reading, thresholds, harmless=bool(rules.harmless)) if reading else None
    signals = [*rules.signals, *([heard] if heard else [])]
    if not signals:
        signals.append(_NOBODY_COULD_READ)
    signals.sort(key=lambda signal: -signal.worry)
    state: ModelState = silent
    if reading is not None:
        state = "answered" if heard is not None and reading.confidence >= thresholds.read else "unsure"
    intent, confidence = _intent(rules, heard, thresholds)
    return Understanding(lang, intent, confidence, tuple(signals), state)


def unread(lang: Lang) -> Understanding:
    """The understanding of a message that neither rules nor model have read: a person must look."""
    return Understanding(lang, None, 0.0, (_NOBODY_COULD_READ,), "away")


def _heard(reading: ModelReading, thresholds: Thresholds, *, harmless: bool) -> Signal | None:
    """The model's signal, or None when it has not really read the message."""
    ranking = [
        (name, share)
        for name, share in reading.ranking or ((reading.intent, reading.confidence),)
        if name in MEANINGS
    ]
    for worry in (Worry.DANGER, Worry.URGENT, Worry.CARE):
        at_least = [(name, share) for name, share in ranking if MEANINGS[name].worry >= worry]
        mass = min(1.0, sum(share for _, share in at_least))
        if mass >= _needed(worry, thresholds, harmless=harmless):
            best = _best(at_least, worry)
            return Signal(MEANINGS[best].family, worry, "model", best, mass)
    dangers = [(name, share) for name, share in ranking if MEANINGS[name].worry is Worry.DANGER]
    doubt = sum(share for _, share in dangers)
    if doubt >= thresholds.doubt and not harmless:
        best = _best(dangers, Worry.DANGER)
        return Signal(MEANINGS[best].family, Worry.CARE, "model", best, doubt)
    calm = [(name, share) for name, share in ranking if MEANINGS[name].worry is Worry.CALM]
    if not calm or reading.confidence < thresholds.read:
        return None
    best = max(calm, key=lambda item: item[1])[0]
    return Signal(MEANINGS[best].family, Worry.CALM, "model", best, sum(share for _, share in calm))


def _needed(worry: Worry, thresholds: Thresholds, *, harmless: bool) -> float:
    if harmless:
        return thresholds.believed_against
    return thresholds.believed_danger if worry is Worry.DANGER else thresholds.believed


def _best(ranking: list[tuple[str, float]], worry: Worry) -> str:
    """The likeliest intent of exactly this worry; of a worse one where there is none."""
    exact = [item for item in ranking if MEANINGS[item[0]].worry is worry]
    return max(exact or ranking, key=lambda item: item[1])[0]


def _intent(rules: RuleReading, heard: Signal | None, thresholds: Thresholds) -> tuple[str | None, float]:
    """The intent of the more worrying reading. Equal: the model's if it is sure, for calm talk the rules'."""
    if heard is None:
        return rules.intent, 1.0 if rules.intent else 0.0
    doubting = MEANINGS[heard.name].worry > heard.worry
    if not rules.signals:
        return (None if doubting else heard.name), heard.confidence
    ruled = rules.worry
    sure = heard.confidence >= thresholds.believed and not doubting
    if heard.worry > ruled or (heard.worry == ruled > Worry.CALM and sure):
        return heard.name, heard.confidence
    return rules.intent, 1.0


class Ensemble:
    """Reads messages with a lexicon and, where there is one, a language model."""

    def __init__(self, lexicon: Lexicon, reader: Reader | None, thresholds: Thresholds = THRESHOLDS) -> None:
        """``reader`` None: the service runs on its rules alone."""
        self._lexicon = lexicon
        self._reader = reader
        self._thresholds = thresholds

    async def understand(self, text: str, lang: Lang | None = None) -> Understanding:
        """What ``text`` means. Never raises for a text; takes as long as the reader's deadline at most."""
        rules = self._lexicon.read(normalise(text))
        reading = await self._reader.read(text) if self._reader else None
        return combine(
            rules,
            reading,
            lang or language(text),
            silent="away" if self._reader else "off",
            thresholds=self._thresholds,
        )
