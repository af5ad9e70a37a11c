"""Step 1 of a message: find the channel, hand it the raw bytes, and turn its refusals into HTTP.

A channel that is not configured does not exist (404). What cannot be verified is refused before anything is
read from it, and a refused request changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from channels.errors import Forged, Malformed, Throttled
from channels.port import Busy

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A provider's request as it came. ``url`` is the address the provider used; header names are lower case.

    ``rest`` is what follows the channel's name in the path, without a slash at either end.
    """

    url: str = field(repr=False)
    rest: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider is told."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    media_type: str | None = None


class Hook(Protocol):
    """The receiving half of a channel."""

    async def take(self, call: Call) -> Reply:
        """Verify on the raw bytes, parse, hand over, answer. Raises ``Forged``, ``Malformed`` or ``Busy``."""


def router(hooks: Mapping[str, Hook], public_url: str) -> APIRouter:
    """``POST /hooks/<name>[/<rest>]`` for each hook. ``public_url``: how providers reach this service."""
    routes = APIRouter(prefix="/hooks")

    async def take(request: Request, name: str, rest: str = "") -> Response:
        hook = hooks.get(name)
        if hook is None:
            return _said("not_found", 404)
        call = Call(
            _public(request, public_url), rest.strip("/"), dict(request.headers), await request.body()
        )
        try:
            reply = await hook.take(call)
        except Forged:
            return _said("refused", 403)
        except Malformed:
            return _said("malformed", 400)
        except Throttled as error:
            return _said("too_many", 429, round(error.seconds) or 1)
        except Busy as error:
            return _said("busy", 503, error.seconds)
        return Response(reply.body, reply.status, media_type=reply.media_type)

    routes.add_api_route("/{name}", take, methods=["POST"])
    routes.add_api_route("/{name}/{rest:path}", take, methods=["POST"])
    return routes


def _public(request: Request, public_url: str) -> str:
    """The address as the provider wrote it: signatures cover it, and behind a proxy ours differs."""
    query = request.url.query
    base = public_url.rstrip("/") if public_url else f"{request.url.scheme}://{request.url.netloc}"
    return f"{base}{request.scope['raw_path'].decode('ascii')}" + (f"?{query}" if query else "")


def _said(error: str, status: int, come_again: int | None = None) -> Response:
    headers = {"Retry-After": str(come_again)} if come_again is not None else None
    return JSONResponse({"error": error}, status, headers)
