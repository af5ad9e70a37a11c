"""Show that serve.py answers as Rasa itself does: parse texts with both, on the same archive, and compare.

    python check_serve.py --model nlu-….tar.gz [--url http://127.0.0.1:5005] [--count 50]

With `--url` the thin server (or any other) is asked over HTTP, otherwise the archive is read in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
PROJECT = Path(__file__).resolve().parent
sys.path.insert(0, str(PROJECT))

import archive  # noqa: E402
from measure import read  # noqa: E402


async def by_rasa(model: Path, texts: list[str]) -> list[dict[str, Any]]:
    """What Rasa's own agent says."""
    from rasa.core.agent import load_agent
    from rasa.utils.log_utils import configure_structlog

    logging.disable(logging.WARNING)
    configure_structlog(logging.ERROR)
    agent = await load_agent(model_path=str(model))
    return [await agent.parse_message(text) for text in texts]


def by_http(url: str, text: str) -> dict[str, Any]:
    """What a server says."""
    body = json.dumps({"text": text}).encode()
    asked = urllib.request.Request(f"{url}/model/parse", body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answered:
        answer: dict[str, Any] = json.load(answered)
    return answer


def main() -> int:
    """0 when every answer is equal; says how many are not, never a text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--url")
    parser.add_argument("--count", type=int, default=50)
    asked = parser.parse_args()
    every = read(PROJECT / "data")[0]
    odd = ["", "ㅠ", "😢" * 30, "모르겠어요 " * 200, "a\nb\tc"]
    texts = [*odd, *every[:: max(1, len(every) // asked.count)]]
    texts += [" ".join(pair) for pair in zip(texts, texts[7:])]  # mixed ones, of which many are read twice
    if asked.url:
        ours = [by_http(asked.url, text) for text in texts]
    else:
        pipeline = archive.load(asked.model)
        ours = [json.loads(json.dumps(pipeline.parse(text))) for text in texts]
    theirs = json.loads(json.dumps(asyncio.run(by_rasa(asked.model, texts))))
    different = sum(one != other for one, other in zip(ours, theirs))
    second = sum(one["reader"] == "cascade" for one in ours)
    print(f"{len(texts)} texts, {second} read twice, {different} answers differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
