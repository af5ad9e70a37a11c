"""A running service with simulated providers around it, and the counselor who answers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from bot.simulate import credentials
from simulators.stage import Built
from tests.journey.running import Service, free_port, running, sign_in

WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Town:
    """The service, and a phone for each provider."""

    service: Service
    phones: dict[str, Built]


@asynccontextmanager
async def town(folder: Path, *names: str, **environment: str) -> AsyncIterator[Town]:
    """The service with these providers, each on a port of its own, until the block ends."""
    ports = {name: free_port() for name in names}
    public = free_port()
    settings = {"GYEOT_PUBLIC_PORT": str(public), **environment}
    given = {**_credentials(names, public, ports), **settings}
    phones: dict[str, Built] = {}
    servers, serving = [], []
    for name in names:
        module = import_module(f"simulators.{name.replace('-', '_')}")
        told = {"public": f"http://127.0.0.1:{public}", **given}
        phones[name] = module.build(told, f"http://127.0.0.1:{ports[name]}")
        config = uvicorn.Config(
            phones[name].app, port=ports[name], log_level="error", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        servers.append(server)
        serving.append(asyncio.create_task(server.serve()))
    while not all(server.started for server in servers):
        await asyncio.sleep(0.02)
    nlu = given.pop("nlu", "rules")
    entered = running(folder, nlu, **given)
    service = await asyncio.to_thread(entered.__enter__)
    try:
        yield Town(service, phones)
    finally:
        await asyncio.to_thread(entered.__exit__, None, None, None)
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving, return_exceptions=True)


def _credentials(names: Sequence[str], public: int, ports: dict[str, int]) -> dict[str, str]:
    from bot.settings import Settings

    settings = Settings(_env_file=None, public_port=public)
    return dict(credentials(names, settings, ports))


class Counselor:
    """Works at the console's HTTP interface."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    async def waits(self, channel: str) -> dict[str, Any]:
        """The first conversation of this channel that waits."""
        async with asyncio.timeout(WITHIN):
            while True:
                queue = await asyncio.to_thread(lambda: self._client.get("/api/queue").json())
                for row in queue["waiting"]:
                    if row["channel"] == channel:
                        return dict(row)
                await asyncio.sleep(0.1)

    async def holds(self, channel: str) -> dict[str, Any]:
        """The first conversation of this channel that is theirs."""
        async with asyncio.timeout(WITHIN):
            while True:
                queue = await asyncio.to_thread(lambda: self._client.get("/api/queue").json())
                for row in queue["mine"]:
                    if row["channel"] == channel:
                        return dict(row)
                await asyncio.sleep(0.1)

    async def view(self, id: str) -> dict[str, Any]:
        """What the console shows of it."""
        answer = await asyncio.to_thread(self._client.get, f"/api/conversations/{id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def sees_delivery(self, id: str, state: str) -> dict[str, Any]:
        """The first answer that stands like this on the console."""
        async with asyncio.timeout(WITHIN):
            while True:
                for delivery in (await self.view(id))["deliveries"]:
                    if delivery["state"] == state:
                        return dict(delivery)
                await asyncio.sleep(0.1)

    async def sees_all_delivered(self, id: str) -> None:
        """Nothing is on its way, held or lost."""
        async with asyncio.timeout(WITHIN):
            while (await self.view(id))["deliveries"]:
                await asyncio.sleep(0.1)

    async def does(self, id: str, action: str, **body: Any) -> None:
        """Claim, reply, close."""
        form = {"request_id": secrets.token_hex(16), **body}
        answer = await asyncio.to_thread(
            lambda: self._client.post(f"/api/conversations/{id}/{action}", json=form)
        )
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def counselor(service: Service, name: str = "minjun") -> AsyncIterator[Counselor]:
    """Somebody of the staff, signed in."""
    session = sign_in(service, name)
    client = await asyncio.to_thread(session.__enter__)
    try:
        yield Counselor(client)
    finally:
        await asyncio.to_thread(session.__exit__, None, None, None)
