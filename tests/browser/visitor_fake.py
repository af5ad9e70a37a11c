"""A small server with the visitor's HTTP interface, for the page's own tests: no bot, no store."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from channels.page.render import CONTENT_POLICY, STATIC, Page

GUIDANCE = Path(__file__).parents[2] / "bot" / "guidance"
CODE = "바다 연필 구름 사과 기차 달빛"
COOKIE = "page"
Reply = dict[str, Any]


@cache
def texts() -> dict[str, dict[str, str]]:
    """The page's sentences with directory references resolved."""
    lines = yaml.safe_load((GUIDANCE / "directory.yaml").read_text(encoding="utf-8"))["directory"]
    numbers = {line["id"]: line["number"] for line in lines if "number" in line}
    page = yaml.safe_load((GUIDANCE / "page.yaml").read_text(encoding="utf-8"))["page"]
    return {
        key: {
            lang: re.sub(r"\{dir:(\w+)\}", lambda found: numbers[found[1]], said)
            for lang, said in text.items()
        }
        for key, text in page.items()
    }


@dataclass
class Talk:
    """One conversation as the fake keeps it."""

    entries: list[Reply] = field(default_factory=list)
    state: Reply = field(default_factory=lambda: {"phase": "with_bot", "ahead": None, "minutes": None})
    answered: dict[str, Reply] = field(default_factory=dict)
    changes: int = 0

    def add(self, who: str, *said: str, quick: tuple[str, ...] = ()) -> int:
        """Add an entry and return its number."""
        seq = len(self.entries) + 1
        offered = [{"say": each, "label": each} for each in quick]
        entry = {"seq": seq, "who": who, "at": "2026-11-22T03:04:05Z", "texts": list(said), "quick": offered}
        self.entries.append(entry)
        return seq

    def ring(self, **state: Any) -> None:
        """Change the state and tell the open streams."""
        self.state |= state
        self.changes += 1


class Fake:
    """The server's memory, and the knobs that tests turn."""

    def __init__(self) -> None:
        self.talks: dict[str, Talk] = {}
        self.posted: list[Reply] = []
        self.acknowledged: list[int] = []
        self.refusals: list[tuple[int, Reply]] = []
        self.lose_answers = 0
        self.slow = 0.0
        self.leaves: list[dict[str, str]] = []
        self.streams = True
        self.asked: list[str] = []
        self.answers: Iterator[tuple[tuple[str, ...], tuple[str, ...]]] = (
            ((f"대답 {number}",), ("네", "아니요")) for number in itertools.count(1)
        )

    @property
    def talk(self) -> Talk:
        """The only conversation there is."""
        [talk] = self.talks.values()
        return talk

    def said(self) -> list[str]:
        """What visitors wrote, as it was kept."""
        return [text for each in self.talk.entries if each["who"] == "visitor" for text in each["texts"]]


def application(fake: Fake, page: Page) -> FastAPI:
    """The visitor's interface over `fake`."""
    app = FastAPI(openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        fake.asked.append(f"{request.method} {request.url.path}")
        if request.method == "POST" and request.headers.get("X-Gyeot") != "1":
            return JSONResponse({"error": "forbidden"}, 403)
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/")
    async def chat(lang: str = "ko") -> Response:
        return HTMLResponse(page.chat(lang))

    @app.get("/kept")
    async def kept(lang: str = "ko") -> Response:
        return HTMLResponse(page.kept(lang))

    @app.get("/elsewhere")
    async def elsewhere() -> Response:
        return HTMLResponse("<!doctype html><title>날씨</title><p>맑음</p>")

    _talking(app, fake)
    _returning(app, fake)
    return app


def _talking(app: FastAPI, fake: Fake) -> None:
    @app.post("/api/messages")
    async def messages(request: Request) -> Response:
        body = await request.json()
        fake.posted.append(body)
        await asyncio.sleep(fake.slow)
        if fake.refusals:
            status, answer = fake.refusals.pop(0)
            return JSONResponse(answer, status, headers={"Retry-After": "1"} if status == 503 else None)
        key = request.cookies.get(COOKIE, "")
        if key not in fake.talks:
            key = f"session-{len(fake.talks)}"
        talk = fake.talks.setdefault(key, Talk())
        if body["id"] not in talk.answered:
            seq = talk.add("visitor", body["text"])
            said, quick = next(fake.answers)
            if talk.state["phase"] != "claimed":
                talk.add("bot", *said, quick=quick)
            talk.answered[body["id"]] = {"seq": seq}
        if fake.lose_answers:
            fake.lose_answers -= 1
            return Response(status_code=502)
        response = JSONResponse({**talk.answered[body["id"]], **_since(talk, body["seen"])})
        response.set_cookie(COOKIE, key, httponly=True, samesite="strict")
        return response

    @app.get("/api/thread")
    async def thread(request: Request, after: int) -> Response:
        talk = fake.talks.get(request.cookies.get(COOKIE, ""))
        if talk is None:
            return JSONResponse({"entries": [], "state": {"phase": "none", "ahead": None, "minutes": None}})
        fake.acknowledged.append(after)
        return JSONResponse(_since(talk, after))

    @app.get("/api/events")
    async def events(request: Request) -> Response:
        talk = fake.talks.get(request.cookies.get(COOKIE, ""))
        if talk is None or not fake.streams:
            return JSONResponse({"error": "no_session"}, 401)
        return StreamingResponse(_changes(fake, talk), media_type="text/event-stream")


def _returning(app: FastAPI, fake: Fake) -> None:
    @app.post("/api/recovery")
    async def recovery() -> Response:
        return JSONResponse({"code": CODE})

    @app.post("/api/recover")
    async def recover(request: Request) -> Response:
        if (await request.json())["code"] != CODE:
            return JSONResponse({"error": "unknown"}, 404)
        talk = fake.talks.setdefault("found", Talk())
        talk.entries = [
            {
                "seq": 9,
                "who": "counselor",
                "at": "2026-11-22T03:04:05Z",
                "texts": ["다시 왔네요"],
                "quick": [],
            }
        ]
        response = JSONResponse({"entries": talk.entries, "state": talk.state})
        response.set_cookie(COOKIE, "found", httponly=True, samesite="strict")
        return response

    @app.post("/api/leave")
    async def leave(request: Request) -> Response:
        fake.leaves.append(dict(request.headers))
        fake.talks.pop(request.cookies.get(COOKIE, ""), None)
        response = Response(status_code=204)
        response.delete_cookie(COOKIE)
        return response


def _since(talk: Talk, after: int) -> Reply:
    return {"entries": [each for each in talk.entries if each["seq"] > after], "state": talk.state}


async def _changes(fake: Fake, talk: Talk) -> AsyncIterator[str]:
    yield "retry: 200\n\n"
    told = talk.changes
    while fake.streams and talk in fake.talks.values():
        if talk.changes != told:
            told = talk.changes
            yield f'event: changed\ndata: {{"seq": {len(talk.entries)}}}\n\n'
        await asyncio.sleep(0.03)


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """Serve on a free port of this machine, in a thread; gives the address.

    The quick exit leads to the same server under its other name, which is another site to a browser.
    """
    config = uvicorn.Config(
        "unused",
        port=0,
        log_level="error",
        ws="none",
        loop="asyncio",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    listener = config.bind_socket()
    port = listener.getsockname()[1]
    config.app = application(fake, Page(texts(), f"http://localhost:{port}/elsewhere"))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        fake.streams = False
        server.should_exit = True
        thread.join(timeout=5)
