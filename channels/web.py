"""The web chat: the visitor's page and its API. The reference channel.

A visitor is known by a cookie that holds 256 random bits and lives as long as the browser does.
"""

import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Cookie, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from channels.pace import Pace
from channels.port import (
    TEXT_LIMIT,
    Busy,
    InboundMessage,
    Line,
    Reception,
    Recovery,
    Standing,
    UnknownSession,
    View,
)

CHANNEL = "web"
NOBODY = Standing("none")
_OURS = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits as `secrets.token_urlsafe` writes them


class Pages(Protocol):
    """The visitor's pages in a language."""

    def chat(self, lang: str) -> str: ...
    def kept(self, lang: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Paces:
    """How fast one session may send, one address may begin conversations, and one may try codes.

    Addresses are hashed with a salt of this process and live in memory only.
    """

    messages: Pace
    beginnings: Pace
    codes: Pace
    salt: bytes = field(repr=False)

    def address(self, request: Request) -> str:
        """The sender's address, unrecognisable outside this process."""
        host = request.client.host if request.client else ""
        return hashlib.blake2b(host.encode(), key=self.salt, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Web:
    """What the web channel is made of. ``secure``: the cookie is only sent over TLS."""

    reception: Reception
    recovery: Recovery
    pages: Pages
    paces: Paces
    secure: bool

    @property
    def cookie(self) -> str:
        """The cookie's name: with TLS bound to this very host (RFC 6265bis, section 4.1.3.2)."""
        return "__Host-gyeot" if self.secure else "gyeot"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Message(_Strict):
    """What the page sends."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{32,36}$")]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT)]
    lang: Literal["ko", "en"] = "ko"
    seen: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class Code(_Strict):
    """A recovery code as somebody typed it."""

    code: Annotated[str, StringConstraints(min_length=6, max_length=200)]


class Language(_Strict):
    """The language of the words of a new code."""

    lang: Literal["ko", "en"] = "ko"


def from_our_page(request: Request) -> None:
    """Refuse what another site sent: it can set neither this header nor a same-origin fetch."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if request.headers.get("x-gyeot") != "1" or site not in {"same-origin", "none"}:
        raise HTTPException(403, {"error": "not_from_page"})


def lang_of(request: Request) -> str:
    """``?lang=`` or else the browser's first language; Korean when unknown."""
    wished = request.query_params.get("lang") or request.headers.get("accept-language", "ko")
    return "en" if wished.lower().startswith("en") else "ko"


def router(web: Web) -> APIRouter:
    """The routes of the page and its API."""
    routes = APIRouter()
    _add_pages(routes, web)
    _add_talk(routes, web)
    _add_return(routes, web)
    return routes


def _add_pages(routes: APIRouter, web: Web) -> None:
    @routes.get("/", response_class=HTMLResponse)
    async def chat(request: Request) -> str:
        return web.pages.chat(lang_of(request))

    @routes.get("/kept", response_class=HTMLResponse)
    async def kept(request: Request) -> str:
        return web.pages.kept(lang_of(request))


def _add_talk(routes: APIRouter, web: Web) -> None:
    token_of = _session(web)

    @routes.post("/api/messages", dependencies=[Depends(from_our_page)])
    async def say(
        message: Message, request: Request, token: Annotated[str | None, Depends(token_of)]
    ) -> Response:
        known, paces = token, web.paces
        _slow_down(paces.messages.wait(token) if token else paces.beginnings.wait(paces.address(request)))
        try:
            view, token = await _say(web, message, token)
        except Busy as busy:
            raise _busy(busy) from None
        response = JSONResponse(view_json(view))
        if token != known:
            _remember(web, response, token)
        return response

    @routes.get("/api/thread")
    async def thread(
        token: Annotated[str | None, Depends(token_of)], after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    ) -> dict[str, Any]:
        view = await web.reception.thread(token, after) if token else None
        return view_json(view or View((), NOBODY))

    @routes.get("/api/events", response_class=EventSourceResponse)
    async def events(token: Annotated[str | None, Depends(token_of)]) -> AsyncIterator[ServerSentEvent]:
        if token is None:
            return
        async with web.reception.changes(token) as changes:
            if changes is None:
                return
            yield ServerSentEvent(event="changed", data={"seq": 0}, retry=2000)
            while await changes.next():
                yield ServerSentEvent(event="changed", data={"seq": 0})


def _add_return(routes: APIRouter, web: Web) -> None:
    token_of = _session(web)

    @routes.post("/api/recovery", dependencies=[Depends(from_our_page)])
    async def new_code(
        token: Annotated[str | None, Depends(token_of)], wish: Language | None = None
    ) -> dict[str, str]:
        code = await web.recovery.new_code(token, wish.lang if wish else "ko") if token else None
        if code is None:
            raise HTTPException(404, {"error": "no_session"})
        return {"code": code}

    @routes.post("/api/recover", dependencies=[Depends(from_our_page)])
    async def recover(code: Code, request: Request) -> Response:
        _slow_down(web.paces.codes.wait(web.paces.address(request)))
        token = secrets.token_urlsafe(32)
        view = await web.recovery.enter(code.code, token)
        if view is None:
            raise HTTPException(404, {"error": "wrong_code"})
        response = JSONResponse(view_json(view))
        _remember(web, response, token)
        return response

    @routes.post("/api/leave", dependencies=[Depends(from_our_page)], status_code=204)
    async def leave(token: Annotated[str | None, Depends(token_of)]) -> Response:
        if token:
            await web.recovery.leave(token)
        response = Response(status_code=204, headers={"Clear-Site-Data": '"cache", "cookies", "storage"'})
        response.delete_cookie(web.cookie, path="/", secure=web.secure, httponly=True, samesite="strict")
        return response


async def _say(web: Web, message: Message, token: str | None) -> tuple[View, str]:
    """Say it in this session, or in a fresh one: a cookie that we did not give begins nothing."""
    if token is not None:
        try:
            return await web.reception.say(_inbound(message, token, opens=False), message.seen), token
        except UnknownSession:
            pass
    token = secrets.token_urlsafe(32)
    return await web.reception.say(_inbound(message, token, opens=True), 0), token


def _inbound(message: Message, token: str, *, opens: bool) -> InboundMessage:
    return InboundMessage(
        CHANNEL, message.id.lower(), token, message.text, message.lang, token=True, opens=opens
    )


def _session(web: Web) -> Callable[[str | None], str | None]:
    def token_of(token: Annotated[str | None, Cookie(alias=web.cookie)] = None) -> str | None:
        return token if token and _OURS.fullmatch(token) else None

    return token_of


def _remember(web: Web, response: Response, token: str) -> None:
    response.set_cookie(web.cookie, token, path="/", secure=web.secure, httponly=True, samesite="strict")


def _slow_down(wait: float) -> None:
    if wait:
        raise HTTPException(429, {"error": "too_fast"}, {"Retry-After": str(int(wait) + 1)})


def _busy(busy: Busy) -> HTTPException:
    return HTTPException(503, {"error": "busy"}, {"Retry-After": str(busy.seconds)})


def view_json(view: View) -> dict[str, Any]:
    """The wire form of what a visitor sees."""
    standing = view.standing
    state = {"phase": standing.phase, "ahead": standing.ahead, "minutes": standing.minutes}
    body: dict[str, Any] = {"entries": [_line_json(line) for line in view.lines], "state": state}
    if view.seq is not None:
        body["seq"] = view.seq
    return body


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "who": line.who,
        "at": line.at.isoformat(timespec="seconds"),
        "texts": line.texts,
        "quick": [{"say": reply.say, "label": reply.label} for reply in line.quick],
    }
