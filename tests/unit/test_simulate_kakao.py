from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from fastapi import FastAPI

from channels.errors import WindowClosed
from channels.kakao.doors import kakao_sender
from channels.kakao.line import Line
from channels.port import Answer, Parcel, QuickReply, Way
from simulators.kakao import FALLBACK, OpenBuilder, Provider, app, build
from simulators.kakao_answers import FOLD
from simulators.stage import play
from tests.fake_intake import FakeIntake
from tests.kakao_line import BOT_ID, SECRET, WORDS, doors, provider, served, service

HELLO = {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "여기 있어요"}}]}}
WAIT = {"version": "2.0", "useCallback": True, "data": {"text": "기다려 줘요"}}


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@asynccontextmanager
async def shown(answer: Any, status: int = 200, **settings: Any) -> AsyncIterator[Any]:
    """A builder whose skill gives this answer: the builder, the skill, a session and the simulator's address."""
    async with provider(lambda *_: (status, answer)) as (skill, session):
        builder = OpenBuilder(Provider(skill.url, "http://simulator.example", **settings))
        async with served(app(builder)) as url:
            yield builder, skill, session, url


def screen(builder: OpenBuilder) -> list[tuple[str, str]]:
    return [(line.who, line.text) for line in builder.stage.lines if line.who != "me"]


async def test_the_request_is_kakaos_and_the_answer_is_shown():
    async with shown(HELLO) as (builder, skill, _, _):
        await builder.stage.type("무서워요")
        [(path, headers, body)] = skill.asked
        assert path == "/hooks/kakao/skill"
        assert headers["X-Gyeot-Secret"]
        assert headers["X-Request-Id"]
        assert body["userRequest"]["utterance"] == "무서워요"
        assert body["userRequest"]["callbackUrl"].startswith("http://simulator.example/callback/")
        assert screen(builder) == [("gyeot", "여기 있어요")]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"version": "1.0"},
        {"version": "2.0"},
        {"version": "2.0", "template": {"outputs": []}},
        {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "가"}}] * 4}},
        {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "가" * 1001}}]}},
        {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": " "}}]}},
        {
            "version": "2.0",
            "template": {"outputs": [{"simpleText": {"text": "가"}}], "quickReplies": [{}] * 11},
        },
        {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "가"}}], "quickReplies": [{}]}},
        HELLO | {"data": {"x": "가" * 12_000}},
    ],
)
async def test_what_breaks_the_limits_is_not_shown(answer: Any):
    async with shown(answer) as (builder, _, _, _):
        await builder.stage.type("가")
        [(who, text)] = screen(builder)
        assert who == "provider"
        assert "보여 주지 못했어요" in text


async def test_a_long_bubble_is_folded():
    text = {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "가" * 501}}]}}
    async with shown(text) as (builder, _, _, _):
        await builder.stage.type("가")
        assert screen(builder)[0][1].endswith(FOLD)


async def test_five_seconds_and_then_the_blocks_own_words():
    async with shown(HELLO, limit=0.05) as (builder, skill, _, _):
        skill.delay = 0.5
        await builder.stage.type("가")
        assert screen(builder) == [("provider", FALLBACK)]


@pytest.mark.parametrize("status", [204, 302, 403, 503])
async def test_any_other_status_is_a_failed_skill(status: int):
    async with shown(HELLO, status) as (builder, _, _, _):
        await builder.stage.type("가")
        assert screen(builder) == [("provider", FALLBACK)]


async def called_back(builder: OpenBuilder, session: ClientSession, url: str) -> int:
    token = list(builder.callbacks)[-1]
    async with session.post(f"{url}/callback/{token}", json=HELLO) as response:
        return response.status


async def test_a_callback_works_once_and_for_a_minute():
    clock = Clock()
    async with shown(WAIT, clock=clock) as (builder, _, session, url):
        await builder.stage.type("가")
        assert screen(builder) == [("gyeot", "기다려 줘요")]
        clock.at = 59
        assert await called_back(builder, session, url) == 200
        assert screen(builder)[-1] == ("gyeot", "여기 있어요")
        assert await called_back(builder, session, url) == 400
        await builder.stage.type("나")
        clock.at = 59 + 61
        assert await called_back(builder, session, url) == 400
        async with session.post(f"{url}/callback/unknown", json=HELLO) as response:
            assert response.status == 400


async def test_who_answered_at_once_cannot_call_back():
    async with shown(HELLO) as (builder, _, session, url):
        await builder.stage.type("가")
        assert await called_back(builder, session, url) == 400


@pytest.mark.parametrize("deed", ["tester", "no-callback"])
async def test_the_bot_tester_offers_no_callback(deed: str):
    async with shown(WAIT) as (builder, skill, _, _):
        await builder.deeds[deed]()
        await builder.stage.type("가")
        assert "callbackUrl" not in skill.asked[0][2]["userRequest"]
        assert "보여 주지 못했어요" in screen(builder)[-1][1]


async def test_the_same_request_again_has_the_same_id():
    async with shown(HELLO) as (builder, skill, _, _):
        await builder.deeds["again"]()
        await builder.stage.type("가")
        await builder.deeds["again"]()
        first, second = (headers["X-Request-Id"] for _, headers, _ in skill.asked)
        assert first == second


async def test_a_blocked_channel_hears_nothing():
    async with shown(HELLO) as (builder, skill, _, _):
        await builder.deeds["block"]()
        await builder.stage.type("가")
        assert skill.asked == []


@pytest.mark.parametrize(
    ("path", "key", "body", "status"),
    [
        (f"/v2/bots/{BOT_ID}/talk", "wrong", {}, 401),
        ("/v2/bots/other/talk", "demo-kakao-rest-key", {}, 401),
        (
            f"/v2/bots/{BOT_ID}/talk",
            "demo-kakao-rest-key",
            {"event": {"name": "gyeot_message"}, "user": []},
            400,
        ),
        (
            f"/v2/bots/{BOT_ID}/talk",
            "demo-kakao-rest-key",
            {"event": {"name": "gyeot_message"}, "user": [{}] * 101},
            400,
        ),
        (f"/v2/bots/{BOT_ID}!/talk", "demo-kakao-rest-key", {"event": {"name": "other"}, "user": [{}]}, 200),
    ],
)
async def test_the_event_api_keeps_its_rules(path: str, key: str, body: Any, status: int):
    async with shown(HELLO, bot_id=BOT_ID) as (_, _, session, url):
        headers = {"Authorization": f"KakaoAK {key}"}
        async with session.post(url + path, json=body, headers=headers) as response:
            assert response.status == status


@asynccontextmanager
async def house(intake: FakeIntake, **skill: Any) -> AsyncIterator[Any]:
    """Our own doors and the simulator, talking over HTTP: the simulator, a sender, and the intake."""
    settings = {
        "GYEOT_KAKAO_SKILL_SECRET": SECRET,
        "GYEOT_KAKAO_BOT_ID": BOT_ID,
        "GYEOT_KAKAO_REST_KEY": "rest-key",
    }
    front = FastAPI()
    async with (
        served(front) as own,
        served(service(intake, doors(own, **skill))) as public,
        ClientSession() as session,
    ):
        built = build(settings | {"public": public}, own)
        front.mount("/", built.app)
        yield built, kakao_sender(doors(own, **skill), Line(session)), intake


async def test_a_talk_over_http():
    intake = FakeIntake(Answer(("여기 있어요", "지금 안전해요?"), (QuickReply("네", "네"),)))
    async with house(intake) as (built, _, _):
        await play(built.stage, "> 무서워요\n< 여기 있어요\n< 안전해요", built.deeds)
        assert built.stage.lines[-1].buttons == ("네",)
        await play(built.stage, "* photo\n* secure-photo\n* emoticon", built.deeds)
        assert [message.media for message in intake.messages] == [None, "image", "image", None, "sticker"]
        assert all("http" not in message.text for message in intake.messages)


async def test_a_late_answer_comes_by_callback_and_then_by_event():
    async with house(FakeIntake(None)) as (built, sender, intake):
        await play(built.stage, f"> 무서워요\n< {WORDS.coming.ko}", built.deeds)
        [message] = intake.messages
        ways = [Way(message.address, message.ticket)]
        await sender.send(ways, Parcel("p1", ("늦었지만 여기 있어요",)))
        await sender.send(ways, Parcel("p2", ("상담원이에요",)))
        await play(built.stage, "< 늦었지만\n< 상담원이에요", built.deeds)
        await built.deeds["unfriend"]()
        with pytest.raises(WindowClosed):
            await sender.send(ways, Parcel("p3", ("들리나요",)))
        assert "들리나요" not in str(screen_of(built))


def screen_of(built: Any) -> list[str]:
    return [line.text for line in built.stage.lines]


async def test_without_a_callback_the_visitor_is_told_to_write_again():
    async with house(FakeIntake(None)) as (built, _, _):
        script = f"* no-callback\n> 무서워요\n< {WORDS.ask_again.ko}"
        await play(built.stage, script, built.deeds)


async def test_the_wrong_secret_is_a_failed_skill():
    intake = FakeIntake()
    async with house(intake, secret="another-secret-of-the-tests-0123456789") as (built, _, _):
        await play(built.stage, f"> 무서워요\n< {FALLBACK}", built.deeds)
        assert intake.kept == []
