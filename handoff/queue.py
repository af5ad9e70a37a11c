"""Order of the queue and what a waiting visitor may truthfully be told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handoff.conversation import Conversation, Phase, Track

MINUTE = 60_000
FEW_CLAIMS = 5


@dataclass(frozen=True, slots=True)
class Wait:
    """``ahead``: how many come first. ``minutes``: an honest range, ``None`` for «we cannot say»."""

    ahead: int
    minutes: tuple[int, int] | None


def place(conversation: Conversation) -> tuple[int, int, str]:
    """Sort key: the worse risk first, then who has waited longest."""
    since = conversation.opened_at if conversation.waiting_since is None else conversation.waiting_since
    return (-conversation.risk, since, conversation.id)


def ordered(conversations: Sequence[Conversation], track: Track = Track.HARMED) -> list[Conversation]:
    """The waiting ones of one track, in the order in which they should be claimed."""
    return sorted((c for c in conversations if c.phase is Phase.WAITING and c.track is track), key=place)


def wait_of(conversation: Conversation, queue: Sequence[Conversation], on_duty: int) -> Wait:
    """What to tell a visitor whose conversation waits.

    ``queue`` holds waiting and claimed conversations; ``on_duty`` is how many counselors are signed
    in. The range is taken from how long the claimed ones had waited (those taken over from the bot never
    did and do not count); with fewer than ``FEW_CLAIMS`` of them, or nobody on duty, nothing is promised.
    Each track has its own queue; of the offenders' nothing is promised, for nobody need be there.
    """
    mine = place(conversation)
    ahead = sum(1 for other in ordered(queue, conversation.track) if place(other) < mine)
    waits = sorted(
        other.claimed_at - other.waiting_since
        for other in queue
        if other.phase is Phase.CLAIMED
        and other.claimed_at is not None
        and other.waiting_since is not None
        and other.claimed_at > other.waiting_since
    )
    if on_duty < 1 or len(waits) < FEW_CLAIMS or conversation.track is Track.OFFENDER:
        return Wait(ahead, None)
    low = waits[len(waits) // 4] // MINUTE
    high = waits[(len(waits) * 3) // 4] // MINUTE + 1
    rounds = 1 + ahead // on_duty
    return Wait(ahead, (low, max(low + 1, high * rounds)))
