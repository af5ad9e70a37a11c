"""Drift: how often people correct the machine, week by week and model by model, and how its confidence moves.

From labels and assessments alone: ids, times, constant words and numbers, never a text. Weeks are ISO weeks
in UTC.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from handoff.conversation import Assessed, Label
from handoff.store.ports import Store

PAGE = 2_000
UNKNOWN = "unknown"
BINS = 10
STEADY, MOVED = 0.1, 0.25
"""The customary marks for a population stability index: below the first steady, above the second moved."""

_SMALLEST = 1e-4  # in place of an empty bin, whose logarithm there is not


@dataclass(slots=True)
class Tally:
    """What is counted in one week of one model version."""

    assessed: int = 0
    models: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    raised: int = 0
    lowered: int = 0
    retold: int = 0
    agreed: int = 0

    @property
    def labelled(self) -> int:
        """How many labels people gave."""
        return self.raised + self.lowered + self.retold + self.agreed

    def share(self, state: str) -> float:
        """The share of assessments (0..1) in which the model was in this state; ``nan`` of none."""
        return self.models[state] / self.assessed if self.assessed else math.nan

    def take(self, label: Label) -> None:
        """Count a label: risk raised, risk lowered, another topic only, or agreed with."""
        before, after = label.before, label.after
        self.raised += after.risk > before.risk
        self.lowered += after.risk < before.risk
        self.retold += after.risk == before.risk and after.topic != before.topic
        self.agreed += after == before


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the confidence of the last week lies from that of the first (``nan``: nothing to compare)."""

    first: str | None
    last: str | None
    index: float

    @property
    def verdict(self) -> str:
        """In a word: ``steady``, ``moving``, ``moved``, or ``unknown``."""
        if math.isnan(self.index):
            return UNKNOWN
        return "steady" if self.index < STEADY else "moving" if self.index <= MOVED else "moved"


@dataclass(frozen=True, slots=True)
class Drift:
    """The report. ``tallies`` by week and version; ``topics``: how often people changed one into another."""

    tallies: Mapping[tuple[str, str], Tally]
    topics: Mapping[tuple[str, str], int]
    shift: Shift


class DriftCount:
    """Counts assessments and labels as they are read, in any order."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._topics: Counter[tuple[str, str]] = Counter()
        self._confidence: dict[str, list[int]] = {}

    def assessed(self, one: Assessed) -> None:
        """Count an assessment. Confidence counts only where the model answered."""
        when, tally = week(one.at), self._tally(one.at, one.version)
        tally.assessed += 1
        tally.models[one.model] += 1
        tally.languages[one.lang] += 1
        if one.model == "answered":
            bins = self._confidence.setdefault(when, [0] * BINS)
            bins[min(BINS - 1, max(0, int(one.confidence * BINS)))] += 1

    def labelled(self, label: Label) -> None:
        """Count a label."""
        self._tally(label.at, label.version).take(label)
        if label.before.topic != label.after.topic:
            self._topics[str(label.before.topic), str(label.after.topic)] += 1

    def drift(self) -> Drift:
        """The report on everything counted."""
        weeks = sorted(self._confidence)
        shift = Shift(None, None, math.nan)
        if len(weeks) > 1:
            first, last = weeks[0], weeks[-1]
            shift = Shift(first, last, stability(self._confidence[first], self._confidence[last]))
        return Drift(dict(sorted(self._tallies.items())), self._topics, shift)

    def _tally(self, at: int, version: str | None) -> Tally:
        return self._tallies.setdefault((week(at), version or UNKNOWN), Tally())


async def drift(store: Store, since: int) -> Drift:
    """The report on everything since this moment (milliseconds since 1970 UTC)."""
    count = DriftCount()
    async with store.read() as tx:
        for label in await tx.labels.since(since):
            count.labelled(label)
        mark = (since, "", 0)
        while page := await tx.labels.assessed(mark, PAGE):
            for one in page:
                count.assessed(one)
            mark = page[-1].mark
    return count.drift()


def week(at: int) -> str:
    """The ISO week of a moment, such as ``2026-W48``."""
    year, number, _ = datetime.fromtimestamp(at / 1000, UTC).isocalendar()
    return f"{year}-W{number:02d}"


def stability(first: Sequence[int], last: Sequence[int]) -> float:
    """The population stability index of two histograms with the same bins: 0 for the same shape.

    Raises ``ValueError`` when they have different bins; ``nan`` when one is empty.
    """
    if len(first) != len(last):
        raise ValueError("the histograms have different bins")
    of_first, of_last = sum(first), sum(last)
    if not of_first or not of_last:
        return math.nan
    index = 0.0
    for before, after in zip(first, last, strict=True):
        expected = max(before / of_first, _SMALLEST)
        actual = max(after / of_last, _SMALLEST)
        index += (actual - expected) * math.log(actual / expected)
    return index
