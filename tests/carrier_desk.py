"""A carrier's REST end for tests: it writes down what it is asked and answers what it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Said:
    """One answer. ``waits``: seconds before it comes; ``hangs``: never comes; ``hangs_up``: the connection ends without a word."""

    status: int = 200
    body: Mapping[str, object] | str = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    waits: float = 0.0
    hangs: bool = False
    hangs_up: bool = False


@dataclass
class Heard:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class CarrierDesk:
    """``answers`` are given one by one, the last one again and again."""

    def __init__(self, *answers: Said) -> None:
        self.answers = list(answers) or [Said()]
        self.heard: list[Heard] = []
        self.url = ""

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(Heard(request.method, request.path, dict(request.headers), await request.read()))
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(60 if said.hangs else said.waits)
        if said.hangs_up:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        text = said.body if isinstance(said.body, str) else json.dumps(said.body)
        return web.Response(status=said.status, text=text, headers=dict(said.headers))


@asynccontextmanager
async def carrier_desk(*answers: Said) -> AsyncIterator[tuple[CarrierDesk, aiohttp.ClientSession]]:
    """A desk that is open, and a session to reach it with."""
    desk = CarrierDesk(*answers)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", desk._serve)
    server = TestServer(application)
    await server.start_server()
    desk.url = str(server.make_url("")).rstrip("/")
    async with aiohttp.ClientSession() as session:
        try:
            yield desk, session
        finally:
            await server.close()
