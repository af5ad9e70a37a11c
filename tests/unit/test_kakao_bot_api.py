from __future__ import annotations

from typing import Any

import pytest

from channels.errors import Blocked, ChannelError, Forged, Malformed, Refused, Throttled, WindowClosed
from channels.kakao.bot_api import TOKEN_GOOD_FOR, BotApi, check
from channels.kakao.line import Lost, Told
from channels.port import Busy, Gone
from tests.fake_intake import FakeIntake
from tests.kakao_line import BOT_SECRET, KEY, bot_call, call, doors, frame, hook


async def test_a_message_is_kept_and_answered_2xx():
    intake = FakeIntake()
    reply = await hook(intake).take(bot_call(frame()))
    assert (reply.status, reply.body) == (204, b"")
    [message] = intake.messages
    assert (message.channel, message.address, message.text) == ("kakao", f"bot:{KEY}", "도와주세요")
    assert message.event_id == f"bot/{KEY}/9007199254740993"
    assert (message.ticket, message.ticket_for) == ("token-1", TOKEN_GOOD_FOR)


async def test_without_a_token_there_is_no_ticket():
    intake = FakeIntake()
    await hook(intake).take(bot_call(frame(callbackToken=None)))
    assert (intake.messages[0].ticket, intake.messages[0].ticket_for) == (None, 0.0)


@pytest.mark.parametrize("secret", [None, "", "x", BOT_SECRET[1:], BOT_SECRET + " "])
async def test_without_our_secret_nothing_is_taken(secret: str | None):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await hook(intake).take(bot_call(frame(), secret))
    assert intake.kept == []


async def test_no_secret_means_closed():
    door = type(doors().bot)("", "X-Gyeot-Secret", "t")
    for shown in ("", "x"):
        with pytest.raises(Forged):
            await BotApi(door, FakeIntake()).take(call("", frame(), {"x-gyeot-secret": shown}))


async def test_a_room_of_several_people_is_neither_kept_nor_answered():
    intake = FakeIntake()
    reply = await hook(intake).take(bot_call(frame(isChannelChatroom=False)))
    assert (reply.status, intake.kept) == (204, [])


async def test_who_leaves_is_gone():
    intake = FakeIntake()
    await hook(intake).take(bot_call(frame("LEAVE", botUserKey=KEY, timestamp="t1", botGroupKey="g1")))
    assert intake.kept == [Gone("kakao", f"bot/leave/{KEY}/t1", f"bot:{KEY}")]


@pytest.mark.parametrize(
    "event",
    [
        frame("LEAVE", botGroupKey="g1", timestamp="t1"),
        frame("ENTRANCE", botGroupKey="g1", inviter={"botUserKey": KEY}),
        frame("CHAT_JOIN", user={"botUserKey": KEY}),
        frame("AD_REWARD"),
        frame("SOMETHING_NEW"),
    ],
)
async def test_other_events_are_taken_and_change_nothing(event: dict[str, Any]):
    intake = FakeIntake()
    assert (await hook(intake).take(bot_call(event))).status == 204
    assert intake.kept == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        {"op": 1, "t": "MESSAGE_CREATE", "d": {}},
        {"op": 0, "t": "MESSAGE_CREATE"},
        {"op": 0, "t": "MESSAGE_CREATE", "d": []},
        frame(botUserKey=""),
        frame(isChannelChatroom="yes"),
        frame(id=None),
        frame("LEAVE", botUserKey=7),
    ],
)
async def test_what_is_no_event_is_malformed(body: Any):
    intake = FakeIntake()
    with pytest.raises(Malformed):
        await hook(intake).take(bot_call(body))
    assert intake.kept == []


async def test_busy_is_for_the_provider_to_hear():
    with pytest.raises(Busy):
        await hook(FakeIntake(failing=Busy())).take(bot_call(frame()))


@pytest.mark.parametrize(
    ("kind", "media"), [("IMAGE", "image"), ("VIDEO", "video"), ("EMOTICON", "sticker"), ("NEW", "other")]
)
async def test_media_is_named_by_its_type(kind: str, media: str):
    intake = FakeIntake()
    await hook(intake).take(bot_call(frame(content="", contentType=kind)))
    assert [(message.media, message.text) for message in intake.messages] == [(media, "")]
    assert intake.messages[0].ticket == "token-1"


async def test_a_caption_is_a_message_of_its_own():
    intake = FakeIntake()
    await hook(intake).take(bot_call(frame(content="이거예요", contentType="IMAGE")))
    assert [(m.media, m.text, m.ticket) for m in intake.messages] == [
        ("image", "", None),
        (None, "이거예요", "token-1"),
    ]
    assert intake.messages[1].event_id == intake.messages[0].event_id + "/text"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"code": -877}, WindowClosed),
        ({"code": -878}, Refused),
        ({"code": -879}, Blocked),
        ({"code": -880}, WindowClosed),
        ({"code": -881}, WindowClosed),
        ({"code": "-879"}, Blocked),
        ({"code": -870, "extras": {"code": -879, "message": "Hong Gildong"}}, Blocked),
        ({"code": -870}, Refused),
        ({"code": -873}, Refused),
        ({"code": -1}, Lost),
        ({"code": -10}, Throttled),
        ({"code": -99999}, Refused),
        ({"code": True}, Refused),
        ({}, Refused),
    ],
)
def test_every_refusal_has_its_meaning(body: dict[str, Any], expected: type[ChannelError]):
    with pytest.raises(expected) as caught:
        check(Told(400, body))
    assert type(caught.value) is expected
    assert "Hong" not in str(caught.value)


def test_sent_to_nobody_is_a_refusal():
    with pytest.raises(Refused):
        check(Told(200, {"totalCount": 1, "sendCount": 0, "errorCount": 1}))
    check(Told(200, {"totalCount": 1, "sendCount": 1, "errorCount": 0}))
    check(Told(200, {}))
