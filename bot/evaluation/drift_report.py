"""The drift report in words and as JSON."""

from __future__ import annotations

import math
from typing import Any

from bot.evaluation.drift import Drift, Tally

_HEAD = (
    "week",
    "model",
    "assessed",
    "unsure",
    "away",
    "ko/en",
    "labels",
    "raised",
    "lowered",
    "topic",
    "agreed",
)
_WIDTHS = (10, 24, 10, 9, 9, 12, 9, 9, 9, 9, 9)
_MOST_TOPICS = 20


def words(found: Drift) -> str:
    """A plain table, the changed topics, and how far the confidence has moved."""
    if not found.tallies:
        return "Nothing was assessed in this time."
    rows = [_HEAD, *(_row(*key, tally) for key, tally in found.tallies.items())]
    lines = [
        "".join(cell.ljust(width) for cell, width in zip(row, _WIDTHS, strict=True)).rstrip() for row in rows
    ]
    changed = sorted(found.topics.items(), key=lambda item: (-item[1], item[0]))[:_MOST_TOPICS]
    lines += ["", "topics changed by people:"] if changed else ["", "no topic was changed by people"]
    lines += [f"  {before} -> {after}  {count}" for (before, after), count in changed]
    shift = found.shift
    if math.isnan(shift.index):
        lines += ["", "confidence: too little to compare two weeks"]
    else:
        told = f"stability index {shift.index:.3f} ({shift.verdict})"
        lines += ["", f"confidence, {shift.first} against {shift.last}: {told}"]
    return "\n".join(lines)


def _row(when: str, version: str, tally: Tally) -> tuple[str, ...]:
    counts = (tally.labelled, tally.raised, tally.lowered, tally.retold, tally.agreed)
    shares = (_percent(tally.share("unsure")), _percent(tally.share("away")))
    languages = f"{tally.languages['ko']}/{tally.languages['en']}"
    return (when, version, str(tally.assessed), *shares, languages, *(str(count) for count in counts))


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"


def as_json(found: Drift) -> dict[str, Any]:
    """The report for machines; what could not be measured is null."""
    return {
        "weeks": [
            {
                "week": when,
                "model": version,
                "assessed": tally.assessed,
                "states": dict(tally.models),
                "languages": dict(tally.languages),
                "raised": tally.raised,
                "lowered": tally.lowered,
                "topic_changed": tally.retold,
                "agreed": tally.agreed,
            }
            for (when, version), tally in found.tallies.items()
        ],
        "topics": [
            {"before": before, "after": after, "count": count}
            for (before, after), count in sorted(found.topics.items())
        ],
        "confidence": {
            "first": found.shift.first,
            "last": found.shift.last,
            "stability_index": None if math.isnan(found.shift.index) else found.shift.index,
            "verdict": found.shift.verdict,
        },
    }
