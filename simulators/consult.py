"""A dealer's relay for 상담톡, offline, in HappyTalk's form: to the webhook, and ``/v1/chat/write`` back.

Rules: developer-center.happytalk.io and the 상담톡 document of Nexus: a message opens a session; only into a
session can be written; it ends with an end command, a deleted room or a block; a ``serial_number`` is used
once. The numbers of the errors are not public: ours are made up, their words begin with the name of an
exception as the dealer's do.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from simulators.kakao_answers import given, post, public
from simulators.stage import Built, Stage, application, page

NOT_TAKEN = "(상담 서버가 메시지를 받지 못했어요)"
PHOTO = {"width": 800, "height": 600, "url": "https://dn-m.talk.kakao.com/talkm/simulated/i_1.jpg"}
_LONGEST = {"user_key": 20, "sender_key": 40, "serial_number": 30, "message": 1000}
_OK = 200


@dataclass(frozen=True, slots=True)
class Provider:
    """The relay as it is set up, and where the service is. ``limit``: seconds for the webhook."""

    service_url: str
    secret: str = field(default="demo-consult-path-secret-0123456789abcdef", repr=False)
    client_id: str = "demo-client"
    client_secret: str = field(default="demo-client-secret", repr=False)
    sender_key: str = "d" * 40
    limit: float = 5.0


def build(settings: Mapping[str, str], own_url: str) -> Built:  # noqa: ARG001  every simulator is built alike
    """The relay for a service with these settings (``public``, ``GYEOT_HAPPYTALK_…``)."""
    names = {
        "secret": "GYEOT_HAPPYTALK_WEBHOOK_SECRET",
        "client_id": "GYEOT_HAPPYTALK_CLIENT_ID",
        "client_secret": "GYEOT_HAPPYTALK_CLIENT_SECRET",
        "sender_key": "GYEOT_HAPPYTALK_SENDER_KEY",
    }
    known: dict[str, Any] = {**given(settings, names)}
    relay = Relay(Provider(public(settings), **known))
    return Built(app(relay), relay.stage, relay.deeds)


class Relay:
    """One visitor of one channel."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.stage = Stage("카카오톡 상담톡 (모의)", self._typed)
        self.session: str | None = None
        self.blocked = False
        self.key = secrets.token_hex(6)
        self._serials: set[str] = set()
        self._ids = itertools.count(time.time_ns())
        self._last: dict[str, Any] | None = None

    @property
    def deeds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What else a visitor can do."""
        return {
            "photo": lambda: self._send("image", "", image=PHOTO),
            "again": self._again,
            "end": lambda: self._end("상담을 끝냈어요"),
            "block": lambda: self._end("채널을 차단했어요", blocked=True),
        }

    async def write(self, body: Mapping[str, Any]) -> str | None:
        """Show a message; or say the name of an exception."""
        checks = {
            "InvalidSenderException": body.get("sender_key") != self.provider.sender_key,
            "InvalidParameterException": body.get("message_type") != "TX"
            or any(not 0 < len(str(body.get(name) or "")) <= most for name, most in _LONGEST.items()),
            "DuplicatedSerialNumberException": body.get("serial_number") in self._serials,
            "BlockedUserException": self.blocked,
            "NoSessionException": self.session is None or body.get("user_key") != self.key,
        }
        trouble = next((name for name, true in checks.items() if true), None)
        if trouble is None:
            self._serials.add(body["serial_number"])
            await self.stage.show("gyeot", body["message"])
        return trouble

    async def _typed(self, text: str) -> None:
        await self._send("text", text)

    async def _send(self, kind: str, content: str, **more: Any) -> None:
        self.blocked = False
        self.session = self.session or secrets.token_hex(6)
        self._last = {
            "uuid": self.key,
            "room_id": self.session,
            "type": kind,
            "msgid": str(next(self._ids)),
            "content": content,
            "auto_end": "N",
            **more,
        }
        await self._deliver("message", self._last)

    async def _again(self) -> None:
        """The last message once more, with the same ``msgid``."""
        if self._last is not None:
            await self._deliver("message", self._last)

    async def _end(self, said: str, *, blocked: bool = False) -> None:
        ended, self.session, self.blocked = self.session, None, blocked
        await self.stage.show("provider", f"({said})")
        now = int(time.time() * 1000)
        await self._deliver("expired_session", {"user_key": self.key, "session_id": ended, "time": now})

    async def _deliver(self, what: str, body: Mapping[str, Any]) -> None:
        url = f"{self.provider.service_url}/hooks/kakao/consult/{self.provider.secret}/{what}"
        try:
            status, _ = await post(url, {}, body, self.provider.limit)
        except (TimeoutError, aiohttp.ClientError, OSError):
            status = 0
        if status != _OK:
            await self.stage.show("provider", NOT_TAKEN)


def app(relay: Relay) -> FastAPI:
    """The phone and ``chat/write``."""
    built = application("상담톡")
    built.include_router(page(relay.stage, relay.deeds))

    @built.post("/v1/chat/write")
    async def write(request: Request) -> JSONResponse:
        shown = (request.headers.get("HT-Client-Id"), request.headers.get("HT-Client-Secret"))
        if shown != (relay.provider.client_id, relay.provider.client_secret):
            return JSONResponse({"code": -401, "message": "InvalidClientException"}, 401)
        body = await request.json()
        trouble = await relay.write(body) if isinstance(body, dict) else "InvalidParameterException"
        return JSONResponse({"code": -501, "message": f"{trouble}()"} if trouble else {"code": 0})

    return built
