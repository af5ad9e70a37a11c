"""The statistics: pure functions of numbers."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

CONCURRENCIES: Final = (1, 8, 32)
MEASURES: Final = ("rate", "p50", "p99", "cpu", "memory")
ANSWERED_AT_LEAST: Final = 0.999


@dataclass(frozen=True, slots=True)
class Cell:
    """One server under one concurrency in one round.

    ``rate``: answered messages per second. ``p50``, ``p99``: milliseconds. ``cpu``: CPU seconds of the
    server's process tree per 1,000 answered messages; ``load_cpu``: the same of the load. ``memory``: peak MB
    of the tree. ``others``: share of the machine (0..1) that was busy with neither server nor load.
    ``notes``: what happened how often beside the rule.
    """

    server: str
    concurrency: int
    round: int
    answered: int
    failed: int
    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float
    others: float = 0.0
    load_cpu: float = 0.0
    notes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median over rounds with the least and the greatest."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0..1) of the values do not exceed; NaN for none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)  # rounded up
    return ordered[min(len(ordered), max(1, int(rank))) - 1]


def spread(values: Iterable[float]) -> Spread:
    """Median, least and greatest. Raises ``ValueError`` for none."""
    listed = sorted(values)
    if not listed:
        raise ValueError("no figures")
    return Spread(statistics.median(listed), listed[0], listed[-1])


def table(cells: Iterable[Cell]) -> Mapping[str, Mapping[int, Mapping[str, Spread]]]:
    """Server, concurrency, measure: the spread over rounds."""
    grouped: dict[str, dict[int, list[Cell]]] = {}
    for cell in cells:
        grouped.setdefault(cell.server, {}).setdefault(cell.concurrency, []).append(cell)
    return {
        server: {
            concurrency: {name: spread(getattr(cell, name) for cell in same) for name in MEASURES}
            for concurrency, same in by_concurrency.items()
        }
        for server, by_concurrency in grouped.items()
    }


def ratio(cells: Sequence[Cell], ours: str, theirs: str, measure: str, concurrency: int) -> Spread:
    """Ours by theirs, round by round (both saw the same weather), then the spread over rounds."""

    def by_round(server: str) -> dict[int, float]:
        same = [cell for cell in cells if (cell.server, cell.concurrency) == (server, concurrency)]
        return {cell.round: getattr(cell, measure) for cell in same}

    mine, other = by_round(ours), by_round(theirs)
    return spread(mine[each] / other[each] for each in sorted(mine.keys() & other.keys()) if other[each])


def ratios(cells: Sequence[Cell]) -> Mapping[str, Any]:
    """The figures that the aim speaks of, against plain Rasa with this model; CPU against parse alone.

    ``…_patient``: the same of the Gyeot that never leaves out the second reader.
    """
    patient = {f"{name}_patient": one for name, one in _ratios(cells, "gyeot-patient").items()}
    found = {**_ratios(cells, "gyeot"), **patient}
    return {
        key: value
        for name, one in found.items()
        for key, value in (
            (name, round(one.median, 3)),
            (f"{name}_spread", [round(one.low, 3), round(one.high, 3)]),
        )
    }


def _ratios(cells: Sequence[Cell], gyeot: str) -> Mapping[str, Spread]:
    wanted = {
        "throughput_vs_rasa_c32": ("rasa-same", "rate"),
        "p99_vs_rasa_c32": ("rasa-same", "p99"),
        "throughput_vs_diet_c32": ("rasa-diet", "rate"),
        "p99_vs_diet_c32": ("rasa-diet", "p99"),
        "cpu_vs_parse": ("rasa-parse", "cpu"),
        "cpu_vs_thin_parse": ("thin-parse", "cpu"),
        "cpu_vs_rasa_c32": ("rasa-same", "cpu"),
    }
    measured = {cell.server for cell in cells}
    return {
        name: ratio(cells, gyeot, theirs, measure, CONCURRENCIES[-1])
        for name, (theirs, measure) in wanted.items()
        if theirs in measured and gyeot in measured
    }


def verdicts(found: Mapping[str, Any]) -> Mapping[str, bool]:
    """Which of the aims were met."""
    aims: Mapping[str, Callable[[float], bool]] = {
        "throughput_vs_rasa_c32": lambda value: value >= 2.0,
        "p99_vs_rasa_c32": lambda value: value <= 0.5,
        "cpu_vs_parse": lambda value: value <= 1.3,
    }
    return {name: met(found[name]) for name, met in aims.items() if name in found}


def complaints(cells: Iterable[Cell]) -> Sequence[str]:
    """What makes a figure less than it seems: messages not answered, or answered without the model."""
    found = []
    for cell in cells:
        sent = cell.answered + cell.failed
        where = f"{cell.server} at {cell.concurrency}, round {cell.round}"
        if cell.answered < sent * ANSWERED_AT_LEAST:
            found.append(f"{where}: {cell.failed} of {sent} messages were not answered")
        if hurried := cell.notes.get("hurried"):
            found.append(f"{where}: the second reader was left out for {hurried} of {sent}")
        if alone := cell.notes.get("answered without the model"):
            found.append(f"{where}: {alone} of {sent} were answered by the rules alone")
    return found
