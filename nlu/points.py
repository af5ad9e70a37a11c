"""Weak evidence of danger: clues are worth points, and enough points together may be danger. Pure.

A rule says what it has read. Points only say that a message speaks like messages of danger do. They find what
no rule has words for and are wrong more often, so whoever combines the readings asks for a second opinion
(``nlu.ensemble``). The tables are in ``nlu/rules/points.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nlu.understanding import Signal, Worry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nlu.clues import Found, Span


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one family of danger. ``worth``: whole points of each clue, below zero if it calms.

    ``need``: how many points are evidence. ``unless``: contexts or clues of which one cancels it.
    """

    id: str
    family: str
    need: int
    why: str
    worth: Mapping[str, int]
    unless: tuple[str, ...] = ()

    def reached(self, found: Found) -> bool:
        """Whether the clues of one reading are worth enough. Each counts once, and each word for one clue."""
        total = 0
        taken: list[Span] = []
        for name in sorted(found.keys() & self.worth.keys(), key=lambda name: (-self.worth[name], name)):
            free = [span for span in found[name] if not any(_overlap(span, other) for other in taken)]
            if self.worth[name] < 0 or free:
                total += self.worth[name]
            if self.worth[name] > 0:
                taken += free[:1]
        return total >= self.need

    def signal(self) -> Signal:
        """What the evidence says, if it is believed."""
        return Signal(self.family, Worry.DANGER, "rules", self.id, 1.0)


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
