"""Measure the readers by cross validation and print a table for docs/model-card.md.

    python measure.py [--keep readings.npz]

Five folds; a group is never split: neighbouring lines of a file (four at a time) and lines that share more than
half of their letters stay together, so that a variation of a training line is not a test line.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
PROJECT = Path(__file__).resolve().parent
sys.path.insert(0, str(PROJECT))

import numpy as np  # noqa: E402
import yaml  # noqa: E402

from components import learning  # noqa: E402
from components.embedding import embed_examples  # noqa: E402
from components.features import letters  # noqa: E402
from components.learning import best_temperature, softmax  # noqa: E402
from components.second import Caution, caution, worries  # noqa: E402

FOLDS = 5
ALIKE = 0.55


def read(folder: Path) -> tuple[list[str], list[str], list[tuple[str, int]]]:
    """Texts, intents and blocks of neighbouring lines."""
    texts, intents, groups = [], [], []
    for path in sorted(folder.glob("*/*.yml")):
        for part in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            lines = [line.strip()[2:] for line in part["examples"].splitlines() if line.strip()]
            texts += lines
            intents += [part["intent"]] * len(lines)
            groups += [(str(path), number // learning.BLOCK) for number in range(len(lines))]
    return texts, intents, groups


def spread(texts: Sequence[str], groups: Sequence[tuple[str, int]]) -> np.ndarray:
    """A fold for each text; blocks that hold lines alike are in one fold."""
    parent = {group: group for group in groups}

    def root(group: tuple[str, int]) -> tuple[str, int]:
        while parent[group] != group:
            group = parent[group]
        return group

    runs: list[set[str]] = []
    holders: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        joined = letters(text.lower().replace(" ", ""))
        mine = {joined[at : at + 4] for at in range(max(1, len(joined) - 3))}
        shared = Counter(other for run in mine if len(holders[run]) < 300 for other in holders[run])
        for other, count in shared.items():
            if count / (len(mine) + len(runs[other]) - count) > ALIKE:
                parent[root(groups[number])] = root(groups[other])
        for run in mine:
            holders[run].append(number)
        runs.append(mine)
    roots = [root(group) for group in groups]
    names = sorted(set(roots))
    random.Random(learning.SEED).shuffle(names)
    fold = {name: number % FOLDS for number, name in enumerate(names)}
    return np.array([fold[name] for name in roots])


def readings(texts: Sequence[str], labels: Sequence[str], folds: np.ndarray) -> dict[str, np.ndarray]:
    """Held-out scores (texts, intents) of each variant."""
    from scipy.sparse import csr_matrix, hstack

    meanings = embed_examples(texts)
    names = sorted(set(labels))
    scores = {kind: np.zeros((len(texts), len(names)), np.float32) for kind in ("linear", "e5", "e5+linear")}

    def one(fold: int) -> None:
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        known = [labels[each] for each in inside]
        vocabulary = learning.Vocabulary.learn([texts[each] for each in inside])
        whitening = learning.Whitening.learn(meanings[inside])
        letter = vocabulary.matrix(texts)
        meaning = csr_matrix(whitening(meanings))
        rows = {
            "linear": (letter, 10.0),
            "e5": (meaning, 20.0),
            "e5+linear": (hstack([meaning, letter]).tocsr(), 20.0),
        }
        for kind, (matrix, strength) in rows.items():
            model = learning.fit(matrix[inside], known, strength)
            scores[kind][outside] = matrix[outside] @ model.weights + model.offsets
        sys.stderr.write(f"fold {fold + 1} of {FOLDS} done\n")

    with ThreadPoolExecutor(2) as threads:  # the solver lets go of the interpreter's lock
        list(threads.map(one, range(FOLDS)))
    return scores


@dataclass(frozen=True)
class Truth:
    """The right answers: `column` (texts,) of each intent, `worry` (intents,) 2 imminent, 1 high, 0 calm."""

    column: np.ndarray
    worry: np.ndarray

    def row(self, name: str, said: np.ndarray, passed: float) -> str:
        """A line of the table for the columns that were said, (texts,)."""
        real, heard = self.worry[self.column], self.worry[said]
        figures = [
            (said == self.column).mean(),
            np.mean([self._f1(said, one) for one in range(len(self.worry))]),
            (heard[real == 2] == 2).mean(),
            (heard[real == 2] >= 1).mean(),
            (heard[real >= 1] >= 1).mean(),
            (real[heard == 2] == 2).mean(),
            (real[heard >= 1] >= 1).mean(),
            passed,
        ]
        return f"| {name} | " + " | ".join(f"{one:.3f}" for one in figures) + " |"

    def _f1(self, said: np.ndarray, one: int) -> float:
        hits = ((said == one) & (self.column == one)).sum()
        return float(2 * hits / max(1, (said == one).sum() + (self.column == one).sum()))


def of_danger(truth: Truth, said: np.ndarray, names: Sequence[str]) -> list[str]:
    """A table of the imminent and high intents for the columns that were said, (texts,)."""
    lines = ["| intent | lines | found | found as its level or worse | right |", "|---|---|---|---|---|"]
    for one in sorted(np.flatnonzero(truth.worry > 0), key=lambda one: (-truth.worry[one], names[one])):
        real, heard = truth.column == one, said == one
        worse = truth.worry[said[real]] >= truth.worry[one]
        figures = [heard[real].mean(), worse.mean(), real[heard].mean()]
        lines.append(
            f"| {names[one]} | {real.sum()} | " + " | ".join(f"{each:.2f}" for each in figures) + " |"
        )
    return lines


def cascade(
    caution: Caution, worry: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, float]:
    """What the cascade says (texts,), and the share of texts that went on to the second reader."""
    said = first.argmax(axis=1)
    asked = [one for one in range(len(first)) if caution.asks(first[one], worry)]
    for one in asked:
        _, said[one] = caution.weigh(first[one], second[one], worry)
    return said, len(asked) / len(first)


def honesty(probabilities: np.ndarray, column: np.ndarray) -> float:
    """Expected calibration error in ten steps."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == column
    step = np.minimum((sure * 10).astype(int), 9)
    parts = [
        (right[step == one].mean() - sure[step == one].mean(), (step == one).mean()) for one in set(step)
    ]
    return float(sum(abs(gap) * share for gap, share in parts))


def table(kept: Mapping[str, np.ndarray], labels: Sequence[str]) -> list[str]:
    """The lines to print."""
    names = sorted(set(labels))
    settings = next(
        one
        for one in yaml.safe_load((PROJECT / "config.yml").read_text("utf-8"))["pipeline"]
        if one["name"].endswith("SecondReader")
    )
    worry = worries(names, settings)
    truth = Truth(np.array([names.index(label) for label in labels]), worry)
    lines = [
        "| reader | accuracy | macro-F1 | imminent found | imminent seen as high or more | high or more found "
        "| imminent right | high or more right | second reading |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    sure = {kind: softmax(one / best_temperature(one, truth.column)) for kind, one in kept.items()}
    for kind, probabilities in sure.items():
        lines.append(truth.row(kind, probabilities.argmax(axis=1), 0.0 if kind == "linear" else 1.0))
    said, passed = cascade(caution(settings), worry, sure["linear"], sure["e5+linear"])
    lines.append(truth.row("cascade", said, passed))
    pressed, passed = cascade(
        caution({**settings, **settings["pressed"]}), worry, sure["linear"], sure["e5+linear"]
    )
    lines.append(truth.row("cascade, pressed", pressed, passed))
    lines += [
        "",
        *(f"calibration error of {kind}: {honesty(one, truth.column):.3f}" for kind, one in sure.items()),
        "",
        *of_danger(truth, said, names),
    ]
    return lines


def main() -> int:
    """Read, learn, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    texts, labels, groups = read(PROJECT / "data")
    folds = spread(texts, groups)
    scores = readings(texts, labels, folds)
    if asked.keep:
        truth = np.array([sorted(set(labels)).index(label) for label in labels])
        np.savez(asked.keep, truth=truth, folds=folds, names=sorted(set(labels)), texts=texts, **scores)
    print(f"{len(texts)} lines, {len(set(labels))} intents, {FOLDS} folds")
    print("\n".join(table(scores, labels)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
