"""The hotline's hook: what it refuses, what it says, whom it rings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from channels.errors import Forged, Malformed, WindowClosed
from channels.port import Busy, Parcel, Way
from channels.voice.hook import MOST_ROUNDS, Voice
from channels.voice.lines import LONGEST, Lines
from channels.voice.port import GROUP, Did, Happening, Leg, Phone, Reachable, Round, Wish
from channels.voice.requests import HIDDEN, Where
from channels.voice.sender import VoiceSender
from channels.voice.table import Config
from channels.webhooks import Call, Reply
from handoff.store.memory import MemoryStore
from tests.builders import START
from tests.journey.indoors import some_tools

URL = "https://gyeot.test/hooks/voice"
TOKEN = "a-token-of-more-than-32-characters"
SID, LEG = "CA" + "a" * 32, "CA" + "b" * 32
NOON, NIGHT = START / 1000 // 86400 * 86400 + 3 * 3600, START / 1000 // 86400 * 86400 + 13 * 3600
CONFIG = Config("AC1", TOKEN, "+82212345678", URL)
WORDS = some_tools(MemoryStore()).content
PHONES = tuple(Phone(f"id-{n}", f"+8210111111{n:02}") for n in range(12))


class FakeCalls:
    """Remembers; answers what a test sets. ``failing`` is raised before anything is kept."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.found = Reachable(PHONES[:2])
        self.accepts = True
        self.talked = False
        self.failing: Exception | None = None

    def _keep(self, what: Any) -> None:
        if self.failing is not None:
            raise self.failing
        self.kept.append(what)

    async def happened(self, happening: Happening) -> None:
        self._keep(happening)

    async def reachable(self, ring: Round) -> Reachable:
        self._keep(ring)
        return Reachable() if ring.group else self.found

    async def accepted(self, leg: Leg) -> bool:
        self._keep(leg)
        return self.accepts

    async def dialed(self, ring: Round, bridged: bool | None) -> bool:
        self._keep((ring, bridged))
        return self.talked

    async def call_back(self, wish: Wish) -> None:
        self._keep(wish)

    @property
    def did(self) -> list[Did]:
        return [one.did for one in self.kept if isinstance(one, Happening)]


class Desk:
    """A hook with its fake house, and requests that are signed rightly."""

    def __init__(self, **config: Any) -> None:
        self.calls = FakeCalls()
        self.at = NOON
        self.hook = Voice(replace(CONFIG, **config), self.calls, WORDS, lambda: self.at)

    async def step(self, rest: str = "", where: Where = Where(), **fields: str) -> ET.Element:  # noqa: B008  a value
        reply = await self.reply(rest, where, **fields)
        assert (reply.status, reply.media_type) == (200, "text/xml")
        return ET.fromstring(reply.body)

    async def reply(self, rest: str = "", where: Where = Where(), **fields: str) -> Reply:  # noqa: B008  a value
        return await self.hook.take(request(rest, where.query(), fields))


def request(
    rest: str = "", query: str = "", fields: Mapping[str, str] | None = None, token: str = TOKEN
) -> Call:
    sent = {"AccountSid": "AC1", "CallSid": SID, "From": "+821055550000", "To": CONFIG.number} | dict(
        fields or {}
    )
    url = URL + (f"/{rest}" if rest else "") + (f"?{query}" if query else "")
    signed = RequestValidator(token).compute_signature(url, sent)
    return Call(url, rest, {"x-twilio-signature": signed}, urlencode(sent).encode())


def spoken(document: ET.Element) -> str:
    return " ".join("".join(say.itertext()) for say in document.iter("Say"))


def says(document: ET.Element, text: str, lang: str = "ko") -> bool:
    """Whether the document has this text, numbers left aside: they are read digit by digit."""

    def bare(words: str) -> str:
        return re.sub(r"[\d\s]+", "", words)

    return bare("".join(WORDS.render(text, lang))) in bare(spoken(document))


def where_of(url: str) -> tuple[str, Where]:
    parts = urlsplit(url)
    return parts.path.removeprefix("/hooks/voice/"), Where.read(parts.query)


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "config",
    [
        {"token": ""},
        {"token": "x" * 31},
        {"account": ""},
        {"number": ""},
        {"url": ""},
        {"fallback": ("+821011112222",) * 11},
        {"fallback": ("010-1111-2222",)},
        {"number": "02-735-8994"},
    ],
)
def test_a_hotline_that_is_set_up_wrongly_does_not_start(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Desk(**config)


def test_secrets_do_not_print() -> None:
    assert TOKEN not in repr(CONFIG)
    assert CONFIG.number not in repr(CONFIG)
    assert "+8210" not in repr(PHONES)
    assert "+8210" not in repr(Wish(SID, "+821055550000", "hour"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda call: replace(call, headers={}),
        lambda call: replace(call, headers={"x-twilio-signature": ""}),
        lambda call: replace(call, headers={"x-twilio-signature": "가" * 28}),
        lambda call: replace(call, url=call.url + "?lang=en"),
        lambda call: replace(call, url="http://[broken"),
        lambda call: replace(call, body=call.body + b"&Digits=1"),
        lambda call: replace(call, body=b"\xff\xfe"),
        lambda call: replace(call, body=b"a=1&" * 500),
        lambda call: replace(call, body=b""),
        lambda _: request(token="another-token-of-32-characters-xx"),
        lambda _: request(fields={"AccountSid": "AC2"}),
    ],
)
async def test_what_is_not_from_twilio_is_refused_and_changes_nothing(spoil: Any) -> None:
    desk = Desk()
    with pytest.raises(Forged):
        await desk.hook.take(spoil(request()))
    assert desk.calls.kept == []


@given(st.data())
async def test_one_changed_byte_is_a_forgery(data: st.DataObject) -> None:
    desk, call = Desk(), request("menu", "again=1", {"Digits": "1"})
    at = data.draw(st.integers(0, len(call.body) - 1))
    changed = bytearray(call.body)
    changed[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != call.body[at]))
    same = parse_qsl(call.body.decode(), keep_blank_values=True)
    try:
        differs = parse_qsl(bytes(changed).decode(), keep_blank_values=True) != same
    except ValueError:
        differs = True
    if differs:
        with pytest.raises(Forged):
            await desk.hook.take(replace(call, body=bytes(changed)))
        assert desk.calls.kept == []


STEPS = (
    "",
    "menu",
    "ring",
    "held",
    "dialed",
    "whisper",
    "accept",
    "window",
    "safe",
    "status",
    "other",
    "menu/x",
)
NAMES = st.sampled_from(["lang", "again", "round", "since", "window", "call", "who", "x"])


@given(
    st.sampled_from(STEPS),
    st.dictionaries(
        NAMES, st.text(max_size=12) | st.sampled_from(["en", "1", "999", "hour", SID, "id-1", GROUP])
    ),
    st.dictionaries(
        st.sampled_from(["Digits", "From", "CallStatus", "DialCallStatus", "DialBridged", "CallSid"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
        | st.sampled_from(["1", "completed", "true"]),
    ),
)
async def test_whatever_twilio_sends_is_answered_or_malformed(
    rest: str, where: dict[str, str], fields: dict[str, str]
) -> None:
    desk = Desk()
    try:
        reply = await desk.hook.take(request(rest, urlencode(where), fields))
    except Malformed:
        assert desk.calls.kept == []
        return
    assert ET.fromstring(reply.body).tag == "Response"


@pytest.mark.parametrize(
    "query", ["lang=fr", "again=x", "round=-1", "since=9999999999999", "window=now", "call=CA1", "who=a/b"]
)
async def test_an_address_that_is_none_of_ours_is_malformed(query: str) -> None:
    with pytest.raises(Malformed):
        await Desk().hook.take(request("menu", query))


@pytest.mark.parametrize("rest", ["whisper", "accept"])
async def test_a_phone_that_nobody_rang_is_malformed(rest: str) -> None:
    with pytest.raises(Malformed):
        await Desk().step(rest, Digits="1")


@given(
    st.builds(
        Where,
        lang=st.sampled_from(["ko", "en"]),
        again=st.integers(0, 9),
        round=st.integers(0, 999),
        since=st.integers(0, 99_999_999_999),
        window=st.sampled_from(["", "hour", "evening"]),
        call=st.sampled_from(["", SID]),
        who=st.sampled_from(["", "id-1", GROUP]),
    )
)
def test_where_a_call_stands_survives_an_address(where: Where) -> None:
    assert Where.read(where.query()) == where


# ── what is said and asked ──────────────────────────────────────────────────────────────────────────


async def test_the_greeting_asks_in_korean_and_offers_english() -> None:
    desk = Desk()
    document = await desk.step()
    for text in ("voice.greeting", "voice.menu"):
        assert says(document, text)
    assert says(document, "voice.other_language", "en")
    assert not says(document, "voice.recorded")
    [gather] = document.iter("Gather")
    assert (gather.get("numDigits"), gather.get("actionOnEmptyResult")) == ("1", "true")
    assert where_of(gather.get("action", "")) == ("menu", Where())
    assert desk.calls.did == [Did.BEGAN]
    assert {say.get("language") for say in document.iter("Say")} == {"ko-KR", "en-US"}


async def test_numbers_are_read_digit_by_digit() -> None:
    read = list((await Desk().step()).iter("say-as"))
    assert [one.text for one in read] == ["1 1 2", "1 1 9"]
    assert {one.get("interpret-as") for one in read} == {"digits"}


@pytest.mark.parametrize(
    ("digits", "where", "text", "lang", "did"),
    [
        ("1", Where(), "voice.connecting", "ko", [Did.ASKED]),
        ("1", Where(lang="en"), "voice.connecting", "en", [Did.ASKED]),
        ("2", Where(), "voice.to_person", "ko", [Did.BY_TEXT]),
        ("9", Where(), "voice.greeting", "en", []),
        ("9", Where(lang="en", again=1), "voice.greeting", "ko", []),
        ("", Where(), "voice.again", "ko", []),
        ("7", Where(), "voice.again", "ko", []),
        ("", Where(again=1), "voice.connecting", "ko", [Did.UNSURE]),
        ("7", Where(again=1), "voice.connecting", "ko", [Did.UNSURE]),
    ],
)
async def test_the_menu(digits: str, where: Where, text: str, lang: str, did: list[Did]) -> None:
    desk = Desk()
    assert says(await desk.step("menu", where, Digits=digits), text, lang)
    assert desk.calls.did == did


@pytest.mark.parametrize(
    ("config", "heard", "silent"),
    [
        ({"web": "gyeot.kr"}, ["gyeot.kr"], ["2 1 2"]),
        ({"web": "https://gyeot.kr/"}, ["gyeot.kr"], ["https", "/"]),
        ({"sms": "+82212345678"}, ["0 2 1 2 3 4 5 6 7 8"], ["gyeot.kr"]),
        ({"sms": "+15005550006"}, ["1 5 0 0 5 5 5 0 0 0 6"], ["gyeot.kr"]),
        ({}, ["1 3 8 8"], ["gyeot.kr", "글로도"]),
    ],
)
async def test_going_on_by_text_names_only_what_is_set_up(
    config: dict[str, str], heard: list[str], silent: list[str]
) -> None:
    words = spoken(await Desk(**config).step("menu", Digits="2"))
    assert all(one in words for one in heard)
    assert not any(one in words for one in silent)


# ── ringing ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("record", [False, True])
async def test_phones_ring_together_and_never_see_the_caller(record: bool) -> None:
    desk = Desk(record=record, ring_seconds=20)
    desk.calls.found = Reachable(PHONES)
    [dial] = (await desk.step("menu", Digits="1")).iter("Dial")
    assert [number.text for number in dial] == [phone.number for phone in PHONES[:10]]
    assert (dial.get("callerId"), dial.get("timeout")) == (CONFIG.number, "20")
    assert dial.get("record") == ("record-from-answer-dual" if record else "do-not-record")
    for number, phone in zip(dial, PHONES, strict=False):
        rest, where = where_of(number.get("url", ""))
        assert (rest, where.call, where.who, where.round) == ("whisper", SID, phone.who, 1)
        assert phone.number.removeprefix("+") not in number.get("url", "")
    assert where_of(dial.get("action", ""))[0] == "dialed"
    assert says(await desk.step(), "voice.recorded") is record


LEGS = Where(call=SID, who="id-1", round=2)


@pytest.mark.parametrize(
    ("digits", "accepts", "connected"),
    [("1", True, True), ("1", False, False), ("2", True, False), ("", True, False)],
)
async def test_only_a_pressed_1_that_wins_is_connected(digits: str, accepts: bool, connected: bool) -> None:
    desk = Desk()
    desk.calls.accepts = accepts
    whisper = await desk.step("whisper", LEGS, CallSid=LEG)
    assert says(whisper, "voice.whisper")
    assert whisper[-1].tag == "Hangup", "a machine that presses nothing hangs up"
    [gather] = whisper.iter("Gather")
    assert gather.get("actionOnEmptyResult") == "false"
    document = await desk.step("accept", where_of(gather.get("action", ""))[1], CallSid=LEG, Digits=digits)
    assert (document.find("Hangup") is None) is connected
    legs = [one for one in desk.calls.kept if isinstance(one, Leg)]
    assert legs == ([Leg(Round(SID, 2), LEG, "id-1")] if digits == "1" else [])
    assert desk.calls.kept[0] == Happening(SID, Did.PICKED_UP, "ko", "id-1")


async def test_a_pressed_1_connects_also_when_nothing_can_be_kept() -> None:
    desk = Desk()
    desk.calls.failing = Busy()
    assert (await desk.step("whisper", LEGS, CallSid=LEG)).find("Gather") is not None
    assert len(await desk.step("accept", LEGS, CallSid=LEG, Digits="1")) == 0
    with pytest.raises(Busy):
        await desk.step("menu", Digits="1")


@pytest.mark.parametrize(
    ("fields", "bridged"),
    [
        ({"DialCallStatus": "completed", "DialBridged": "true"}, True),
        ({"DialCallStatus": "completed", "DialBridged": "false"}, False),
        ({"DialCallStatus": "completed"}, None),
        ({"DialCallStatus": "no-answer"}, False),
        ({}, False),
    ],
)
async def test_what_twilio_says_of_a_round_is_passed_on(fields: dict[str, str], bridged: bool | None) -> None:
    desk = Desk()
    desk.calls.talked = True
    document = await desk.step("dialed", Where(round=3), **fields)
    assert desk.calls.kept == [(Round(SID, 3), bridged)]
    assert says(document, "voice.bye")


async def test_rounds_go_on_with_honest_words_and_numbers_until_the_limit() -> None:
    desk = Desk(hold_seconds=100, fallback=("+82233334444",))
    [dial] = (await desk.step("menu", Digits="1")).iter("Dial")
    _, where = where_of(dial.get("action", ""))
    assert where.since == int(NOON)
    desk.at += 50
    document = await desk.step("dialed", where)
    assert says(document, "voice.hold")
    assert says(document, "voice.numbers")
    [dial] = document.iter("Dial")
    _, where = where_of(dial.get("action", ""))
    assert (where.round, where.since) == (2, int(NOON))
    desk.at += 50
    document = await desk.step("dialed", where)
    assert says(document, "voice.group")
    [dial] = document.iter("Dial")
    assert [number.text for number in dial] == ["+82233334444"]
    _, where = where_of(dial.get("action", ""))
    assert where.who == GROUP
    assert says(await desk.step("dialed", where), "voice.nobody")


async def test_phones_that_fail_at_once_do_not_ring_for_ever() -> None:
    desk = Desk()
    document = await desk.step("dialed", Where(round=MOST_ROUNDS, since=int(NOON)))
    assert document.find("Dial") is None
    assert says(document, "voice.nobody")


async def test_all_counselors_talking_means_waiting_in_words() -> None:
    desk = Desk()
    desk.calls.found = Reachable((), busy=True)
    document = await desk.step("menu", Digits="1")
    assert says(document, "voice.all_busy")
    assert [verb.tag for verb in document] == ["Gather", "Pause", "Redirect"]
    assert where_of(document[-1].text or "") == ("ring", Where(round=2, since=int(NOON)))


@pytest.mark.parametrize(
    ("digits", "text"), [("2", "voice.nobody"), ("1", "voice.hold"), ("5", "voice.hold")]
)
async def test_a_key_while_waiting(digits: str, text: str) -> None:
    assert says(await Desk().step("held", Where(round=2, since=int(NOON)), Digits=digits), text)


@pytest.mark.parametrize("rest", ["menu", "ring"])
async def test_a_caller_who_is_gone_is_rung_for_no_more(rest: str) -> None:
    desk = Desk()
    desk.calls.found = Reachable(over=True)
    assert [verb.tag for verb in await desk.step(rest, Digits="1")] == ["Hangup"]


# ── callbacks ───────────────────────────────────────────────────────────────────────────────────────


async def nobody(desk: Desk, **fields: str) -> ET.Element:
    desk.calls.found = Reachable()
    return await desk.step("menu", Digits="1", **fields)


@pytest.mark.parametrize(("at", "evening"), [(NOON, True), (NIGHT, False)])
async def test_only_times_that_are_still_to_come_are_offered(at: float, evening: bool) -> None:
    desk = Desk()
    desk.at = at
    document = await nobody(desk)
    assert says(document, "voice.offer.hour")
    assert says(document, "voice.offer.evening") is evening
    assert says(await desk.step("window", Digits="2"), "voice.safe") is evening


@pytest.mark.parametrize(("digits", "window"), [("1", "hour"), ("2", "evening"), ("3", "tomorrow")])
async def test_a_callback_needs_a_time_and_a_yes(digits: str, window: str) -> None:
    desk = Desk()
    await nobody(desk)
    [gather] = (await desk.step("window", Digits=digits)).iter("Gather")
    rest, where = where_of(gather.get("action", ""))
    assert (rest, where.window) == ("safe", window)
    document = await desk.step("safe", where, Digits="1")
    assert says(document, "voice.callback")
    assert desk.calls.kept[-1] == Wish(SID, "+821055550000", window)


@pytest.mark.parametrize(
    ("rest", "where", "digits"),
    [
        ("window", Where(), "0"),
        ("window", Where(again=1), ""),
        ("safe", Where(window="hour"), "2"),
        ("safe", Where(window="hour", again=1), ""),
        ("safe", Where(again=1), "1"),
    ],
)
async def test_anything_but_a_yes_is_a_no(rest: str, where: Where, digits: str) -> None:
    desk = Desk()
    document = await desk.step(rest, where, Digits=digits)
    assert desk.calls.did == [Did.NO_CALLBACK]
    assert not any(isinstance(one, Wish) for one in desk.calls.kept)
    assert says(document, "voice.bye")
    assert document[-1].tag == "Hangup"


@pytest.mark.parametrize(
    "shown", ["", "anonymous", "+anonymous", "sip:a@b", *(f"+{number}" for number in sorted(HIDDEN))]
)
async def test_a_hidden_number_is_offered_no_callback(shown: str) -> None:
    desk = Desk()
    document = await nobody(desk, From=shown)
    assert says(document, "voice.hidden")
    assert not says(document, "voice.offer")
    assert desk.calls.did == [Did.ASKED, Did.HIDDEN]
    assert says(await desk.step("window", Where(again=1), Digits="1", From=shown), "voice.bye")
    assert says(await desk.step("safe", Where(window="hour", again=1), Digits="1", From=shown), "voice.bye")
    assert not any(isinstance(one, Wish) for one in desk.calls.kept)


# ── the end, and how many at once ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
async def test_the_end_is_told(status: str) -> None:
    desk = Desk()
    await desk.step("status", CallStatus=status)
    assert desk.calls.did == [Did.ENDED]


@pytest.mark.parametrize("status", ["initiated", "ringing", "in-progress", "queued", "", "anything"])
async def test_what_comes_before_the_end_changes_nothing(status: str) -> None:
    desk = Desk()
    await desk.step("status", CallStatus=status)
    assert desk.calls.kept == []


async def test_one_call_too_many_hears_why_and_the_numbers() -> None:
    desk = Desk(most_calls=1)
    await desk.step()
    document = await desk.step(CallSid=LEG)
    assert says(document, "voice.busy")
    assert says(document, "voice.busy", "en")
    assert says(document, "voice.numbers")
    assert document[-1].tag == "Hangup"
    assert len(desk.calls.kept) == 1
    assert says(await desk.step(), "voice.greeting"), "the same call again keeps its line"
    await desk.step("status", CallStatus="completed")
    assert says(await desk.step(CallSid=LEG), "voice.greeting")


def test_a_line_whose_end_was_never_told_is_free_again_one_day() -> None:
    at = [0.0]
    lines = Lines(1, lambda: at[0])
    assert lines.take("one")
    assert not lines.take("two")
    at[0] = LONGEST
    assert lines.take("two")


async def test_a_call_cannot_be_written_to() -> None:
    sender = VoiceSender()
    with pytest.raises(WindowClosed):
        await sender.send([Way(SID)], Parcel("key", ("네",)))
    await sender.erase(SID, [])
