"""The figures of triage on labelled lines: shares with intervals, matrices, F1, calibration. Pure.

A judged line is what its label says and what triage said; it holds no text. Shares lie in 0..1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from handoff.risk import Risk

Z95 = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""

BINS = 10


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model alone claimed of a line: its confidence, and whether the label bears it out."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One line: label (``topic`` None: only the risk is labelled) and what triage said."""

    lang: str
    risk: Risk
    topic: str | None
    said_risk: Risk
    said_topic: str
    heard: Heard | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``of``. The share of nothing is not a number."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0..1; ``nan`` of nothing."""
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95 % (E. B. Wilson, 1927); everything is possible of nothing."""
        return wilson(self.hits, self.of)


@dataclass(frozen=True, slots=True)
class Found:
    """How well lines at or above a risk are found: of those that are, and of those said to be."""

    recall: Share
    precision: Share


@dataclass(frozen=True, slots=True)
class Topics:
    """F1 by topic (0..1) and their mean over the topics that labels name; ``nan`` where none does."""

    macro_f1: float
    f1: Mapping[str, float]
    right: Share
    confusion: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Bin:
    """Lines whose confidence lies in one tenth: how many, the mean confidence, the share borne out."""

    low: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """``error``: mean distance of confidence and truth, weighted by bin (0..1); ``nan`` without a model."""

    bins: Sequence[Bin]
    error: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything measured on some lines. ``risks``: how often label (first) met answer (second)."""

    lines: int
    imminent: Found
    high: Found
    risks: Mapping[tuple[Risk, Risk], int]
    under: Mapping[Risk, Share]
    over: Mapping[Risk, Share]
    false_imminent: Share
    topics: Topics
    calibration: Calibration = field(repr=False)


def figures(judged: Sequence[Judged]) -> Figures:
    """Measure these lines. ``false_imminent``: of the low ones, how many were called imminent."""
    risks = Counter((line.risk, line.said_risk) for line in judged)
    return Figures(
        lines=len(judged),
        imminent=found(judged, Risk.IMMINENT),
        high=found(judged, Risk.HIGH),
        risks=risks,
        under={risk: _off(risks, risk, lambda said, label: said < label) for risk in Risk},
        over={risk: _off(risks, risk, lambda said, label: said > label) for risk in Risk},
        false_imminent=Share(risks[Risk.LOW, Risk.IMMINENT], _row(risks, Risk.LOW)),
        topics=topics((line.topic, line.said_topic) for line in judged if line.topic is not None),
        calibration=calibration([line.heard for line in judged if line.heard is not None]),
    )


def by_language(judged: Sequence[Judged]) -> dict[str, Figures]:
    """The figures of each language apart, in alphabetical order."""
    return {
        lang: figures([line for line in judged if line.lang == lang])
        for lang in sorted({line.lang for line in judged})
    }


def wilson(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for a share. Raises ``ValueError`` unless ``0 <= hits <= of``."""
    if not 0 <= hits <= of:
        raise ValueError("a share has at most as many hits as tries")
    if of == 0:
        return (0.0, 1.0)
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == of else min(1.0, middle + half)
    return (low, high)


def found(judged: Sequence[Judged], level: Risk) -> Found:
    """Recall and precision of "at least this risk"."""
    hits = sum(line.risk >= level and line.said_risk >= level for line in judged)
    return Found(
        recall=Share(hits, sum(line.risk >= level for line in judged)),
        precision=Share(hits, sum(line.said_risk >= level for line in judged)),
    )


def topics(pairs: Iterable[tuple[str, str]]) -> Topics:
    """F1 for each topic that a label names, from pairs of label and answer."""
    confusion = Counter(pairs)
    labels: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    for (label, said), count in confusion.items():
        labels[label] += count
        answers[said] += count
    f1 = {topic: 2 * confusion[topic, topic] / (labels[topic] + answers[topic]) for topic in sorted(labels)}
    right = Share(sum(confusion[topic, topic] for topic in labels), labels.total())
    macro = sum(f1.values()) / len(f1) if f1 else math.nan
    return Topics(macro, f1, right, confusion)


def calibration(heard: Sequence[Heard]) -> Calibration:
    """Ten bins of equal width, the empty ones left out, and the expected calibration error."""
    kept: dict[int, list[Heard]] = {}
    for claim in heard:
        kept.setdefault(min(BINS - 1, int(claim.confidence * BINS)), []).append(claim)
    bins = [
        Bin(
            low=number / BINS,
            count=len(claims),
            confidence=sum(claim.confidence for claim in claims) / len(claims),
            right=sum(claim.right for claim in claims) / len(claims),
        )
        for number, claims in sorted(kept.items())
    ]
    apart = sum(each.count * abs(each.confidence - each.right) for each in bins)
    return Calibration(bins, apart / len(heard) if heard else math.nan)


def _row(risks: Mapping[tuple[Risk, Risk], int], label: Risk) -> int:
    return sum(risks.get((label, said), 0) for said in Risk)


def _off(risks: Mapping[tuple[Risk, Risk], int], label: Risk, wrong: Callable[[Risk, Risk], bool]) -> Share:
    hits = sum(risks.get((label, said), 0) for said in Risk if wrong(said, label))
    return Share(hits, _row(risks, label))
