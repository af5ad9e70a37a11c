"""What both readers share: a vocabulary with weights, a softmax model, and an honest confidence.

Training uses scikit-learn; reading uses numpy alone. Everything is deterministic.
"""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from components.features import pieces

SEED = 20
FOLDS = 3
LOUDNESS = 0.7  # length of an embedding beside the letters, whose length is one; chosen by cross validation
BLOCK = 4  # neighbouring lines of a data file are often variations of one thought


@dataclass(frozen=True)
class Vocabulary:
    """Numbers for features. `index` maps a feature to its column, `rarity` weighs it."""

    index: dict[str, int]
    rarity: np.ndarray

    @classmethod
    def learn(cls, texts: Sequence[str], seen_in: int = 2) -> Vocabulary:
        """The features that at least `seen_in` of the texts have."""
        counted: Counter[str] = Counter()
        for text in texts:
            counted.update(set(pieces(text)))
        kept = sorted(one for one, count in counted.items() if count >= seen_in)
        rarity = np.log((1 + len(texts)) / (1 + np.array([counted[one] for one in kept]))) + 1
        return cls({one: column for column, one in enumerate(kept)}, rarity.astype(np.float32))

    def read(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Columns and values (unit length) of a text; both empty when nothing is known."""
        counted: dict[int, int] = {}
        index = self.index
        for piece in pieces(text):
            column = index.get(piece)
            if column is not None:
                counted[column] = counted.get(column, 0) + 1
        columns = np.fromiter(counted.keys(), np.int64, len(counted))
        counts = np.fromiter(counted.values(), np.float32, len(counted))
        values = (1 + np.log(counts)) * self.rarity[columns]
        length = float(np.sqrt(values @ values))
        return columns, (values / length if length else values).astype(np.float32)

    def matrix(self, texts: Sequence[str]) -> Any:
        """A sparse matrix (scipy), one row a text."""
        from scipy.sparse import csr_matrix

        rows = [self.read(text) for text in texts]
        ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        columns = np.concatenate([columns for columns, _ in rows])
        values = np.concatenate([values for _, values in rows])
        return csr_matrix((values, columns, ends), shape=(len(texts), len(self.index)))


@dataclass(frozen=True)
class Softmax:
    """A linear model over named intents. `weights` is (features, intents), `offsets` (intents,)."""

    intents: tuple[str, ...]
    weights: np.ndarray
    offsets: np.ndarray
    temperature: float = 1.0

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated probabilities from scores that include the offsets; the last axis runs over intents."""
        return softmax(scores / self.temperature)


@dataclass(frozen=True)
class Whitening:
    """Takes the mean out of embeddings and evens out their directions half way; all come out equally loud."""

    mean: np.ndarray
    turn: np.ndarray

    @classmethod
    def learn(cls, rows: np.ndarray) -> Whitening:
        """From rows (examples, size)."""
        mean = rows.mean(axis=0)
        _, spread, directions = np.linalg.svd(rows - mean, full_matrices=False)
        spread = np.sqrt(np.maximum(spread / np.sqrt(len(rows)), 1e-6))
        return cls(mean.astype(np.float32), (directions.T / spread).astype(np.float32))

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Rows (examples, size) or one row (size,)."""
        turned = (rows - self.mean) @ self.turn
        return LOUDNESS * turned / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-9)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fit(rows: Any, labels: Sequence[str], strength: float) -> Softmax:
    """Multinomial logistic regression; `strength` is the inverse of the penalty."""
    from sklearn.linear_model import LogisticRegression

    learner = LogisticRegression(
        C=strength, solver="saga", max_iter=30, tol=1e-2, class_weight="balanced", random_state=SEED
    )
    learner.fit(rows, labels)
    return Softmax(
        tuple(learner.classes_), learner.coef_.T.astype(np.float32), learner.intercept_.astype(np.float32)
    )


def fit_honestly(learn: Any, labels: Sequence[str]) -> tuple[Any, float]:
    """A model from all examples, and the temperature that makes its confidence honest.

    `learn(inside, outside)` takes two arrays of example numbers and returns (what was learned, intents, scores of
    `outside`). It is called once for everything and once a fold, two calls at a time: the solver lets go of the
    interpreter's lock.
    """
    folds = blocks(labels)
    everything = np.arange(len(labels))
    turns = [(everything, everything[:0])]
    turns += [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(FOLDS)]
    with ThreadPoolExecutor(2) as threads:
        (learned, intents, _), *held_out = threads.map(lambda turn: learn(*turn), turns)
    column = {name: number for number, name in enumerate(intents)}
    scores = np.full((len(labels), len(intents)), -50.0, np.float32)
    for (_, outside), (_, names, guessed) in zip(turns[1:], held_out):
        scores[np.ix_(outside, [column[name] for name in names])] = guessed
    return learned, best_temperature(scores, np.array([column[label] for label in labels]))


def blocks(labels: Sequence[str]) -> np.ndarray:
    """A fold for each example, so that neighbours of one label and block stay together."""
    seen: Counter[str] = Counter()
    folds = []
    for label in labels:
        folds.append((seen[label] // BLOCK) % FOLDS)
        seen[label] += 1
    return np.array(folds)


def best_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """The temperature under which held-out scores (examples, intents) are most honest (log loss)."""
    tried = np.geomspace(0.1, 4.0, 80)
    rows = np.arange(len(truth))
    losses = [-np.log(softmax(scores / one)[rows, truth] + 1e-12).mean() for one in tried]
    return float(tried[int(np.argmin(losses))])


def save(folder: Path, vocabulary: Vocabulary, model: Softmax, whitening: Whitening | None = None) -> None:
    """Write all into a folder, readable without unpickling anything."""
    (folder / "vocabulary.json").write_text(json.dumps(list(vocabulary.index), ensure_ascii=False), "utf-8")
    (folder / "intents.json").write_text(json.dumps([model.intents, model.temperature]), "utf-8")
    more = {"mean": whitening.mean, "turn": whitening.turn} if whitening else {}
    arrays = {"rarity": vocabulary.rarity, "weights": model.weights, "offsets": model.offsets, **more}
    np.savez(folder / "weights.npz", **arrays)


def load(folder: Path) -> tuple[Vocabulary, Softmax, Whitening | None]:
    """Read what `save` wrote."""
    names = json.loads((folder / "vocabulary.json").read_text("utf-8"))
    intents, temperature = json.loads((folder / "intents.json").read_text("utf-8"))
    with np.load(folder / "weights.npz") as kept:
        vocabulary = Vocabulary({name: column for column, name in enumerate(names)}, kept["rarity"])
        model = Softmax(tuple(intents), kept["weights"], kept["offsets"], temperature)
        whitening = Whitening(kept["mean"], kept["turn"]) if "mean" in kept else None
    return vocabulary, model, whitening


def with_temperature(model: Softmax, temperature: float) -> Softmax:
    """The same model, more or less sure of itself."""
    return replace(model, temperature=temperature)
