"""A Telegram channel on a running simulator: real HTTP in both directions, a remembering intake behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import uvicorn
from fastapi import FastAPI

from channels.telegram.buttons import Buttons
from channels.telegram.client import Client
from channels.telegram.config import TelegramConfig
from channels.telegram.polling import Polling
from channels.telegram.receive import Errands, Receiver
from channels.telegram.sender import TelegramSender, build
from channels.telegram.webhook import TelegramHook
from channels.webhooks import router
from simulators.telegram import Provider, Telegram, simulate
from tests.fake_intake import FakeIntake

TOKEN = "7000000001:tests-tests-tests-tests-tests-tests"
SECRET = "s3cret_of-tests_" * 3
SAYS = ("온라인에서 만난 사람이 사진을 보내 달라고 해요", "네", "아니요")


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


@dataclass(frozen=True, slots=True)
class Room:
    """Everything a test may look at."""

    telegram: Telegram
    api: str
    public: str
    config: TelegramConfig
    intake: FakeIntake
    client: Client
    errands: Errands
    receiver: Receiver
    sender: TelegramSender

    def polling(self) -> Polling:
        return Polling(self.client, self.receiver)


@asynccontextmanager
async def room(intake: FakeIntake | None = None, **provider: object) -> AsyncIterator[Room]:
    """A simulator and the service's webhook, each on its own port. No webhook is set yet."""
    intake = intake or FakeIntake()
    telegram = simulate(Provider(token=TOKEN, **provider))
    async with serving(telegram.app) as api, aiohttp.ClientSession() as session:
        config = TelegramConfig(TOKEN, SECRET, api, says=SAYS)
        client = Client(config, session)
        errands = Errands(client, config.phrases)
        receiver = Receiver(config, intake, errands)
        app = FastAPI()
        app.include_router(router({"telegram": TelegramHook(config, receiver)}, ""))
        async with serving(app) as public:
            sender = build(client, Buttons(config.says))
            yield Room(telegram, api, public, config, intake, client, errands, receiver, sender)
            await errands.done()


async def until(true, within: float = 5.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)
