"""Sending keeps Telegram's sizes and pace, goes on where it stopped, and says what the caller can do."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import Blocked, Refused, Throttled, Unreachable
from channels.port import Parcel, QuickReply, Way
from channels.telegram.buttons import Buttons
from channels.telegram.client import Client, Conflict
from channels.telegram.config import TelegramConfig
from channels.telegram.sender import TelegramSender, Turns, split
from tests.telegram_room import TOKEN


class Scripted:
    """A client that answers by a script: an id, or an error to raise."""

    def __init__(self, *script: int | Exception) -> None:
        self.script = list(script)
        self.sent: list[tuple[int, str, tuple]] = []
        self.deleted: list[list[int]] = []
        self.stays: set[int] = set()

    async def send(self, chat: int, text: str, buttons=()):
        step = self.script.pop(0) if self.script else len(self.sent) + 1
        if isinstance(step, Exception):
            raise step
        self.sent.append((chat, text, tuple(buttons)))
        return step

    async def delete(self, chat: int, messages):
        assert 1 <= len(messages) <= 100
        if self.stays & set(messages):
            raise Refused("too old")
        self.deleted.append(list(messages))


def _sender(client: Scripted) -> TelegramSender:
    hands = Hands()
    return TelegramSender(client, Buttons(["네"]), Turns(lambda: hands.now, hands.sleep))


def _ways(*addresses: str) -> list[Way]:
    return [Way(address) for address in addresses]


async def test_buttons_stand_under_the_last_part():
    client = Scripted()
    sent = await _sender(client).send(_ways("7"), Parcel("k", ("하나", "둘"), (QuickReply("응", "네"),)))
    assert sent == ("7:1", "7:2")
    assert [text for _, text, _ in client.sent] == ["하나", "둘"]
    assert [len(buttons) for _, _, buttons in client.sent] == [0, 1]


async def test_after_a_failure_it_goes_on_where_it_stopped():
    client = Scripted(11, Unreachable("x"), 12, 13)
    sender, parcel = _sender(client), Parcel("k", ("하나", "둘", "셋"))
    with pytest.raises(Unreachable):
        await sender.send(_ways("7"), parcel)
    assert await sender.send(_ways("7"), parcel) == ("7:11", "7:12", "7:13")
    assert [text for _, text, _ in client.sent] == ["하나", "둘", "셋"]


async def test_the_newest_way_that_takes_it_is_used():
    client = Scripted(Blocked("x"), 5)
    assert await _sender(client).send(_ways("8", "7"), Parcel("k", ("하나",))) == ("7:5",)
    with pytest.raises(Blocked):
        await _sender(Scripted(Refused("x"), Blocked("y"))).send(_ways("8", "7"), Parcel("k", ("하나",)))
    for ways in ([], _ways("not a chat")):
        with pytest.raises(Refused):
            await _sender(Scripted()).send(ways, Parcel("k", ("하나",)))


async def test_an_error_that_may_pass_is_not_a_reason_for_another_way():
    client = Scripted(Throttled(3), 5)
    with pytest.raises(Throttled):
        await _sender(client).send(_ways("8", "7"), Parcel("k", ("하나",)))
    assert client.sent == []


async def test_what_telegram_will_not_delete_stays_and_all_else_goes():
    client = Scripted()
    client.stays = {3, 77, 150}
    ids = [f"7:{number}" for number in range(1, 251)] + ["7:", "7:x", "8:5", "7:٣", ":1"]
    await _sender(client).erase("7", ids)
    gone = [number for batch in client.deleted for number in batch]
    assert sorted(gone) == sorted(set(range(1, 251)) - client.stays)
    assert len(gone) == len(set(gone))


class Hands:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_a_chat_gets_one_message_a_second_after_a_short_burst():
    hands = Hands()
    turns = Turns(lambda: hands.now, hands.sleep)
    for _ in range(6):
        await turns.take(7)
    assert hands.now - 100.0 == pytest.approx(3.0)
    await turns.take(8)
    assert hands.now - 100.0 == pytest.approx(3.0)


async def test_all_chats_together_get_thirty_a_second():
    hands = Hands()
    turns = Turns(lambda: hands.now, hands.sleep)
    for chat in range(90):
        await turns.take(chat)
    assert hands.now - 100.0 == pytest.approx(2.0, abs=0.01)


async def test_who_would_wait_too_long_is_told_instead():
    hands = Hands()

    async def stands_still(_: float) -> None:
        """Others take the turns meanwhile."""

    turns = Turns(lambda: hands.now, stands_still)
    for _ in range(3):
        await turns.take(7)
    with pytest.raises(Throttled) as told:
        await turns.take(7)
    assert told.value.seconds == pytest.approx(1.0)


@given(st.text(st.sampled_from("가나 \n.a😀👩‍👩‍👧"), max_size=400).map(lambda text: text * 40))
def test_parts_fit_and_lose_no_word(text):
    parts = list(split(text))
    assert all(0 < len(part.encode("utf-16-le")) <= 2 * 4096 for part in parts)
    assert all(part == part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", []),
        (" \n ", []),
        ("가" * 4096, [4096]),
        ("가" * 4097, [4096, 1]),
        ("😀" * 2048, [2048]),
        ("😀" * 2049, [2048, 1]),
        ("a" + "😀" * 2048, [2048, 1]),
        ("가" * 3000 + "\n\n" + "나" * 1000 + " " + "다" * 2000, [3000, 3001]),
        ("가" * 3000 + " " + "나" * 2000, [3000, 2000]),
        ("가 " + "나" * 5000, [4096, 906]),
        ("반쪽 \ud83d", [4]),
    ],
)
def test_a_long_text_is_cut_where_it_hurts_least(text, lengths):
    assert [len(part) for part in split(text)] == lengths


class Server:
    """A Bot API that answers every call the same."""

    def __init__(self, status: int, body: object, delay: float = 0.0) -> None:
        self.status, self.body, self.delay = status, body, delay
        self.calls = 0
        self.took = 0.0

    async def answer(self, _: web.Request) -> web.Response:
        self.calls += 1
        await asyncio.sleep(self.delay)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return web.Response(text=text, status=self.status, content_type="application/json")


async def _fails(server: Server) -> Exception:
    app = web.Application()
    app.router.add_post("/{rest:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(TelegramConfig(TOKEN, api_url=f"http://127.0.0.1:{port}"), session)
            began = time.monotonic()
            with pytest.raises(Exception) as caught:
                await client.send(7, "비밀 말")
            server.took = time.monotonic() - began
            return caught.value
    finally:
        await runner.cleanup()


def _no(code: int, description: str, **parameters: int) -> dict[str, object]:
    return {"ok": False, "error_code": code, "description": description, "parameters": parameters}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, _no(429, "Too Many Requests: retry after 17", retry_after=17), Throttled),
        (403, _no(403, "Forbidden: bot was blocked by the user"), Blocked),
        (403, _no(403, "Forbidden: user is deactivated"), Blocked),
        (400, _no(400, "Bad Request: chat not found"), Refused),
        (400, _no(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-5), Refused),
        (413, _no(413, "Request Entity Too Large"), Refused),
        (401, _no(401, "Unauthorized"), Unreachable),
        (404, _no(404, "Not Found"), Unreachable),
        (409, _no(409, "Conflict: terminated by other getUpdates request"), Conflict),
        (500, _no(500, "Internal Server Error"), Unreachable),
        (502, "<html>Bad Gateway</html>", Unreachable),
        (503, _no(503, "restart"), Unreachable),
        (418, _no(418, "I am a teapot"), Unreachable),
        (200, "not json", Unreachable),
        (200, {"ok": True, "result": {"no_id": 1}}, Unreachable),
        (200, {"ok": True}, Unreachable),
        (500, {"ok": False}, Unreachable),
        (302, "", Unreachable),
    ],
)
async def test_every_answer_of_telegram_becomes_an_error_that_says_what_to_do(status, body, error):
    server = Server(status, body)
    caught = await _fails(server)
    assert type(caught) is error
    assert server.calls == 1
    assert "비밀" not in repr(caught)
    assert TOKEN not in repr(caught)
    if error is Throttled:
        assert caught.seconds == 17


async def test_a_silent_telegram_is_left_after_the_deadline(monkeypatch):
    monkeypatch.setattr(Client._call, "__defaults__", (0.2,))
    server = Server(200, {"ok": True, "result": {"message_id": 1}}, delay=1.0)
    assert type(await _fails(server)) is Unreachable
    assert server.took < 0.9
    assert server.calls == 1


async def test_a_connection_that_was_not_made_is_tried_once_more(unused_tcp_port):
    tried = []

    async with aiohttp.ClientSession() as session:
        plain = session.post

        def post(*args, **kwargs):
            tried.append(args)
            return plain(*args, **kwargs)

        session.post = post
        client = Client(TelegramConfig(TOKEN, api_url=f"http://127.0.0.1:{unused_tcp_port}"), session)
        with pytest.raises(Unreachable):
            await client.send(7, "x")
    assert len(tried) == 2
