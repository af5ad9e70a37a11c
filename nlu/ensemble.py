"""Rules and language model read every message; the more worrying reading wins.

A silent or unsure model never makes a message safe, and a message that nobody could read asks for a person.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

from nlu.intents import EVERYDAY, MEANINGS
from nlu.normalise import language, normalise
from nlu.understanding import ModelState, Signal, Understanding, Worry

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    Chosen by cross validation over the training lines and on the totals of ``tests/sets/validation.jsonl``
    (docs/model-card.md). ``believed``: taken at its word; ``believed_danger``: the same for the word that
    life is in danger now; ``believed_against``: the same when the rules saw a harmless turn of phrase.
    ``everyday``: worries that no rule hints at are believed only while everyday talk has less than this:
    (in danger, urgent). ``doubt``: so much confidence in danger makes a message worth a gentle question.
    ``read``: below this the model has not really read a harmless message.
    ``seconded``: weak evidence of the rules is danger with so much confidence in danger and less than so much
    in everyday talk. ``calm``: weak evidence that is not seconded is worth a gentle question while calm talk
    has less than this, and nothing from there on.
    """

    believed: float = 0.4
    believed_danger: float = 0.5
    believed_against: float = 0.8
    everyday: tuple[float, float] = (0.05, 0.3)
    doubt: float = 0.25
    read: float = 0.15
    seconded: tuple[float, float] = (0.15, 0.1)
    calm: float = 0.5


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
    opinion = _Opinion.of(reading) if reading else None
    heard = _heard(opinion, rules, thresholds) if opinion else None
    weak = _suspected(rules, opinion if heard else None, thresholds)
    signals = [*rules.signals, *([heard] if heard else []), *weak]
    if not signals:
        signals.append(_NOBODY_COULD_READ)
    signals.sort(key=lambda signal: -signal.worry)
    state: ModelState = silent
    shares: tuple[tuple[str, float], ...] = ()
    if opinion is not None:
        sure = heard is not None and opinion.confidence >= thresholds.read
        state, shares = ("answered", opinion.shares()) if sure else ("unsure", ())
    intent, confidence = _intent(rules, heard, thresholds)
    version, entities = (reading.version, reading.entities) if reading else (None, ())
    return Understanding(lang, intent, confidence, tuple(signals), state, version, shares, entities)


def unread(lang: Lang) -> Understanding:
    """The understanding of a message that neither rules nor model have read: a person must look."""
    return Understanding(lang, None, 0.0, (_NOBODY_COULD_READ,), "away")


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What the model says, over the intents that are known here."""

    ranking: tuple[tuple[str, float], ...]
    confidence: float

    @classmethod
    def of(cls, reading: ModelReading) -> _Opinion:
        """The known part of a reading."""
        listed = reading.ranking or ((reading.intent, reading.confidence),)
        return cls(tuple(item for item in listed if item[0] in MEANINGS), reading.confidence)

    def of_worry(self, least: Worry, most: Worry = Worry.DANGER) -> tuple[list[tuple[str, float]], float]:
        """The intents within these worries, and their confidence together."""
        within = [item for item in self.ranking if least <= MEANINGS[item[0]].worry <= most]
        return within, min(1.0, sum(share for _, share in within))

    def shares(self) -> tuple[tuple[str, float], ...]:
        """The confidence of each family, the largest first."""
        families: defaultdict[str, float] = defaultdict(float)
        for name, share in self.ranking:
            families[MEANINGS[name].family] += share
        return tuple(sorted(families.items(), key=lambda item: -item[1]))

    def everyday(self) -> float:
        """The confidence that this is everyday talk."""
        return sum(share for name, share in self.ranking if MEANINGS[name].family in EVERYDAY)


def _heard(opinion: _Opinion, rules: RuleReading, thresholds: Thresholds) -> Signal | None:
    """The model's signal, or None when it has not really read the message."""
    for worry in (Worry.DANGER, Worry.URGENT, Worry.CARE):
        at_least, mass = opinion.of_worry(worry)
        if mass >= _needed(worry, thresholds, harmless=bool(rules.harmless)) and not _idle(
            worry, opinion, rules, thresholds
        ):
            best = _best(at_least, worry)
            return Signal(MEANINGS[best].family, worry, "model", best, mass)
    dangers, doubt = opinion.of_worry(Worry.DANGER)
    if doubt >= thresholds.doubt and not rules.harmless:
        best = _best(dangers, Worry.DANGER)
        return Signal(MEANINGS[best].family, Worry.CARE, "model", best, doubt)
    calm, mass = opinion.of_worry(Worry.CALM, Worry.CALM)
    if not calm or opinion.confidence < thresholds.read:
        return None
    best = max(calm, key=lambda item: item[1])[0]
    return Signal(MEANINGS[best].family, Worry.CALM, "model", best, mass)


def _suspected(rules: RuleReading, opinion: _Opinion | None, thresholds: Thresholds) -> tuple[Signal, ...]:
    """What the weak evidence of the rules comes to. ``opinion`` None: the model has not read the message."""
    if opinion is None:
        return rules.weak
    in_danger, everyday = thresholds.seconded
    if opinion.of_worry(Worry.DANGER)[1] >= in_danger and opinion.everyday() < everyday:
        return rules.weak
    if opinion.of_worry(Worry.CALM, Worry.CALM)[1] >= thresholds.calm:
        return ()
    return tuple(replace(signal, worry=Worry.CARE) for signal in rules.weak)


def _needed(worry: Worry, thresholds: Thresholds, *, harmless: bool) -> float:
    if harmless:
        return thresholds.believed_against
    return thresholds.believed_danger if worry is Worry.DANGER else thresholds.believed


def _idle(worry: Worry, opinion: _Opinion, rules: RuleReading, thresholds: Thresholds) -> bool:
    """Whether the model may only be mistaking everyday talk: a parting for a farewell, a date for a trap."""
    if worry is Worry.CARE or rules.worry >= Worry.CARE:
        return False
    in_danger, urgent = thresholds.everyday
    return opinion.everyday() >= (in_danger if worry is Worry.DANGER else urgent)


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

    def glance(self, text: str) -> Worry:
        """What the rules alone see, at once: enough to know whom a flood must not delay."""
        reading = self._lexicon.read(normalise(text))
        return Worry.DANGER if reading.weak else reading.worry

    async def understand(self, text: str, lang: Lang | None = None) -> Understanding:
        """What ``text`` means. Never raises for a text; takes as long as the reader's deadline at most.

        A disguised text (dots between syllables, the other keyboard) is read as it stands and as it was
        probably meant; the more worrying of the two is believed, and of equals the one that was meant.
        """
        forms = normalise(text)
        rules = self._lexicon.read(forms)
        readings = await self._readings(text, forms.legible)
        return max(
            (
                combine(
                    rules,
                    reading,
                    lang or language(text),
                    silent="away" if self._reader else "off",
                    thresholds=self._thresholds,
                )
                for reading in readings
            ),
            key=lambda understanding: understanding.worry,
        )

    async def _readings(self, text: str, legible: str) -> Sequence[ModelReading | None]:
        """The model's readings, at least one; a silent model is one reading that is None."""
        if self._reader is None:
            return (None,)
        if legible.strip() in {"", text.strip()}:
            return (await self._reader.read(text),)
        both = await asyncio.gather(self._reader.read(legible), self._reader.read(text))
        return [reading for reading in both if reading is not None] or (None,)
