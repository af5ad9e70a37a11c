from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from fastapi import FastAPI

from channels.errors import Blocked, WindowClosed
from channels.kakao.doors import kakao_sender
from channels.kakao.line import Line
from channels.port import Busy, Gone, Parcel, Way
from simulators.consult import NOT_TAKEN, build
from simulators.stage import play
from tests.fake_intake import FakeIntake
from tests.kakao_line import PATH_SECRET, doors, served, service

SETTINGS = {
    "GYEOT_HAPPYTALK_WEBHOOK_SECRET": PATH_SECRET,
    "GYEOT_HAPPYTALK_CLIENT_ID": "client",
    "GYEOT_HAPPYTALK_CLIENT_SECRET": "client-secret",
    "GYEOT_HAPPYTALK_SENDER_KEY": "s" * 40,
}
WRITE = {
    "sender_key": "s" * 40,
    "serial_number": "n1",
    "message_type": "TX",
    "message": "안녕하세요",
}


@asynccontextmanager
async def house(intake: FakeIntake, **changes: str) -> AsyncIterator[Any]:
    """Our own doors and the simulator, talking over HTTP: the simulator, a sender, the simulator's address."""
    front = FastAPI()
    async with (
        served(front) as own,
        served(service(intake, doors(own))) as public,
        ClientSession() as session,
    ):
        built = build(SETTINGS | {"public": public} | changes, own)
        front.mount("/", built.app)
        yield built, kakao_sender(doors(own), Line(session)), own


async def test_a_talk_over_http():
    intake = FakeIntake()
    async with house(intake) as (built, sender, _):
        await built.stage.type("도와주세요")
        ways = [Way(intake.messages[0].address)]
        await sender.send(ways, Parcel("p1", ("상담원이에요", "어디예요?")))
        await sender.send(ways, Parcel("p1", ("상담원이에요", "어디예요?")))
        await play(built.stage, "< 상담원이에요\n< 어디예요?", built.deeds)
        assert [line.text for line in built.stage.lines[1:]] == ["상담원이에요", "어디예요?"]


@pytest.mark.parametrize(("deed", "expected"), [("end", WindowClosed), ("block", Blocked)])
async def test_after_the_session_nothing_can_be_sent(deed: str, expected: type[Exception]):
    intake = FakeIntake()
    async with house(intake) as (built, sender, _):
        await built.stage.type("도와주세요")
        await built.deeds[deed]()
        message, gone = intake.kept
        assert isinstance(gone, Gone)
        assert gone.address == message.address
        with pytest.raises(expected):
            await sender.send([Way(message.address)], Parcel("p1", ("들리나요",)))
        await built.stage.type("다시 왔어요")
        await sender.send([Way(message.address)], Parcel("p1", ("들리나요",)))


async def test_the_same_message_again_has_the_same_id_and_photos_are_media():
    intake = FakeIntake()
    async with house(intake) as (built, _, _):
        await play(built.stage, "* again\n> 하나\n* again\n* photo", built.deeds)
        first, again, photo = intake.messages
        assert first.event_id == again.event_id != photo.event_id
        assert (photo.media, photo.text) == ("image", "")


@pytest.mark.parametrize(
    ("trouble", "changes"),
    [(Busy(), {}), (None, {"GYEOT_HAPPYTALK_WEBHOOK_SECRET": "wrong-secret-of-the-tests-0123456789"})],
)
async def test_what_was_not_taken_is_seen(trouble: Exception | None, changes: dict[str, str]):
    intake = FakeIntake(failing=trouble)
    async with house(intake, **changes) as (built, _, _):
        await built.stage.type("가")
        assert built.stage.lines[-1].text == NOT_TAKEN
        assert intake.kept == []


@pytest.mark.parametrize(
    ("headers", "change", "expected"),
    [
        ({"HT-Client-Secret": "x"}, {}, "InvalidClientException"),
        ({}, {"sender_key": "x"}, "InvalidSenderException"),
        ({}, {"message": "가" * 1001}, "InvalidParameterException"),
        ({}, {"message": ""}, "InvalidParameterException"),
        ({}, {"message_type": "IM"}, "InvalidParameterException"),
        ({}, {"serial_number": "1" * 31}, "InvalidParameterException"),
        ({}, {}, "NoSessionException"),
    ],
)
async def test_chat_write_keeps_its_rules(headers: dict[str, str], change: dict[str, Any], expected: str):
    async with house(FakeIntake()) as (built, _, url), ClientSession() as session:
        await built.stage.type("가")
        known = {"HT-Client-Id": "client", "HT-Client-Secret": "client-secret"}
        body = WRITE | {"user_key": "somebody"} | change
        async with session.post(f"{url}/v1/chat/write", json=body, headers=known | headers) as response:
            assert expected in (await response.json())["message"]
