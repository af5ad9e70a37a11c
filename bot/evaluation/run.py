"""Evaluating files: read the lines, start the model once, judge, report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bot.assess_lines import open_ensemble
from bot.evaluation.judging import judge
from bot.evaluation.lines import Labelled, read_lines
from bot.evaluation.report import Report, as_json, report
from bot.settings import Unusable
from handoff.risk import Risk


async def evaluate(paths: Sequence[Path], rules_only: bool, otherwise: Risk | None = None) -> Report:
    """The report on all lines of these files together.

    ``otherwise``: the risk of lines that name none. Raises ``Malformed`` before anything is started.
    """
    lines: list[Labelled] = [line for path in paths for line in read_lines(path, otherwise)]
    async with open_ensemble(rules_only) as ensemble:
        return report(lines, await judge(ensemble, lines))


def write_json(found: Report, path: Path) -> None:
    """Write the report for machines. Raises ``Unusable`` when the file cannot be written."""
    text = json.dumps(as_json(found), ensure_ascii=False, indent=1) + "\n"
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Unusable(f"{path}: cannot be written ({type(error).__name__})") from None
