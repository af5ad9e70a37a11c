"""The maths of evaluation, against values worked out elsewhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evaluation.figures import (
    Heard,
    Judged,
    Share,
    by_language,
    calibration,
    figures,
    topics,
    wilson,
)
from handoff.risk import Risk

LOW, MEDIUM, HIGH, IMMINENT = Risk


def line(risk: Risk, said: Risk, lang: str = "ko", **more: object) -> Judged:
    given: dict[str, object] = {"topic": None, "said_topic": "human"} | more
    return Judged(lang=lang, risk=risk, said_risk=said, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [  # R: prop.test(hits, of, correct=FALSE)$conf.int
        (9, 10, 0.5958, 0.9821),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(hits: int, of: int, low: float, high: float) -> None:
    """The last four: R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3."""
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_wilsons_interval_holds_the_share_and_is_symmetric(share: tuple[int, int]) -> None:
    hits, of = share
    low, high = wilson(hits, of)
    assert 0 <= low <= hits / of <= high <= 1
    assert (1 - high, 1 - low) == pytest.approx(wilson(of - hits, of), abs=1e-12)
    wider = wilson(hits, of, z=3.0)
    assert wider[0] <= low
    assert wider[1] >= high


def test_of_nothing_everything_is_possible() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert math.isnan(Share(0, 0).value)
    for hits, of in ((-1, 3), (4, 3), (1, 0)):
        with pytest.raises(ValueError, match="as many hits"):
            wilson(hits, of)


def test_recall_precision_and_both_kinds_of_mistake() -> None:
    found = figures(
        [
            *[line(IMMINENT, IMMINENT)] * 6,
            *[line(IMMINENT, HIGH)] * 2,
            *[line(HIGH, IMMINENT)] * 1,
            *[line(HIGH, HIGH)] * 3,
            *[line(HIGH, MEDIUM)] * 1,
            *[line(MEDIUM, LOW)] * 2,
            *[line(LOW, LOW)] * 8,
            *[line(LOW, IMMINENT)] * 2,
        ]
    )
    assert found.lines == 25
    assert (found.imminent.recall, found.imminent.precision) == (Share(6, 8), Share(6, 9))
    assert (found.high.recall, found.high.precision) == (Share(12, 13), Share(12, 14))
    assert found.under == {LOW: Share(0, 10), MEDIUM: Share(2, 2), HIGH: Share(1, 5), IMMINENT: Share(2, 8)}
    assert found.over == {LOW: Share(2, 10), MEDIUM: Share(0, 2), HIGH: Share(1, 5), IMMINENT: Share(0, 8)}
    assert found.false_imminent == Share(2, 10)
    assert found.risks[IMMINENT, HIGH] == 2
    assert math.isnan(found.topics.macro_f1)
    assert math.isnan(found.calibration.error)


def test_nothing_measured_is_no_figure() -> None:
    found = figures([])
    assert found.lines == 0
    assert math.isnan(found.imminent.recall.value)
    assert math.isnan(found.topics.macro_f1)


def test_macro_f1_is_the_mean_over_the_topics_that_labels_name() -> None:
    """a: P 2/3 R 2/3; b: P 1/2 R 1/2; c: never said, 0; d is no label and only costs precision."""
    found = topics([("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", "a"), ("c", "d")])
    assert found.f1 == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 2), "c": 0.0}
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert found.right == Share(3, 6)
    assert found.confusion["a", "b"] == 1


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde")), min_size=1))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs: list[tuple[str, str]]) -> None:
    found = topics(pairs)
    for topic, f1 in found.f1.items():
        hits = sum(label == said == topic for label, said in pairs)
        recall = hits / sum(label == topic for label, _ in pairs)
        precision = hits / max(1, sum(said == topic for _, said in pairs))
        wanted = 2 * precision * recall / (precision + recall) if hits else 0.0
        assert f1 == pytest.approx(wanted)
    assert 0 <= found.macro_f1 <= 1
    assert (found.macro_f1 == pytest.approx(1)) == all(label == said for label, said in pairs)


def test_the_languages_are_measured_apart() -> None:
    both = by_language([line(IMMINENT, IMMINENT), line(IMMINENT, LOW, "en")])
    assert list(both) == ["en", "ko"]
    assert (both["ko"].imminent.recall.value, both["en"].imminent.recall.value) == (1.0, 0.0)


def test_calibration_weighs_each_bin_by_its_lines() -> None:
    heard = [*[Heard(0.95, True)] * 8, *[Heard(0.95, False)] * 2, Heard(0.12, False), Heard(1.0, True)]
    found = calibration(heard)
    assert [(each.low, each.count) for each in found.bins] == [(0.1, 1), (0.9, 11)]
    assert found.bins[1].right == pytest.approx(9 / 11)
    top = 11 * abs((9.5 + 1.0) / 11 - 9 / 11)
    assert found.error == pytest.approx((top + 0.12) / 12)


@given(st.lists(st.builds(Heard, st.floats(0, 1), st.booleans()), min_size=1))
def test_calibration_loses_no_line_and_stays_between_nothing_and_all(heard: list[Heard]) -> None:
    found = calibration(heard)
    assert sum(each.count for each in found.bins) == len(heard)
    assert 0 <= found.error <= 1
