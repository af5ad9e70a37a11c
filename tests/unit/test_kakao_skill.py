from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import Forged, Malformed, Throttled
from channels.kakao.callback import GOOD_FOR, Trusted
from channels.kakao.consult import ConsultEvent
from channels.kakao.skill import SkillRequest
from channels.port import TEXT_LIMIT, Answer, Busy, QuickReply
from channels.webhooks import Reply
from tests.fake_intake import FakeIntake
from tests.kakao_line import (
    CALLBACK,
    KEY,
    SECRET,
    WORDS,
    bot_call,
    call,
    consult_call,
    doors,
    frame,
    hook,
    skill_body,
    skill_call,
)

HELLO = Answer(("여기 있어요.", "지금 안전해요?"), (QuickReply("네", "네"),))


def told(reply: Reply) -> dict[str, Any]:
    assert (reply.status, reply.media_type) == (200, "application/json")
    return json.loads(reply.body)


def texts(reply: Reply) -> list[str]:
    return [output["simpleText"]["text"] for output in told(reply)["template"]["outputs"]]


async def test_the_answer_stands_in_the_response_and_counts_as_given():
    intake = FakeIntake(HELLO)
    reply = await hook(intake).take(skill_call(skill_body()))
    assert texts(reply) == ["여기 있어요.", "지금 안전해요?"]
    assert told(reply)["template"]["quickReplies"][0]["messageText"] == "네"
    [message] = intake.messages
    assert (message.channel, message.address, message.text) == ("kakao", f"skill:{KEY}", "무서워요")
    assert (message.ticket, message.media, message.token, message.opens) == (None, None, False, True)
    assert intake.delivered == [HELLO]


@pytest.mark.parametrize(
    "shown",
    [None, "", "x", SECRET[:-1], SECRET + "x", SECRET[:-1] + "X", SECRET.upper(), "비밀" * 20],
)
async def test_without_our_secret_nothing_is_taken(shown: str | None):
    intake = FakeIntake(HELLO)
    with pytest.raises(Forged):
        await hook(intake).take(skill_call(skill_body(), secret=shown))
    assert intake.kept == []


@pytest.mark.parametrize("closed", [{"secret": ""}, {"bot_id": ""}])
async def test_a_door_that_is_not_set_up_is_closed(closed: dict[str, str]):
    for secret in (SECRET, ""):
        intake = FakeIntake(HELLO)
        with pytest.raises(Forged):
            await hook(intake, **closed).take(skill_call(skill_body(), secret=secret))
        assert intake.kept == []


def test_a_short_secret_is_refused_at_once():
    with pytest.raises(ValueError, match="32"):
        hook(FakeIntake(), secret="too short")


def test_secrets_do_not_show():
    shown = repr(doors())
    assert SECRET not in shown
    assert "client-secret" not in shown
    assert "bot-token" not in shown
    assert "rest-key" not in shown


@pytest.mark.parametrize(
    "form",
    [
        SkillRequest.model_validate(skill_body("무서워요")),
        ConsultEvent.model_validate({"uuid": "u1", "content": "무서워요"}),
    ],
)
def test_what_was_written_does_not_show(form: Any):
    assert "무서워요" not in f"{form!r} {form}"


async def test_another_bot_is_refused_and_the_development_channel_is_not():
    intake = FakeIntake(HELLO)
    with pytest.raises(Forged):
        await hook(intake).take(skill_call(skill_body() | {"bot": {"id": "other", "name": "x"}}))
    assert intake.kept == []
    body = skill_body()
    body["bot"]["id"] += "!"
    assert texts(await hook(intake).take(skill_call(body)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 60_000,
        {},
        {"userRequest": {}},
        {"userRequest": {"utterance": "x", "user": {"id": ""}}, "bot": {"id": "x"}},
        {"userRequest": {"utterance": "x", "user": {"id": "a b"}}, "bot": {"id": "x"}},
        {"userRequest": {"utterance": "x", "user": {"id": "가"}}, "bot": {"id": "x"}},
        {"userRequest": {"utterance": "x", "user": {"id": "a" * 201}}, "bot": {"id": "x"}},
        skill_body() | {"bot": None},
        skill_body(utterance=5),
    ],
)
async def test_what_is_no_skill_request_is_malformed(body: Any):
    intake = FakeIntake(HELLO)
    with pytest.raises(Malformed):
        await hook(intake).take(skill_call(body))
    assert intake.kept == []


async def test_what_kakao_adds_is_no_matter():
    body = skill_body(params=[], new={"a": 1}, callbackUrl=["x"]) | {"flow": {}, "value": 5, "action": 7}
    assert texts(await hook(FakeIntake(HELLO)).take(skill_call(body)))


async def test_late_with_a_callback_promises_the_answer_and_leaves_a_ticket():
    intake = FakeIntake(None)
    reply = await hook(intake).take(skill_call(skill_body(callbackUrl=CALLBACK)))
    assert told(reply) == {"version": "2.0", "useCallback": True, "data": {"text": WORDS.coming.ko}}
    [message] = intake.messages
    assert (message.ticket, message.ticket_for) == (CALLBACK, GOOD_FOR)


async def test_late_without_a_callback_says_how_to_see_the_answer():
    assert texts(await hook(FakeIntake(None)).take(skill_call(skill_body()))) == [WORDS.ask_again.ko]
    reply = await hook(FakeIntake(None)).take(skill_call(skill_body("help me please")))
    assert texts(reply) == [WORDS.ask_again.en]


@pytest.mark.parametrize(
    "url",
    [
        "http://bot-api.kakao.com/x",
        "https://kakao.com.evil.example/x",
        "https://evilkakao.com/x",
        "https://evil.example/?kakao.com",
        "https://kakao.com@evil.example/x",
        "https://user@bot-api.kakao.com/x",
        "https://bot-api.kakao.com:8443/x",
        "https://bot-api.kakao.com:99999/x",
        "https://[::1",
        "https://127.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "https://evil.example\\.kakao.com/x",
        "https://evil.example%2f.kakao.com/x",
        "https://evil.example;.kakao.com/x",
        "https://evil.example。kakao.com/x",
        "https://evil.example#.kakao.com/x",
        "https://evil.example?.kakao.com/x",
        "https://ⓚakao.com/x",
        "https://bot-api.kakao.com/x\r\nHost: evil",
        "file:///etc/passwd",
        "//bot-api.kakao.com/x",
        "",
    ],
)
async def test_no_other_address_is_ever_called_back(url: str):
    assert not Trusted().allows(url)
    intake = FakeIntake(None)
    reply = await hook(intake).take(skill_call(skill_body(callbackUrl=url)))
    assert texts(reply) == [WORDS.ask_again.ko]
    assert intake.messages[0].ticket is None


def test_kakao_and_a_simulator_named_in_the_settings_may_be_called_back():
    assert Trusted().allows(CALLBACK)
    assert Trusted().allows("https://kakao.com:443/x")
    simulated = Trusted(origins=("http://127.0.0.1:8710",))
    assert simulated.allows("http://127.0.0.1:8710/callback/1")
    assert not simulated.allows("http://127.0.0.1:87101/callback/1")
    assert not simulated.allows("http://127.0.0.1/callback/1")


async def test_nothing_to_say_is_said_in_words():
    assert texts(await hook(FakeIntake(Answer(()))).take(skill_call(skill_body()))) == [WORDS.kept.ko]


async def test_what_three_bubbles_cannot_hold_is_shown_after_the_next_message():
    written = ["가" * 2000, "나" * 2000, "다" * 2000]
    intake = FakeIntake(Answer(tuple(written), (QuickReply("네", "네"),)), Answer(()), Answer(("끝이에요.",)))
    kakao = hook(intake)
    seen = []
    replies = []
    for number in range(3):
        replies.append(await kakao.take(skill_call(skill_body("네"), f"r-{number}")))
        seen += texts(replies[-1])
    assert "".join("".join(seen).split()) == "".join(written) + "끝이에요."
    buttons = [told(reply)["template"].get("quickReplies") for reply in replies]
    assert buttons[0][0]["label"] == WORDS.more.ko
    assert buttons[1:] == [None, None]


@pytest.mark.parametrize("trouble", [Busy(3), Throttled(9)])
async def test_busy_is_told_to_the_visitor_because_kakao_would_not_ask_again(trouble: Exception):
    intake = FakeIntake(HELLO, failing=trouble)
    assert texts(await hook(intake).take(skill_call(skill_body()))) == [WORDS.busy.ko]
    assert intake.kept == []


async def test_the_budget_is_kept_even_when_the_house_hangs():
    class Hanging(FakeIntake):
        async def keep(self, event: Any) -> None:
            await asyncio.sleep(30)

    clock = asyncio.get_running_loop().time
    begun = clock()
    assert texts(await hook(Hanging(), budget=0.2).take(skill_call(skill_body()))) == [WORDS.unsure.ko]
    assert clock() - begun < 1


async def test_deciding_gets_less_than_the_whole_budget():
    intake = FakeIntake(None)
    intake.waits = True
    begun = asyncio.get_running_loop().time()
    reply = await hook(intake, budget=0.4).take(skill_call(skill_body(callbackUrl=CALLBACK)))
    assert told(reply)["useCallback"] is True
    assert asyncio.get_running_loop().time() - begun < 0.4


async def test_the_event_is_the_request_id_bound_to_who_said_what():
    async def id_of(body: dict[str, Any], request_id: str | None) -> str:
        intake = FakeIntake(HELLO)
        await hook(intake).take(skill_call(body, request_id))
        return intake.messages[0].event_id

    first = await id_of(skill_body("네"), "r-1")
    assert first == await id_of(skill_body("네", callbackUrl=CALLBACK), "r-1")
    others = [
        await id_of(skill_body("네"), "r-2"),
        await id_of(skill_body("아니요"), "r-1"),
        await id_of(skill_body("네", user={"id": "someone"}), "r-1"),
        await id_of(skill_body("네"), None),
        await id_of(skill_body("네"), None),
        await id_of(skill_body("네"), ""),
    ]
    assert len({first, *others}) == 7
    assert KEY not in first


PHOTO = "https://talk.kakaocdn.net/dna/abc/def/i_1.jpg?credential=x"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (skill_body(PHOTO), [("image", "")]),
        (skill_body("http://dn-m.talk.kakao.com/talkm/x/y/v_1.MP4"), [("video", "")]),
        (skill_body("http://dn-m.talk.kakao.com/talkm/x/y/a_1.m4a"), [("audio", "")]),
        (skill_body(f"이거 봐 주세요 {PHOTO}"), [("image", ""), (None, "이거 봐 주세요")]),
        (
            skill_body("사진", params={"media": {"type": "image", "url": "x"}}),
            [("image", ""), (None, "사진")],
        ),
        (skill_body("", params={"media": {"type": "new"}}), [("other", "")]),
        (skill_body("(이모티콘)"), [("sticker", "")]),
        (skill_body("사진을 보냈습니다."), [(None, "사진을 보냈습니다.")]),
        (skill_body("https://t.me/x 여기에 올렸어요"), [(None, "https://t.me/x 여기에 올렸어요")]),
        (
            skill_body("https://kakaocdn.net.evil.example/a.jpg"),
            [(None, "https://kakaocdn.net.evil.example/a.jpg")],
        ),
    ],
)
async def test_media_is_named_and_never_taken_along(
    body: dict[str, Any], expected: list[tuple[str | None, str]]
):
    intake = FakeIntake(HELLO)
    await hook(intake).take(skill_call(body))
    assert [(message.media, message.text) for message in intake.messages] == expected
    assert "kakaocdn.net/dna" not in str([message.text for message in intake.messages])
    assert len({message.event_id for message in intake.messages}) == len(expected)


async def test_the_plug_in_for_secure_pictures_is_media_too():
    body = skill_body("보냈어요")
    secured = '{"imageQuantity":"1","secureUrls":"List(https://secure.kakaocdn.net/a/b)"}'
    body["action"]["params"] = {"사진": secured}
    intake = FakeIntake(HELLO)
    await hook(intake).take(skill_call(body))
    assert [(message.media, message.text) for message in intake.messages] == [
        ("image", ""),
        (None, "보냈어요"),
    ]


async def test_a_very_long_message_comes_in_parts_and_only_the_last_is_answered():
    text = ("무서워요 " * 1100).strip()
    intake = FakeIntake(HELLO)
    await hook(intake).take(skill_call(skill_body(text, callbackUrl=CALLBACK)))
    parts = intake.messages
    assert "".join(part.text for part in parts) == text
    assert all(len(part.text) <= TEXT_LIMIT for part in parts)
    assert [part.ticket for part in parts] == [None, None, CALLBACK]
    assert len({part.event_id for part in parts}) == 3


async def test_an_unknown_door_is_not_found():
    reply = await hook(FakeIntake()).take(call("elsewhere", {}, {}))
    assert reply.status == 404


SOUND = (
    skill_call(skill_body(callbackUrl=CALLBACK)),
    bot_call(frame()),
    consult_call({"uuid": "u1", "msgid": "m1", "type": "text", "content": "도와주세요"}),
)


@given(
    st.sampled_from(SOUND),
    st.binary(max_size=40),
    st.integers(0, 700),
    st.integers(0, 40),
)
async def test_spoilt_bodies_are_malformed_or_taken_and_nothing_else(sound, junk: bytes, at: int, off: int):
    intake = FakeIntake(HELLO)
    body = sound.body[:at] + junk + sound.body[at + off :]
    try:
        reply = await hook(intake).take(type(sound)(sound.url, sound.rest, sound.headers, body))
    except (Forged, Malformed):
        assert intake.kept == []
    else:
        assert reply.status in {200, 204}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(SOUND), json_values, st.data())
async def test_any_json_in_any_place_is_malformed_or_taken_and_nothing_else(sound, value: Any, data):
    body = json.loads(sound.body)
    node = body
    while isinstance(node, dict) and node:
        name = data.draw(st.sampled_from(sorted(node)))
        if data.draw(st.booleans()) or not isinstance(node[name], dict):
            node[name] = value
            break
        node = node[name]
    intake = FakeIntake(HELLO)
    try:
        reply = await hook(intake).take(call(sound.rest, body, dict(sound.headers)))
    except (Forged, Malformed):
        assert intake.kept == []
    else:
        assert reply.status in {200, 204}


@given(st.sampled_from(SOUND), st.integers(0, 60), st.characters(exclude_categories=("Cs",)))
async def test_a_changed_secret_is_forged(sound, at: int, character: str):
    headers = dict(sound.headers)
    rest = sound.rest
    if "x-gyeot-secret" in headers:
        secret = headers["x-gyeot-secret"]
        spoilt = headers["x-gyeot-secret"] = secret[:at] + character + secret[at + 1 :]
    else:
        door, secret, path = rest.split("/")
        spoilt = secret[:at] + character + secret[at + 1 :]
        rest = f"{door}/{spoilt}/{path}"
    if spoilt == secret:
        return
    intake = FakeIntake(HELLO)
    with pytest.raises(Forged):
        await hook(intake).take(type(sound)(sound.url, rest, headers, sound.body))
    assert intake.kept == []
