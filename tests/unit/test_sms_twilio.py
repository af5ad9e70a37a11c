"""Twilio's edges: what comes in, what becomes of what went out, and every code as what the caller can do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs, urlencode

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from twilio.request_validator import RequestValidator

from channels.errors import Blocked, Forged, Malformed, Refused, Throttled, Unreachable
from channels.port import Busy, Gone, InboundMessage, Parcel, Receipt, Way
from channels.sms.twilio import TwilioConfig, TwilioSms
from channels.webhooks import Call
from tests.carrier_desk import Said, carrier_desk
from tests.fake_intake import FakeIntake

ACCOUNT = "AC" + "0a" * 16
TOKEN = "f" * 32
OURS = "+15005550006"
CHILD = "+447700900123"
SID = "SM" + "1b" * 16
PUBLIC = "https://gyeot.example"
HOOK = f"{PUBLIC}/hooks/sms"
TEXT = {
    "ToCountry": "GB",
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "ToCity": "",
    "SmsSid": SID,
    "SmsStatus": "received",
    "Body": "걔가 사진 뿌린대요 & more",
    "FromCountry": "GB",
    "To": OURS,
    "NumSegments": "1",
    "MessageSid": SID,
    "AccountSid": ACCOUNT,
    "From": CHILD,
    "ApiVersion": "2010-04-01",
}
NOBODY = cast("aiohttp.ClientSession", None)
WAY = [Way(CHILD)]
PARCEL = Parcel("key-1", ("지금 괜찮아요?",))


def _config(**other: Any) -> TwilioConfig:
    return TwilioConfig(**{"account": ACCOUNT, "token": TOKEN, "number": OURS, "public_url": PUBLIC, **other})


def _signed(fields: Mapping[str, str], rest: str = "", token: str = TOKEN) -> Call:
    url = f"{HOOK}/{rest}" if rest else HOOK
    signature = RequestValidator(token).compute_signature(url, fields)
    return Call(url, rest, {"x-twilio-signature": signature}, urlencode(fields).encode())


def _channel(intake: FakeIntake, session: aiohttp.ClientSession = NOBODY, **other: Any) -> TwilioSms:
    return TwilioSms(_config(**other), intake, session)


async def _taken(fields: Mapping[str, str], rest: str = "", **other: Any) -> list[object]:
    intake = FakeIntake()
    await _channel(intake, **other).take(_signed(fields, rest))
    return list(intake.kept)


async def test_a_text_comes_in_and_is_answered_with_empty_twiml():
    intake = FakeIntake()
    reply = await _channel(intake).take(_signed(TEXT))
    assert intake.kept == [InboundMessage("sms", SID, CHILD, TEXT["Body"], own_id=SID)]
    assert (reply.status, reply.media_type) == (200, "application/xml")
    assert reply.body.endswith(b"<Response/>")


@pytest.mark.parametrize(
    "word", ["STOP", "stop", " End ", "QUIT", "cancel", "Unsubscribe", "STOPALL", "revoke", "OptOut"]
)
async def test_a_child_who_texts_stop_is_heard_and_the_counselor_is_told(word: str):
    assert await _taken({**TEXT, "Body": word}) == [
        InboundMessage("sms", SID, CHILD, word.strip(), own_id=SID),
        Gone("sms", f"{SID}/gone", CHILD),
    ]


async def test_an_opt_out_in_another_language_is_known_by_its_type():
    events = await _taken({**TEXT, "Body": "그만", "OptOutType": "STOP"})
    assert events[-1] == Gone("sms", f"{SID}/gone", CHILD)


@pytest.mark.parametrize("body", ["stop it please", "the end", "START", "UNSTOP", "그만", "나가기"])
async def test_words_that_stop_nothing_are_a_message(body: str):
    assert await _taken({**TEXT, "Body": body}) == [InboundMessage("sms", SID, CHILD, body, own_id=SID)]


async def test_where_twilio_does_not_block_nobody_is_gone():
    assert len(await _taken({**TEXT, "Body": "STOP"}, opt_out=False)) == 1


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/jpeg", "image"),
        ("video/3gpp", "video"),
        ("audio/amr", "audio"),
        ("text/x-vcard", "contact"),
        ("application/pdf", "file"),
        ("", "other"),
        ("strange", "other"),
    ],
)
async def test_media_is_refused_by_type_and_its_caption_is_a_message(content_type: str, kind: str):
    media = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.example/x", "MediaContentType0": content_type}
    assert await _taken({**TEXT, **media}) == [
        InboundMessage("sms", SID, CHILD, "", media=kind, own_id=SID),
        InboundMessage("sms", f"{SID}/text", CHILD, TEXT["Body"]),
    ]
    assert [event.media for event in await _taken({**TEXT, **media, "Body": ""})] == [kind]  # type: ignore[attr-defined]


async def test_an_empty_text_is_still_somebody():
    assert await _taken({**TEXT, "Body": "  "}) == [
        InboundMessage("sms", SID, CHILD, "", media="other", own_id=SID)
    ]


async def test_a_very_long_text_comes_in_pieces_and_whole():
    events = await _taken({**TEXT, "Body": "가" * 4500})
    assert [event.event_id for event in events] == [SID, f"{SID}/text2", f"{SID}/text3"]  # type: ignore[attr-defined]
    assert "".join(event.text for event in events) == "가" * 4500  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sender", "kind"), [("12345", "short_code"), ("GYEOT", "alphanumeric"), ("", "hidden")]
)
async def test_a_sender_that_takes_no_answer_is_logged_by_kind(sender: str, kind: str):
    with capture_logs() as logs:
        assert await _taken({**TEXT, "From": sender}) == []
    assert [(log["event"], log["kind"]) for log in logs] == [("sms.ignored", kind)]


@pytest.mark.parametrize(
    "call",
    [
        _signed(TEXT, token="0" * 32),
        _signed({**TEXT, "AccountSid": "AC" + "9" * 32}),
        _signed({name: value for name, value in TEXT.items() if name != "AccountSid"}),
        Call(HOOK, "", {}, urlencode(TEXT).encode()),
        Call(HOOK, "", {"x-twilio-signature": ""}, urlencode(TEXT).encode()),
        Call(f"{HOOK}x", "", _signed(TEXT).headers, urlencode(TEXT).encode()),
        Call("https://other.example/hooks/sms", "", _signed(TEXT).headers, urlencode(TEXT).encode()),
        Call(HOOK, "", _signed(TEXT).headers, urlencode({**TEXT, "New": ""}).encode()),
        Call(HOOK, "", _signed(TEXT).headers, urlencode({**TEXT, "Body": "x"}).encode()),
        Call(HOOK, "", _signed(TEXT).headers, b"\xff\xfe"),
        Call(HOOK, "", _signed(TEXT).headers, b"a=%ff"),
        Call(HOOK, "", _signed(TEXT).headers, b"&".join([b"a=1"] * 1000)),
        Call(HOOK, "", _signed(TEXT).headers, b""),
    ],
    ids=range(13),
)
async def test_what_twilio_did_not_sign_for_us_is_forged(call: Call):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await _channel(intake).take(call)
    assert intake.kept == []


async def test_without_a_token_the_hook_is_closed_and_nothing_is_sent():
    intake = FakeIntake()
    channel = _channel(intake, token="")
    with pytest.raises(Forged):
        await channel.take(_signed(TEXT, token=""))
    with pytest.raises(Unreachable):
        await channel.send(WAY, PARCEL)


def test_a_short_token_is_refused_at_once_and_shown_nowhere():
    with pytest.raises(ValueError, match="32"):
        _config(token="short")
    assert TOKEN not in repr(_config())


@pytest.mark.parametrize(
    ("fields", "rest"),
    [
        ({**TEXT, "MessageSid": "", "SmsSid": ""}, ""),
        ({**TEXT, "MessageSid": "SM1"}, ""),
        ({**TEXT, "NumMedia": "many"}, ""),
        (TEXT, "other"),
        ({**TEXT, "MessageStatus": "sent"}, "status/not-a-token"),
    ],
)
async def test_what_twilio_signed_but_nobody_understands_is_malformed(fields: Mapping[str, str], rest: str):
    intake = FakeIntake()
    with pytest.raises(Malformed):
        await _channel(intake).take(_signed(fields, rest))
    assert intake.kept == []


async def test_a_field_that_came_twice_is_malformed():
    call = _signed(TEXT)
    with pytest.raises(Malformed):  # the same value twice: the signature cannot tell
        await _channel(FakeIntake()).take(
            Call(
                call.url, "", call.headers, call.body + b"&Body=" + urlencode({"": TEXT["Body"]}).encode()[1:]
            )
        )


async def test_busy_goes_back_to_twilio():
    with pytest.raises(Busy):
        await _channel(FakeIntake(failing=Busy())).take(_signed(TEXT))


@given(st.integers(0), st.integers(0, 255))
async def test_a_changed_byte_changes_nothing_or_is_refused(place: int, value: int):
    call, intake = _signed(TEXT), FakeIntake()
    body = bytearray(call.body)
    body[place % len(body)] = value
    try:
        await _channel(intake).take(Call(call.url, "", call.headers, bytes(body)))
    except (Forged, Malformed):
        assert intake.kept == []
    else:  # %2B and %2b are the same letter
        assert intake.kept == [InboundMessage("sms", SID, CHILD, TEXT["Body"], own_id=SID)]


@given(st.binary(max_size=300), st.text(max_size=30), st.text(max_size=40), st.text(max_size=40))
async def test_anything_unsigned_is_forged(body: bytes, rest: str, signature: str, url: str):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await _channel(intake).take(Call(url, rest, {"x-twilio-signature": signature}, body))
    assert intake.kept == []


@given(
    st.dictionaries(
        st.sampled_from([*TEXT, "MessageStatus", "ErrorCode", "OptOutType", "X"]), st.text(max_size=20)
    ),
    st.sampled_from(["", "status", "x"]),
)
async def test_anything_signed_is_taken_or_malformed(fields: dict[str, str], rest: str):
    fields = {
        **TEXT,
        **{name: value.encode(errors="replace").decode() for name, value in fields.items()},
        "AccountSid": ACCOUNT,
    }
    try:
        reply = await _channel(FakeIntake()).take(_signed(fields, rest))
    except Malformed:
        return
    assert reply.status == 200


FATE = {"AccountSid": ACCOUNT, "MessageSid": SID, "MessageStatus": "delivered", "To": CHILD, "From": OURS}


async def test_a_status_becomes_a_receipt_for_the_id_and_for_our_token():
    assert await _taken(FATE, "status") == [Receipt("sms", SID, "delivered")]
    assert await _taken(FATE, "status/" + "c" * 32) == [
        Receipt("sms", SID, "delivered"),
        Receipt("sms", "c" * 32, "delivered"),
    ]


async def test_callbacks_out_of_order_and_again_go_only_forward():
    intake = FakeIntake()
    channel = _channel(intake)
    for status in ("queued", "delivered", "sent", "delivered", "sending", "undelivered"):
        await channel.take(_signed({**FATE, "MessageStatus": status}, "status"))
    assert intake.kept == [Receipt("sms", SID, "delivered")]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("30003", "Unreachable"),
        ("30004", "Blocked"),
        ("30005", "Refused"),
        ("30006", "Refused"),
        ("30007", "Refused"),
        ("30008", "Unreachable"),
        ("", "Unreachable"),
        ("nonsense", "Unreachable"),
    ],
)
async def test_a_failure_says_what_can_be_done(code: str, error: str):
    fields = {**FATE, "MessageStatus": "undelivered", "ErrorCode": code}
    gone = [Gone("sms", f"{SID}/gone", CHILD)] if error == "Blocked" else []
    assert await _taken(fields, "status") == [Receipt("sms", SID, "failed", error), *gone]


async def test_an_opt_out_that_shows_only_afterwards_marks_the_number():
    fields = {**FATE, "MessageStatus": "failed", "ErrorCode": "21610"}
    assert await _taken(fields, "status") == [
        Receipt("sms", SID, "failed", "Blocked"),
        Gone("sms", f"{SID}/gone", CHILD),
    ]


async def test_a_text_goes_out_as_twilio_wants_it():
    async with carrier_desk(Said(201, {"sid": SID, "status": "queued"})) as (desk, session):
        sent = await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, PARCEL)
    assert sent == (SID,)
    (heard,) = desk.heard
    assert heard.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert aiohttp.BasicAuth.decode(heard.headers["Authorization"]) == (ACCOUNT, TOKEN, "latin1")
    form = parse_qs(heard.body.decode())
    assert {name: form[name] for name in ("To", "From", "Body")} == {
        "To": [CHILD],
        "From": [OURS],
        "Body": ["지금 괜찮아요?"],
    }
    assert form["StatusCallback"][0].startswith(f"{HOOK}/status/")


async def test_without_a_public_address_no_report_is_asked_for():
    async with carrier_desk(Said(201, {"sid": SID})) as (desk, session):
        await _channel(FakeIntake(), session, api_url=desk.url, public_url="").send(WAY, PARCEL)
    assert set(parse_qs(desk.heard[0].body.decode())) == {"To", "From", "Body"}


async def test_a_messaging_service_takes_the_place_of_a_number():
    service = "MG" + "2" * 32
    async with carrier_desk(Said(201, {"sid": SID})) as (desk, session):
        await _channel(FakeIntake(), session, api_url=desk.url, number=service).send(WAY, PARCEL)
    form = parse_qs(desk.heard[0].body.decode())
    assert form["MessagingServiceSid"] == [service]
    assert "From" not in form


async def test_a_long_answer_goes_in_numbered_parts_and_buttons_stay_at_home():
    async with carrier_desk(Said(201, {"sid": SID})) as (desk, session):
        sent = await _channel(FakeIntake(), session, api_url=desk.url).send(
            WAY, Parcel("k", ("가나다 라마바. " * 60, "둘"))
        )
    bodies = [parse_qs(heard.body.decode())["Body"][0] for heard in desk.heard]
    assert len(sent) == 3
    assert [body[:6] for body in bodies] == ["(1/2) ", "(2/2) ", "둘"]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, 21610, Blocked),
        (400, 21211, Refused),
        (400, 21614, Refused),
        (400, 21612, Refused),
        (400, 21617, Refused),
        (400, 0, Refused),
        (404, 20404, Unreachable),
        (401, 20003, Unreachable),
        (403, 0, Unreachable),
        (400, 21606, Unreachable),
        (400, 21660, Unreachable),
        (500, 0, Unreachable),
        (503, 20001, Unreachable),
    ],
)
async def test_every_code_says_what_the_caller_can_do(status: int, code: int, error: type[Exception]):
    said = Said(status, {"code": code, "message": f"about {CHILD}", "status": status})
    async with carrier_desk(said) as (desk, session):
        with pytest.raises(error) as caught:
            await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, PARCEL)
    assert type(caught.value) is error
    assert CHILD not in str(caught.value)
    assert len(desk.heard) == 1


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (400, 14107), (429, 0)])
async def test_too_fast_says_how_long_to_wait(status: int, code: int):
    said = Said(status, {"code": code}, {"Retry-After": "7"})
    async with carrier_desk(said) as (desk, session):
        with pytest.raises(Throttled) as caught:
            await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, PARCEL)
    assert caught.value.seconds == 7


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (400, 21606), (403, 30002)])
async def test_what_only_the_administrator_can_mend_is_loud(status: int, code: int):
    async with carrier_desk(Said(status, {"code": code})) as (desk, session):
        with capture_logs() as logs, pytest.raises(Unreachable):
            await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, PARCEL)
    assert [(log["event"], log["log_level"], log["code"]) for log in logs] == [("sms.account", "error", code)]


@pytest.mark.parametrize("lost", [Said(hangs=True), Said(hangs_up=True), Said(504, "<html>")])
async def test_a_lost_answer_is_not_sent_again_and_its_receipt_finds_the_token(
    lost: Said, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("channels.sms.wire.DEADLINE", 0.4)
    intake = FakeIntake()
    async with carrier_desk(lost) as (desk, session):
        channel = _channel(intake, session, api_url=desk.url)
        (token,) = await channel.send(WAY, PARCEL)
        assert await channel.send(WAY, PARCEL) == (token,)
    assert len(desk.heard) == 1
    await channel.take(_signed(FATE, f"status/{token}"))
    assert Receipt("sms", token, "delivered") in intake.kept


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nobody.invalid", "", "no address"])
async def test_what_certainly_never_left_is_tried_again_later(url: str):
    async with aiohttp.ClientSession() as session:
        channel = _channel(FakeIntake(), session, api_url=url)
        for _ in range(2):  # nothing is remembered as sent
            with pytest.raises(Unreachable):
                await channel.send(WAY, PARCEL)


async def test_a_retry_goes_on_where_it_stopped():
    parcel = Parcel("key-2", ("하나", "둘", "셋"))
    answers = Said(201, {"sid": SID}), Said(503), Said(201, {"sid": SID})
    async with carrier_desk(*answers) as (desk, session):
        channel = _channel(FakeIntake(), session, api_url=desk.url)
        with pytest.raises(Unreachable):
            await channel.send(WAY, parcel)
        assert await channel.send(WAY, parcel) == (SID, SID, SID)
        assert await channel.send(WAY, parcel) == (SID, SID, SID)
    assert [parse_qs(heard.body.decode())["Body"][0] for heard in desk.heard] == ["하나", "둘", "둘", "셋"]


async def test_a_caller_whose_time_is_up_does_not_make_a_text_go_twice():
    answers = Said(201, {"sid": SID}, waits=0.2), Said(201, {"sid": SID})
    async with carrier_desk(*answers) as (desk, session):
        channel = _channel(FakeIntake(), session, api_url=desk.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await channel.send(WAY, PARCEL)
        assert await channel.send(WAY, PARCEL) == (SID,)
    assert len(desk.heard) == 1


async def test_the_next_way_is_tried_when_the_first_is_blocked():
    answers = Said(400, {"code": 21610}), Said(201, {"sid": SID})
    async with carrier_desk(*answers) as (desk, session):
        sent = await _channel(FakeIntake(), session, api_url=desk.url).send(
            [Way(CHILD), Way("+447700900999")], PARCEL
        )
    assert sent == (SID,)
    assert len(desk.heard) == 2


@pytest.mark.parametrize(("ways", "texts"), [([], ("a",)), (WAY, ()), (WAY, ("  ",))])
async def test_nothing_to_send_or_nobody_to_send_to_is_refused(ways: list[Way], texts: tuple[str, ...]):
    with pytest.raises(Refused):
        await _channel(FakeIntake()).send(ways, Parcel("k", texts))


async def test_erasing_deletes_twilios_copies():
    async with carrier_desk(Said(204), Said(404, {"code": 20404})) as (desk, session):
        await _channel(FakeIntake(), session, api_url=desk.url).erase(CHILD, [SID, "c" * 32, SID])
    base = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json"
    assert [(heard.method, heard.path) for heard in desk.heard] == [("DELETE", base), ("DELETE", base)]


@pytest.mark.parametrize("failed", [Said(503), Said(429), Said(401), Said(409, {"code": 20009})])
async def test_an_erasing_that_failed_says_so_after_trying_all(failed: Said):
    async with carrier_desk(failed, Said(204)) as (desk, session):
        with pytest.raises(Unreachable):
            await _channel(FakeIntake(), session, api_url=desk.url).erase(CHILD, [SID, SID])
    assert len(desk.heard) == 2
