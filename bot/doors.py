"""Both applications' doors: headers, limits, errors, and no telemetry of any kind.

Starlette and FastAPI never see a body over the limit; errors never repeat what was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handoff.errors import StoreBusy

BODY_LIMIT = 64 * 1024
HOOKS = "/hooks/"
HOOKS_LIMIT = 256 * 1024
"""What a provider may bring: a long Telegram update with its escapes is over 64 KiB, and repeated all day."""

TOO_LARGE = 413
MOST_THROWN_AWAY = 16 * 1024 * 1024
REFUSED_ENDS_WITHIN = 5.0
COME_AGAIN = 5
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "logs": False,
    "metrics": False,
    "operation_spans": False,
    "auto_configure": False,
}
PUBLIC_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CONSOLE_CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

_log = structlog.get_logger("bot.doors")


def door(title: str, csp: str, secure: bool) -> FastAPI:
    """An application with its headers, its limits and its errors, and nothing else."""
    app = _Door(
        title=title,
        telemetry=NO_TELEMETRY,
        max_body_size=BODY_LIMIT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(StoreBusy, _busy)
    app.add_exception_handler(Exception, _broken)
    app.worn = _headers(csp, secure)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "up"}

    return app


class _Door(FastAPI):
    """An application whose every response wears the headers, also what breaks outside all routes."""

    worn: Mapping[str, str]

    def build_middleware_stack(self) -> ASGIApp:
        """Starlette's own stack, with the headers around it."""
        return Headers(super().build_middleware_stack(), self.worn)


class Headers:
    """Adds the security headers to every response. Pure ASGI: streams pass through untouched."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = [(key.lower().encode(), value.encode()) for key, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        body = _Body(receive)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == TOO_LARGE:
                    await body.let_it_end()
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        limit = HOOKS_LIMIT if scope["path"].startswith(HOOKS) else BODY_LIMIT
        if _told_length(scope) > limit:  # what does not tell is counted further in
            await JSONResponse({"error": "too_large"}, TOO_LARGE)(scope, body.receive, with_headers)
            return
        with contextlib.suppress(Exception):  # `_broken` logged it; a server would print its words
            await self._app(scope, body.receive, with_headers)


class _Body:
    """A request's body on its way in."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def receive(self) -> Message:
        """The next piece."""
        message = await self._receive()
        self._more = message.get("more_body", False)
        return message

    async def let_it_end(self) -> None:
        """Read on for a while and keep nothing: whoever is cut off while sending never reads the refusal."""
        thrown_away = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFUSED_ENDS_WITHIN):
                while self._more and thrown_away < MOST_THROWN_AWAY:
                    thrown_away += len((await self.receive()).get("body", b""))


def _told_length(scope: Scope) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"0")
    return int(told) if told.isdigit() else 0


def _headers(csp: str, secure: bool) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": csp,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
        "Cache-Control": "no-store",  # what is cached on a watched phone is a trace
        "X-Robots-Tag": "noindex, nofollow, noarchive",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


async def _malformed(_request: Request, error: Exception) -> Response:
    """Say which field is wrong and how, never what it held."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    if any(p["loc"][0] == "path" for p in problems):
        return JSONResponse({"error": "not_found"}, 404)
    fields = [{"field": _field(p["loc"], p["type"]), "problem": p["type"]} for p in problems]
    too_long = any(p["type"] == "string_too_long" for p in problems)
    body: dict[str, Any] = {"error": "too_long" if too_long else "malformed", "fields": fields}
    return JSONResponse(body, 413 if too_long else 422)


def _field(place: tuple[int | str, ...], problem: str) -> str:
    """Where the problem is. The name of a field that we do not know is somebody else's word."""
    known = place[1:-1] if problem == "extra_forbidden" else place[1:]
    return ".".join(str(part) for part in known)


async def _busy(_request: Request, _error: Exception) -> Response:
    """The database does not answer now; nothing was changed."""
    return JSONResponse({"error": "busy"}, 503, {"Retry-After": str(COME_AGAIN)})


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        return await _broken(_request, error)
    known = isinstance(error, HTTPException) and isinstance(error.detail, dict)
    body = error.detail if known else {"error": _CODES.get(error.status_code, "refused")}
    return Response(
        json.dumps(body, ensure_ascii=False),
        error.status_code,
        headers=dict(error.headers or {}),
        media_type="application/json",
    )


async def _broken(request: Request, error: Exception) -> Response:
    """Our own fault: the kind of error is logged, without its words and without the path's parameters."""
    route = request.scope.get("route")
    _log.error("door.broken", error=type(error).__name__, route=getattr(route, "path", "?"))
    return JSONResponse({"error": "broken"}, 500)


_CODES = {404: "not_found", 405: "not_allowed", 413: "too_large", 422: "malformed", 400: "malformed"}
