"""``python -m bench [--quick]``: measure, print, and after a full run write ``docs/performance.*``."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import messages, plain, report, servers
from bench.rounds import FULL, QUICK, Bench
from nlu import prepare

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> int:
    """Exit code 0 when everything ran, whether or not the aims were met; 1 when the model changed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round; nothing is written to docs")
    asked = parser.parse_args()
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - started:5.0f} s] {line}", flush=True)

    texts = messages.chosen()
    model = prepare.model()
    plain.model("same")
    plain.model("diet")
    plan = QUICK if asked.quick else FULL
    with servers.scratch("state") as state:
        cells, found = Bench(plan, texts, state, say).run()
    if prepare.model_path() != model:
        print("The model's files were changed during the run: the figures mix two models and are not kept.")
        return 1
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": report.machine(),
        "rounds": plan.rounds,
        "counts": plan.counts,
        "model": model.name.removesuffix(".tar.gz"),
        "messages": {"count": len(texts), **messages.shares(texts)},
        **found,
    }
    one = report.Report(cells, about)
    if asked.quick:
        (plain.folder() / "quick.json").write_text(one.json(), "utf-8")
    else:
        one.write(DOCS)
    print(f"\n{one.markdown()}\n\n{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
