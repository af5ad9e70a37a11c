"""One contract for every channel: what each door takes, what it refuses, and what its sender makes of errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.doors import HOOKS_LIMIT
from bot.doorways import open_doorways
from bot.marks import SAYS, SHOWN, Mark
from channels.errors import Blocked, ChannelError, Refused, Throttled, Unreachable, WindowClosed
from channels.port import Parcel, Way
from handoff.conversation import Author
from handoff.errors import StoreBusy
from tests.contract.channel_cases import DOORS, Door, Street, a_street
from tests.contract.channel_requests import MARKER, SETTINGS, Brought
from tests.journey.indoors import a_house

SETTLED_WITHIN = 0.3
"""Seconds after a response in which what was given in it is noted."""


def rows(table: str) -> list[Any]:
    """Every row of this table of every door."""
    return [
        pytest.param(door, row, id=f"{door}: {name}")
        for door in DOORS
        for name, row in getattr(door, table).items()
    ]


@pytest.mark.parametrize("door", DOORS, ids=str)
class TestEveryDoor:
    """What holds at every door, whoever the provider is."""

    @pytest.fixture
    async def street(self, door: Door) -> AsyncIterator[Street]:
        async with a_street(door.sms) as street:
            yield street

    async def test_a_good_request_is_kept_once(self, street: Street, door: Door) -> None:
        answer = await street.bring(door.good("사진을 퍼뜨린대요", 1))
        assert answer.status_code // 100 == 2
        [line] = street.lines(door.author)
        if door.author is Author.VISITOR:
            assert line == ("사진을 퍼뜨린대요",)
        assert street.store._state.inbox == {}, "it was decided"

    async def test_the_same_event_again_changes_nothing(self, street: Street, door: Door) -> None:
        first = await street.bring(door.good("무서워요", 1))
        await asyncio.sleep(SETTLED_WITHIN)
        before = street.kept()
        for _ in range(3):
            again = await street.bring(door.good("무서워요", 1))
            assert again.status_code == first.status_code
        await asyncio.sleep(SETTLED_WITHIN)
        assert street.kept() == before

    async def test_another_event_is_another_entry(self, street: Street, door: Door) -> None:
        for number in (1, 2, 3):
            await street.bring(door.good("네", number))
        assert len(street.lines(door.author)) == 3

    async def test_a_body_over_the_limit_is_not_read(self, street: Street, door: Door) -> None:
        good, before = door.good(), street.kept()
        large = Brought(good.path, good.body + b" " * HOOKS_LIMIT, good.headers, good.query)
        assert (await street.bring(large)).status_code == 413

        async def untold() -> AsyncIterator[bytes]:
            for _ in range(HOOKS_LIMIT // 4096 + 1):
                yield b" " * 4096

        answer = await street.client.post(f"/hooks/{good.path}", content=untold(), headers=good.headers)
        assert answer.status_code == 413
        assert street.kept() == before

    async def test_only_posted_requests_are_taken(self, street: Street, door: Door) -> None:
        good = door.good()
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            answer = await street.client.request(method, f"/hooks/{good.path}", headers=good.headers)
            assert answer.status_code == 405

    async def test_a_busy_house_asks_to_come_again_and_takes_it_then(
        self, street: Street, door: Door, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = street.kept()
        with monkeypatch.context() as patched:
            patched.setattr(street.store, "begin", busy)
            answer = await street.bring(door.good("무서워요", 1))
        if door.words:
            assert answer.status_code == 200
            [output] = answer.json()["template"]["outputs"]
            busy_words = street.house.tools.content.render("kakao.busy", "ko")
            assert output["simpleText"]["text"] == "\n".join(busy_words)
        else:
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
        assert street.kept() == before
        assert (await street.bring(door.good("무서워요", 1))).status_code // 100 == 2
        assert len(street.lines(door.author)) == 1

    async def test_a_picture_is_refused_kindly_and_nothing_of_it_is_kept(
        self, street: Street, door: Door
    ) -> None:
        if door.photo is None:
            pytest.skip("no pictures on the telephone")
        answer = await street.bring(door.photo(1))
        assert answer.status_code // 100 == 2
        content = street.house.tools.content
        [line] = street.lines(Author.VISITOR)
        assert line == tuple(content.render(SHOWN[Mark.MEDIA], "ko"))
        [said] = street.lines(Author.BOT)
        [id] = SAYS[Mark.MEDIA]
        assert said == tuple(content.render(id, "ko"))
        assert MARKER not in answer.text
        assert street.outside.asked == [], "nothing was fetched"
        await asyncio.sleep(SETTLED_WITHIN)
        before = street.kept()
        await street.bring(door.photo(1))
        await asyncio.sleep(SETTLED_WITHIN)
        assert street.kept() == before


@asynccontextmanager
async def busy() -> AsyncIterator[None]:
    raise StoreBusy("the disk is slow today")
    yield


class TestRefusals:
    """A refused request changes nothing."""

    @pytest.mark.parametrize(("door", "brought"), rows("forged"))
    async def test_a_forgery_is_refused(self, door: Door, brought: Brought) -> None:
        await self._refused(door, brought, 403)

    @pytest.mark.parametrize(("door", "brought"), rows("malformed"))
    async def test_what_is_not_of_the_form_is_refused(self, door: Door, brought: Brought) -> None:
        await self._refused(door, brought, 400)

    @pytest.mark.parametrize(("door", "shut"), rows("closed"))
    async def test_a_door_without_its_secrets_is_shut(self, door: Door, shut: tuple[Any, int]) -> None:
        settings, status = shut
        async with a_street(door.sms, **settings) as street:
            before = street.kept()
            for brought in (door.good(), *door.forged.values(), *door.malformed.values()):
                answer = await street.bring(brought)
                assert answer.status_code in {status, 404}, brought.path
            assert street.kept() == before

    @staticmethod
    async def _refused(door: Door, brought: Brought, status: int) -> None:
        async with a_street(door.sms) as street:
            await street.bring(door.good("먼저 온 말", 7))
            before, asked = street.kept(), len(street.outside.asked)
            answer = await street.bring(brought)
            assert answer.status_code == status
            assert answer.json() == {"error": "refused" if status == 403 else "malformed"}
            assert street.kept() == before
            assert len(street.outside.asked) == asked

    async def test_what_is_no_channel_does_not_exist(self) -> None:
        async with a_street() as street:
            for path in ("", "web", "terminal", "kakao", "kakao/else", "telegrams", "%2e%2e", "sms%2Fstatus"):
                answer = await street.bring(Brought(path, b"{}"))
                assert answer.status_code in {403, 404}, path


TELEGRAM, SKILL, BOT, CONSULT, SMS = "77", "skill:v", "bot:v", "consult:v", "+821098765432"


def told(code: int, **more: Any) -> dict[str, Any]:
    """An error as Telegram writes it."""
    return {"ok": False, "error_code": code, "description": f"secret words of {SMS}", **more}


def failed(code: str) -> dict[str, Any]:
    """A text that SOLAPI did not take."""
    return {"failedMessageList": [{"statusCode": code}], "messageList": []}


def relay(words: str) -> dict[str, Any]:
    return {"code": 500, "message": f"{words}(secret words)"}


# channel, way, status, body, headers, what it means
ERRORS: list[tuple[str, str, int, Any, dict[str, str], type[ChannelError]]] = [
    ("telegram", TELEGRAM, 403, told(403), {}, Blocked),
    ("telegram", TELEGRAM, 429, told(429, parameters={"retry_after": 9}), {}, Throttled),
    ("telegram", TELEGRAM, 400, told(400), {}, Refused),
    ("telegram", TELEGRAM, 400, told(400, parameters={"migrate_to_chat_id": -1}), {}, Refused),
    ("telegram", TELEGRAM, 413, told(413), {}, Refused),
    ("telegram", TELEGRAM, 401, told(401), {}, Unreachable),
    ("telegram", TELEGRAM, 404, told(404), {}, Unreachable),
    ("telegram", TELEGRAM, 409, told(409), {}, Unreachable),
    ("telegram", TELEGRAM, 500, told(500), {}, Unreachable),
    ("telegram", TELEGRAM, 502, "<html>", {}, Unreachable),
    ("telegram", TELEGRAM, 200, "<html>", {}, Unreachable),
    ("telegram", TELEGRAM, 0, "", {}, Unreachable),
    ("telegram", "no chat", 200, {}, {}, Refused),
    ("kakao", SKILL, 400, {"status": "FAIL"}, {}, WindowClosed),
    ("kakao", SKILL, 200, {"status": "FAIL"}, {}, WindowClosed),
    ("kakao", SKILL, 401, {}, {}, Refused),
    ("kakao", SKILL, 429, {}, {"Retry-After": "9"}, Throttled),
    ("kakao", SKILL, 500, {}, {}, Unreachable),
    ("kakao", SKILL, 0, "", {}, Unreachable),
    ("kakao", BOT, 400, {"code": -877}, {}, WindowClosed),
    ("kakao", BOT, 400, {"code": -878}, {}, Refused),
    ("kakao", BOT, 400, {"code": -879}, {}, Blocked),
    ("kakao", BOT, 400, {"code": -880}, {}, WindowClosed),
    ("kakao", BOT, 400, {"code": -881}, {}, WindowClosed),
    ("kakao", BOT, 400, {"code": -870, "extras": {"code": -879}}, {}, Blocked),
    ("kakao", BOT, 400, {"code": -10}, {}, Throttled),
    ("kakao", BOT, 400, {"code": -1}, {}, Unreachable),
    ("kakao", BOT, 200, {"totalCount": 1, "sendCount": 0}, {}, Refused),
    ("kakao", BOT, 503, "<html>", {}, Unreachable),
    ("kakao", CONSULT, 200, relay("NoSessionException"), {}, WindowClosed),
    ("kakao", CONSULT, 200, relay("InvalidUserKeyException"), {}, WindowClosed),
    ("kakao", CONSULT, 200, relay("BlockedUserException"), {}, Blocked),
    ("kakao", CONSULT, 400, relay("SomethingElseException"), {}, Refused),
    ("kakao", CONSULT, 429, {}, {}, Throttled),
    ("kakao", CONSULT, 502, {}, {}, Unreachable),
    ("kakao", "nowhere:v", 200, {}, {}, WindowClosed),
    ("twilio", SMS, 400, {"code": 21610}, {}, Blocked),
    ("twilio", SMS, 400, {"code": 30004}, {}, Blocked),
    ("twilio", SMS, 400, {"code": 21211}, {}, Refused),
    ("twilio", SMS, 400, {"code": 21614}, {}, Refused),
    ("twilio", SMS, 401, {"code": 20003}, {}, Unreachable),
    ("twilio", SMS, 400, {"code": 21606}, {}, Unreachable),
    ("twilio", SMS, 429, {"code": 20429}, {"Retry-After": "9"}, Throttled),
    ("twilio", SMS, 400, {"code": 21611}, {}, Throttled),
    ("twilio", SMS, 500, "<html>", {}, Unreachable),
    ("solapi", SMS, 200, failed("3047"), {}, Blocked),
    ("solapi", SMS, 200, failed("3055"), {}, Blocked),
    ("solapi", SMS, 200, failed("1062"), {}, Unreachable),
    ("solapi", SMS, 200, failed("3040"), {}, Unreachable),
    ("solapi", SMS, 200, failed("1025"), {}, Refused),
    ("solapi", SMS, 403, {}, {}, Unreachable),
    ("solapi", SMS, 429, {}, {"Retry-After": "9"}, Throttled),
    ("solapi", SMS, 500, {}, {}, Unreachable),
    ("solapi", "+447700900123", 200, {}, {}, Refused),
    ("voice", "CA" + "0" * 32, 200, {}, {}, WindowClosed),
]
CLOSED_LIST = (Blocked, Refused, Throttled, Unreachable, WindowClosed)


class TestEverySender:
    """A provider's error becomes what the caller can do, and none of the provider's words come along."""

    @pytest.mark.parametrize(
        ("channel", "way", "status", "body", "headers", "meant"),
        [
            pytest.param(*row, id=f"{row[0]} {row[1].partition(':')[0]} {row[2]} {row[5].__name__} {n}")
            for n, row in enumerate(ERRORS)
        ],
    )
    async def test_an_error_says_what_the_caller_can_do(
        self,
        channel: str,
        way: str,
        status: int,
        body: Any,
        headers: dict[str, str],
        meant: type[ChannelError],
    ) -> None:
        async with provider(status, body, headers) as settings, a_sender(channel, settings) as sender:
            with pytest.raises(ChannelError) as raised:
                await sender.send([Way(way)], Parcel("key-1", ("안녕하세요",)))
        error = raised.value
        assert [kind for kind in CLOSED_LIST if isinstance(error, kind)] == [meant]
        if isinstance(error, Throttled):
            assert error.seconds == 9 if headers or channel == "telegram" else error.seconds > 0
        words = f"{error!r} {error} {error.__cause__!r}"
        assert way not in words
        assert "secret" not in words

    @pytest.mark.parametrize("channel", ["telegram", "kakao", "twilio", "solapi", "voice"])
    async def test_no_way_is_an_error_of_the_list(self, channel: str) -> None:
        async with provider(200, {}, {}) as settings, a_sender(channel, settings) as sender:
            with pytest.raises(ChannelError) as raised:
                await sender.send([], Parcel("key-1", ("안녕하세요",)))
        assert isinstance(raised.value, CLOSED_LIST)


@asynccontextmanager
async def provider(status: int, body: Any, headers: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    """One server that plays every provider and always answers the same; status 0 hangs up."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        if not status:
            assert request.transport is not None
            request.transport.abort()
        raw = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=raw, status=status or 200, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        names = ("telegram", "kakao", "happytalk", "twilio", "solapi")
        yield {f"{name}_api_url": url for name in names} | {"kakao_event_url": url}


@asynccontextmanager
async def a_sender(channel: str, settings: dict[str, str]) -> AsyncIterator[Any]:
    """The sender as the service builds it, over a real HTTP session."""
    sms = channel if channel in {"twilio", "solapi"} else ""
    name = "sms" if sms else channel
    given = {**SETTINGS, **settings, "sms_provider": sms}
    async with a_house(**given) as house, open_doorways(house) as doorways:
        yield doorways.senders[name]


def test_the_table_names_every_channel_and_every_error() -> None:
    assert {(row[0], row[5]) for row in ERRORS} >= {
        ("telegram", Blocked),
        ("kakao", WindowClosed),
        ("twilio", Blocked),
        ("solapi", Blocked),
        ("voice", WindowClosed),
    }
    assert {row[5] for row in ERRORS} == set(CLOSED_LIST)
