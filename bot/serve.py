"""Serving: which parts run in this process, and how they stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Literal

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from bot.compose import House, console_app, open_house, public_app
from bot.doorways import Doorways, Duty, open_doorways
from bot.erase import Erasure
from bot.settings import Keys, Settings, Unusable
from handoff.errors import HandoffError
from handoff.store.migrate import is_current

Part = Literal["all", "public", "console", "worker"]

BACKLOG = 1024
STREAMS_END_WITHIN = 3
DECISIONS_END_WITHIN = 5.0
WORKERS_END_WITHIN = 25.0

_log = structlog.get_logger("bot.serve")


class _Server(uvicorn.Server):
    """Signals are ours: two servers in one process must stop together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to ``serve``."""
        yield


async def serve(settings: Settings, part: Part, started: Callable[[], None] = lambda: None) -> None:
    """Run until SIGINT or SIGTERM, then stop cleanly: streams, decisions under way, then the rest.

    Raises ``Unusable`` when a key, the database or a port is not as it must be; then nothing runs.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    Keys(settings)
    await _check_database(settings)
    async with open_house(settings) as house, open_doorways(house) as doorways:
        servers = _servers(house, part, doorways)
        listening = [_listening(server.config.host, server.config.port) for server in servers]
        serving = [
            asyncio.create_task(server.serve([door])) for server, door in zip(servers, listening, strict=True)
        ]
        working = _working(house, doorways) if part in {"all", "worker"} else []
        await _until_started(servers, serving)
        started()
        await asyncio.wait([asyncio.create_task(stop.wait()), *serving], return_when=asyncio.FIRST_COMPLETED)
        _log.info("serve.stopping")
        await _stop(house, servers, serving, working)
    _log.info("serve.stopped")


async def _check_database(settings: Settings) -> None:
    """A service on an old database would look alive and keep nothing."""
    try:
        current = await is_current(settings.database_url)
    except (SQLAlchemyError, HandoffError, OSError, ValueError) as error:
        kind = type(error).__name__
        raise Unusable(f"GYEOT_DATABASE_URL: the database cannot be opened ({kind})") from None
    if not current:
        raise Unusable("the database is not up to date. Run: gyeot db upgrade")


def _listening(host: str, port: int) -> socket.socket:
    """An open port: the server's own way of failing to open one is to end the process without a word."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Unusable(f"port {port} on {host} cannot be opened: {error.strerror}") from None


def _working(house: House, doorways: Doorways) -> list[asyncio.Task[None]]:
    """What runs beside the applications: watching, and where there are channels, delivering and erasing."""
    duties: list[Duty] = [house.watch.run, Erasure(house.tools, doorways.senders).run]
    if doorways.senders:
        duties += [house.delivery(doorways.senders).run, *doorways.duties]
    tasks = [asyncio.create_task(duty()) for duty in duties]
    for task in tasks:
        task.add_done_callback(_told_when_it_broke)
    return tasks


def _told_when_it_broke(task: asyncio.Task[None]) -> None:
    """A duty that ends by an error is our own fault, and nobody waits for it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("serve.duty_broke", error=type(error).__name__)


def _servers(house: House, part: Part, doorways: Doorways) -> list[_Server]:
    settings = house.settings
    servers = []
    if part in {"all", "public"}:
        servers.append(_server(public_app(house, doorways.hooks), settings.public_host, settings.public_port))
    if part in {"all", "console"}:
        servers.append(_server(console_app(house), settings.console_host, settings.console_port))
    return servers


def _server(app: FastAPI, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,  # it would keep addresses
            server_header=False,
            log_config=None,
            log_level="warning",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=STREAMS_END_WITHIN,
            limit_concurrency=4096,
            backlog=BACKLOG,
        )
    )


async def _until_started(servers: list[_Server], serving: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in serving:
            if task.done():
                task.result()
                raise OSError("an application did not start")
        await asyncio.sleep(0.02)


async def _stop(
    house: House, servers: list[_Server], serving: list[asyncio.Task[None]], working: list[asyncio.Task[None]]
) -> None:
    await house.tools.bell.close()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*serving, return_exceptions=True)
    await house.listener.drain(DECISIONS_END_WITHIN)
    for task in working:
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*working, return_exceptions=True), WORKERS_END_WITHIN)
