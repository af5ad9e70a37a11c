"""The console's own application around a desk in memory, and somebody's browser in front of it."""

from __future__ import annotations

import base64
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import FastAPI

import console.api
import console.app
from bot.doors import CONSOLE_CSP, door
from console.gate import Gate
from console.sign_in import FrontDesk
from tests.builders import Person, Room, index

ADDRESS = "http://console.test"


UNREVIEWED = 12


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def form() -> str:
    return str(uuid.uuid4())


async def model_up() -> str:
    return "up"


def application(here: Room) -> FastAPI:
    """The console as ``bot/compose.py`` puts it together."""
    gate = Gate(FrontDesk(here.store, index(), here.ledger, here.clock), secure=False)
    office = console.api.Office(
        here.store, here.bell, here.desk, gate, model_up, here.clock, unreviewed=UNREVIEWED
    )
    app = door("console", CONSOLE_CSP, secure=False)
    app.include_router(console.app.router(gate, "<title>shell</title>"))
    app.include_router(console.api.router(office))
    return app


@dataclass(slots=True)
class Browser:
    """Somebody's browser: keeps the cookie, sends the form token."""

    client: httpx2.AsyncClient
    token: str = field(default="", repr=False)

    async def sign_in(self, who: Person) -> dict[str, Any]:
        answer = await self.client.post(
            "/api/sign-in", json={"name": who.staff.name, "proof": b64(who.proof)}
        )
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["token"]
        body: dict[str, Any] = answer.json()
        return body

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        return await self.client.get(path, **more)

    async def post(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        sent = {"request_id": form()} if body is None else body
        return await self.client.post(
            path, json=sent, headers={"X-Gyeot-Token": self.token} | (headers or {})
        )


@asynccontextmanager
async def browser(here: Room, who: Person | None = None) -> AsyncIterator[Browser]:
    """A browser before the console, signed in as somebody or not."""
    transport = httpx2.ASGITransport(app=application(here))
    async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        found = Browser(client)
        if who is not None:
            await found.sign_in(who)
        yield found
