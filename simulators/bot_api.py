"""KakaoTalk's Bot API of 2026, offline: events to the webhook, answers by token, messages to friends.

Rules as in the ``kakaotalk-bot`` 0.1.0 package, which wraps developers.kakao.com/docs/ko/bot.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from simulators.kakao_answers import BadAnswer, given, post, public, read, show, shown
from simulators.stage import Built, Stage, application, page

SLOW = "(봇 서버가 1초 안에 받았다고 답하지 않았어요)"


@dataclass(frozen=True, slots=True)
class Provider:
    """The bot as it is set up at Kakao, and where the service is. Times in seconds."""

    service_url: str
    secret: str = field(default="demo-kakao-bot-secret-0123456789abcdef", repr=False)
    header: str = "X-Gyeot-Secret"
    token: str = field(default="demo-kakao-bot-token", repr=False)
    limit: float = 1.0
    token_for: float = 300.0
    clock: Callable[[], float] = time.monotonic


def build(settings: Mapping[str, str], own_url: str) -> Built:  # noqa: ARG001  every simulator is built alike
    """The Bot API for a service with these settings (``public``, ``GYEOT_KAKAO_BOT_…``)."""
    names = {
        "secret": "GYEOT_KAKAO_BOT_SECRET",
        "header": "GYEOT_KAKAO_BOT_HEADER",
        "token": "GYEOT_KAKAO_BOT_TOKEN",
    }
    known: dict[str, Any] = {**given(settings, names)}
    bot = Bot(Provider(public(settings), **known))
    return Built(app(bot), bot.stage, bot.deeds)


class Refused(Exception):
    """A request is refused with one of the Bot API's codes."""

    def __init__(self, code: int, status: int = 400) -> None:
        super().__init__(str(code))
        self.code = code
        self.status = status


class Bot:
    """One visitor in the channel's room."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.stage = Stage("카카오톡 봇 (모의)", self._typed)
        self.friend = True
        self.muted = False
        self.left = False
        self.tokens: dict[str, float] = {}
        self.key = secrets.token_hex(9)
        self._ids = itertools.count(time.time_ns())
        self._last: dict[str, Any] | None = None

    @property
    def deeds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What else a visitor can do."""
        return {
            "photo": lambda: self._say("", contentType="IMAGE"),
            "emoticon": lambda: self._say("(이모티콘)"),
            "again": self._again,
            "group": lambda: self._say("@곁 여기서도 되나요?", isChannelChatroom=False),
            "befriend": lambda: self._turn("채널을 추가했어요", friend=True),
            "unfriend": lambda: self._turn("채널 친구를 끊었어요", friend=False),
            "mute": lambda: self._turn("메시지 수신을 껐어요", muted=True),
            "unmute": lambda: self._turn("메시지 수신을 켰어요", muted=False),
            "leave": self._leave,
        }

    async def answer(self, token: str, body: Mapping[str, Any]) -> None:
        """Use a callback token. Raises ``Refused``."""
        until = self.tokens.pop(token, None)
        if until is None or self.provider.clock() > until:
            raise Refused(-881)
        await self._show(body)

    async def message(self, body: Mapping[str, Any]) -> None:
        """Send to a visitor. Raises ``Refused``."""
        if bool(body.get("botUserKey")) == bool(body.get("botGroupKey")) or self.key != body.get(
            "botUserKey"
        ):
            raise Refused(-876)
        if not self.friend:
            raise Refused(-877)
        await self._show(body)

    async def _show(self, body: Mapping[str, Any]) -> None:
        if self.left:
            raise Refused(-880)
        if self.muted:
            raise Refused(-879)
        try:
            what = shown(read(json.dumps(body.get("skillResponse"), ensure_ascii=False).encode()))
        except BadAnswer:
            raise Refused(-878) from None
        await show(self.stage, what)

    async def _typed(self, text: str) -> None:
        await self._say(text)

    async def _turn(self, said: str, **changes: bool) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        await self.stage.show("provider", f"({said})")

    async def _say(self, content: str, **more: Any) -> None:
        self.left = False
        token = secrets.token_urlsafe(16)
        self.tokens[token] = self.provider.clock() + self.provider.token_for
        data = {
            "id": next(self._ids),
            "content": content,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "isChannelChatroom": True,
            "botGroupKey": f"g-{self.key}",
            "botUserKey": self.key,
            "callbackToken": token,
        }
        await self._dispatch("MESSAGE_CREATE", data | more)

    async def _leave(self) -> None:
        await self._turn("채팅방을 나갔어요", left=True)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        data = {"botGroupKey": f"g-{self.key}", "botUserKey": self.key, "timestamp": now}
        await self._dispatch("LEAVE", data)

    async def _again(self) -> None:
        """The last event once more, as it was."""
        if self._last is not None:
            await self._deliver(self._last)

    async def _dispatch(self, kind: str, data: dict[str, Any]) -> None:
        self._last = {"op": 0, "t": kind, "d": data}
        await self._deliver(self._last)

    async def _deliver(self, frame: dict[str, Any]) -> None:
        provider = self.provider
        url = f"{provider.service_url}/hooks/kakao/bot"
        try:
            status, _ = await post(url, {provider.header: provider.secret}, frame, provider.limit)
        except (TimeoutError, aiohttp.ClientError, OSError):
            status = 0
        if status // 100 != 2:  # noqa: PLR2004  Kakao wants 2xx
            await self.stage.show("provider", SLOW)


async def _asked(request: Request, token: str) -> Mapping[str, Any]:
    """The body of a request that shows our token."""
    if request.headers.get("Authorization") != f"KakaoAK {token}":
        raise Refused(-401, 401)
    body = await request.json()
    if not isinstance(body, dict):
        raise Refused(-2)
    return body


def app(bot: Bot) -> FastAPI:
    """The phone and the REST API."""
    built = application("KakaoTalk Bot API")
    built.include_router(page(bot.stage, bot.deeds))

    async def done(request: Request, act: Callable[[Mapping[str, Any]], Awaitable[None]]) -> JSONResponse:
        try:
            await act(await _asked(request, bot.provider.token))
        except Refused as error:
            return JSONResponse({"code": error.code, "msg": "refused"}, error.status)
        return JSONResponse({"totalCount": 1, "sendCount": 1, "errorCount": 0})

    @built.post("/v1/bot/callback")
    async def callback(request: Request) -> JSONResponse:
        token = request.headers.get("X-Bot-Callback-Token", "")
        return await done(request, lambda body: bot.answer(token, body))

    @built.post("/v1/bot/send_message")
    async def send_message(request: Request) -> JSONResponse:
        return await done(request, bot.message)

    return built
