"""Judging labelled lines the way ``gyeot triage`` assesses them: each the first message of a conversation."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.assess_lines import AT_ONCE, FIRST_MESSAGE, FirstLines
from bot.evaluation.figures import Heard, Judged
from bot.evaluation.lines import Labelled
from bot.triage import assess
from handoff.risk import Risk
from nlu.intents import MEANINGS
from nlu.understanding import Signal, Understanding, Worry

_CLAIMED = {Worry.CARE: Risk.MEDIUM, Worry.URGENT: Risk.HIGH, Worry.DANGER: Risk.IMMINENT}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What triage said of some lines, in their order, and how often the model was there (by state)."""

    judged: Sequence[Judged]
    model: Mapping[str, int]


async def judge(ensemble: FirstLines, lines: Sequence[Labelled]) -> Verdicts:
    """Judge every line; so many at once as the reader takes."""
    judged: list[Judged] = []
    states: Counter[str] = Counter()
    for start in range(0, len(lines), AT_ONCE):
        chunk = lines[start : start + AT_ONCE]
        read = await asyncio.gather(*(ensemble.understand(line.text, line.lang) for line in chunk))
        judged += [_judged(line, understanding) for line, understanding in zip(chunk, read, strict=True)]
        states.update(understanding.model for understanding in read)
    return Verdicts(judged, states)


def _judged(line: Labelled, understanding: Understanding) -> Judged:
    assessment = assess(understanding, FIRST_MESSAGE)
    return Judged(
        lang=line.lang,
        risk=line.risk,
        topic=None if line.topic is None else str(line.topic),
        said_risk=assessment.risk,
        said_topic=str(assessment.topic),
        heard=_heard(understanding.signals, line.risk),
    )


def _heard(signals: Sequence[Signal], label: Risk) -> Heard | None:
    """The model's own claim: with this confidence the line is at least so worrying, or it is calm."""
    own = next((signal for signal in signals if signal.source == "model" and signal.name in MEANINGS), None)
    if own is None:
        return None
    worry = MEANINGS[own.name].worry
    right = label is Risk.LOW if worry is Worry.CALM else label >= _CLAIMED[worry]
    return Heard(min(1.0, own.confidence), right)
