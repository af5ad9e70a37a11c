"""The model server as a child process: started, watched, started again, ended with us.

The service never waits for it: until it answers, and whenever it does not, the rules decide alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import structlog

from nlu import prepare

READY_WITHIN = 120.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
STABLE_AFTER = 120.0
STOP_WITHIN = 3.0

_log = structlog.get_logger("bot.model_server")


@dataclass(frozen=True, slots=True)
class Command:
    """How the server is started, and where it will listen."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    url: str


def command(workers: int) -> Command:
    """The command for a free port of this machine. Prepares what is missing; raises ``PrepareError``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = prepare.serve_argv(port, workers)
    return Command(argv, prepare.child_environment(), f"http://127.0.0.1:{port}")


class ModelServer:
    """Keeps one model server running for the length of an ``async with``."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._keeping: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def ready(self, within: float = READY_WITHIN) -> bool:
        """Wait until it answers; ``False`` when it does not in time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), within)
        return self._ready.is_set()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            await self._run_once()
            self._ready.clear()
            if time.monotonic() - started > STABLE_AFTER:
                pause = FIRST_PAUSE
            _log.error("model_server.ended", again_in=pause)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _run_once(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command.argv,
            env=dict(self._command.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we end it ourselves
        )
        try:
            await self._announce(process)
            await process.wait()
        finally:
            await _end(process)

    async def _announce(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        async for line in process.stdout:
            with contextlib.suppress(ValueError):
                if json.loads(line).get("ready"):
                    self._ready.set()
                    _log.info("model_server.ready", pid=process.pid)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()
