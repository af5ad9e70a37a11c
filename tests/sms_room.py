"""The SMS channel and a simulated carrier, each on a port of its own, talking HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import uvicorn
from fastapi import FastAPI

from channels.sms.solapi import SolapiConfig, SolapiSms
from channels.sms.twilio import TwilioConfig, TwilioSms
from channels.webhooks import router
from simulators.sms import Provider, simulate
from simulators.sms_phone import Phone
from simulators.stage import Built
from tests.fake_intake import FakeIntake

ACCOUNT, TOKEN, HOOK_SECRET = "AC" + "7" * 32, "b" * 32, "q" * 40
NUMBERS = {"twilio": "+15005550006", "solapi": "0312345678"}
ADDRESSES = {"twilio": "+447700900123", "solapi": "+821098765432"}


@dataclass(frozen=True, slots=True)
class Room:
    """Everything a test may look at."""

    built: Built
    phone: Phone
    intake: FakeIntake
    channel: TwilioSms | SolapiSms
    api: str
    public: str
    address: str


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve on a free port of this machine, on this loop; gives the address."""
    config = uvicorn.Config(app, port=0, log_level="error", ws="none", timeout_graceful_shutdown=1)
    listener = config.bind_socket()
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def room(kind: str, **other: str) -> AsyncIterator[Room]:
    """A carrier of this kind. ``other`` replaces what the carrier believes: ``secret``, ``hook_secret`` …."""
    service, intake = FastAPI(), FakeIntake()
    async with serving(service) as public, aiohttp.ClientSession() as session:
        given = {
            "account": ACCOUNT,
            "secret": TOKEN,
            "hook_secret": HOOK_SECRET,
            "own_url": "http://127.0.0.1:9",
        }
        built, phone = simulate(
            Provider(kind, public, number=NUMBERS[kind], pause=0.01, **{**given, **other})
        )
        async with serving(built.app) as api:
            channel = _channel(kind, intake, session, (api, public))
            service.include_router(router({"sms": channel}, public))
            yield Room(built, phone, intake, channel, api, public, ADDRESSES[kind])


def _channel(
    kind: str, intake: FakeIntake, session: aiohttp.ClientSession, at: tuple[str, str]
) -> TwilioSms | SolapiSms:
    api, public = at
    if kind == "twilio":
        return TwilioSms(TwilioConfig(ACCOUNT, TOKEN, NUMBERS[kind], public, api), intake, session)
    return SolapiSms(SolapiConfig(ACCOUNT, TOKEN, HOOK_SECRET, NUMBERS[kind], api), intake, session)


async def until(true: Callable[[], object], within: float = 5.0) -> None:
    """Wait until something holds. Raises ``TimeoutError`` when it does not in time."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.005)
