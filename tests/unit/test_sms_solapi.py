"""SOLAPI's edges: the secret, reports and incoming texts in every form, and codes as what the caller can do."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any, cast

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from channels.errors import Blocked, Forged, Malformed, Refused, Throttled, Unreachable
from channels.port import Busy, Gone, InboundMessage, Parcel, Receipt, Way
from channels.sms.solapi import SolapiConfig, SolapiSms
from channels.webhooks import Call
from tests.carrier_desk import Said, carrier_desk
from tests.fake_intake import FakeIntake

HOOK_SECRET = "h" * 40
SECRET = "s" * 32
OURS = "031-1234-5678"
CHILD = "+821098765432"
HOOK = "https://gyeot.example/hooks/sms"
NOBODY = cast("aiohttp.ClientSession", None)
WAY = [Way(CHILD)]
PARCEL = Parcel("key-1", ("지금 괜찮아요?",))
NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
MO = {"messageId": "R4V1", "from": "01098765432", "to": "03112345678", "text": "무서워요", "type": "SMS"}
REPORT = {
    "messageId": "M4V1",
    "statusCode": "4000",
    "from": "03112345678",
    "to": "01098765432",
    "type": "SMS",
}


def _config(**other: Any) -> SolapiConfig:
    return SolapiConfig(
        **{"key": "NCSKEY", "secret": SECRET, "webhook_secret": HOOK_SECRET, "number": OURS, **other}
    )


def _channel(intake: FakeIntake, session: aiohttp.ClientSession = NOBODY, **other: Any) -> SolapiSms:
    return SolapiSms(_config(**other), intake, session, lambda: NOW)


def _call(body: object, rest: str = HOOK_SECRET, headers: dict[str, str] | None = None) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call(f"{HOOK}/{rest}", rest, headers or {}, raw)


async def _taken(body: object) -> list[Any]:
    intake = FakeIntake()
    reply = await _channel(intake).take(_call(body))
    assert reply.status == 200
    return list(intake.kept)


@pytest.mark.parametrize(
    "body",
    [
        MO,
        [MO],
        [{"eventDataId": "E1", "data": MO, "retryCount": 0}],
        [{**MO, "content": MO["text"], "text": None}],
        [{**MO, "from": "+82-10-9876-5432"}],
    ],
)
async def test_an_incoming_text_in_every_form_we_know_of(body: object):
    assert await _taken(body) == [InboundMessage("sms", "R4V1", CHILD, "무서워요")]


async def test_a_picture_is_refused_by_its_mark_and_its_words_are_a_message():
    assert await _taken([{**MO, "type": "MMS", "imageId": "ST01"}]) == [
        InboundMessage("sms", "R4V1", CHILD, "", media="image"),
        InboundMessage("sms", "R4V1/text", CHILD, "무서워요"),
    ]


async def test_a_text_in_which_no_words_are_found_is_still_somebody():
    assert await _taken([{**MO, "text": None, "payload": "?"}]) == [
        InboundMessage("sms", "R4V1", CHILD, "", media="other")
    ]


async def test_without_an_id_the_same_text_at_the_same_time_is_the_same():
    bare = {"from": "01098765432", "text": "네", "dateReceived": "2026-11-22T12:00:00+09:00"}
    ids = {(await _taken([entry]))[0].event_id for entry in (bare, bare, {**bare, "dateReceived": "later"})}
    assert len(ids) == 2
    timeless = {"from": "01098765432", "text": "네"}
    assert (await _taken([timeless]))[0].event_id != (await _taken([timeless]))[0].event_id


@pytest.mark.parametrize(
    ("code", "receipt"),
    [
        ("4000", Receipt("sms", "M4V1", "delivered")),
        ("3000", Receipt("sms", "M4V1", "sent")),
        ("3043", Receipt("sms", "M4V1", "failed", "Unreachable")),
        ("3032", Receipt("sms", "M4V1", "failed", "Refused")),
        ("3047", Receipt("sms", "M4V1", "failed", "Blocked")),
        ("1061", Receipt("sms", "M4V1", "failed", "Blocked")),
        ("2230", Receipt("sms", "M4V1", "failed", "Unreachable")),
        ("9999", Receipt("sms", "M4V1", "failed", "Refused")),
    ],
)
async def test_a_report_becomes_a_receipt(code: str, receipt: Receipt):
    gone = [Gone("sms", "M4V1/gone", CHILD)] if receipt.error == "Blocked" else []
    assert await _taken([{**REPORT, "statusCode": code}]) == [receipt, *gone]
    assert await _taken([{"eventDataId": "E", "data": {**REPORT, "statusCode": code}}]) == [receipt, *gone]


async def test_a_report_with_its_text_is_no_message_and_an_accepted_one_no_receipt():
    assert await _taken([{**REPORT, "text": "우리가 보낸 말"}]) == [Receipt("sms", "M4V1", "delivered")]
    assert await _taken([{**REPORT, "statusCode": "2000"}]) == []


async def test_reports_again_and_out_of_order_go_only_forward():
    intake = FakeIntake()
    channel = _channel(intake)
    for code in ("3000", "4000", "3000", "3043", "4000"):
        await channel.take(_call([{**REPORT, "statusCode": code, "customFields": {"token": "a" * 32}}]))
    assert intake.kept == [
        Receipt("sms", sent_id, state)
        for state in ("sent", "delivered")
        for sent_id in ("M4V1", "a" * 32)  # type: ignore[arg-type]
    ]


async def test_several_entries_keep_their_order_and_a_strange_one_loses_no_other():
    with capture_logs() as logs:
        events = await _taken(
            [MO, {"groupId": "G"}, {**MO, "from": "1588-1234"}, {**MO, "messageId": "R4V2"}]
        )
    assert [event.event_id for event in events] == ["R4V1", "R4V2"]
    assert [log["kind"] for log in logs] == ["unknown", "short_code"]


async def test_half_a_surrogate_pair_breaks_nothing():
    (event,) = await _taken(b'[{"messageId":"\\ud800","from":"01098765432","text":"a\\ud800b"}]')
    assert event.text == "a?b"
    event.event_id.encode()


@pytest.mark.parametrize("rest", ["", "h" * 39, "h" * 41, "status", "H" * 40, "\ud800"])
async def test_a_wrong_path_is_forged(rest: str):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await _channel(intake).take(_call([MO], rest))
    assert intake.kept == []


async def test_the_secret_may_come_as_a_digest_in_the_header_instead():
    digest = hashlib.sha1(HOOK_SECRET.encode()).hexdigest()
    intake = FakeIntake()
    await _channel(intake).take(_call([MO], "", {"x-solapi-secret": digest}))
    assert len(intake.kept) == 1
    for wrong in (HOOK_SECRET, "0" * 40, "", "\ud800"):
        with pytest.raises(Forged):
            await _channel(intake).take(_call([MO], "", {"x-solapi-secret": wrong}))


async def test_without_a_secret_the_hook_is_closed():
    for headers in ({}, {"x-solapi-secret": hashlib.sha1(b"").hexdigest()}):
        with pytest.raises(Forged):
            await _channel(FakeIntake(), webhook_secret="").take(_call([MO], "", headers))


def test_a_short_secret_is_refused_at_once_and_no_secret_is_shown():
    with pytest.raises(ValueError, match="32"):
        _config(webhook_secret="short")
    assert SECRET not in repr(_config())
    assert HOOK_SECRET not in repr(_config())


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"3", b'"x"', b"[1]", b"\xff", b"[" * 100_000, b"[{},null]"]
)
async def test_no_list_of_objects_is_malformed(body: bytes):
    intake = FakeIntake()
    with pytest.raises(Malformed):
        await _channel(intake).take(_call(body))
    assert intake.kept == []


async def test_busy_goes_back_to_solapi():
    with pytest.raises(Busy):
        await _channel(FakeIntake(failing=Busy())).take(_call([MO]))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*MO, "data", "statusCode", "x"]), inner, max_size=6)
    ),
)


@given(_JSON)
async def test_any_json_is_taken_or_malformed(body: object):
    try:
        events = await _taken(body)
    except Malformed:
        return
    assert all(event.channel == "sms" for event in events)


@given(st.binary(max_size=200), st.text(max_size=50), st.text(max_size=50))
async def test_anything_without_the_secret_is_forged(body: bytes, rest: str, said: str):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await _channel(intake).take(_call(body, rest, {"x-solapi-secret": said}))
    assert intake.kept == []


def _took(message_id: str = "M4V9") -> Said:
    taken = {"messageId": message_id, "statusCode": "2000", "statusMessage": "정상 접수"}
    return Said(200, {"failedMessageList": [], "groupInfo": {}, "messageList": [taken]})


async def test_a_text_goes_out_signed_and_in_the_documented_form():
    async with carrier_desk(_took()) as (desk, session):
        assert await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, PARCEL) == ("M4V9",)
    (heard,) = desk.heard
    assert heard.path == "/messages/v4/send-many/detail"
    said = re.fullmatch(
        r"HMAC-SHA256 apiKey=NCSKEY, date=(.+), salt=([0-9a-f]{12,64}), signature=([0-9a-f]{64})",
        heard.headers["Authorization"],
    )
    assert said
    assert said[1] == "2026-11-22T03:04:05Z"
    assert said[3] == hmac.new(SECRET.encode(), (said[1] + said[2]).encode(), hashlib.sha256).hexdigest()
    (message,) = json.loads(heard.body)["messages"]
    token = message.pop("customFields")["token"]
    assert re.fullmatch(r"[0-9a-f]{32}", token)
    assert message == {
        "to": "01098765432",
        "from": "03112345678",
        "text": "지금 괜찮아요?",
        "type": "SMS",
        "autoTypeDetect": False,
    }


async def test_the_salt_is_new_each_time():
    async with carrier_desk(_took()) as (desk, session):
        await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, Parcel("k", ("하나", "둘")))
    assert len({heard.headers["Authorization"] for heard in desk.heard}) == 2


async def test_long_texts_go_as_lms_and_longer_ones_in_parts_without_emoji():
    texts = ("가" * 46, "마음이 — 무거웠겠어요 😢", "가나다라. " * 250)
    async with carrier_desk(_took()) as (desk, session):
        await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, Parcel("k", texts))
    messages = [json.loads(heard.body)["messages"][0] for heard in desk.heard]
    assert [message["type"] for message in messages] == ["LMS", "SMS", "LMS", "LMS"]
    assert messages[1]["text"] == "마음이 - 무거웠겠어요"
    assert all("subject" not in message for message in messages)
    assert all(len(message["text"].encode("cp949")) <= 2000 for message in messages)


async def test_an_answer_of_emoji_alone_cannot_be_sent():
    with pytest.raises(Refused):
        await _channel(FakeIntake()).send(WAY, Parcel("k", ("😀",)))


def _failed(code: str) -> Said:
    failed = {"to": "01098765432", "statusCode": code, "statusMessage": "no"}
    return Said(200, {"failedMessageList": [failed], "groupInfo": {}})


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (_failed("1061"), Blocked),
        (_failed("1060"), Blocked),
        (_failed("1029"), Refused),
        (_failed("1031"), Refused),
        (_failed("1030"), Unreachable),
        (_failed("1062"), Unreachable),
        (_failed("1058"), Unreachable),
        (Said(403, {"errorCode": "SignatureDoesNotMatch"}), Unreachable),
        (Said(402, {"errorCode": "NotEnoughBalance"}), Unreachable),
        (Said(400, {"errorCode": "ValidationError"}), Refused),
        (Said(400, {"failedMessageList": [{"statusCode": "1061"}]}), Blocked),
        (Said(429, {}, {"Retry-After": "3"}), Throttled),
        (Said(500, "<html>"), Unreachable),
        (Said(503), Unreachable),
    ],
)
async def test_every_code_says_what_the_caller_can_do(said: Said, error: type[Exception]):
    async with carrier_desk(said) as (desk, session):
        with pytest.raises(error) as caught:
            await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, PARCEL)
    assert type(caught.value) is error
    assert len(desk.heard) == 1


@pytest.mark.parametrize(
    "said", [_failed("1062"), _failed("1030"), Said(403, {"errorCode": "InvalidAPIKey"})]
)
async def test_what_only_the_administrator_can_mend_is_loud(said: Said):
    async with carrier_desk(said) as (desk, session):
        with capture_logs() as logs, pytest.raises(Unreachable):
            await _channel(FakeIntake(), session, api_url=desk.url).send(WAY, PARCEL)
    assert [(log["event"], log["log_level"]) for log in logs] == [("sms.account", "error")]


@pytest.mark.parametrize("lost", [Said(hangs=True), Said(hangs_up=True), Said(504)])
async def test_a_lost_answer_is_not_sent_again(lost: Said, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("channels.sms.wire.DEADLINE", 0.4)
    async with carrier_desk(lost) as (desk, session):
        channel = _channel(FakeIntake(), session, api_url=desk.url)
        (token,) = await channel.send(WAY, PARCEL)
        assert await channel.send(WAY, PARCEL) == (token,)
    assert len(desk.heard) == 1
    assert json.loads(desk.heard[0].body)["messages"][0]["customFields"] == {"token": token}


async def test_a_foreign_number_and_missing_credentials():
    with pytest.raises(Refused):
        await _channel(FakeIntake()).send([Way("+15005550006")], PARCEL)
    for missing in ({"secret": ""}, {"number": ""}):
        with pytest.raises(Unreachable):
            await _channel(FakeIntake(), **missing).send(WAY, PARCEL)


async def test_erasing_asks_nobody():
    await _channel(FakeIntake()).erase(CHILD, ["M4V9"])
