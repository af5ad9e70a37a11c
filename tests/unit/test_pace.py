from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import pace
from channels.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_a_burst_then_a_steady_pace() -> None:
    clock = Clock()
    pace = Pace(30, 3, clock)
    assert [pace.wait("a") for _ in range(3)] == [0, 0, 0]
    assert pace.wait("a") == pytest.approx(2.0)
    clock.at += 1.5
    assert pace.wait("a") == pytest.approx(0.5)
    clock.at += 0.5
    assert pace.wait("a") == 0
    assert pace.wait("a") > 0


def test_each_has_a_bucket_of_their_own() -> None:
    pace = Pace(30, 1, Clock())
    assert pace.wait("a") == 0
    assert pace.wait("b") == 0
    assert pace.wait("a") > 0


def test_a_long_pause_gives_no_more_than_the_burst() -> None:
    clock = Clock()
    pace = Pace(60, 2, clock)
    pace.wait("a")
    clock.at += 3600
    assert [pace.wait("a") == 0 for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_punishes_nobody() -> None:
    clock = Clock()
    pace = Pace(60, 2, clock)
    pace.wait("a")
    clock.at -= 500
    assert pace.wait("a") == 0
    assert pace.wait("a") == pytest.approx(1.0)


@given(st.integers(1, 600), st.integers(1, 20), st.lists(st.floats(0, 30), max_size=40))
def test_who_waits_as_long_as_told_may_send(per_minute: int, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    pace = Pace(per_minute, burst, clock)
    for pause in pauses:
        clock.at += pause
        told = pace.wait("a")
        assert 0 <= told <= 60 / per_minute + 1e-6
        if told:
            clock.at += told
            assert pace.wait("a") == 0


@given(st.integers(1, 120), st.integers(1, 10), st.lists(st.floats(0, 5), max_size=60))
def test_nobody_sends_more_than_burst_and_rate_allow(
    per_minute: int, burst: int, pauses: list[float]
) -> None:
    clock = Clock()
    pace, start, sent = Pace(per_minute, burst, clock), clock.at, 0
    for pause in pauses:
        clock.at += pause
        sent += pace.wait("a") == 0
        assert sent <= burst + (clock.at - start) * per_minute / 60 + 1e-6


def test_the_number_of_buckets_is_bounded_and_the_longest_unused_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "BUCKETS", 3)
    buckets = Pace(30, 1, Clock())
    for who in ("a", "b", "c"):
        buckets.wait(who)
    assert buckets.wait("a") > 0
    buckets.wait("d")
    assert len(buckets._buckets) == 3
    assert buckets.wait("a") > 0
    assert buckets.wait("b") == 0
