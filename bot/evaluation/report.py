"""The figures in words for a terminal and as JSON for machines. Neither holds a text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.evaluation.figures import Figures, Found, Judged, Share, Topics, by_language, figures
from bot.evaluation.judging import Verdicts
from bot.evaluation.lines import Labelled
from handoff.risk import Risk

_LEVELS = tuple(reversed(Risk))


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of all lines together and of each language; misses name places, not texts."""

    together: Figures
    languages: Mapping[str, Figures]
    model: Mapping[str, int]
    misses: Sequence[Miss]


@dataclass(frozen=True, slots=True)
class Miss:
    """A line that was called less worrying than it is, or falsely imminent."""

    line: Labelled
    verdict: Judged


def report(lines: Sequence[Labelled], verdicts: Verdicts) -> Report:
    """The figures, and the misses: the most worrying first, then in the order of the files."""
    pairs = zip(lines, verdicts.judged, strict=True)
    misses = [Miss(line, judged) for line, judged in pairs if _missed(judged)]
    misses.sort(key=lambda miss: -miss.verdict.risk)
    return Report(figures(verdicts.judged), by_language(verdicts.judged), verdicts.model, misses)


def _missed(judged: Judged) -> bool:
    too_low = judged.said_risk < judged.risk
    return too_low or (judged.said_risk is Risk.IMMINENT and judged.risk < Risk.IMMINENT)


# -- words --------------------------------------------------------------------------------------------------


def words(report: Report) -> str:
    """The report for a terminal; without misses."""
    together = report.together
    parts = [
        f"{together.lines} lines; model: {_states(report.model)}",
        *_found_rows("all", together),
        *(row for lang, apart in report.languages.items() for row in _found_rows(lang, apart)),
        "",
        *_matrix("risk: label (rows), answer (columns)", together, lambda _label, _said: True),
        *_matrix("under-triage: answer below the label", together, lambda label, said: said < label),
        *_matrix("over-triage: answer above the label", together, lambda label, said: said > label),
        *(f"{risk.word} called less: {shown(together.under[risk])}" for risk in _LEVELS[:-1]),
        f"low called imminent: {shown(together.false_imminent)}",
        "",
        *_topic_rows(report),
        f"calibration error {number(together.calibration.error)} over the model's own claims",
    ]
    return "\n".join(parts)


def shown(share: Share) -> str:
    """A share with its interval and its counts."""
    low, high = share.interval
    return f"{number(share.value)} [{low:.3f}, {high:.3f}] ({share.hits} of {share.of})"


def number(value: float) -> str:
    """Three places; a dash for what could not be measured."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def _states(model: Mapping[str, int]) -> str:
    return ", ".join(f"{state} {count}" for state, count in sorted(model.items()))


def _found_rows(name: str, figures: Figures) -> list[str]:
    rows = [("imminent", figures.imminent), ("high or above", figures.high)]
    return [
        f"{name:<4}{level:<14} recall {shown(found.recall)}  precision {shown(found.precision)}"
        for level, found in rows
    ]


def _matrix(title: str, figures: Figures, shows: Any) -> list[str]:
    rows = [title, " " * 10 + "".join(f"{risk.word:>10}" for risk in _LEVELS)]
    for label in _LEVELS:
        cells = [figures.risks.get((label, said), 0) if shows(label, said) else "" for said in _LEVELS]
        rows.append(f"{label.word:<10}" + "".join(f"{cell:>10}" for cell in cells))
    return [*rows, ""]


def _topic_rows(report: Report) -> list[str]:
    topics = report.together.topics
    if not topics.f1:
        return ["no topics are labelled"]
    languages = "  ".join(
        f"{lang} {number(apart.topics.macro_f1)}" for lang, apart in report.languages.items()
    )
    rows = [f"topics: macro-F1 {number(topics.macro_f1)}  {languages}  right {shown(topics.right)}"]
    rows += [f"  {topic:<20}{f1:.3f}" for topic, f1 in sorted(topics.f1.items(), key=lambda item: item[1])]
    return rows


def listed(misses: Sequence[Miss]) -> str:
    """The misses with the texts of the file that was given. Asked for only; never a visitor's words."""
    return "\n".join(
        f"{miss.line.place}  {miss.verdict.risk.word} -> {miss.verdict.said_risk.word}"
        f"  {miss.verdict.topic or '-'} -> {miss.verdict.said_topic}  {miss.line.text!r}"
        for miss in misses
    )


# -- JSON ---------------------------------------------------------------------------------------------------


def as_json(report: Report) -> dict[str, Any]:
    """Everything but the texts, for machines; what could not be measured is null."""
    return {
        "model": dict(report.model),
        "all": figures_json(report.together),
        "languages": {lang: figures_json(apart) for lang, apart in report.languages.items()},
        "misses": [
            {
                "place": miss.line.place,
                "risk": miss.verdict.risk.word,
                "said_risk": miss.verdict.said_risk.word,
                "topic": miss.verdict.topic,
                "said_topic": miss.verdict.said_topic,
            }
            for miss in report.misses
        ],
    }


def figures_json(figures: Figures) -> dict[str, Any]:
    """One set of figures."""
    return {
        "lines": figures.lines,
        "imminent": _found_json(figures.imminent),
        "high": _found_json(figures.high),
        "risks": _levels_json(figures, lambda _label, _said: True),
        "under_triage": _levels_json(figures, lambda label, said: said < label),
        "over_triage": _levels_json(figures, lambda label, said: said > label),
        "under": {risk.word: _share_json(share) for risk, share in figures.under.items()},
        "over": {risk.word: _share_json(share) for risk, share in figures.over.items()},
        "false_imminent": _share_json(figures.false_imminent),
        "topics": _topics_json(figures.topics),
        "calibration": {
            "error": _finite(figures.calibration.error),
            "bins": [
                {"from": each.low, "count": each.count, "confidence": each.confidence, "right": each.right}
                for each in figures.calibration.bins
            ],
        },
    }


def _found_json(found: Found) -> dict[str, Any]:
    return {"recall": _share_json(found.recall), "precision": _share_json(found.precision)}


def _share_json(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"value": _finite(share.value), "low": low, "high": high, "hits": share.hits, "of": share.of}


def _levels_json(figures: Figures, shows: Any) -> dict[str, dict[str, int]]:
    return {
        label.word: {said.word: figures.risks.get((label, said), 0) for said in Risk if shows(label, said)}
        for label in Risk
    }


def _topics_json(topics: Topics) -> dict[str, Any]:
    return {
        "macro_f1": _finite(topics.macro_f1),
        "right": _share_json(topics.right),
        "f1": dict(topics.f1),
        "confusion": [
            {"topic": label, "said": said, "count": count}
            for (label, said), count in sorted(topics.confusion.items())
        ],
    }


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
