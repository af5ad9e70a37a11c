"""Webhook and polling: what is not from Telegram changes nothing, what is from Telegram is kept once or comes again."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.errors import Blocked, Forged, Malformed, Throttled, Unreachable
from channels.port import Busy
from channels.telegram import polling as polling_module
from channels.telegram.client import Conflict
from channels.telegram.config import TelegramConfig
from channels.telegram.polling import AFTER_CONFLICT, LONGEST_PAUSE, TRIES, Polling
from channels.telegram.receive import Errands, Receiver
from channels.telegram.updates import NotAlone, Tapped
from channels.telegram.webhook import HEADER, TelegramHook
from channels.webhooks import Call
from tests.fake_intake import FakeIntake
from tests.telegram_room import SECRET, TOKEN


class Quiet:
    """Errands that are only written down."""

    def __init__(self) -> None:
        self.chores: list[object] = []

    def soon(self, chore: object) -> None:
        self.chores.append(chore)


def _text(number: int, text: str = "도와주세요") -> dict[str, object]:
    chat = {"id": 7, "type": "private"}
    return {"update_id": number, "message": {"message_id": number, "date": 1, "chat": chat, "text": text}}


def _hook(intake: FakeIntake, secret: str = SECRET) -> TelegramHook:
    config = TelegramConfig(TOKEN, secret)
    return TelegramHook(config, Receiver(config, intake, Quiet()))


def _call(body: bytes, headers: dict[str, str] | None = None) -> Call:
    return Call(
        "https://example.org/hooks/telegram", "", {HEADER: SECRET} if headers is None else headers, body
    )


BODY = json.dumps(_text(5)).encode()


async def test_a_true_update_is_kept_and_answered():
    intake = FakeIntake()
    reply = await _hook(intake).take(_call(BODY))
    assert reply.status == 200
    assert [message.text for message in intake.messages] == ["도와주세요"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {HEADER: ""},
        {HEADER: SECRET[:-1]},
        {HEADER: SECRET + "a"},
        {HEADER: SECRET.upper()},
        {HEADER: "가\udcff"},
    ],
)
async def test_without_the_secret_nothing_happens(headers):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await _hook(intake).take(_call(BODY, headers))
    assert intake.kept == []


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {HEADER: SECRET}])
async def test_without_a_configured_secret_it_is_closed(headers):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await _hook(intake, "").take(_call(BODY, headers))
    assert intake.kept == []


async def test_what_nobody_can_read_is_answered_so_that_it_does_not_come_for_ever(capsys):
    intake = FakeIntake()
    unreadable = {"update_id": 9, "message": {"text": "비밀 말"}}
    assert (await _hook(intake).take(_call(json.dumps(unreadable).encode()))).status == 200
    assert intake.kept == []
    logged = capsys.readouterr().out
    assert "unreadable message" in logged
    assert "비밀" not in logged


async def test_a_full_house_is_said_and_anything_else_is_not_swallowed():
    with pytest.raises(Busy):
        await _hook(FakeIntake(failing=Busy(3))).take(_call(BODY))
    with pytest.raises(OSError):
        await _hook(FakeIntake(failing=OSError("disk"))).take(_call(BODY))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.text(max_size=60) | st.just(SECRET))
async def test_no_request_does_more_than_be_refused_or_kept(body, shown):
    intake = FakeIntake()
    try:
        await _hook(intake).take(_call(body, {HEADER: shown}))
    except (Forged, Malformed):
        assert intake.kept == []
    else:
        assert shown == SECRET


@given(st.integers(0, len(SECRET) - 1), st.characters(codec="ascii"))
async def test_one_changed_character_of_the_secret_is_forged(place, character):
    shown = SECRET[:place] + character + SECRET[place + 1 :]
    intake = FakeIntake()
    if shown == SECRET:
        return
    with pytest.raises(Forged):
        await _hook(intake).take(_call(BODY, {HEADER: shown}))
    assert intake.kept == []


class Source:
    """A Bot API that holds updates until they are confirmed, and fails when told to."""

    def __init__(self, *updates: dict[str, object]) -> None:
        self.updates_left = list(updates)
        self.failing: list[Exception] = []
        self.offsets: list[int | None] = []
        self.prepared = 0

    async def delete_webhook(self) -> None:
        self.prepared += 1

    async def updates(self, offset: int | None):
        self.offsets.append(offset)
        await asyncio.sleep(0)
        if self.failing:
            raise self.failing.pop(0)
        if offset is not None:
            self.updates_left = [u for u in self.updates_left if u.get("update_id", offset) >= offset]
        return self.updates_left[:100]


class Picky(FakeIntake):
    """Fails for some texts."""

    def __init__(self, *bad: str, error: Exception | None = None) -> None:
        super().__init__()
        self.bad, self.error = set(bad), error or OSError("disk")

    async def keep(self, event):
        if event.text in self.bad:
            raise self.error
        await super().keep(event)


def _polling(source: Source, intake: FakeIntake, sleep=asyncio.sleep) -> Polling:
    config = TelegramConfig(TOKEN)
    return Polling(source, Receiver(config, intake, Quiet()), sleep)


async def test_the_number_moves_over_what_is_kept_and_is_then_left_out():
    source, intake = Source(_text(5), _text(6)), FakeIntake()
    polling = _polling(source, intake)
    for _ in range(3):
        await polling.round()
    assert source.offsets == [None, 7, None]
    assert [message.event_id for message in intake.messages] == ["5", "6"]


async def test_lower_numbers_are_taken_like_any_other():
    source, intake = Source(_text(900), _text(17), _text(18)), FakeIntake()
    await _polling(source, intake).round()
    assert [message.event_id for message in intake.messages] == ["900", "17", "18"]


async def test_a_full_house_stops_the_batch_and_confirms_only_what_is_kept():
    source, intake = Source(_text(5), _text(6, "나중"), _text(7)), Picky("나중", error=Busy(2))
    polling = _polling(source, intake)
    with pytest.raises(Busy):
        await polling.round()
    assert [message.event_id for message in intake.messages] == ["5"]
    intake.bad.clear()
    await polling.round()
    assert source.offsets == [None, 6]
    assert [message.event_id for message in intake.messages] == ["5", "6", "7"]


async def test_one_bad_update_holds_nobody_up_and_is_let_go_in_the_end(capsys):
    source, intake = Source(_text(5), _text(6, "독"), _text(7)), Picky("독")
    polling = _polling(source, intake)
    for attempt in range(TRIES - 1):
        with pytest.raises(OSError):
            await polling.round()
        assert source.offsets[-1] == (6 if attempt else None)
    with pytest.raises(OSError):
        await polling.round()
    await polling.round()
    assert source.offsets[-1] == 8
    assert {message.event_id for message in intake.messages} == {"5", "7"}
    assert capsys.readouterr().out.count("telegram.update_given_up") == 1


async def test_when_nothing_can_be_kept_nothing_is_let_go():
    source, intake = Source(_text(5), _text(6)), FakeIntake(failing=OSError("disk"))
    polling = _polling(source, intake)
    for _ in range(3 * TRIES):
        with pytest.raises(OSError):
            await polling.round()
    assert set(source.offsets) == {None}
    intake.failing = None
    await polling.round()
    assert [message.event_id for message in intake.messages] == ["5", "6"]


async def test_pauses_grow_and_end_with_the_first_success(monkeypatch, capsys):
    monkeypatch.setattr(polling_module.random, "uniform", lambda low, _: low)
    source, intake = Source(_text(5)), FakeIntake()
    source.failing = [*[Unreachable("x")] * 8, Conflict("y"), Throttled(41), ValueError("odd")]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    running = asyncio.create_task(_polling(source, intake, sleep).run())
    async with asyncio.timeout(5):
        while len(source.offsets) < 14:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert slept == [1, 2, 4, 8, 16, 32, 60, 60, AFTER_CONFLICT, 41, LONGEST_PAUSE]
    assert source.prepared == 1
    assert "another process polls" in capsys.readouterr().out


async def test_an_item_without_a_number_does_not_stop_the_line():
    source, intake = Source({"message": {}}, _text(5)), FakeIntake()
    await _polling(source, intake).round()
    assert [message.event_id for message in intake.messages] == ["5"]


class Hands:
    """A client that writes down what it is asked for."""

    def __init__(self, failing: Exception | None = None) -> None:
        self.done: list[tuple[object, ...]] = []
        self.failing = failing
        self.gate = asyncio.Event()
        self.gate.set()

    async def _note(self, *what: object) -> int:
        await self.gate.wait()
        self.done.append(what)
        if self.failing:
            raise self.failing
        return 1

    async def send(self, chat, text, buttons=()):
        return await self._note("send", chat, text)

    async def leave(self, chat):
        await self._note("leave", chat)

    async def answer_tap(self, query, words=None):
        await self._note("answer", query, words)

    async def take_buttons_away(self, chat, message):
        await self._note("bare", chat, message)


def _errands(client: Hands) -> Errands:
    return Errands(client, TelegramConfig(TOKEN).phrases)


async def test_a_group_hears_it_once_and_is_always_left():
    client = Hands()
    errands = _errands(client)
    for _ in range(3):
        errands.soon(NotAlone(-5, True, "en"))
    await errands.done()
    assert sorted(what[0] for what in client.done) == ["leave", "leave", "leave", "send"]
    assert client.done[0][2].startswith("I only talk one to one")


async def test_a_group_that_may_not_be_told_is_left_all_the_same():
    client = Hands(Blocked("not allowed to write"))
    errands = _errands(client)
    errands.soon(NotAlone(-5, True))
    errands.soon(Tapped("q", 7, 1))
    await errands.done()
    assert {what[0] for what in client.done} == {"send", "leave", "answer"}


async def test_a_worn_button_is_not_met_with_silence():
    client = Hands()
    errands = _errands(client)
    errands.soon(Tapped("q1", 7, 1, worn=True))
    errands.soon(Tapped("q2", 7, 1))
    await errands.done()
    answers = {what[1]: what[2] for what in client.done if what[0] == "answer"}
    assert answers == {"q1": "이 버튼은 이제 쓸 수 없어요. 글로 써 줘요.", "q2": None}
    assert sum(what[0] == "bare" for what in client.done) == 2


async def test_errands_are_bounded():
    client = Hands()
    client.gate.clear()
    errands = _errands(client)
    for number in range(250):
        errands.soon(Tapped(f"{number}"))
    client.gate.set()
    await errands.done()
    assert len(client.done) == 100
