"""Measuring the frozen sets for the gates: numbers go out of here, never a line."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from bot.assess_lines import open_ensemble
from bot.evaluation.figures import Figures, figures
from bot.evaluation.judging import Verdicts, judge
from bot.evaluation.lines import Labelled, read_lines
from handoff.risk import Risk
from nlu.ensemble import Ensemble
from tests.evasions import EVASIONS, evade

By = Literal["model", "rules"]
ROOT = Path(__file__).resolve().parents[2]
SETS = ROOT / "tests" / "sets"
SHARED = ROOT.parent / "shared" / "data"
SAMPLE, SEED = 1500, 20_261_122
"""So many lines of each public set, always the same ones: enough for a half percent, quick enough for a build."""

FIGURES: Mapping[str, Callable[[Figures], float]] = {
    "imminent_recall": lambda found: found.imminent.recall.value,
    "imminent_precision": lambda found: found.imminent.precision.value,
    "high_under": lambda found: found.under[Risk.HIGH].value,
    "topic_f1": lambda found: found.topics.macro_f1,
    "false_imminent": lambda found: found.false_imminent.value,
}


def gates(part: Literal["sets", "evasions"]) -> list[dict[str, Any]]:
    """The rows of the table of gates."""
    rows: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "gates.yaml").read_text("utf-8"))[
        part
    ]
    return rows


def path_of(name: str) -> Path:
    """Where a set lies: in the project, or in the folder of public sets beside it."""
    own = SETS / f"{name}.jsonl"
    return own if own.exists() else SHARED / f"{name}.jsonl"


def lines_of(name: str) -> Sequence[Labelled]:
    """The lines of a set; of a public one a fixed sample, all of it labelled low."""
    path = path_of(name)
    if path.parent == SETS:
        return read_lines(path)
    lines = read_lines(path, Risk.LOW)
    return random.Random(SEED).sample(lines, min(SAMPLE, len(lines)))


@dataclass(frozen=True, slots=True)
class Loss:
    """Imminent recall of the lines as they stand and typed in some way, and how many lines that changed."""

    plain: float
    typed: float
    changed: int
    lines: int

    @property
    def points(self) -> float:
        """What is lost; negative where the typing helps."""
        return self.plain - self.typed


class Bench:
    """Reads sets with rules and model, and with rules alone, each once."""

    def __init__(self, runner: asyncio.Runner, ensembles: Mapping[By, Ensemble]) -> None:
        self._runner = runner
        self._ensembles = ensembles
        self._kept: dict[tuple[str, By], Figures] = {}
        self._recalls: dict[tuple[str, str], float] = {}

    def figures(self, name: str, by: By) -> Figures:
        """The figures of a set."""
        key = (name, by)
        if key not in self._kept:
            self._kept[key] = figures(self.read(lines_of(name), by).judged)
        return self._kept[key]

    def read(self, lines: Sequence[Labelled], by: By) -> Verdicts:
        """Judge these lines; with the model, fail if it was away for one of them."""
        verdicts = self._runner.run(judge(self._ensembles[by], lines))
        assert by == "rules" or not verdicts.model.get("away"), "the model did not answer every line"
        return verdicts

    def loss(self, evasion: str, name: str = "heldout") -> Loss:
        """What the imminent lines of a set lose when typed in this way; ``all``: in each of the ways."""
        lines = [line for line in lines_of(name) if line.risk is Risk.IMMINENT]
        plain = self.figures(name, "model").imminent.recall.value
        names = list(EVASIONS) if evasion == "all" else [evasion]
        typed = sum(self._recall(each, lines, name) for each in names) / len(names)
        changed = sum(evade(name, line.text) != line.text for name in names for line in lines)
        return Loss(plain, typed, changed, len(lines) * len(names))

    def _recall(self, evasion: str, lines: Sequence[Labelled], name: str) -> float:
        key = (name, evasion)
        if key not in self._recalls:
            typed = [replace(line, text=evade(evasion, line.text)) for line in lines]
            self._recalls[key] = figures(self.read(typed, "model").judged).imminent.recall.value
        return self._recalls[key]


@contextmanager
def open_bench() -> Iterator[Bench]:
    """The bench with the model server of this machine, which is started once."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            whole = runner.run(stack.enter_async_context(open_ensemble(rules_only=False)))
            alone = runner.run(stack.enter_async_context(open_ensemble(rules_only=True)))
            yield Bench(runner, {"model": whole, "rules": alone})
        finally:
            runner.run(stack.aclose())


def main() -> None:
    """Print what each evasion costs on the validation set, which may be tuned on. The held-out set may not."""
    with open_bench() as bench:
        for evasion in (*EVASIONS, "all"):
            loss = bench.loss(evasion, "validation")
            print(f"{evasion:<16}{loss.plain:.3f} -> {loss.typed:.3f}  lost {loss.points:.3f}")


if __name__ == "__main__":
    main()
