"""Drift: what is counted, by week and by model, and how the shift of confidence is measured."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evaluation import drift as module
from bot.evaluation.drift import BINS, Drift, DriftCount, drift, stability, week
from bot.evaluation.drift_report import as_json, words
from handoff.conversation import Assessed, AssessmentRecord, Judgement, Label
from handoff.risk import Risk, Topic
from handoff.store.ports import Store
from tests.builders import conversation

MONDAY = round(datetime(2026, 11, 16, tzinfo=UTC).timestamp() * 1000)
DAY = 86_400_000


def assessed(at: int = MONDAY, confidence: float = 0.95, **more: str | None) -> Assessed:
    given = {"lang": "ko", "model": "answered", "version": "nlu-1"} | more
    return Assessed("c1", 1, at, str(given["lang"]), confidence, str(given["model"]), given["version"])


def label(after: Judgement, at: int = MONDAY, version: str | None = "nlu-1") -> Label:
    before = Judgement(Risk.HIGH, Topic.GROOMING)
    return Label(f"l{at}", "c1", 1, at, "id-a", version, "grooming_contact", 0.7, before, after)


def counted(*seen: Assessed | Label) -> Drift:
    count = DriftCount()
    for one in seen:
        count.assessed(one) if isinstance(one, Assessed) else count.labelled(one)
    return count.drift()


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2026, 11, 16, tzinfo=UTC), "2026-W47"),
        (datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), "2026-W47"),
        (datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-W01"),
    ],
)
def test_weeks_are_those_of_iso_8601(moment: datetime, name: str) -> None:
    assert week(round(moment.timestamp() * 1000)) == name


def test_every_label_counts_once_by_what_it_did() -> None:
    found = counted(
        label(Judgement(Risk.IMMINENT, Topic.IMMEDIATE_DANGER)),
        label(Judgement(Risk.LOW, Topic.GROOMING)),
        label(Judgement(Risk.LOW, Topic.SMALLTALK)),
        label(Judgement(Risk.HIGH, Topic.STALKING)),
        label(Judgement(Risk.HIGH, Topic.GROOMING)),
    )
    [tally] = found.tallies.values()
    assert (tally.raised, tally.lowered, tally.retold, tally.agreed) == (1, 2, 1, 1)
    assert tally.labelled == 5
    assert found.topics == {
        ("grooming", "immediate_danger"): 1,
        ("grooming", "smalltalk"): 1,
        ("grooming", "stalking"): 1,
    }


def test_weeks_and_models_are_counted_apart() -> None:
    found = counted(
        assessed(),
        assessed(lang="en", model="unsure"),
        assessed(model="away", version=None),
        assessed(at=MONDAY + 7 * DAY, version="nlu-2"),
        label(Judgement(Risk.LOW, Topic.GROOMING), at=MONDAY + 7 * DAY, version="nlu-2"),
    )
    assert list(found.tallies) == [("2026-W47", "nlu-1"), ("2026-W47", "unknown"), ("2026-W48", "nlu-2")]
    first, away, later = found.tallies.values()
    assert (first.assessed, first.share("unsure"), first.share("away")) == (2, 0.5, 0.0)
    assert first.languages == {"ko": 1, "en": 1}
    assert away.share("away") == 1.0
    assert (later.assessed, later.lowered) == (1, 1)


def test_the_index_is_that_of_the_formula() -> None:
    """sum of (q - p) ln(q / p): 0.25 ln 2 here, from 0.25 to 0.5 in one bin and from 0.5 to 0.25 in another."""
    assert stability([25, 50, 25], [50, 25, 25]) == pytest.approx(0.25 * math.log(2) * 2)
    assert stability([1, 1], [90, 10]) == pytest.approx(0.4 * math.log(1.8) - 0.4 * math.log(0.2))
    assert math.isnan(stability([0, 0], [1, 1]))
    with pytest.raises(ValueError, match="different bins"):
        stability([1], [1, 2])


histograms = st.lists(st.integers(0, 1000), min_size=BINS, max_size=BINS).filter(any)


@given(histograms, histograms)
def test_the_index_is_never_negative_and_the_same_both_ways(first: list[int], last: list[int]) -> None:
    index = stability(first, last)
    assert index >= 0
    assert math.isfinite(index)
    assert index == pytest.approx(stability(last, first))
    assert stability(first, [10 * count for count in first]) == pytest.approx(0)


def test_the_first_week_is_compared_with_the_last() -> None:
    sure = [assessed(confidence=0.95)] * 50
    doubtful = [assessed(at=MONDAY + 14 * DAY, confidence=0.45)] * 50
    silent = [assessed(at=MONDAY + 21 * DAY, confidence=1.0, model="away")] * 50
    moved = counted(*sure, *doubtful, *silent).shift
    assert (moved.first, moved.last, moved.verdict) == ("2026-W47", "2026-W49", "moved")
    steady = counted(*sure, *[assessed(at=MONDAY + 7 * DAY, confidence=0.99)] * 7).shift
    assert (steady.index, steady.verdict) == (pytest.approx(0), "steady")
    assert counted(*sure).shift.verdict == "unknown"
    assert counted(assessed(confidence=1.0), assessed(confidence=0.0)).shift.verdict == "unknown"


def test_the_words_hold_a_row_for_each_week_and_model() -> None:
    text = words(counted(assessed(), assessed(model="away"), label(Judgement(Risk.LOW, Topic.SMALLTALK))))
    row = next(line for line in text.splitlines() if line.startswith("2026-W47"))
    assert row.split() == ["2026-W47", "nlu-1", "2", "0.0%", "50.0%", "2/0", "1", "0", "1", "0", "0"]
    assert "grooming -> smalltalk  1" in text
    assert "too little" in text
    assert words(counted()) == "Nothing was assessed in this time."
    only = words(counted(label(Judgement(Risk.HIGH, Topic.GROOMING))))
    assert "no topic was changed" in only


def test_json_holds_the_same_without_what_is_no_number() -> None:
    found = as_json(counted(assessed(), label(Judgement(Risk.LOW, Topic.SMALLTALK))))
    kept = json.loads(json.dumps(found, allow_nan=False))
    assert kept["weeks"][0]["lowered"] == 1
    assert kept["topics"] == [{"before": "grooming", "after": "smalltalk", "count": 1}]
    assert kept["confidence"]["stability_index"] is None


async def test_it_reads_every_page_of_the_store_and_nothing_older(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    async with store.begin() as tx:
        await tx.conversations.add([conversation("c1"), conversation("c2", lang="en")])
        await tx.entries.assess(
            [
                AssessmentRecord(
                    id, seq, MONDAY + seq // 2, Risk.LOW, Topic.HUMAN, None, 0.5, (), "unsure", "nlu-1"
                )
                for id in ("c1", "c2")
                for seq in range(8)
            ]
        )
        await tx.labels.put([label(Judgement(Risk.LOW, Topic.GROOMING), at=MONDAY + at) for at in (0, 5)])
    found = await drift(store, MONDAY)
    [tally] = found.tallies.values()
    assert (tally.assessed, tally.labelled, tally.languages) == (16, 2, {"ko": 8, "en": 8})
    [later] = (await drift(store, MONDAY + 2)).tallies.values()
    assert (later.assessed, later.labelled) == (8, 1)
    assert (await drift(store, MONDAY + 100)).tallies == {}
