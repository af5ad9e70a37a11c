"""Every kind of update comes to what a visitor meant by it, and to nothing else."""

from __future__ import annotations

import contextlib
import json

import pytest
from aiogram.types import Update
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.errors import Malformed
from channels.port import Gone, InboundMessage, Moved, QuickReply
from channels.telegram.buttons import Buttons
from channels.telegram.config import Phrases, TelegramConfig
from channels.telegram.forms import read
from channels.telegram.kinds import ALLOWED
from channels.telegram.updates import NotAlone, Reading, Tapped, parse

CHAT = {"id": 7, "type": "private", "first_name": "비밀이름", "username": "secret_name"}
FROM = {"id": 7, "is_bot": False, "first_name": "비밀이름", "language_code": "ko"}
GROUP = {"id": -100, "type": "supergroup", "title": "우리 반"}
SAY = "온라인에서 만난 사람이 사진을 보내 달라고 해요"
READING = Reading(Phrases(), Buttons([SAY]))
PHOTO = [{"file_id": "x", "file_unique_id": "y", "width": 1, "height": 1}]


def _update(kind: str, content: object, number: int = 5) -> dict[str, object]:
    return {"update_id": number, kind: content}


def _message(kind: str = "message", **content: object) -> dict[str, object]:
    frame = {"message_id": 31, "date": 1_795_000_000, "chat": CHAT, "from": FROM}
    return _update(kind, frame | content)


def _said(update: dict[str, object]) -> list[tuple[str, str | None, str]]:
    heard = parse(update, READING)
    assert all(isinstance(event, InboundMessage) for event in heard.events)
    return [(event.event_id, event.media, event.text) for event in heard.events]


def test_a_text_is_a_message_of_its_chat():
    event = parse(_message(text="도와주세요"), READING).events[0]
    assert event == InboundMessage("telegram", "5", "7", "도와주세요", "ko", own_id="7:31")
    assert "도와" not in repr(event)
    assert "7:31" not in repr(event)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"text": "네", "reply_to_message": {"text": "남의 말", "photo": PHOTO}}, "네"),
        ({"text": "네", "quote": {"text": "남의 말", "position": 0}}, "네"),
        ({"text": "다 뿌린다", "forward_origin": {"type": "user", "sender_user": {"id": 9}}}, "다 뿌린다"),
        ({"text": "다 뿌린다", "forward_origin": {"type": "not known yet"}}, "다 뿌린다"),
        (
            {"text": "보세요 https://example.org/a", "link_preview_options": {"url": "x"}},
            "보세요 https://example.org/a",
        ),
        ({"text": "네", "via_bot": {"id": 3, "is_bot": True}}, "네"),
        ({"text": "네", "not_known_yet": {"a": 1}}, "네"),
        ({"text": "반쪽 \ud83d 글자"}, "반쪽 \ufffd 글자"),
        ({"text": "가" * 4096}, "가" * 4096),
        ({"text": "/start"}, "안녕하세요"),
        ({"text": "/start@gyeot_bot"}, "안녕하세요"),
        ({"text": "/start from_poster_3"}, "안녕하세요"),
        ({"text": "/start river-stone-apple-moon-cloud-tree"}, "river stone apple moon cloud tree"),
        ({"text": "/start river_stone_apple_moon_cloud_tree"}, "river stone apple moon cloud tree"),
        ({"text": "/start 저 좀 도와주세요"}, "저 좀 도와주세요"),
        ({"text": "/help"}, "여기는 뭐 하는 곳이에요?"),
        ({"text": "/help\n지금 죽고 싶어요"}, "지금 죽고 싶어요"),
        ({"text": "/stop"}, "나가기"),
        ({"text": "/STOP"}, "나가기"),
        ({"text": "/stop 하래도 계속 협박해요"}, "하래도 계속 협박해요"),
        ({"text": "/wipe"}, "지워줘"),
        ({"text": "/이게뭐죠"}, "/이게뭐죠"),
        ({"text": "/stopped"}, "/stopped"),
    ],
)
def test_words_are_taken_as_they_are_meant(content, said):
    assert _said(_message(**content)) == [("5", None, said)]


def test_commands_speak_the_visitors_language():
    update = _message(text="/start", **{"from": FROM | {"language_code": "en-GB"}})
    event = parse(update, READING).events[0]
    assert (event.text, event.lang) == ("hello", "en")
    other = parse(_message(text="hola", **{"from": FROM | {"language_code": "es"}}), READING).events[0]
    assert other.lang is None


@pytest.mark.parametrize(
    ("content", "media"),
    [
        ({"photo": PHOTO}, "image"),
        ({"live_photo": {}}, "image"),
        ({"video": {}}, "video"),
        ({"video_note": {}}, "video"),
        ({"animation": {}, "document": {}}, "video"),
        ({"story": {}}, "video"),
        ({"voice": {}}, "audio"),
        ({"audio": {}}, "audio"),
        ({"document": {}}, "file"),
        ({"sticker": {}}, "sticker"),
        ({"contact": {"phone_number": "01012345678"}}, "contact"),
        ({"location": {}}, "location"),
        ({"venue": {}, "location": {}}, "location"),
        ({"dice": {}}, "other"),
        ({"poll": {}}, "other"),
        ({"game": {}}, "other"),
        ({"paid_media": {}}, "other"),
        ({"checklist": {}}, "other"),
        ({"hologram_of_2031": {}}, "other"),
    ],
)
def test_media_is_refused_by_its_kind_and_its_caption_is_heard(content, media):
    assert _said(_message(**content)) == [("5", media, "")]
    assert _said(_message(**content, caption="이거예요")) == [("5", media, ""), ("5/text", None, "이거예요")]


def test_an_album_is_one_refusal_and_keeps_its_captions():
    albums = [
        _message(message_id=31 + n, photo=PHOTO, media_group_id="135", caption=f"{n}") | {"update_id": 60 + n}
        for n in range(10)
    ]
    said = [entry for update in albums for entry in _said(update)]
    assert {event for event, media, _ in said if media} == {"album/7/135"}
    assert [(event, text) for event, media, text in said if not media] == [
        (f"{60 + n}/text", f"{n}") for n in range(10)
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"text": "고친 말", "edit_date": 1_795_000_100}, [("5", None, "고친 말")]),
        ({"photo": PHOTO, "caption": "고친 말"}, [("5", None, "고친 말")]),
        ({"photo": PHOTO}, []),
        ({"location": {"live_period": 900}}, []),
        ({"text": "/start"}, [("5", None, "안녕하세요")]),
    ],
)
def test_an_edit_is_new_words_and_no_new_media(content, said):
    assert _said(_message("edited_message", **content)) == said


@pytest.mark.parametrize(
    "content",
    [
        {"pinned_message": {"text": "a"}},
        {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
        {"write_access_allowed": {}},
        {"successful_payment": {}},
        {},
        {"text": "로봇의 말", "from": FROM | {"is_bot": True}},
    ],
)
def test_what_telegram_or_a_bot_writes_is_passed_over(content):
    heard = parse(_message(**content), READING)
    assert (heard.events, heard.chores) == ((), ())


@pytest.mark.parametrize("kind", ["message", "edited_message"])
@pytest.mark.parametrize("type_", ["group", "supergroup", "channel", "not known yet"])
def test_nothing_is_taken_in_from_a_room_with_others(kind, type_):
    chat = GROUP | {"type": type_}
    for content in ({"text": "/start"}, {"text": "도와주세요"}, {"photo": PHOTO, "caption": "x"}):
        heard = parse(_message(kind, chat=chat, **content), READING)
        assert heard.events == ()
        assert heard.chores == (NotAlone(-100, type_ in {"group", "supergroup"}, "ko"),)


def test_a_channel_is_left_without_a_word():
    post = {"message_id": 1, "date": 1, "chat": {"id": -200, "type": "channel"}, "text": "x"}
    heard = parse(_update("channel_post", post), READING)
    assert (heard.events, heard.chores) == ((), (NotAlone(-200),))


def _membership(chat: dict[str, object], status: str) -> dict[str, object]:
    old, new = {"user": FROM, "status": "left"}, {"user": FROM, "status": status}
    content = {"chat": chat, "from": FROM, "date": 1, "old_chat_member": old, "new_chat_member": new}
    return _update("my_chat_member", content)


@pytest.mark.parametrize(
    ("chat", "status", "events", "chores"),
    [
        (CHAT, "kicked", (Gone("telegram", "5", "7"),), ()),
        (CHAT, "member", (), ()),
        (GROUP, "member", (), (NotAlone(-100, True, "ko"),)),
        (GROUP, "administrator", (), (NotAlone(-100, True, "ko"),)),
        (GROUP, "left", (), ()),
        (GROUP, "kicked", (), ()),
    ],
)
def test_being_blocked_is_gone_and_being_taken_into_a_group_is_not_wanted(chat, status, events, chores):
    heard = parse(_membership(chat, status), READING)
    assert (heard.events, heard.chores) == (events, chores)


def test_a_chat_that_moved_is_known_by_its_new_number():
    heard = parse(_message(chat=GROUP, migrate_to_chat_id=-300), READING)
    assert heard.events == (Moved("telegram", "5", "-100", "-300"),)


def _tap(
    data: str, labels: dict[str, str] | None = None, chat: dict[str, object] = CHAT
) -> dict[str, object]:
    rows = [[{"text": label, "callback_data": value}] for label, value in (labels or {}).items()]
    under = {"message_id": 40, "date": 1, "chat": chat, "text": "?"}
    under |= {"reply_markup": {"inline_keyboard": rows}} if labels else {}
    content = {"id": "q1", "from": FROM, "chat_instance": "1", "message": under, "data": data}
    return _update("callback_query", content)


def test_a_tap_says_what_its_button_means():
    buttons = READING.buttons
    for reply, said in (
        (QuickReply("사진을 보내래요", SAY), SAY),
        (QuickReply("짧은 말", "네"), "네"),
        (QuickReply("모르는 긴 말", "말" * 60), "모르는 긴 말"),
    ):
        data = buttons.data(reply)
        assert len(data.encode()) <= 64
        heard = parse(_tap(data, {reply.label: data}), READING)
        assert heard.events == (InboundMessage("telegram", "5", "7", said, "ko"),)
        assert heard.chores == (Tapped("q1", 7, 40, lang="ko"),)


def test_a_tap_on_what_is_not_known_any_more_ends_its_waiting_sign():
    for data in ("q:0123", "s:", ""):
        heard = parse(_tap(data), READING)
        assert (heard.events, heard.chores) == ((), (Tapped("q1", 7, 40, worn=True, lang="ko"),))
    elsewhere = _update("callback_query", {"id": "q2", "from": FROM, "inline_message_id": "x", "data": "s:a"})
    assert parse(elsewhere, READING).chores == (Tapped("q2"),)
    in_group = parse(_tap("s:네", chat=GROUP), READING)
    assert in_group.events == ()
    assert in_group.chores == (Tapped("q1"), NotAlone(-100, True, "ko"))


@given(st.text(max_size=200), st.text(max_size=60))
def test_every_button_fits_and_says_itself_or_what_it_shows(say, label):
    buttons = Buttons(["네"])
    reply = QuickReply(label, say)
    data = buttons.data(reply)
    assert len(data.encode("utf-8")) <= 64
    assert buttons.said(data, {data: label}) in {say or None, label}


@pytest.mark.parametrize(
    "kind",
    sorted(
        {field for field in Update.model_fields if field != "update_id"} - {*ALLOWED, "edited_channel_post"}
    ),
)
def test_other_updates_are_named_and_passed_over(kind):
    assert kind not in ALLOWED
    heard = parse(_update(kind, {"id": "1", "chat": CHAT, "text": "비밀", "query": "비밀"}), READING)
    assert (heard.kind, heard.events, heard.chores) == (kind, (), ())


@pytest.mark.parametrize(
    "update",
    [
        _update("message", None),
        _update("message", {"text": "어디서?"}),
        _message(text=5),
        _message(chat={"id": "7", "type": "private"}),
        _message(message_id=2**70),
        _update("callback_query", []),
        _update("my_chat_member", {"chat": CHAT}),
        _update("channel_post", "x"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_kind_only(update):
    heard = parse(update, READING)
    assert heard.kind.startswith("unreadable ")
    assert (heard.events, heard.chores) == ((), ())


def test_the_kind_of_an_update_cannot_smuggle_words_into_the_log():
    assert parse({"update_id": 1, "비밀 말": {}}, READING).kind == "unknown"
    assert parse({"update_id": 1}, READING).kind == "empty"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from(
    ["chat", "from", "text", "caption", "photo", "message", "data", "id", "type", "status", "message_id"]
) | st.sampled_from(
    ["new_chat_member", "reply_markup", "media_group_id", "migrate_to_chat_id", "inline_keyboard"]
)
_NEARLY = st.recursive(
    _JSON | st.sampled_from(["private", "group", "kicked", "/start x", "s:네"]),
    lambda inner: st.dictionaries(_FIELDS, inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=20,
)


@settings(max_examples=400)
@given(st.sampled_from([*ALLOWED, "inline_query", "x"]), _NEARLY, st.integers(0, 2**62))
def test_no_update_makes_reading_fail(kind, content, number):
    heard = parse({"update_id": number, kind: content}, READING)
    assert heard.kind
    for event in heard.events:
        assert event.event_id.startswith((f"{number}", "album/"))


@given(st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_an_update_or_malformed(body):
    with contextlib.suppress(Malformed):
        assert read(body)["update_id"] >= 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"update_id": "1"}',
        b'{"update_id": true}',
        b'{"update_id": -1}',
        b"[" * 100_000,
        b"9" * 5000,
        b"\xff",
    ],
)
def test_what_is_no_update_is_malformed(body):
    with pytest.raises(Malformed):
        read(body)


@pytest.mark.parametrize("token", ["", "123", "123:short", "x:" + "a" * 40, "123:" + "a" * 40 + "\n"])
def test_a_token_of_the_wrong_form_is_refused_at_once(token):
    with pytest.raises(ValueError) as error:
        TelegramConfig(token)
    assert not token or token not in str(error.value)


@pytest.mark.parametrize("secret", ["short", "a" * 31, "a" * 257, "가" * 40, "a" * 40 + " "])
def test_a_secret_that_can_be_guessed_or_not_sent_is_refused_at_once(secret):
    with pytest.raises(ValueError):
        TelegramConfig("123456:" + "a" * 40, secret)


def test_secrets_do_not_show():
    config = TelegramConfig("123456:" + "a" * 40, "b" * 40)
    assert "aaaa" not in repr(config)
    assert "bbbb" not in repr(config)
