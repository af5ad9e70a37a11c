"""What may stand on a screen that somebody else may see."""

from __future__ import annotations

import pytest

from bot.discretion import READING_FOR, Screen, may_show
from handoff.risk import Risk

NOW = 10_000_000
JUST, LONG_AGO = NOW - 1, NOW - READING_FOR


@pytest.mark.parametrize(
    ("channel", "device", "heard_at", "first", "shown"),
    [
        ("telegram", None, LONG_AGO, False, True),
        ("telegram", "alone", LONG_AGO, False, True),
        ("telegram", "watched", LONG_AGO, False, False),
        ("telegram", "watched", JUST, False, True),
        ("kakao", "watched", None, False, False),
        ("sms", None, JUST, True, False),
        ("sms", None, JUST, False, True),
        ("sms", None, LONG_AGO, False, False),
        ("sms", "alone", LONG_AGO, False, True),
        ("sms", "alone", JUST, True, True),
        ("sms", "watched", JUST, True, True),
        ("sms", "watched", LONG_AGO, False, False),
    ],
)
def test_late_answers_wait_where_others_may_look(
    channel: str, device: str | None, heard_at: int | None, first: bool, shown: bool
) -> None:
    screen = Screen(channel, device, heard_at, first)
    assert may_show(screen, Risk.HIGH, NOW) is shown
    assert may_show(screen, Risk.IMMINENT, NOW) is True
