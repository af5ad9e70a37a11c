"""What the KakaoTalk tests share: doors with demonstration secrets, requests as Kakao sends them, a provider that
notes what it is asked and answers what it is told to.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvicorn
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI

from channels.kakao.bot_api import BotDoor
from channels.kakao.callback import Trusted
from channels.kakao.consult import ConsultDoor
from channels.kakao.doors import KakaoDoors, KakaoHook
from channels.kakao.event_api import EventDoor
from channels.kakao.skill import SkillDoor
from channels.kakao.words import Said, Words
from channels.webhooks import Call, router
from tests.fake_intake import FakeIntake

SECRET = "skill-secret-of-the-tests-0123456789abcdef"
BOT_SECRET = "bot-secret-of-the-tests-0123456789abcdef"
PATH_SECRET = "path-secret-of-the-tests-0123456789abcdef"
BOT_ID = "64f0c0ffee0123456789abcd"
KEY = "2f7a9c01e5b84d33a1"
CALLBACK = "https://bot-api.kakao.com/v1/bots/64f0/callback/abc"

WORDS = Words(
    coming=Said("조금만 기다려 줘요, 답이 곧 와요", "One moment, the answer is coming"),
    ask_again=Said("아무 말이나 한 번 더 보내요", "Send anything once more"),
    kept=Said("잘 받았어요", "Got it"),
    busy=Said("지금은 받지 못했어요", "Could not take this in"),
    unsure=Said("받았는지 모르겠어요", "Not sure this arrived"),
    more=Said("이어서 보기", "Show more"),
)


def doors(url: str = "http://127.0.0.1:1", **skill: Any) -> KakaoDoors:
    """All doors open, with every provider at ``url``."""
    settings = {"secret": SECRET, "header": "X-Gyeot-Secret", "bot_id": BOT_ID, "words": WORDS} | skill
    return KakaoDoors(
        SkillDoor(trusted=Trusted(origins=(url,)), **settings),
        EventDoor("rest-key", BOT_ID, "gyeot_message", url),
        BotDoor(BOT_SECRET, "X-Gyeot-Secret", "bot-token", url),
        ConsultDoor(PATH_SECRET, "client", "client-secret", "s" * 40, url),
    )


def hook(intake: FakeIntake, **skill: Any) -> KakaoHook:
    return KakaoHook(doors(**skill), intake)


def skill_body(utterance: str = "무서워요", **user_request: Any) -> dict[str, Any]:
    """A request as OpenBuilder's documentation shows it."""
    return {
        "intent": {"id": "b1", "name": "폴백 블록"},
        "userRequest": {
            "timezone": "Asia/Seoul",
            "params": {"surface": "Kakaotalk.plusfriend"},
            "block": {"id": "b1", "name": "폴백 블록"},
            "utterance": utterance,
            "lang": "ko",
            "user": {"id": KEY, "type": "botUserKey", "properties": {"botUserKey": KEY}},
        }
        | user_request,
        "bot": {"id": BOT_ID, "name": "곁"},
        "action": {"id": "a1", "name": "gyeot", "params": {}, "detailParams": {}, "clientExtra": None},
        "contexts": [],
    }


def skill_call(body: Any, request_id: str | None = "r-1", secret: str | None = SECRET) -> Call:
    headers = {"content-type": "application/json"}
    if request_id is not None:
        headers["x-request-id"] = request_id
    if secret is not None:
        headers["x-gyeot-secret"] = secret
    return call("skill", body, headers)


def bot_call(body: Any, secret: str | None = BOT_SECRET) -> Call:
    return call("bot", body, {} if secret is None else {"x-gyeot-secret": secret})


def consult_call(body: Any, path: str = "message", secret: str = PATH_SECRET) -> Call:
    return call(f"consult/{secret}/{path}", body, {})


def call(rest: str, body: Any, headers: dict[str, str]) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Call(f"https://gyeot.example/hooks/kakao/{rest}", rest, headers, raw)


def frame(kind: str = "MESSAGE_CREATE", **data: Any) -> dict[str, Any]:
    """A DISPATCH frame of the Bot API."""
    message = {
        "id": 9_007_199_254_740_993,
        "content": "도와주세요",
        "timestamp": "2026-11-21T09:00:00+09:00",
        "isChannelChatroom": True,
        "botGroupKey": "g1",
        "botUserKey": KEY,
        "callbackToken": "token-1",
    }
    return {"op": 0, "s": 7, "t": kind, "d": (message if kind == "MESSAGE_CREATE" else {}) | data}


@dataclass
class Provider:
    """A server that notes every request and answers with ``answer(path, body)``: a status and a JSON object."""

    answer: Callable[[str, dict[str, Any]], tuple[int, Any]]
    url: str = ""
    asked: list[tuple[str, Mapping[str, str], dict[str, Any]]] = field(default_factory=list)
    delay: float = 0.0

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, _, body in self.asked if asked == path]

    async def handle(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text() or "{}")
        self.asked.append((request.path, request.headers, body))
        await asyncio.sleep(self.delay)
        status, told = self.answer(request.path, body)
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(told, status=status or 200)


@asynccontextmanager
async def provider(
    answer: Callable[[str, dict[str, Any]], tuple[int, Any]],
) -> AsyncIterator[tuple[Provider, aiohttp.ClientSession]]:
    """A provider on a free port, and a session to reach it."""
    asked = Provider(answer)
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", asked.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        asked.url = str(server.make_url("")).rstrip("/")
        yield asked, session


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """An application on a free port of this machine."""
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", 0, log_level="critical", lifespan="off", ws="none")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def service(intake: FakeIntake, doors: KakaoDoors) -> FastAPI:
    """The webhooks of a house that only remembers."""
    app = FastAPI()
    app.include_router(router({"kakao": KakaoHook(doors, intake)}, ""))
    return app
