"""What the visitors' application answers to every kind of bad request, and that none of them loses anything."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.compose import House, public_app
from handoff.conversation import Conversation, Phase
from handoff.errors import StoreBusy
from handoff.store.memory import MemoryStore
from tests.journey.indoors import a_house, desked

FORM = {"X-Gyeot": "1"}
THREAT = "헤어진 남친이 사진 퍼뜨린다고 협박해요"
MARKER = "표식짙은밤73915"

Site = httpx2.AsyncClient


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with a_house() as house:
        yield house


_apps: dict[int, tuple[House, FastAPI]] = {}


def _client(house: House, **headers: str) -> Site:
    """A browser of its own at the house's one door."""
    kept = _apps.get(id(house))
    if kept is None:
        _apps.clear()
        kept = _apps[id(house)] = (house, public_app(house))
    transport = httpx2.ASGITransport(app=kept[1], raise_app_exceptions=False)
    return Site(transport=transport, base_url="http://gyeot.test", headers=FORM | headers)


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    async with _client(house) as site:
        yield site


def message(text: str = THREAT, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "text": text} | more


async def _kept(house: House) -> list[Conversation]:
    async with house.tools.store.read() as tx:
        return list(await tx.conversations.in_phase(list(Phase)))


async def _authors(house: House) -> list[str]:
    async with house.tools.store.read() as tx:
        return [str(entry.author) for value in await _kept(house) for entry in await tx.entries.of(value.id)]


def refused(answer: httpx2.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert MARKER not in answer.text


# ── the message ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_message_is_answered_and_begins_a_session(site: Site, house: House) -> None:
    answer = await site.post("/api/messages", json=message())
    assert answer.status_code == 200
    body = answer.json()
    assert body["seq"] == 1
    assert [(entry["seq"], entry["who"]) for entry in body["entries"]] == [(2, "bot")]
    assert body["state"]["phase"] == "waiting"
    cookie = answer.headers["set-cookie"]
    assert re.match(r"gyeot=[\w-]{43}; HttpOnly; Path=/; SameSite=strict$", cookie)
    assert await _authors(house) == ["visitor", "bot"]


async def test_behind_tls_the_cookie_is_bound_to_this_host() -> None:
    async with a_house(secure_cookies=True) as house, _client(house) as site:
        answer = await site.post("/api/messages", json=message())
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-gyeot=")
    assert cookie.endswith("; Secure")
    assert "Domain" not in cookie
    assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe{",
        b'{"id": NaN}',
        b'{"text": "' + MARKER.encode() + b'"',
        b'{"id": "' + b"a" * 32 + b'", "text": "\xff\xff"}',
        b'{"id": "' + b"a" * 32 + b'", "text": "\\ud800 ' + MARKER.encode() + b'"}',
        b"[" * 5000,
    ],
    ids=range(11),
)
async def test_broken_json_is_malformed(site: Site, house: House, body: bytes) -> None:
    answer = await site.post("/api/messages", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    refused(answer, answer.status_code, "malformed")
    assert await _kept(house) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"id": None},
        {"id": MARKER},
        {"id": "a" * 31},
        {"id": "a" * 37},
        {"id": "g" * 32},
        {"id": "a" * 32 + "\n"},
        {"text": 7},
        {"text": None},
        {"text": [MARKER]},
        {"text": {"text": MARKER}},
        {"text": ""},
        {"text": " \n\t "},
        {"lang": "fr"},
        {"lang": 1},
        {"lang": MARKER},
        {"seen": "1"},
        {"seen": -1},
        {"seen": 1.5},
        {"seen": True},
        {"seen": 2**31},
        {"seen": 10**400},
        {"more": MARKER},
        {MARKER: 1},
    ],
    ids=str,
)
async def test_wrong_types_and_unknown_fields_are_malformed(
    site: Site, house: House, wrong: dict[str, Any]
) -> None:
    refused(await site.post("/api/messages", json=message() | wrong), 422, "malformed")
    assert await _kept(house) == []


@pytest.mark.parametrize("gone", ["id", "text"])
async def test_missing_fields_are_named(site: Site, gone: str) -> None:
    body = message()
    del body[gone]
    answer = await site.post("/api/messages", json=body)
    refused(answer, 422, "malformed")
    assert answer.json()["fields"] == [{"field": gone, "problem": "missing"}]


async def test_only_json_is_read(site: Site, house: House) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        body = json.dumps(message()).encode()
        answer = await site.post("/api/messages", content=body, headers={"Content-Type": kind})
        refused(answer, 422, "malformed")
    assert await _kept(house) == []


async def test_length_is_counted_in_characters(site: Site) -> None:
    fits = await site.post("/api/messages", json=message("🙏" * 2000))
    assert fits.status_code == 200
    refused(await site.post("/api/messages", json=message("가" * 2001)), 413, "too_long")


async def test_ten_megabytes_are_refused_whether_or_not_the_length_is_told(site: Site, house: House) -> None:
    body = json.dumps(message(MARKER * 700_000)).encode()
    assert len(body) > 10_000_000
    refused(await site.post("/api/messages", content=body), 413, "too_large")

    async def dripped() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    answer = await site.post("/api/messages", content=dripped(), headers={"Content-Type": "application/json"})
    refused(answer, 413, "too_large")
    assert await _kept(house) == []


# ── the same again, and at once ──────────────────────────────────────────────────────────────────────────


async def test_the_same_id_again_gives_the_same_answer_and_one_entry(site: Site, house: House) -> None:
    sent = message()
    first = await site.post("/api/messages", json=sent)
    for id in (sent["id"], sent["id"].upper()):
        again = await site.post("/api/messages", json=sent | {"id": id})
        assert again.status_code == 200
        assert again.json()["seq"] == first.json()["seq"]
        assert _said(again) == _said(first)
    assert await _authors(house) == ["visitor", "bot"]


def _said(answer: httpx2.Response) -> list[dict[str, Any]]:
    return [entry for entry in answer.json()["entries"] if entry["who"] == "bot"]


async def test_a_first_message_whose_answer_got_lost_leads_the_new_session_to_its_answer(
    house: House,
) -> None:
    """The page never got the cookie. It sends the same id again, and is given another."""
    sent = message()
    async with _client(house) as lost:
        first = await lost.post("/api/messages", json=sent)
    async with _client(house) as site:
        again = await site.post("/api/messages", json=sent)
        assert _said(again) == _said(first)
        assert (await site.get("/api/thread")).json()["state"]["phase"] == "waiting"
    assert await _authors(house) == ["visitor", "bot"]


async def test_the_same_id_at_once_is_one_entry(site: Site, house: House) -> None:
    await site.post("/api/messages", json=message())
    sent = message("다음 줄이에요")
    answers = await asyncio.gather(*(site.post("/api/messages", json=sent) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["seq"] for answer in answers} == {3}
    assert (await _authors(house)).count("visitor") == 2


async def test_two_tabs_of_one_visitor_write_into_one_thread(site: Site, house: House) -> None:
    await site.post("/api/messages", json=message())
    lines = [f"{number}번째 줄" for number in range(12)]
    answers = await asyncio.gather(*(site.post("/api/messages", json=message(line)) for line in lines))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["seq"] for answer in answers}) == 12
    assert len(await _kept(house)) == 1
    thread = (await site.get("/api/thread")).json()["entries"]
    assert [entry["texts"][0] for entry in thread if entry["who"] == "visitor"][1:] != []
    assert {entry["texts"][0] for entry in thread if entry["who"] == "visitor"} == {THREAT, *lines}
    assert [entry["seq"] for entry in thread] == sorted(entry["seq"] for entry in thread)


async def test_too_fast_is_told_when_to_come_back_and_nothing_is_lost() -> None:
    async with a_house(messages_per_minute=4) as house, _client(house) as site:
        sent = [message(f"줄 {number}") for number in range(5)]
        answers = [await site.post("/api/messages", json=each) for each in sent]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        refused(answers[-1], 429, "too_fast")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert (await _authors(house)).count("visitor") == 3


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_session_there_is_nothing_to_see(site: Site) -> None:
    assert (await site.get("/api/thread")).json() == {
        "entries": [],
        "state": {"phase": "none", "ahead": None, "minutes": None},
    }
    refused(await site.post("/api/recovery", json={}), 404, "no_session")
    assert (await site.post("/api/leave")).status_code == 204


@pytest.mark.parametrize(
    "token", ["", "x", "../../etc", "a" * 42, "a" * 43, "a" * 128, "a" * 129, "a" * 4000]
)
async def test_an_unknown_cookie_sees_nothing_and_can_begin_anew(house: House, token: str) -> None:
    async with _client(house, Cookie=f"gyeot={token}") as site:
        assert (await site.get("/api/thread")).json()["state"]["phase"] == "none"
        answer = await site.post("/api/messages", json=message())
        assert answer.status_code == 200
        assert len(_said(answer)) == 1
        given = answer.cookies["gyeot"]
    assert given != token
    async with _client(house, Cookie=f"gyeot={token}") as planter:  # who planted the cookie reads nothing
        assert (await planter.get("/api/thread")).json()["state"]["phase"] == "none"
    assert await _authors(house) == ["visitor", "bot"]


async def test_leaving_ends_the_session_and_clears_the_browser(site: Site, house: House) -> None:
    await site.post("/api/messages", json=message())
    token = site.cookies["gyeot"]
    left = await site.post("/api/leave")
    assert left.status_code == 204
    assert left.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert "gyeot" not in site.cookies
    async with _client(house, Cookie=f"gyeot={token}") as old:
        assert (await old.get("/api/thread")).json()["state"]["phase"] == "none"
        refused(await old.post("/api/recovery", json={}), 404, "no_session")


async def test_one_visitor_never_sees_another(house: House) -> None:
    async with _client(house) as one, _client(house) as other:
        await one.post("/api/messages", json=message("나의 글"))
        await other.post("/api/messages", json=message("너의 글"))
        mine = (await one.get("/api/thread")).text
        assert "나의 글" in mine
        assert "너의 글" not in mine


async def test_thread_after_a_number_that_is_none(site: Site) -> None:
    await site.post("/api/messages", json=message())
    for after in ("x", "-1", "1.5", str(2**31), MARKER, "9" * 5000):
        refused(await site.get("/api/thread", params={"after": after}), 422, "malformed")
    assert (await site.get("/api/thread", params={"after": 2**31 - 1})).json()["entries"] == []


# ── not from our page ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/api/messages", "/api/recovery", "/api/recover", "/api/leave"])
@pytest.mark.parametrize(
    "headers",
    [{"X-Gyeot": ""}, {"X-Gyeot": "2"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
    ids=str,
)
async def test_what_another_site_sends_changes_nothing(
    site: Site, house: House, path: str, headers: dict[str, str]
) -> None:
    await site.post("/api/messages", json=message())
    refused(await site.post(path, json=message(MARKER), headers=headers), 403, "not_from_page")
    assert (await site.get("/api/thread")).json()["state"]["phase"] == "waiting"
    assert await _authors(house) == ["visitor", "bot"]


async def test_a_browsers_own_headers_pass(site: Site) -> None:
    for site_header in ("same-origin", "none"):
        answer = await site.post("/api/messages", json=message(), headers={"Sec-Fetch-Site": site_header})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/messages"),
        ("PUT", "/api/messages"),
        ("DELETE", "/api/messages"),
        ("POST", "/api/thread"),
        ("POST", "/api/events"),
        ("GET", "/api/leave"),
        ("GET", "/api/recover"),
        ("POST", "/"),
    ],
)
async def test_wrong_methods(site: Site, method: str, path: str) -> None:
    refused(await site.request(method, path), 405, "not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        f"/{MARKER}",
        "/api/",
        "/docs",
        "/openapi.json",
        "/redoc",
        "/static/../web.py",
        "/static/%2e%2e/port.py",
    ],
)
async def test_unknown_paths(site: Site, path: str) -> None:
    refused(await site.get(path), 404, "not_found")


# ── the way back ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_code_leads_back_and_shows_only_what_was_not_seen(house: House) -> None:
    async with _client(house) as old, _client(house) as new:
        first = (await old.post("/api/messages", json=message("첫 줄"))).json()
        seen = first["entries"][-1]["seq"]
        code = (await old.post("/api/recovery", json={"lang": "ko"})).json()["code"]
        assert len(code.split()) == 6
        later = (await old.post("/api/messages", json=message("둘째 줄", seen=seen))).json()
        typed = f"  {code.upper()} ".replace(" ", "  ")
        answer = await new.post("/api/recover", json={"code": typed})
        assert answer.status_code == 200
        assert answer.json()["entries"] == _said_in(later)
        assert "첫 줄" not in answer.text
        assert "둘째 줄" not in (await new.get("/api/thread")).text
        written = await new.post("/api/messages", json=message("다시 왔어요"))
        assert written.status_code == 200
        assert len(await _kept(house)) == 1


def _said_in(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in body["entries"] if entry["who"] == "bot"]


async def test_a_newer_code_replaces_the_older(house: House) -> None:
    async with _client(house) as old, _client(house) as new:
        await old.post("/api/messages", json=message())
        codes = [(await old.post("/api/recovery")).json()["code"] for _ in range(2)]
        refused(await new.post("/api/recover", json={"code": codes[0]}), 404, "wrong_code")
        assert (await new.post("/api/recover", json={"code": codes[1]})).status_code == 200


async def test_codes_can_be_tried_ten_times_and_then_slowly(house: House) -> None:
    async with _client(house) as old, _client(house) as new:
        await old.post("/api/messages", json=message())
        code = (await old.post("/api/recovery")).json()["code"]
        answers = [await new.post("/api/recover", json={"code": f"{MARKER} {n} c d e f"}) for n in range(9)]
        assert [answer.status_code for answer in answers] == [404] * 9
        assert (await new.post("/api/recover", json={"code": code})).status_code == 200
        refused(await new.post("/api/recover", json={"code": code}), 429, "too_fast")
        assert not [answer for answer in answers if MARKER in answer.text]


@pytest.mark.parametrize("code", ["", "a", "가" * 201, None, 7, ["a"] * 6, "\ud800" * 8], ids=ascii)
async def test_codes_that_cannot_be_one(site: Site, code: Any) -> None:
    body = json.dumps({"code": code}).encode()
    answer = await site.post("/api/recover", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {404, 413, 422}
    assert answer.json()["error"] in {"wrong_code", "malformed", "too_long"}


# ── a house in trouble ───────────────────────────────────────────────────────────────────────────────────


class _BusyStore(MemoryStore):
    busy = False

    def begin(self) -> Any:
        if self.busy:
            raise StoreBusy("the database did not answer")
        return super().begin()

    def read(self) -> Any:
        if self.busy:
            raise StoreBusy("the database did not answer")
        return super().read()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/messages", message()),
        ("GET", "/api/thread", None),
        ("POST", "/api/recovery", {}),
        ("POST", "/api/recover", {"code": "a b c d e f"}),
        ("POST", "/api/leave", {}),
    ],
)
async def test_a_busy_store_says_when_to_come_again(method: str, path: str, body: Any) -> None:
    store = _BusyStore()
    async with a_house(await desked(store)) as house, _client(house) as site:
        assert (await site.post("/api/messages", json=message())).status_code == 200
        store.busy = True
        answer = await site.request(method, path, json=body)
        assert answer.status_code in {429, 503}
        assert answer.json()["error"] == "busy"
        assert int(answer.headers["Retry-After"]) > 0
        store.busy = False
        assert (await site.post("/api/messages", json=message())).status_code == 200


async def test_before_any_staff_there_is_nobody_to_seal_to() -> None:
    async with a_house(MemoryStore()) as house, _client(house) as site:
        answer = await site.post("/api/messages", json=message())
        refused(answer, 503, "busy")
        assert await _kept(house) == []


# ── anything at all ──────────────────────────────────────────────────────────────────────────────────────

_SHORT = st.text(max_size=40)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _SHORT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_SHORT, inner, max_size=4),
    max_leaves=12,
)
_LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text() | st.uuids().map(str) | _JSON,
        "text": st.text() | _JSON,
        "lang": st.sampled_from(["ko", "en", "fr"]) | _JSON,
        "seen": st.integers() | _JSON,
        "code": st.text() | _JSON,
    },
)
_TOKENS = st.text('abcXYZ019_-=/;, "%\\', max_size=140)


class Indoors:
    """A house whose ``repr`` is short: what a property was tried with is printed."""

    def __init__(self, house: House) -> None:
        self.house = house


@pytest.fixture
def indoors(house: House) -> Indoors:
    return Indoors(house)


@given(
    path=st.sampled_from(["/api/messages", "/api/recovery", "/api/recover", "/api/leave"]),
    body=(_JSON | _LIKELY).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=100),
    token=_TOKENS,
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_body_is_ever_our_fault(indoors: Indoors, path: str, body: bytes, token: str) -> None:
    async with _client(indoors.house, Cookie=f"gyeot={token}") as site:
        answer = await site.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer.json()["error"]


@given(text=st.text(min_size=1, max_size=200).filter(lambda text: text.strip()))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_text_comes_back_as_it_was_written(indoors: Indoors, text: str) -> None:
    async with _client(indoors.house) as site:
        answer = await site.post("/api/messages", json=message(text))
        assert answer.status_code == 200
        thread = (await site.get("/api/thread")).json()["entries"]
        assert [said.strip() for said in thread[0]["texts"]] == [text.strip()]


# ── the door ─────────────────────────────────────────────────────────────────────────────────────────────

_WORN = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


async def test_every_answer_wears_the_headers_also_a_refused_and_a_broken_one(house: House) -> None:
    class Broken(Exception):
        pass

    app = public_app(house)

    @app.get("/broken")
    async def broken() -> None:
        raise Broken(MARKER)

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with Site(transport=transport, base_url="http://gyeot.test", headers=FORM) as site:
        answers = {
            200: await site.get("/"),
            404: await site.get("/nowhere"),
            413: await site.post("/api/messages", content=b"x" * 100_000),
            422: await site.post("/api/messages", json={}),
            500: await site.get("/broken"),
        }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert {name: answer.headers.get(name) for name in _WORN} == _WORN
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert MARKER not in answer.text
    refused(answers[500], 500, "broken")
