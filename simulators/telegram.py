"""Telegram's Bot API with one visitor in it (core.telegram.org/bots/api).

Updates go to the webhook with its secret header, one after the other, with growing pauses until they are
answered 2xx, for a day; or they wait for ``getUpdates``. Calls are checked as Telegram checks them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from simulators.stage import Built, application, page
from simulators.telegram_box import A_DAY, Box, Update, Wrong
from simulators.telegram_calls import Calls
from simulators.telegram_visitor import Visitor

DEMO_TOKEN = "7000000001:simulator-token-for-showing-only-000"  # noqa: S105  opens nothing
HEADER = "X-Telegram-Bot-Api-Secret-Token"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
ANSWERS_WITHIN = 60.0
LONGEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class Provider:
    """``service_url``: the webhook before ``setWebhook`` names one; empty: updates wait.

    ``pause``: seconds until a failed delivery is tried for the second time.
    """

    token: str = field(default=DEMO_TOKEN, repr=False)
    service_url: str = ""
    secret: str = field(default="", repr=False)
    pause: float = FIRST_PAUSE
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Telegram:
    """The simulator's parts, for tests that look inside."""

    box: Box
    visitor: Visitor
    calls: Calls
    app: FastAPI


def simulate(provider: Provider) -> Telegram:
    """A whole Bot API for one bot and one visitor."""
    box = Box(provider.token, provider.clock)
    box.webhook, box.secret = provider.service_url, provider.secret
    visitor = Visitor(box)
    made = Telegram(box, visitor, Calls(box, visitor), application(visitor.stage.title))
    made.app.router.lifespan_context = _postman(box, provider)
    made.app.include_router(page(visitor.stage, visitor.deeds))
    _add_methods(made.app, made.calls)
    return made


def app(provider: Provider) -> FastAPI:
    """The application alone."""
    return simulate(provider).app


def build(settings: Mapping[str, str], own_url: str) -> Built:  # noqa: ARG001  what all simulators are given
    """The simulator for a service with these settings, whose ``GYEOT_TELEGRAM_API_URL`` is ``own_url``."""
    public = settings.get("public", "").rstrip("/")
    polled = settings.get("GYEOT_TELEGRAM_MODE") == "polling"
    made = simulate(
        Provider(
            token=settings.get("GYEOT_TELEGRAM_TOKEN") or DEMO_TOKEN,
            service_url="" if polled or not public else f"{public}/hooks/telegram",
            secret=settings.get("GYEOT_TELEGRAM_SECRET", ""),
        )
    )
    return Built(made.app, made.visitor.stage, made.visitor.deeds)


def _add_methods(app: FastAPI, calls: Calls) -> None:
    async def call(request: Request, token: str, method: str) -> JSONResponse:
        try:
            result = await _while_there(request, calls.call(token, method, await _given(request)))
        except Wrong as wrong:
            return JSONResponse(wrong.body(), wrong.code)
        except (ValueError, TypeError, AttributeError):
            return JSONResponse(Wrong(400, "Bad Request: can't parse the parameters").body(), 400)
        return JSONResponse({"ok": True, "result": result})

    app.add_api_route("/bot{token}/{method}", call, methods=["GET", "POST"])


async def _while_there(request: Request, work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a call, dropped when the caller hangs up, as a bot that stops does with an open poll."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Wrong(400, "Bad Request: the caller hung up")
        return working.result()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _given(request: Request) -> dict[str, Any]:
    """Parameters from the query, a form or JSON."""
    given: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        given.update(json.loads(body or b"{}"))
    else:
        given.update(parse_qsl(body.decode(), keep_blank_values=True))
    return given


def _postman(box: Box, provider: Provider) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as session:
            postman = asyncio.create_task(_deliver(box, session, provider.pause))
            try:
                yield
            finally:
                postman.cancel()
                await asyncio.gather(postman, return_exceptions=True)

    return lifespan


async def _deliver(box: Box, session: aiohttp.ClientSession, first_pause: float) -> None:
    """Bring the oldest update to the webhook until it is taken or a day old; then the next."""
    pause = first_pause
    while True:
        update = await box.next_for_webhook()
        asked = None if box.clock() - update.at > A_DAY else await _post(box, session, update)
        if asked is None:
            box.forget(update)
            pause = first_pause
            continue
        await asyncio.sleep(min(asked or pause, LONGEST_RETRY_AFTER))
        pause = min(LONGEST_PAUSE, pause * 2)


async def _post(box: Box, session: aiohttp.ClientSession, update: Update) -> float | None:
    """``None`` when it was taken, else how long the service asked to wait (0: it did not say)."""
    headers = {HEADER: box.secret} if box.secret else {}
    limits = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
    try:
        async with session.post(box.webhook, json=update.body, headers=headers, timeout=limits) as answer:
            if answer.ok:
                box.last_error = ""
                return None
            box.last_error = f"Wrong response from the webhook: {answer.status} {answer.reason}"
            asked = answer.headers.get("Retry-After", "0")
            return float(asked) if asked.isdecimal() else 0.0
    except (aiohttp.ClientError, TimeoutError):
        box.last_error = "Connection failed"
        return 0.0
