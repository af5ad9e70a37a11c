"""The load: a process of its own that sends messages over keep-alive connections and ends by itself.

Reads one JSON object from standard input (an ``Order``) and writes one to standard output (an ``Outcome``).
It only ever connects to 127.0.0.1; count, time and connections are bounded.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import uvloop

from bench.client import Broken, Wire
from bench.visits import VISITORS

MOST_CONNECTIONS: Final = 256
MOST_MESSAGES: Final = 100_000
LONGEST: Final = 60.0
PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Order:
    """``messages``: texts with their language, gone through until ``count`` were sent; ``visit``: how many
    messages one visitor sends."""

    kind: str
    port: int
    concurrency: int
    count: int
    seconds: float
    visit: int
    messages: Sequence[tuple[str, str]] = field(repr=False)


@dataclass(slots=True)
class Outcome:
    """Milliseconds of every answered message, what was not answered, and what the load itself cost."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    notes: dict[str, int] = field(default_factory=dict)


async def run(order: Order) -> Outcome:
    """Closed loop: every connection sends its next message when the one before was answered."""
    outcome = Outcome()
    count, connections = min(order.count, MOST_MESSAGES), min(order.concurrency, MOST_CONNECTIONS)
    supply = iter(range(count))
    deadline = time.perf_counter() + min(order.seconds, LONGEST)
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_connection(order, supply, deadline, outcome) for _ in range(connections)))
    outcome.seconds = time.perf_counter() - started
    outcome.cpu_seconds = time.process_time() - cpu
    return outcome


async def _connection(order: Order, supply: Iterator[int], deadline: float, outcome: Outcome) -> None:
    async with Wire(order.port) as wire:
        visitor = VISITORS[order.kind](wire)
        said = 0
        while time.perf_counter() < deadline and (number := next(supply, None)) is not None:
            if said == order.visit:
                visitor.begin()
                said = 0
            text, lang = order.messages[number % len(order.messages)]
            sent = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE):
                    answered = await visitor.say(text, lang)
            except (Broken, OSError, ValueError, TimeoutError) as error:
                visitor.note(type(error).__name__)
                answered = False
                wire.close()
                visitor.begin()
            said += 1
            if answered:
                outcome.latencies.append((time.perf_counter() - sent) * 1000)
            else:
                outcome.failed += 1
        for what, times in visitor.notes.items():
            outcome.notes[what] = outcome.notes.get(what, 0) + times


def main() -> None:
    order = Order(**json.load(sys.stdin))
    json.dump(asdict(uvloop.run(run(order))), sys.stdout)


if __name__ == "__main__":
    main()
