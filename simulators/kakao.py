"""KakaoTalk's OpenBuilder, offline: a skill has five seconds, and may call back once within a minute.

Rules (kakaobusiness.gitbook.io): "스킬 만들기", "AI 챗봇 콜백 개발 가이드", "Event API". The bot tester
offers no callback. Events reach friends of the channel only; whether they did is told by the task.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from simulators.kakao_answers import BadAnswer, given, post, public, read, show, shown
from simulators.stage import Built, Stage, application, page

FALLBACK = "죄송해요, 지금은 답을 드리기 어려워요. (카카오톡이 블록의 기본 응답을 보였어요)"
NOT_SHOWN = "(카카오톡이 응답을 보여 주지 못했어요: {reason})"
PHOTO = "https://talk.kakaocdn.net/dna/simulated/photo/i_1.jpg"
SECURED = '{"privacyAgreement":"Y","imageQuantity":"1","secureUrls":"List(https://secure.kakaocdn.net/x/1)"}'
USERS = 100


@dataclass(frozen=True, slots=True)
class Provider:
    """The bot as it is set up at Kakao, and where the service is. Times in seconds."""

    service_url: str
    own_url: str
    secret: str = field(default="demo-kakao-skill-secret-0123456789abcdef", repr=False)
    header: str = "X-Gyeot-Secret"
    bot_id: str = "demo-kakao-bot"
    rest_key: str = field(default="demo-kakao-rest-key", repr=False)
    event: str = "gyeot_message"
    limit: float = 5.0
    callback_for: float = 60.0
    clock: Callable[[], float] = time.monotonic


def build(settings: Mapping[str, str], own_url: str) -> Built:
    """OpenBuilder for a service with these settings (``public``, ``GYEOT_KAKAO_…``)."""
    names = {
        "secret": "GYEOT_KAKAO_SKILL_SECRET",
        "header": "GYEOT_KAKAO_SKILL_HEADER",
        "bot_id": "GYEOT_KAKAO_BOT_ID",
        "rest_key": "GYEOT_KAKAO_REST_KEY",
        "event": "GYEOT_KAKAO_EVENT",
    }
    known: dict[str, Any] = {**given(settings, names)}
    builder = OpenBuilder(Provider(public(settings), own_url, **known))
    return Built(app(builder), builder.stage, builder.deeds)


@dataclass(slots=True)
class _Callback:
    until: float
    refused: bool = False
    used: bool = False


class OpenBuilder:
    """One visitor of one bot."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.stage = Stage("카카오톡 챗봇 (모의)", self._typed)
        self.friend = True
        self.blocked = False
        self.tester = False
        self.offers_callback = True
        self.tasks: dict[str, bool] = {}
        self.callbacks: dict[str, _Callback] = {}
        self._key = secrets.token_hex(9)
        self._last: tuple[dict[str, Any], str] | None = None

    @property
    def deeds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What else a visitor, or an administrator, can do."""
        return {
            "photo": lambda: self._ask(PHOTO, params={"media": {"type": "image", "url": PHOTO}}),
            "secure-photo": lambda: self._ask("사진 전송", action={"secureimage": SECURED}),
            "emoticon": lambda: self._ask("(이모티콘)"),
            "again": self._again,
            "befriend": lambda: self._turn("채널을 추가했어요", friend=True, blocked=False),
            "unfriend": lambda: self._turn("채널 친구를 끊었어요", friend=False),
            "block": lambda: self._turn("채널을 차단했어요", friend=False, blocked=True),
            "tester": lambda: self._turn("봇 테스터로 바꿨어요", tester=True),
            "no-callback": lambda: self._turn("콜백을 껐어요", offers_callback=False),
        }

    async def called_back(self, token: str, raw: bytes) -> bool:
        """Use a callback address: once, in time, and only if the skill did not already answer."""
        callback = self.callbacks.get(token)
        now = self.provider.clock()
        if callback is None or callback.used or callback.refused or now > callback.until:
            return False
        callback.used = True
        await self._show_answer(raw)
        return True

    async def happened(self, name: str, data: Mapping[str, Any], users: list[Any]) -> str:
        """An event for some visitors; returns the task."""
        task = secrets.token_hex(8)
        ids = [
            user.get("id") for user in users if isinstance(user, dict) and user.get("type") == "botUserKey"
        ]
        reached = self.friend and not self.blocked and name == self.provider.event and self._key in ids
        self.tasks[task] = reached
        if reached:
            await self.stage.show("gyeot", str(data.get("text", "")))
        return task

    async def _typed(self, text: str) -> None:
        await self._ask(text)

    async def _turn(self, said: str, **changes: bool) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        await self.stage.show("provider", f"({said})")

    async def _ask(
        self, utterance: str, params: Mapping[str, Any] | None = None, action: Mapping[str, str] | None = None
    ) -> None:
        if self.blocked:
            await self.stage.show("provider", "(차단한 채널에는 보낼 수 없어요)")
            return
        body = self._body(utterance, params or {}, action or {})
        self._last = (body, secrets.token_hex(16))
        await self._deliver(*self._last)

    async def _again(self) -> None:
        """The same request once more, with the same ``X-Request-Id``."""
        if self._last is not None:
            await self._deliver(*self._last)

    async def _deliver(self, body: dict[str, Any], request_id: str) -> None:
        provider = self.provider
        body["userRequest"].pop("callbackUrl", None)
        token = secrets.token_urlsafe(16)
        if self.offers_callback and not self.tester:
            self.callbacks[token] = _Callback(provider.clock() + provider.callback_for)
            body["userRequest"]["callbackUrl"] = f"{provider.own_url}/callback/{token}"
        headers = {provider.header: provider.secret, "X-Request-Id": request_id}
        try:
            status, raw = await post(
                f"{provider.service_url}/hooks/kakao/skill", headers, body, provider.limit
            )
        except (TimeoutError, aiohttp.ClientError, OSError):
            status, raw = 0, b""
        if status != 200:  # noqa: PLR2004  anything else is a failed skill to OpenBuilder
            self._refuse(token)
            await self.stage.show("provider", FALLBACK)
            return
        await self._show_response(raw, token)

    async def _show_response(self, raw: bytes, token: str) -> None:
        try:
            answer = read(raw)
        except BadAnswer as error:
            self._refuse(token)
            await self.stage.show("provider", NOT_SHOWN.format(reason=error))
            return
        if answer.get("useCallback") is True and token in self.callbacks:
            data = answer.get("data")
            text = data.get("text") if isinstance(data, dict) else None
            await self.stage.show("gyeot", str(text or "잠시만 기다려 주세요."))
            return
        self._refuse(token)
        await self._show_answer(raw)

    async def _show_answer(self, raw: bytes) -> None:
        try:
            await show(self.stage, shown(read(raw)))
        except BadAnswer as error:
            await self.stage.show("provider", NOT_SHOWN.format(reason=error))

    def _refuse(self, token: str) -> None:
        if token in self.callbacks:
            self.callbacks[token].refused = True

    def _body(self, utterance: str, params: Mapping[str, Any], action: Mapping[str, str]) -> dict[str, Any]:
        block = {"id": "block-1", "name": "폴백 블록"}
        surface = "BuilderBotTest" if self.tester else "Kakaotalk.plusfriend"
        details = {name: {"origin": value, "value": value, "groupName": ""} for name, value in action.items()}
        return {
            "intent": block,
            "userRequest": {
                "timezone": "Asia/Seoul",
                "params": {"surface": surface, **params},
                "block": block,
                "utterance": utterance,
                "lang": "ko",
                "user": {
                    "id": self._key,
                    "type": "botUserKey",
                    "properties": {"botUserKey": self._key, "isFriend": self.friend},
                },
            },
            "bot": {"id": self.provider.bot_id, "name": "곁"},
            "action": {
                "id": "skill-1",
                "name": "곁",
                "params": dict(action),
                "detailParams": details,
                "clientExtra": {},
            },
            "contexts": [],
        }


def app(builder: OpenBuilder) -> FastAPI:
    """The phone, the callback and the Event API."""
    built = application("KakaoTalk OpenBuilder")
    built.include_router(page(builder.stage, builder.deeds))
    _add_callback(built, builder)
    _add_events(built, builder)
    return built


def _add_callback(built: FastAPI, builder: OpenBuilder) -> None:
    @built.post("/callback/{token}")
    async def callback(token: str, request: Request) -> JSONResponse:
        if await builder.called_back(token, await request.body()):
            return _done("SUCCESS", taskId=secrets.token_hex(8))
        return _done("FAIL", 400, message="invalid or expired callback")


def _add_events(built: FastAPI, builder: OpenBuilder) -> None:
    provider = builder.provider

    def known(request: Request, bot_id: str | None = None) -> bool:
        key = request.headers.get("Authorization") == f"KakaoAK {provider.rest_key}"
        return key and (bot_id is None or bot_id.removesuffix("!") == provider.bot_id)

    @built.post("/v2/bots/{bot_id}/talk")
    async def talk(bot_id: str, request: Request) -> JSONResponse:
        if not known(request, bot_id):
            return _done("FAIL", 401, message="unauthorized")
        body = await request.json()
        event = body.get("event") or {}
        users = body.get("user")
        if not event.get("name") or not isinstance(users, list) or not 0 < len(users) <= USERS:
            return _done("FAIL", 400, message="bad request")
        task = await builder.happened(event["name"], event.get("data") or {}, users)
        return _done("SUCCESS", taskId=task)

    @built.get("/v1/tasks/{task}")
    async def result(task: str, request: Request) -> JSONResponse:
        if not known(request):
            return _done("FAIL", 401, message="unauthorized")
        if task not in builder.tasks:
            return _done("FAIL", 404, message="no such task")
        well = builder.tasks[task]
        fail: dict[str, Any] = (
            {} if well else {"fail": {"count": 1, "list": [{"id": "-", "errorMsg": "not a friend"}]}}
        )
        status = "ALL SUCCESS" if well else "1 FAIL"
        return _done(status, taskId=task, allRequestCount=1, successCount=int(well), **fail)


def _done(status: str, code: int = 200, **more: Any) -> JSONResponse:
    return JSONResponse({"status": status, "timestamp": int(time.time() * 1000), **more}, code)
