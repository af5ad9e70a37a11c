"""python-telegram-bot, an independent library, builds what we read and reads what we write.

It also drives the simulator as its own client, so that both ends of our tests stand on the same Bot API.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import aiohttp
import pytest
import telegram as ptb
from aiohttp import web
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter
from telegram.request import HTTPXRequest

from channels.port import Gone, InboundMessage, Parcel, QuickReply, Way
from channels.telegram.buttons import Buttons
from channels.telegram.client import Client
from channels.telegram.config import Phrases, TelegramConfig
from channels.telegram.kinds import ALLOWED
from channels.telegram.receive import Errands
from channels.telegram.sender import build
from channels.telegram.updates import NotAlone, Reading, Tapped, parse
from channels.telegram.webhook import prepare
from simulators.telegram import Provider, simulate
from simulators.telegram_visitor import VISITOR
from tests.telegram_room import SECRET, TOKEN, serving

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
READING = Reading(Phrases(), Buttons(["네"]))
CHAT = ptb.Chat(7, "private", first_name="비밀")
GROUP = ptb.Chat(-100, "supergroup", title="우리 반")
WHO = ptb.User(7, "비밀", False, language_code="ko")
FILE = {"file_id": "a", "file_unique_id": "b"}
PHOTO = (ptb.PhotoSize(**FILE, width=1, height=1),)


def _read(**kind: object):
    """Our reading of an update that python-telegram-bot wrote."""
    update = ptb.Update(5, **kind)
    return parse(json.loads(update.to_json()), READING)


def _message(chat: ptb.Chat = CHAT, **content: object) -> ptb.Message:
    return ptb.Message(31, AT, chat, from_user=WHO, **content)


@pytest.mark.parametrize(
    ("content", "events"),
    [
        ({"text": "도와주세요"}, [("5", None, "도와주세요")]),
        ({"text": "네", "reply_to_message": _message(text="남의 말")}, [("5", None, "네")]),
        ({"text": "뿌린다", "forward_origin": ptb.MessageOriginHiddenUser(AT, "xx")}, [("5", None, "뿌린다")]),
        ({"photo": PHOTO, "caption": "이거"}, [("5", "image", ""), ("5/text", None, "이거")]),
        ({"photo": PHOTO, "media_group_id": "13"}, [("album/7/13", "image", "")]),
        ({"voice": ptb.Voice(**FILE, duration=1)}, [("5", "audio", "")]),
        ({"video_note": ptb.VideoNote(**FILE, length=1, duration=1)}, [("5", "video", "")]),
        ({"animation": ptb.Animation(**FILE, width=1, height=1, duration=1)}, [("5", "video", "")]),
        ({"document": ptb.Document(**FILE)}, [("5", "file", "")]),
        ({"sticker": ptb.Sticker(**FILE, width=1, height=1, is_animated=False, is_video=False, type="regular")}, [("5", "sticker", "")]),
        ({"contact": ptb.Contact("01012345678", "이름")}, [("5", "contact", "")]),
        ({"venue": ptb.Venue(ptb.Location(1.0, 2.0), "학교", "길"), "location": ptb.Location(1.0, 2.0)}, [("5", "location", "")]),
        ({"dice": ptb.Dice(3, "🎲")}, [("5", "other", "")]),
        ({"poll": ptb.Poll("1", "q", [ptb.PollOption("a", 0, persistent_id="1")], 0, False, True, "regular", False, allows_revoting=True, members_only=False)}, [("5", "other", "")]),
        ({"pinned_message": _message(text="a")}, []),
        ({"write_access_allowed": ptb.WriteAccessAllowed()}, []),
    ],
)  # fmt: skip
def test_messages(content, events):
    said = _read(message=_message(**content)).events
    assert [(event.event_id, event.media, event.text) for event in said] == events
    assert all(event.address == "7" and event.own_id == "7:31" and event.lang == "ko" for event in said)


def test_edits_buttons_groups_channels_and_leaving():
    edited = _read(edited_message=_message(text="고침", edit_date=AT))
    assert [event.text for event in edited.events] == ["고침"]
    data = READING.buttons.data(QuickReply("응", "네"))
    markup = ptb.InlineKeyboardMarkup([[ptb.InlineKeyboardButton("응", callback_data=data)]])
    under = ptb.Message(40, AT, CHAT, text="?", reply_markup=markup)
    tapped = _read(callback_query=ptb.CallbackQuery("q", WHO, "1", message=under, data=data))
    assert [event.text for event in tapped.events] == ["네"]
    assert tapped.chores == (Tapped("q", 7, 40, lang="ko"),)
    gone_message = ptb.InaccessibleMessage(CHAT, 40)
    old = _read(callback_query=ptb.CallbackQuery("q", WHO, "1", message=gone_message, data=data))
    assert [event.text for event in old.events] == ["네"]
    blocked = ptb.ChatMemberUpdated(CHAT, WHO, AT, ptb.ChatMemberMember(WHO), ptb.ChatMemberBanned(WHO, AT))
    assert _read(my_chat_member=blocked).events == (Gone("telegram", "5", "7"),)
    asked = ptb.ChatMemberUpdated(GROUP, WHO, AT, ptb.ChatMemberLeft(WHO), ptb.ChatMemberMember(WHO))
    assert _read(my_chat_member=asked).chores == (NotAlone(-100, True, "ko"),)
    assert _read(message=_message(GROUP, text="비밀")).events == ()
    assert _read(message=_message(GROUP, migrate_to_chat_id=-300)).events[0].to == "-300"
    post = ptb.Message(1, AT, ptb.Chat(-200, "channel", title="x"), text="비밀")
    assert _read(channel_post=post).chores == (NotAlone(-200),)


def test_all_other_kinds_of_update_are_passed_over():
    others = {
        "inline_query": ptb.InlineQuery("1", WHO, "비밀", ""),
        "poll_answer": ptb.PollAnswer("1", [0], user=WHO, option_persistent_ids=["1"]),
        "business_message": _message(text="비밀"),
        "pre_checkout_query": ptb.PreCheckoutQuery("1", WHO, "KRW", 1, "x"),
    }
    for kind, content in others.items():
        heard = _read(**{kind: content})
        assert (heard.kind, heard.events, heard.chores) == (kind, (), ())
    assert set(ALLOWED) <= set(ptb.Update.ALL_TYPES)


@dataclass
class Recorder:
    """A Bot API that writes requests down as they come and says yes."""

    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        method = request.path.rpartition("/")[2]
        self.calls.append((method, dict(parse_qsl(await request.text(), keep_blank_values=True))))
        message = {"message_id": 40, "date": 1, "chat": {"id": 7, "type": "private"}}
        results = {"sendMessage": message, "editMessageReplyMarkup": message, "getUpdates": []}
        return web.json_response({"ok": True, "result": results.get(method, True)})


@pytest.fixture
async def recorded():
    recorder = Recorder()
    app = web.Application()
    app.router.add_post(f"/bot{TOKEN}/{{method}}", recorder.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        config = TelegramConfig(TOKEN, SECRET, f"http://127.0.0.1:{runner.addresses[0][1]}", says=("네",))
        yield recorder, Client(config, session), config
    await runner.cleanup()


class Mirror(HTTPXRequest):
    """Takes down what python-telegram-bot itself would send."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, dict[str, str]]] = []

    async def do_request(self, url, method, request_data=None, **_):
        name = url.rpartition("/")[2]
        self.calls.append((name, dict(request_data.json_parameters) if request_data else {}))
        result = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}}
        if name == "getUpdates":
            result = []
        elif name not in {"sendMessage", "editMessageReplyMarkup"}:
            result = True
        return 200, json.dumps({"ok": True, "result": result}).encode()


def _plain(given: dict[str, str]) -> dict[str, object]:
    """Parameters with their JSON opened, and without what only says the default."""
    opened = {}
    for key, value in given.items():
        try:
            opened[key] = json.loads(value)
        except ValueError:
            opened[key] = value
    return {key: value for key, value in opened.items() if value not in (None, False)}


async def test_our_requests_are_what_python_telegram_bot_would_send(recorded):
    recorder, client, config = recorded
    quick = (QuickReply("응", "네"), QuickReply("아니", "싫어요"))
    await build(client, Buttons(config.says)).send(
        [Way("7")], Parcel("k", ("*굵게* https://example.org",), quick)
    )
    await client.delete(7, [1, 2, 3])
    await client.answer_tap("q1")
    await client.answer_tap("q2", "글로 써 줘요")
    await client.take_buttons_away(7, 40)
    await client.leave(-100)
    await prepare(client, config, "https://gyeot.example.org/")
    await client.delete_webhook()
    await client.updates(6, 25)

    mirror = Mirror()
    bot = ptb.Bot(TOKEN, request=mirror, get_updates_request=mirror)
    rows = [
        [ptb.InlineKeyboardButton(reply.label, callback_data=Buttons(config.says).data(reply))]
        for reply in quick
    ]
    await bot.send_message(
        7,
        "*굵게* https://example.org",
        protect_content=True,
        link_preview_options=ptb.LinkPreviewOptions(is_disabled=True),
        reply_markup=ptb.InlineKeyboardMarkup(rows),
    )
    await bot.delete_messages(7, [1, 2, 3])
    await bot.answer_callback_query("q1")
    await bot.answer_callback_query("q2", "글로 써 줘요")
    await bot.edit_message_reply_markup(7, 40)
    await bot.leave_chat(-100)
    url = "https://gyeot.example.org/hooks/telegram"
    await bot.set_webhook(url, secret_token=SECRET, allowed_updates=list(ALLOWED))
    await bot.delete_webhook()
    await bot.get_updates(6, 100, 25, allowed_updates=list(ALLOWED))

    ours = [(name, _plain(given)) for name, given in recorder.calls]
    theirs = [(name, _plain(given)) for name, given in mirror.calls]
    assert ours == theirs
    assert not any(key.startswith("drop") and value for _, given in ours for key, value in given.items())


@pytest.fixture
async def simulated():
    telegram = simulate(Provider(token=TOKEN, pause=0.02))
    async with serving(telegram.app) as url, HTTPXRequest() as calls, HTTPXRequest() as polls:
        yield telegram, ptb.Bot(TOKEN, base_url=f"{url}/bot", request=calls, get_updates_request=polls), url


async def test_python_telegram_bot_works_on_the_simulator(simulated):
    telegram, bot, _ = simulated
    visitor = telegram.visitor
    assert (await bot.get_me()).is_bot
    await visitor.stage.type("안녕하세요")
    for deed in ("photo", "voice", "sticker", "forward", "edit", "group"):
        await visitor.deeds[deed]()
    updates = await bot.get_updates(timeout=0)
    assert [update.update_id for update in updates] == list(range(518_000_001, 518_000_001 + len(updates)))
    assert updates[0].message.text == "안녕하세요"
    assert updates[1].message.photo
    assert updates[2].message.voice
    assert updates[3].message.sticker
    assert updates[4].message.forward_origin.type == "hidden_user"
    assert updates[-1].my_chat_member.new_chat_member.status == "member"
    assert await bot.get_updates(updates[-1].update_id + 1, timeout=0) == ()
    assert await bot.leave_chat(updates[-1].effective_chat.id)

    rows = [[ptb.InlineKeyboardButton("응", callback_data="s:네")]]
    sent = await bot.send_message(
        VISITOR, "안전해요?", protect_content=True, reply_markup=ptb.InlineKeyboardMarkup(rows)
    )
    assert sent.has_protected_content
    await visitor.stage.type("응")
    query = (await bot.get_updates(timeout=0))[-1].callback_query
    assert (query.data, query.message.message_id) == ("s:네", sent.message_id)
    assert await query.answer()
    assert await bot.edit_message_reply_markup(VISITOR, sent.message_id)
    assert await bot.delete_messages(VISITOR, [sent.message_id, 1, 2])
    with pytest.raises(BadRequest, match="to delete not found"):
        await bot.delete_message(VISITOR, sent.message_id)


async def test_the_simulators_errors_are_telegrams_to_python_telegram_bot(simulated, monkeypatch):
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    telegram, bot, url = simulated
    with pytest.raises(BadRequest, match=r"[Cc]hat not found"):
        await bot.send_message(VISITOR, "x")
    await telegram.visitor.stage.type("안녕하세요")
    with pytest.raises(BadRequest, match="too long"):
        await bot.send_message(VISITOR, "가" * 4097)
    for _ in range(5):
        await bot.send_message(VISITOR, "x")
    with pytest.raises(RetryAfter):
        await asyncio.gather(bot.send_message(VISITOR, "x"), bot.send_message(VISITOR, "x"))
    await telegram.visitor.deeds["block"]()
    with pytest.raises(Forbidden):
        await bot.send_message(VISITOR, "x")
    assert await bot.set_webhook(f"{url}/nowhere")
    with pytest.raises(Conflict):
        await bot.get_updates(timeout=0)
    info = await bot.get_webhook_info()
    assert info.url == f"{url}/nowhere"
    assert info.pending_update_count >= 1
    assert await bot.delete_webhook()
    telegram.box.token = "7:another"
    with pytest.raises(InvalidToken):
        await bot.get_me()


async def test_both_libraries_see_the_same_updates(simulated):
    telegram, bot, url = simulated
    await telegram.visitor.stage.type("하나")
    await telegram.visitor.deeds["album"]()
    async with aiohttp.ClientSession() as session:
        client = Client(TelegramConfig(TOKEN, api_url=url), session)
        ours = await client.updates(None, 0)
        assert not Errands(client, Phrases())._running
    theirs = await bot.get_updates(timeout=0)
    assert [update["update_id"] for update in ours] == [update.update_id for update in theirs]
    said = [event for update in ours for event in parse(update, READING).events]
    assert next(event.text for event in said if isinstance(event, InboundMessage)) == "하나"
    assert len({event.event_id for event in said}) == 2
