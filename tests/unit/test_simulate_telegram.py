"""The simulated Bot API keeps Telegram's rules, and the channel works on it in both directions."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from channels.errors import Blocked, Refused, Throttled, Unreachable
from channels.port import Busy, Gone, Parcel, QuickReply, Way
from channels.telegram.client import Conflict
from channels.telegram.polling import Polling
from channels.telegram.webhook import prepare
from simulators.stage import play
from simulators.telegram import build
from simulators.telegram_visitor import VISITOR
from tests.fake_intake import FakeIntake
from tests.telegram_room import SAYS, SECRET, TOKEN, room, until

ME = (Way(f"{VISITOR}"),)


async def _api(api: str, method: str, token: str = TOKEN, **given: object) -> tuple[int, dict]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api}/bot{token}/{method}", json=given) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_line_goes_in_by_webhook_and_the_answer_comes_out_protected():
    async with room() as house:
        await prepare(house.client, house.config, house.public)
        await house.telegram.visitor.stage.type("도와주세요")
        await until(lambda: house.intake.messages)
        message = house.intake.messages[0]
        assert (message.channel, message.address, message.text) == ("telegram", f"{VISITOR}", "도와주세요")
        sent = await house.sender.send(
            ME, Parcel("k1", ("곁에 있어요.", "안전해요?"), (QuickReply("네, 안전해요", "네"),))
        )
        shown = [line for line in house.telegram.visitor.stage.lines if line.who == "gyeot"]
        assert [line.text for line in shown] == ["곁에 있어요.", "안전해요?"]
        assert [line.buttons for line in shown] == [(), ("네, 안전해요",)]
        assert all(given["protect_content"] == "true" for given in house.telegram.calls.sent)
        assert all("parse_mode" not in given for given in house.telegram.calls.sent)
        assert all(
            '"is_disabled": true' in given["link_preview_options"] for given in house.telegram.calls.sent
        )
        await house.telegram.visitor.stage.type("네, 안전해요")
        await until(lambda: len(house.intake.messages) == 2)
        await house.errands.done()
        assert house.intake.messages[1].text == "네"
        assert house.telegram.visitor.open_queries == set()
        assert not any(m.buttons for m in house.telegram.visitor.messages.values())
        await house.sender.erase(f"{VISITOR}", [*sent, message.own_id])
        assert house.telegram.visitor.messages == {}
        assert sum(line.gone for line in house.telegram.visitor.stage.lines) == 3


async def test_deeds_arrive_as_what_they_are():
    async with room() as house:
        await prepare(house.client, house.config, house.public)
        script = "* start\n* photo\n* album\n* voice\n* sticker\n> 이거\n* sticker\n* edit\n* forward\n* again\n* block\n"
        await play(house.telegram.visitor.stage, script, house.telegram.visitor.deeds)
        await until(lambda: any(isinstance(event, Gone) for event in house.intake.kept))
        said = [(message.media, message.text) for message in house.intake.messages]
        forwarded = (None, "내일까지 안 보내면 다 뿌린다")
        assert said == [
            (None, "안녕하세요"),
            ("image", ""),
            (None, "이거예요"),
            *[("image", "")] * 3,
            ("audio", ""),
            ("sticker", ""),
            (None, "이거"),
            ("sticker", ""),
            (None, "이거 (고침)"),
            forwarded,
            forwarded,
        ]
        ids = [message.event_id for message in house.intake.messages]
        assert len(set(ids[3:6])) == 1
        assert ids[-1] == ids[-2]
        assert len(set(ids)) == len(ids) - 3
        with pytest.raises(Blocked):
            await house.sender.send(ME, Parcel("k", ("거기 있어요?",)))


async def test_a_group_is_left_after_one_word_and_nothing_is_taken_in():
    async with room() as house:
        await prepare(house.client, house.config, house.public)
        for _ in range(2):
            await house.telegram.visitor.deeds["group"]()
            await until(lambda: not house.telegram.box.waiting)
            await house.errands.done()
        shown = [line.text for line in house.telegram.visitor.stage.lines if "group" in line.text]
        assert [text.startswith("(in the group)") for text in shown] == [False, True, False, False, False]
        assert shown[-1] == "(the bot left the group)"
        assert house.intake.kept == []


async def test_what_the_house_cannot_take_comes_again_and_nothing_is_lost():
    intake = FakeIntake(failing=Busy(1))
    async with room(intake, pause=0.02) as house:
        await prepare(house.client, house.config, house.public)
        await house.telegram.visitor.stage.type("하나")
        await until(lambda: house.telegram.box.last_error)
        assert house.telegram.box.last_error == "Wrong response from the webhook: 503 Service Unavailable"
        intake.failing = None
        await house.telegram.visitor.stage.type("둘")
        await until(lambda: len(intake.messages) == 2)
        assert [message.text for message in intake.messages] == ["하나", "둘"]


async def test_polling_takes_what_waits_and_confirms_it():
    async with room() as house:
        await house.telegram.visitor.stage.type("하나")
        await house.telegram.visitor.stage.type("둘")
        running = asyncio.create_task(house.polling().run())
        await until(lambda: len(house.intake.messages) == 2)
        await until(lambda: not house.telegram.box.waiting)
        await house.telegram.visitor.stage.type("셋")
        await until(lambda: len(house.intake.messages) == 3)
        running.cancel()
        assert await asyncio.gather(running, return_exceptions=True)
        assert [message.text for message in house.intake.messages] == ["하나", "둘", "셋"]


async def test_only_one_may_poll_and_none_beside_a_webhook():
    async with room() as house:
        first = asyncio.create_task(house.client.updates(None, 5))
        await until(lambda: house.telegram.box._fetch == 1)
        second = asyncio.create_task(house.client.updates(None, 5))
        with pytest.raises(Conflict):
            await first
        await house.telegram.visitor.stage.type("여기")
        assert len(await second) == 1
        await prepare(house.client, house.config, house.public)
        with pytest.raises(Conflict):
            await house.client.updates(None, 0)


async def test_a_poll_whose_caller_hung_up_is_over():
    async with room() as house:
        first = asyncio.create_task(house.client.updates(None, 20))
        waiting = house.telegram.box._changed._waiters
        await until(lambda: len(waiting) == 2)  # the poll, and the postman of the webhook
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await until(lambda: len(waiting) == 1)
        await house.telegram.visitor.stage.type("여기")
        assert len(await house.client.updates(None, 5)) == 1


class _Hasty:
    """A client that does not wait for updates."""

    def __init__(self, client):
        self._client = client

    async def updates(self, offset):
        return await self._client.updates(offset, 0)


async def test_a_restart_of_the_numbers_loses_nothing():
    async with room() as house:
        polling = Polling(_Hasty(house.client), house.receiver)
        await house.telegram.visitor.stage.type("먼저")
        await polling.round()
        await polling.round()  # confirms, and finds nothing
        assert house.telegram.box.waiting == ()
        house.telegram.box._next = 17
        await house.telegram.visitor.stage.type("일주일 뒤")
        await polling.round()
        assert [message.event_id for message in house.intake.messages] == ["518000001", "17"]


async def test_telegram_says_no_in_its_own_words():
    async with room() as house:
        send = {"chat_id": VISITOR, "text": "x"}
        assert await _api(house.api, "getMe", token="7:no") == (
            401,
            {"ok": False, "error_code": 401, "description": "Unauthorized"},
        )
        assert (await _api(house.api, "sendDice"))[0] == 404
        assert (await _api(house.api, "sendMessage", **send))[1][
            "description"
        ] == "Bad Request: chat not found"
        await house.telegram.visitor.stage.type("안녕")
        for text, words in ((" ", "text is empty"), ("😀" * 2049, "is too long")):
            status, body = await _api(house.api, "sendMessage", chat_id=VISITOR, text=text)
            assert (status, body["description"]) == (400, f"Bad Request: message {words}")
        assert (await _api(house.api, "sendMessage", chat_id=VISITOR, text="😀" * 2048))[0] == 200
        markup = {"inline_keyboard": [[{"text": "x", "callback_data": "가" * 22}]]}
        _, body = await _api(house.api, "sendMessage", **send, reply_markup=markup)
        assert body["description"] == "Bad Request: BUTTON_DATA_INVALID"
        for url, words in (
            ("http://example.org/x", "HTTPS url"),
            ("https://example.org:9/x", "only on ports"),
        ):
            assert words in (await _api(house.api, "setWebhook", url=url))[1]["description"]
        _, body = await _api(house.api, "setWebhook", url="https://example.org/x", secret_token="가")
        assert "unallowed" in body["description"]
        assert (await _api(house.api, "deleteMessages", chat_id="x", message_ids="no"))[0] == 400


async def test_a_flood_is_told_how_long_to_wait():
    async with room() as house:
        await house.telegram.visitor.stage.type("안녕")
        answers = [await _api(house.api, "sendMessage", chat_id=VISITOR, text="x") for _ in range(7)]
        statuses = [status for status, _ in answers]
        assert statuses[:5] == [200] * 5
        assert statuses[-1] == 429
        assert answers[-1][1]["parameters"] == {"retry_after": 1}
        with pytest.raises(Throttled) as told:
            await house.client.send(VISITOR, "x")
        assert told.value.seconds == 1


async def test_what_is_older_than_two_days_stays_and_the_rest_goes():
    now = [1_000_000.0]
    async with room(clock=lambda: now[0]) as house:
        stage, visitor = house.telegram.visitor.stage, house.telegram.visitor
        for text in "가나다라마":
            await stage.type(text)
        now[0] += 48 * 3600 + 1
        for text in "바사아":
            await stage.type(text)
        ids = [f"{VISITOR}:{number}" for number in visitor.messages]
        await house.sender.erase(f"{VISITOR}", [*ids, f"{VISITOR}:9999", "77:101", "nonsense", ""])
        assert [message.text for message in visitor.messages.values()] == list("가나다라마")
        await house.sender.erase(f"{VISITOR}", [])


async def test_a_wrong_token_is_said_loudly_and_tried_again(caplog, capsys):
    async with room() as house:
        house.telegram.box.token = "7000000001:another-another-another-another-1"
        with pytest.raises(Unreachable) as said:
            await house.client.send(VISITOR, "x")
        assert type(said.value) is Unreachable
        assert TOKEN not in str(said.value)
    assert "telegram.token_refused" in capsys.readouterr().out


async def test_it_is_built_from_the_services_own_settings():
    settings = {"public": "http://127.0.0.1:8700/", "GYEOT_TELEGRAM_SECRET": SECRET}
    built = build(settings, "http://127.0.0.1:8801")
    assert set(built.deeds) >= {"block", "unblock", "photo", "voice", "sticker", "edit", "forward", "album"}
    assert built.stage.title == "Telegram"


async def test_unblocking_lets_answers_through_again():
    async with room() as house:
        await house.telegram.visitor.stage.type("안녕")
        await house.telegram.visitor.deeds["block"]()
        with pytest.raises(Blocked):
            await house.client.send(VISITOR, "x")
        await house.telegram.visitor.deeds["unblock"]()
        assert await house.client.send(VISITOR, "x")
        with pytest.raises(Refused):
            await house.client.send(1, "x")


async def test_a_long_answer_of_a_button_comes_back_whole():
    async with room() as house:
        await prepare(house.client, house.config, house.public)
        await house.telegram.visitor.stage.type("안녕")
        await house.sender.send(
            ME, Parcel("k", ("무슨 일이에요?",), (QuickReply("사진을 보내래요", SAYS[0]),))
        )
        await house.telegram.visitor.stage.type("사진을 보내래요")
        await until(lambda: len(house.intake.messages) == 2)
        assert house.intake.messages[1].text == SAYS[0]
