"""Where the time goes: ``python -m bench.where [concurrency]`` prints what Gyeot's main thread burned."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench import messages, servers
from bench.rounds import QUICK, Bench, told
from bench.usage import cpu_seconds

MESSAGES: Final = 1200
SHOWN: Final = 25
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "SQL: building, running and reading statements": ("sqlalchemy/", "aiosqlite/", "handoff/store/"),
    "asking the model server": ("nlu/rasa.py", "aiohttp/"),
    "reading by rules": ("nlu/",),
    "sealing and keys": ("vault/",),
    "queue: how many are ahead": ("handoff/queue.py", "bot/threads.py"),
    "deciding: triage, dialogue, words": (
        "bot/triage.py", "bot/dialogue.py", "bot/content.py", "bot/decide.py",
    ),
    "taking in": ("bot/intake.py", "bot/listen.py", "bot/batch.py", "bot/lanes.py"),
    "HTTP: parsing, routing, validation, answer": (
        "fastapi/", "starlette/", "uvicorn/", "pydantic/", "bot/doors.py", "channels/", "anyio/", "json/",
    ),
}  # fmt: skip


def parts(stacks: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    """Milliseconds by part of the path: the part of the innermost frame that belongs to one."""
    found: Counter[str] = Counter()
    for stack, burned in stacks:
        found[_part(stack)] += burned  # type: ignore[assignment]  # a Counter counts milliseconds too
    return found


def _part(stack: str) -> str:
    for frame in reversed(stack.split(";")):
        place = frame.rpartition(" (")[2]
        for part, prefixes in PARTS.items():
            if place.startswith(prefixes):
                return part
    return "event loop and tasks"


def lines(stacks: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    """Milliseconds by line of our own code: the innermost one of each stack."""
    found: Counter[str] = Counter()
    for stack, burned in stacks:
        own = [frame for frame in stack.split(";") if "(bot/" in frame or _ours(frame)]
        found[own[-1] if own else "(no line of ours)"] += burned  # type: ignore[assignment]
    return found


def _ours(frame: str) -> bool:
    return any(f"({package}/" in frame for package in ("channels", "handoff", "nlu", "vault"))


def read(file: Path) -> list[tuple[str, float]]:
    """Stacks and their milliseconds, as the sampler wrote them."""
    pairs = (line.rpartition(" ") for line in file.read_text("utf-8").splitlines() if line)
    return [(stack, float(burned)) for stack, _, burned in pairs]


def main() -> int:
    concurrency = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    with servers.scratch("where") as state:
        file = state / "stacks.txt"
        recipe = servers.gyeot(state, 1, (sys.executable, "-m", "bench.sampler", str(file)))
        argv = [part for part in recipe.argv if not part.endswith("bin/gyeot")]
        root = str(Path(__file__).resolve().parents[1])
        recipe = replace(recipe, argv=argv, environment={**recipe.environment, "PYTHONPATH": root})
        bench = Bench(QUICK, messages.chosen(), state, print)
        with servers.running(recipe, state) as server:
            bench.cell(server, concurrency, 0, 200)
            os.kill(server.pid, signal.SIGUSR1)
            before = cpu_seconds(server.pid)
            cell = bench.cell(server, concurrency, 1, MESSAGES)
            tree = cpu_seconds(server.pid) - before
            os.kill(server.pid, signal.SIGUSR2)
            while not file.exists():
                time.sleep(0.1)
        stacks = read(file)
    print(told(cell))
    _print(stacks, cell.answered, tree)
    return 0


def _print(stacks: list[tuple[str, float]], answered: int, tree: float) -> None:
    whole = sum(burned for _, burned in stacks)
    print(
        f"\nprocess tree {tree / answered * 1e3:.2f} ms a message, "
        f"of it the main thread {whole / answered:.2f}\n"
    )
    for title, found in (("part", parts(stacks)), ("line", lines(stacks))):
        print(f"| {title} | ms a message | share |\n|---|---|---|")
        for name, burned in sorted(found.items(), key=lambda item: -item[1])[:SHOWN]:
            print(f"| {name} | {burned / answered:.3f} | {burned / whole:.0%} |")
        print()


if __name__ == "__main__":
    sys.exit(main())
