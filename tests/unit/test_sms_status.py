"""A status only moves on, whatever order it is told in; a receipt is told once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.port import Busy, Receipt
from channels.sms.receipts import Receipts, Report
from channels.sms.status import advanced, meaning
from tests.fake_intake import FakeIntake

LADDER = ["accepted", "scheduled", "queued", "sending", "sent", "partially_delivered", "delivered", "read"]
ENDS = ["failed", "undelivered", "canceled"]


@pytest.mark.parametrize(("low", "high"), list(itertools.combinations(range(len(LADDER)), 2)))
def test_up_the_ladder_and_never_down(low: int, high: int):
    assert advanced(LADDER[low], LADDER[high]) == LADDER[high]
    assert advanced(LADDER[high], LADDER[low]) is None


@pytest.mark.parametrize("end", ENDS)
def test_a_failure_is_final(end: str):
    assert all(advanced(end, status) is None for status in LADDER + ENDS)
    assert all(advanced(status, end) == end for status in LADDER[: LADDER.index("delivered")])


@pytest.mark.parametrize("arrived", ["delivered", "read"])
@pytest.mark.parametrize("end", ENDS)
def test_what_arrived_cannot_fail_any_more(arrived: str, end: str):
    assert advanced(arrived, end) is None


@pytest.mark.parametrize("status", ["", "received", "receiving", "DELIVERED", "gone"])
def test_an_unknown_status_moves_nothing(status: str):
    assert advanced(None, status) is None
    assert advanced("sent", status) is None
    assert meaning(status) is None


async def _told(statuses: list[str]) -> list[str]:
    intake = FakeIntake()
    receipts = Receipts(intake)
    for status in statuses:
        await receipts.tell(Report("SM1", status, "Refused"))
    return [event.state for event in intake.kept if isinstance(event, Receipt)]


@pytest.mark.parametrize(
    ("statuses", "states"),
    [
        (["queued", "sent", "delivered"], ["sent", "delivered"]),
        (["delivered", "sent", "queued"], ["delivered"]),
        (["sent", "sent", "sent"], ["sent"]),
        (["sent", "partially_delivered"], ["sent"]),
        (["queued", "undelivered", "delivered"], ["failed"]),
        (["delivered", "undelivered", "read"], ["delivered", "read"]),
        (["failed", "failed", "undelivered"], ["failed"]),
        (["accepted", "queued", "sending"], []),
    ],
)
async def test_a_receipt_only_for_what_means_something_new(statuses: list[str], states: list[str]):
    assert await _told(statuses) == states


@given(st.lists(st.sampled_from([*LADDER, *ENDS, "received"]), max_size=20))
async def test_in_any_order_the_last_receipt_is_the_furthest(statuses: list[str]):
    told = await _told(statuses)
    assert len(told) == len(set(told))
    ranks = [["sent", "delivered", "read"].index(state) for state in told if state != "failed"]
    assert ranks == sorted(ranks)
    assert "failed" not in told[:-1]


async def test_only_a_failure_carries_an_error_and_the_token_is_told_as_well():
    intake = FakeIntake()
    receipts = Receipts(intake)
    await receipts.tell(Report("SM1", "delivered", "Refused", "aa"))
    await receipts.tell(Report("SM2", "failed", "Blocked"))
    assert intake.kept == [
        Receipt("sms", "SM1", "delivered"),
        Receipt("sms", "aa", "delivered"),
        Receipt("sms", "SM2", "failed", "Blocked"),
    ]


async def test_a_receipt_that_the_house_could_not_keep_is_told_again():
    intake = FakeIntake(failing=Busy())
    receipts = Receipts(intake)
    with pytest.raises(Busy):
        await receipts.tell(Report("SM1", "delivered"))
    intake.failing = None
    await receipts.tell(Report("SM1", "delivered"))
    assert len(intake.kept) == 1


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("channels.sms.receipts.REMEMBERED", 2)
    intake = FakeIntake()
    receipts = Receipts(intake)
    for sid in ("SM1", "SM2", "SM3", "SM1"):
        await receipts.tell(Report(sid, "sent"))
    assert [event.sent_id for event in intake.kept if isinstance(event, Receipt)] == [
        "SM1",
        "SM2",
        "SM3",
        "SM1",
    ]
    assert len(receipts._statuses) == 2
