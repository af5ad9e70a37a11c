"""Order of the queue and the honest word about waiting."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from handoff.conversation import Conversation, Phase, Speaker, Talk, Track
from handoff.queue import FEW_CLAIMS, MINUTE, Wait, ordered, place, wait_of
from handoff.risk import Risk
from tests.builders import START, conversation, waiting

queues = st.lists(
    st.builds(
        lambda name, risk, since, waited, phase: conversation(
            name,
            risk=risk,
            phase=phase,
            waiting_since=START + since,
            claimed_at=START + since + waited if phase is Phase.CLAIMED else None,
        ),
        name=st.text("abcdef0123456789", min_size=4, max_size=6),
        risk=st.sampled_from(Risk),
        since=st.integers(0, 5),
        waited=st.integers(0, 90 * MINUTE),
        phase=st.sampled_from([Phase.WAITING, Phase.WAITING, Phase.CLAIMED, Phase.WITH_BOT, Phase.CLOSED]),
    ),
    max_size=40,
    unique_by=lambda value: value.id,
)


def claimed(id: str, waited: int) -> Conversation:
    return conversation(id, phase=Phase.CLAIMED, waiting_since=START, claimed_at=START + waited, holder="x")


def five(*minutes: int) -> list[Conversation]:
    return [claimed(f"d{n}", minute * MINUTE) for n, minute in enumerate(minutes)]


def test_worse_comes_first_then_longer_waiting_then_the_id() -> None:
    values = [
        waiting("d", START, Risk.LOW),
        waiting("c", START + 1, Risk.HIGH),
        waiting("b", START, Risk.HIGH),
        waiting("a", START + 9, Risk.IMMINENT),
        waiting("B", START, Risk.HIGH),
    ]
    assert [value.id for value in ordered(values)] == ["a", "B", "b", "c", "d"]


def test_only_what_waits_is_in_the_queue() -> None:
    assert ordered([conversation("a"), claimed("b", 1), conversation("c", phase=Phase.CLOSED)]) == []


@given(queues)
def test_the_order_is_total_and_by_risk(queue: list[Conversation]) -> None:
    found = ordered(queue)
    assert sorted(value.id for value in found) == sorted(v.id for v in queue if v.phase is Phase.WAITING)
    for first, second in pairwise(found):
        assert first.risk > second.risk or (
            first.risk == second.risk and (first.waiting_since or 0) <= (second.waiting_since or 0)
        )
        assert place(first) < place(second)
    assert ordered(list(reversed(queue))) == found


@given(queues)
def test_ahead_is_the_place_in_the_order(queue: list[Conversation]) -> None:
    for position, value in enumerate(ordered(queue)):
        assert wait_of(value, queue, 2).ahead == position


@given(queues, st.integers(-1, 30))
def test_a_range_is_promised_only_on_grounds_and_never_shrinks_with_more_ahead(
    queue: list[Conversation], on_duty: int
) -> None:
    grounds = [v for v in queue if v.phase is Phase.CLAIMED and (v.claimed_at or 0) > (v.waiting_since or 0)]
    waits = [wait_of(value, queue, on_duty) for value in ordered(queue)]
    if on_duty < 1 or len(grounds) < FEW_CLAIMS:
        assert all(wait.minutes is None for wait in waits)
        return
    ranges = [wait.minutes for wait in waits if wait.minutes is not None]
    assert len(ranges) == len(waits)
    assert all(0 <= low < high for low, high in ranges)
    assert ranges == sorted(ranges, key=lambda both: both[1])


def test_the_range_spans_the_middle_half_of_the_waits() -> None:
    assert wait_of(waiting("a"), [waiting("a"), *five(2, 4, 6, 8, 10)], 1) == Wait(0, (4, 9))


def test_more_ahead_than_people_takes_more_rounds() -> None:
    queue = [*(waiting(f"a{n}") for n in range(5)), *five(2, 4, 6, 8, 10)]
    assert wait_of(waiting("b"), queue, 2) == Wait(5, (4, 27))


def test_nobody_on_duty_or_few_claims_means_we_cannot_say() -> None:
    assert wait_of(waiting("a"), five(1, 2, 3, 4, 5), 0) == Wait(0, None)
    assert wait_of(waiting("a"), five(1, 2, 3, 4), 3) == Wait(0, None)


def test_what_was_taken_over_from_the_bot_never_waited() -> None:
    assert wait_of(waiting("a"), five(0, 0, 0, 0, 5), 1).minutes is None


def test_who_did_harm_waits_apart_and_is_promised_nothing() -> None:
    offender = waiting("o", START - 9, Risk.IMMINENT, talk=Talk(speaker=Speaker.OFFENDER))
    harmed = waiting("h", START, Risk.LOW)
    queue = [offender, harmed, *five(1, 2, 3, 4, 5)]
    assert ordered(queue) == [harmed]
    assert ordered(queue, Track.OFFENDER) == [offender]
    assert wait_of(harmed, queue, 1).ahead == 0, "nobody of the other track is ahead"
    assert wait_of(harmed, queue, 1).minutes is not None
    assert wait_of(offender, queue, 1) == Wait(0, None)
