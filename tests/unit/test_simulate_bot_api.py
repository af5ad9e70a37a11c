from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from fastapi import FastAPI

from channels.errors import Blocked, ChannelError, WindowClosed
from channels.kakao.doors import kakao_sender
from channels.kakao.line import Line
from channels.port import Busy, Gone, Parcel, QuickReply, Way
from simulators.bot_api import SLOW, Bot, Provider, app, build
from simulators.stage import play
from tests.fake_intake import FakeIntake
from tests.kakao_line import BOT_SECRET, doors, provider, served, service

ANSWER = {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "여기 있어요"}}]}}
AUTH = {"Authorization": "KakaoAK demo-kakao-bot-token"}


@asynccontextmanager
async def house(intake: FakeIntake) -> AsyncIterator[Any]:
    """Our own doors and the simulator, talking over HTTP: the simulator, and a sender."""
    settings = {"GYEOT_KAKAO_BOT_SECRET": BOT_SECRET, "GYEOT_KAKAO_BOT_TOKEN": "bot-token"}
    front = FastAPI()
    async with (
        served(front) as own,
        served(service(intake, doors(own))) as public,
        ClientSession() as session,
    ):
        built = build(settings | {"public": public}, own)
        front.mount("/", built.app)
        yield built, kakao_sender(doors(own), Line(session))


@asynccontextmanager
async def alone(status: int = 204, **settings: Any) -> AsyncIterator[Any]:
    """A bot whose webhook answers with this status: the bot, the webhook, a session, the simulator's address."""
    async with provider(lambda *_: (status, {})) as (webhook, session):
        bot = Bot(Provider(webhook.url, **settings))
        async with served(app(bot)) as url:
            yield bot, webhook, session, url


async def test_a_talk_over_http():
    intake = FakeIntake()
    async with house(intake) as (built, sender):
        await built.stage.type("도와주세요")
        [message] = intake.messages
        ways = [Way(message.address, message.ticket)]
        await sender.send(ways, Parcel("p1", ("안녕하세요",), (QuickReply("네", "네"),)))
        await sender.send(ways, Parcel("p2", ("상담원이에요",)))
        await play(built.stage, "< 안녕하세요\n< 상담원이에요", built.deeds)
        assert built.stage.lines[1].buttons == ("네",)


@pytest.mark.parametrize(
    ("deeds", "expected"),
    [
        (["unfriend"], WindowClosed),
        (["mute"], Blocked),
        (["leave"], WindowClosed),
        (["unfriend", "befriend"], None),
    ],
)
async def test_what_a_visitor_can_do(deeds: Sequence[str], expected: type[ChannelError] | None):
    intake = FakeIntake()
    async with house(intake) as (built, sender):
        await built.stage.type("도와주세요")
        for deed in deeds:
            await built.deeds[deed]()
        ways = [Way(intake.messages[0].address)]
        if expected is None:
            await sender.send(ways, Parcel("p1", ("들려요",)))
        else:
            with pytest.raises(expected):
                await sender.send(ways, Parcel("p1", ("들려요",)))
        assert any(line.text == "들려요" for line in built.stage.lines) is (expected is None)


async def test_events_that_reach_the_house():
    intake = FakeIntake()
    async with house(intake) as (built, _):
        await play(
            built.stage, "* again\n> 하나\n* again\n* group\n* photo\n* emoticon\n* leave", built.deeds
        )
        assert [message.media for message in intake.messages] == [None, None, "image", "sticker"]
        assert intake.messages[0].event_id == intake.messages[1].event_id
        assert isinstance(intake.kept[-1], Gone)
        assert SLOW not in [line.text for line in built.stage.lines]


async def test_a_house_that_is_busy_is_seen():
    async with house(FakeIntake(failing=Busy())) as (built, _):
        await built.stage.type("가")
        assert built.stage.lines[-1].text == SLOW


async def test_a_second_and_no_longer():
    async with alone(limit=0.05) as (bot, webhook, _, _):
        webhook.delay = 0.5
        await bot.stage.type("가")
        assert bot.stage.lines[-1].text == SLOW


async def posted(session: ClientSession, url: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
    async with session.post(url, json=body, headers=headers) as response:
        return response.status, (await response.json()).get("code")


async def test_tokens_work_once_and_for_five_minutes():
    now = 0.0
    async with alone(clock=lambda: now) as (bot, webhook, session, url):
        for text in ("가", "나"):
            await bot.stage.type(text)
        first, second = (body["d"]["callbackToken"] for _, _, body in webhook.asked)
        path, body = f"{url}/v1/bot/callback", {"skillResponse": ANSWER}
        assert await posted(session, path, AUTH | {"X-Bot-Callback-Token": first}, body) == (200, None)
        assert await posted(session, path, AUTH | {"X-Bot-Callback-Token": first}, body) == (400, -881)
        now = 301.0
        assert await posted(session, path, AUTH | {"X-Bot-Callback-Token": second}, body) == (400, -881)
        assert await posted(session, path, {"X-Bot-Callback-Token": "x"}, body) == (401, -401)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, -876),
        ({"botUserKey": "somebody"}, -876),
        ({"botUserKey": "KEY", "botGroupKey": "g"}, -876),
        ({"botUserKey": "KEY"}, -878),
        ({"botUserKey": "KEY", "skillResponse": {"version": "2.0", "template": {"outputs": []}}}, -878),
        ([], -2),
    ],
)
async def test_send_message_keeps_its_rules(body: Any, code: int):
    async with alone() as (bot, _, session, url):
        if isinstance(body, dict) and body.get("botUserKey") == "KEY":
            body["botUserKey"] = bot.key
        assert await posted(session, f"{url}/v1/bot/send_message", AUTH, body) == (400, code)
