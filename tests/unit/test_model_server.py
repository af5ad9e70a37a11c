from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bot import model_server
from bot.model_server import Command, ModelServer, command
from nlu import prepare

READY = 'import os, sys; print(\'{"ready": true}\', flush=True); open(sys.argv[1], "a").write(f"{os.getpid()}\\n");'
LIVE = f"{READY} import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LIVE}"


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """Where the servers of a test write their process ids; none may be left."""
    path = tmp_path / "pids"
    yield path
    assert [pid for pid in started(path) if psutil.pid_exists(pid)] == []


def started(path: Path) -> list[int]:
    return [int(line) for line in path.read_text("utf-8").split()] if path.exists() else []


def server(script: str, pids: Path) -> ModelServer:
    argv = [sys.executable, "-c", script, str(pids)]
    return ModelServer(Command(argv, dict(os.environ), "http://127.0.0.1:9"))


async def until(count: int, pids: Path) -> list[int]:
    async with asyncio.timeout(15):
        while len(found := started(pids)) < count:
            await asyncio.sleep(0.01)
    return found


async def test_ready_when_it_says_so_and_gone_with_the_block(pids: Path) -> None:
    async with server(LIVE, pids) as running:
        assert await running.ready(10)
        [pid] = await until(1, pids)
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


async def test_one_that_never_says_so_is_not_waited_for(pids: Path) -> None:
    async with server("print('warming up', flush=True); import time; time.sleep(60)", pids) as running:
        assert not await running.ready(0.1)


async def test_one_that_died_is_started_again_ever_more_slowly(
    pids: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    sleep = asyncio.sleep

    async def quick(seconds: float) -> None:
        if seconds >= 1:
            paused.append(seconds)
            seconds = 0.001
        await sleep(seconds)

    monkeypatch.setattr(model_server.asyncio, "sleep", quick)
    async with server(READY, pids):
        await until(9, pids)
    expected = [min(60.0, 2.0**attempt) for attempt in range(len(paused))]
    assert paused == expected
    assert paused[-1] == 60.0 or len(paused) < 7


async def test_a_killed_one_comes_back(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "FIRST_PAUSE", 0.01)
    async with server(LIVE, pids) as running:
        [pid] = await until(1, pids)
        os.kill(pid, signal.SIGKILL)
        second = (await until(2, pids))[1]
        assert second != pid
        assert await running.ready(10)


async def test_one_that_does_not_listen_is_killed(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "STOP_WITHIN", 0.1)
    async with server(STUBBORN, pids):
        await until(1, pids)
        began = time.monotonic()
    assert time.monotonic() - began < 5


async def test_one_that_cannot_be_started_is_not_the_end_of_the_service(pids: Path) -> None:
    broken = ModelServer(Command(["/no/such/program"], {}, "http://127.0.0.1:9"))
    async with broken:
        assert not await broken.ready(0.1)


def test_the_command_names_a_free_port_and_the_prepared_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def argv(port: int, workers: int) -> list[str]:
        asked.append((port, workers))
        return ["serve", str(port)]

    monkeypatch.setattr(prepare, "serve_argv", argv)
    found = command(3)
    [(port, workers)] = asked
    assert workers == 3
    assert found.url == f"http://127.0.0.1:{port}"
    assert found.argv == ["serve", str(port)]
    assert found.environment["RASA_TELEMETRY_ENABLED"] == "false"
