"""Plain Rasa, as a team would run it without Gyeot: the ``rest`` channel and one rule per intent.

``same`` has the pipeline of this project's model, ``diet`` Rasa's own default pipeline. Both are trained on
the same examples, once, and kept in the cache by a fingerprint of everything that shapes them. DIET learns
for ``EPOCHS`` epochs instead of its hundred: that changes what it answers, which is not measured here, not
what an answer costs.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, Literal

from nlu import prepare

Kind = Literal["same", "diet"]

RECIPE: Final = prepare.PROJECT / "bench"
CREDENTIALS: Final = RECIPE / "credentials.yml"
TRAINING_WITHIN: Final = 1800
EPOCHS: Final = 2


def folder() -> Path:
    """Where the benchmark keeps what it may use again."""
    place = prepare.cache() / "bench"
    place.mkdir(parents=True, exist_ok=True)
    return place


def fingerprint(kind: Kind) -> str:
    """Sixteen hex digits over configuration, rules, examples, components and versions."""
    digest = hashlib.sha256(f"{prepare.lock_hash()} {config(kind)}".encode())
    files = [RECIPE / "domain.yml", RECIPE / "rules.yml"]
    parts = ("data", "components") if kind == "same" else ("data",)
    for place in (prepare.PROJECT / part for part in parts):
        files += sorted(one for one in place.rglob("*") if one.suffix in {".yml", ".py"})
    for file in files:
        name = file.relative_to(prepare.PROJECT).as_posix()
        digest.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def config(kind: Kind) -> str:
    """The configuration that Rasa is trained with."""
    words = (RECIPE / f"config-{kind}.yml").read_text("utf-8")
    return re.sub(r"(?m)^(\s*epochs:) \d+$", rf"\1 {EPOCHS}", words)


def model(kind: Kind) -> Path:
    """The trained model, trained first if it is not in the cache.

    Raises ``RuntimeError`` when Rasa gives none.
    """
    final = folder() / f"plain-{kind}-{fingerprint(kind)}.tar.gz"
    if not final.exists():
        _train(kind, final)
    return final


def _train(kind: Kind, final: Path) -> None:
    python = prepare.environment()
    print(f"training plain Rasa ({kind}): some minutes, and only once", flush=True)
    started = time.monotonic()
    building = Path(tempfile.mkdtemp(prefix=".training-", dir=folder()))
    try:
        (building / "config.yml").write_text(config(kind), "utf-8")
        argv = [str(python), "-m", "rasa", "train", "--config", str(building / "config.yml")]
        argv += ["--domain", str(RECIPE / "domain.yml"), "--data", "data", str(RECIPE / "rules.yml")]
        argv += ["--out", str(building), "--fixed-model-name", "model"]
        done = subprocess.run(
            argv,
            cwd=prepare.PROJECT,
            env={**prepare.child_environment(), "OMP_NUM_THREADS": str(os.cpu_count() or 1)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRAINING_WITHIN,
            check=False,
        )
        trained = building / "model.tar.gz"
        if done.returncode != 0 or not trained.exists():
            raise RuntimeError(f"Rasa gave no model: {done.stderr.decode(errors='replace')[-800:]}")
        trained.replace(final)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    print(f"trained plain Rasa ({kind}) in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    for name in ("same", "diet"):
        model(name)
    sys.exit(0)
