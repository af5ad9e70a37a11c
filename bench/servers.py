"""The servers that are measured: each a child process in a folder of its own, ended by its own id."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench import plain
from bench.client import Wire
from bench.usage import cpu_seconds, tree
from bench.visits import VISITORS
from bot import first_run
from bot.settings import Settings
from nlu import prepare

READY_WITHIN: Final = 240.0
CALM: Final = 0.05
STOP_WITHIN: Final = 15.0
TRY_AGAIN: Final = 0.2
GREETING: Final = ("안녕하세요 벤치마크예요", "ko")


class NotStarted(Exception):
    """A server did not answer in time; the message has the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. ``kind`` says how to talk to it; ``state`` is its folder."""

    name: str
    kind: str
    port: int
    pid: int
    workers: int
    state: Path = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a server is started. ``argv`` is completed by the port where it says ``{port}``."""

    name: str
    kind: str
    workers: int
    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder on a real disk (a commit on a memory disk would be durable in name only), gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=plain.folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(recipe: Recipe, state: Path) -> Iterator[Server]:
    """Start a server, wait until it has really answered and come to rest, and end it with the block."""
    port = free_port()
    argv = [part.replace("{port}", str(port)) for part in recipe.argv]
    output = state / f"{recipe.name}.log"
    with output.open("wb") as log:
        child = subprocess.Popen(
            argv,
            cwd=state,
            env={**recipe.environment, "GYEOT_PUBLIC_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(recipe.name, recipe.kind, port, child.pid, recipe.workers, state)
    try:
        _await_answer(server, child, output)
        _await_rest(server)
        yield server
    finally:
        _end(child)


def _await_answer(server: Server, child: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while not asyncio.run(_answers(server)):
        if child.poll() is not None or time.monotonic() > until:
            said = output.read_text("utf-8", "replace")[-800:]
            raise NotStarted(f"{server.name} did not start: {said}")
        time.sleep(TRY_AGAIN)
    if server.kind == "gyeot":  # it answers by rules until its model server has loaded
        while "model_server.ready" not in output.read_text("utf-8", "replace"):
            if time.monotonic() > until:
                raise NotStarted("Gyeot's model server did not start")
            time.sleep(TRY_AGAIN)


async def _answers(server: Server) -> bool:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(20), Wire(server.port) as wire:
            return await VISITORS[server.kind](wire).say(*GREETING)
    return False


def _await_rest(server: Server) -> None:
    """Until the tree burns next to nothing: a second worker may still be loading its model."""
    until = time.monotonic() + READY_WITHIN
    quiet = 0
    while quiet < 3 and time.monotonic() < until:
        before = cpu_seconds(server.pid)
        time.sleep(1)
        quiet = quiet + 1 if cpu_seconds(server.pid) - before < CALM else 0


def _end(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the process, and SIGKILL to those of its descendants that are still there afterwards."""
    family = tree(child.pid)
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_WITHIN)
    for process in family:
        with contextlib.suppress(Exception):  # gone already, which is what was wanted
            if process.is_running():
                process.kill()
    child.wait()


# -- recipes ------------------------------------------------------------------------------------------------


def gyeot(state: Path, workers: int, wrapper: Sequence[str] = ()) -> Recipe:
    """``gyeot serve all`` on SQLite with keys and staff of its own. ``wrapper`` replaces the interpreter."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GYEOT_")}
    for name in ("GYEOT_CACHE", "GYEOT_PYTHON310"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment |= dict(line.split("=", 1) for line in first_run.KeyLines.new().text.splitlines())
    environment |= {
        "GYEOT_DATABASE_URL": f"sqlite+aiosqlite:///{state / 'gyeot.db'}",
        "GYEOT_MESSAGES_PER_MINUTE": "1000000",  # the pace of people is not what is measured
        "GYEOT_NLU": "model",
        "GYEOT_NLU_WORKERS": str(workers),
        "GYEOT_CONSOLE_PORT": "0",
        "GYEOT_LOG_LEVEL": "info",
    }
    _add_staff(environment)
    argv = [*(wrapper or [sys.executable]), str(Path(sys.executable).with_name("gyeot")), "serve", "all"]
    return Recipe("gyeot", "gyeot", workers, argv, environment)


def patient_gyeot(state: Path, workers: int) -> Recipe:
    """The same, with so much patience that the second reader is never left out, as plain Rasa never does."""
    recipe = gyeot(state, workers)
    return replace(
        recipe, name="gyeot-patient", environment={**recipe.environment, "GYEOT_NLU_DEADLINE": "4"}
    )


def _add_staff(environment: Mapping[str, str]) -> None:
    names = ("database_url", "service_keys", "index_key", "audit_key")
    values = {name: environment[f"GYEOT_{name.upper()}"] for name in names}
    asyncio.run(first_run.make_staff(Settings(_env_file=None, **values)))  # type: ignore[arg-type]


def rasa_rest(kind: plain.Kind, state: Path, workers: int, redis_port: int | None) -> Recipe:
    """Plain Rasa with the ``rest`` channel."""
    argv = ["--model", str(plain.model(kind)), "--credentials", str(plain.CREDENTIALS)]
    return _rasa(f"rasa-{kind}", "rest", argv, _Lock(state, workers, redis_port))


def rasa_parse(state: Path, workers: int, redis_port: int | None) -> Recipe:
    """Stock ``rasa run --enable-api`` with this project's model."""
    argv = ["--model", str(prepare.model()), "--enable-api"]
    return _rasa("rasa-parse", "parse", argv, _Lock(state, workers, redis_port))


@dataclass(frozen=True, slots=True)
class _Lock:
    """More than one worker needs a lock store outside the process, or Rasa silently starts only one."""

    state: Path
    workers: int
    redis_port: int | None

    def endpoints(self) -> Path:
        file = self.state / "endpoints.yml"
        words = "# nothing\n"
        if self.workers > 1:
            words = (
                f"lock_store:\n  type: redis\n  url: 127.0.0.1\n  port: {self.redis_port}\n"
                "  db: 15\n  key_prefix: gyeotbench\n"
            )
        file.write_text(words, "utf-8")
        return file


def _rasa(name: str, kind: str, argv: Sequence[str], lock: _Lock) -> Recipe:
    ours = [str(prepare.environment()), "-m", "rasa", "run", "--interface", "127.0.0.1", "--port", "{port}"]
    environment = {
        **prepare.child_environment(),
        "PYTHONPATH": str(prepare.PROJECT),
        "SANIC_WORKERS": str(lock.workers),
    }
    return Recipe(name, kind, lock.workers, [*ours, "--endpoints", str(lock.endpoints()), *argv], environment)


def thin_parse(workers: int) -> Recipe:
    """The thin server of ``nlu/model/serve.py`` with this project's model."""
    argv = prepare.serve_argv(0, workers)
    argv[argv.index("--port") + 1] = "{port}"
    return Recipe("thin-parse", "parse", workers, argv, prepare.child_environment())


def empty() -> Recipe:
    """A FastAPI endpoint that validates the message and does nothing."""
    argv = [sys.executable, "-m", "bench.empty", "{port}"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return Recipe("empty-fastapi", "empty", 1, argv, environment)
