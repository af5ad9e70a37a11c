from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from channels import web
from channels.pace import Pace
from channels.port import Busy, InboundMessage, Line, QuickReply, Standing, View
from channels.web import Paces, Web, view_json

AT = datetime(2026, 11, 22, 3, 4, 5, 678, tzinfo=UTC)
LINE = Line(2, "bot", AT, ("하나", "둘"), (QuickReply("네", "그래요"),))
VIEW = View((LINE,), Standing("waiting", 2, (5, 10)), 1)
TOKEN = "t" * 43
SAID = {"id": "a" * 32, "text": "도와주세요"}


@dataclass
class House:
    """A scripted house that notes what it was asked."""

    view: View | None = VIEW
    trouble: Exception | None = None
    rings: int = 0
    code: str | None = "하나 둘 셋 넷 다섯 여섯"
    asked: list[Any] = field(default_factory=list)

    async def say(self, message: InboundMessage, seen: int) -> View:
        self.asked.append((message, seen))
        if self.trouble:
            raise self.trouble
        assert self.view is not None
        return self.view

    async def thread(self, token: str, after: int) -> View | None:
        self.asked.append((token, after))
        return self.view

    @asynccontextmanager
    async def changes(self, token: str) -> AsyncIterator[House | None]:
        self.asked.append(token)
        yield self if self.rings else None

    async def next(self) -> bool:
        self.rings -= 1
        return self.rings > 0

    async def new_code(self, token: str, lang: str) -> str | None:
        self.asked.append((token, lang))
        return self.code

    async def enter(self, code: str, token: str) -> View | None:
        self.asked.append((code, token))
        return self.view

    async def leave(self, token: str) -> None:
        self.asked.append(token)


class Pages:
    def chat(self, lang: str) -> str:
        return f"chat {lang}"

    def kept(self, lang: str) -> str:
        return f"kept {lang}"


def _client(house: House, secure: bool = False, token: str | None = None) -> httpx2.AsyncClient:
    def fast() -> Pace:
        return Pace(60, 3, lambda: 0.0)

    app = FastAPI()
    app.include_router(
        web.router(Web(house, house, Pages(), Paces(fast(), fast(), fast(), b"s" * 16), secure))
    )
    headers = {"X-Gyeot": "1"} | ({"Cookie": f"gyeot={token}"} if token else {})
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://x", headers=headers)


@pytest.fixture
def house() -> House:
    return House()


def test_the_wire_form_of_a_view() -> None:
    assert view_json(VIEW) == {
        "entries": [
            {
                "seq": 2,
                "who": "bot",
                "at": "2026-11-22T03:04:05+00:00",
                "texts": ("하나", "둘"),
                "quick": [{"say": "그래요", "label": "네"}],
            }
        ],
        "state": {"phase": "waiting", "ahead": 2, "minutes": (5, 10)},
        "seq": 1,
    }
    assert "seq" not in view_json(View((), Standing("none")))


async def test_a_message_is_handed_on_as_the_channel_knows_it(house: House) -> None:
    async with _client(house, token=TOKEN) as client:
        sent = {"id": "A" * 32, "text": "  도와주세요 \n", "lang": "en", "seen": 7}
        assert (await client.post("/api/messages", json=sent)).status_code == 200
    [(message, seen)] = house.asked
    assert message == InboundMessage("web", "a" * 32, TOKEN, "도와주세요", "en", token=True, opens=False)
    assert seen == 7


async def test_who_has_a_session_gets_no_new_cookie(house: House) -> None:
    async with _client(house, token=TOKEN) as client:
        assert "set-cookie" not in (await client.post("/api/messages", json=SAID)).headers


@pytest.mark.parametrize("token", ["short", "t" * 42, "t" * 42 + "=", "t" * 42 + " ", "t" * 200])
async def test_a_cookie_that_we_did_not_make_is_none(house: House, token: str) -> None:
    """A weak token would seal the thread's key weakly."""
    async with _client(house, token=token) as client:
        answer = await client.post("/api/messages", json=SAID)
    [(message, _)] = house.asked
    assert message.address != token
    assert message.address in answer.headers["set-cookie"]


async def test_busy_is_503_with_a_time_and_sets_no_cookie(house: House) -> None:
    house.trouble = Busy(7)
    async with _client(house) as client:
        answer = await client.post("/api/messages", json=SAID)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_sessions_and_beginnings_are_paced_apart(house: House, token: str | None) -> None:
    async with _client(house, token=token) as client:
        statuses = []
        for _ in range(4):
            if token is None:
                client.cookies.clear()
            statuses.append((await client.post("/api/messages", json=SAID)).status_code)
        assert statuses == [200, 200, 200, 429]
    assert len(house.asked) == 3


def test_an_address_is_unrecognisable_and_steady_within_a_process() -> None:
    def paces(salt: bytes) -> Paces:
        return Paces(*(Pace(1, 1, lambda: 0.0) for _ in range(3)), salt)

    class Asked:
        client = type("Peer", (), {"host": "203.0.113.9"})()

    here, there = paces(b"1" * 16), paces(b"2" * 16)
    assert here.address(Asked()) == here.address(Asked()) != there.address(Asked())  # type: ignore[arg-type]
    assert "203" not in here.address(Asked())  # type: ignore[arg-type]
    assert repr(here.salt) not in repr(here)


@pytest.mark.parametrize(
    ("query", "header", "lang"),
    [
        ({}, "", "ko"),
        ({}, "en-US,en;q=0.9,ko;q=0.8", "en"),
        ({}, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ({}, "fr", "ko"),
        ({"lang": "en"}, "ko", "en"),
        ({"lang": "ko"}, "en", "ko"),
        ({"lang": "xx"}, "en", "ko"),
    ],
)
async def test_the_pages_speak_the_wished_language(
    house: House, query: dict[str, str], header: str, lang: str
) -> None:
    async with _client(house) as client:
        for path, name in (("/", "chat"), ("/kept", "kept")):
            page = await client.get(path, params=query, headers={"Accept-Language": header})
            assert page.text == f"{name} {lang}"
            assert page.headers["content-type"].startswith("text/html")


async def test_events_carry_nothing_but_that_something_changed(house: House) -> None:
    house.rings = 3
    async with _client(house, token=TOKEN) as client:
        answer = await client.get("/api/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: changed") == 3
    assert "retry: 2000" in answer.text
    assert {line for line in answer.text.splitlines() if line.startswith("data")} == {'data: {"seq": 0}'}


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_events_without_a_session_end_at_once(house: House, token: str | None) -> None:
    async with _client(house, token=token) as client:
        assert (await client.get("/api/events")).text == ""


async def test_recovery(house: House) -> None:
    async with _client(house, token=TOKEN) as client:
        assert (await client.post("/api/recovery", json={"lang": "en"})).json() == {"code": house.code}
        assert (await client.post("/api/recovery")).status_code == 200
        entered = await client.post("/api/recover", json={"code": house.code})
    assert house.asked[:2] == [(TOKEN, "en"), (TOKEN, "ko")]
    code, token = house.asked[2]
    assert code == house.code
    assert token != TOKEN, "whoever comes back gets a session of their own"
    assert token in entered.headers["set-cookie"]
    house.view = None
    async with _client(house) as client:
        refused = await client.post("/api/recover", json={"code": "a b c d e f"})
    assert refused.status_code == 404
    assert "set-cookie" not in refused.headers


async def test_leaving_takes_the_cookie_away(house: House) -> None:
    async with _client(house, token=TOKEN) as client:
        left = await client.post("/api/leave")
    assert house.asked == [TOKEN]
    assert left.status_code == 204
    assert "gyeot=" in left.headers["set-cookie"]
    assert "Max-Age=0" in left.headers["set-cookie"]
