"""Every webhook under fire: nothing breaks it, nothing forged gets in, nothing refused leaves a trace.

``GYEOT_FUZZ=500`` gives each test so many examples instead of a few.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.channel_cases import DOORS, Door, Street, a_street
from tests.contract.channel_requests import (
    ACCOUNT,
    BOT_ID,
    BOT_SECRET,
    CONSULT_SECRET,
    PUBLIC,
    SENDER_KEY,
    SKILL_SECRET,
    SOLAPI_SECRET,
    TELEGRAM_SECRET,
    Brought,
    bot_api,
    consult,
    signature,
    skill,
    solapi,
    telegram,
    twilio_fields,
)

EXAMPLES = int(os.environ.get("GYEOT_FUZZ", "25"))
FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="GYEOT_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
ANSWERS = {200, 204, 400, 403, 404, 405, 413, 429, 503}
SHUT = {403, 404, 405, 413}
SECRETS: Mapping[str, Mapping[str, str]] = {
    "telegram": {"x-telegram-bot-api-secret-token": TELEGRAM_SECRET},
    "kakao/skill": {"x-gyeot-secret": SKILL_SECRET},
    "kakao/bot": {"x-gyeot-secret": BOT_SECRET},
}
PATHS = (
    "telegram",
    "kakao/skill",
    "kakao/bot",
    f"kakao/consult/{CONSULT_SECRET}/message",
    f"kakao/consult/{CONSULT_SECRET}/expired_session",
    "sms",
    "sms/status",
    f"sms/{SOLAPI_SECRET}",
    "voice",
    "voice/menu",
    "voice/whisper",
    "voice/accept",
    "voice/dialed",
    "voice/status",
)


class Room:
    """Two streets on a loop of their own, so that hypothesis can ask from outside of it."""

    def __init__(self, runner: asyncio.Runner, streets: Mapping[str, Street]) -> None:
        self._runner = runner
        self._streets = streets

    def bring(self, brought: Brought, *, forged: bool = False) -> int:
        """Bring it, and check what holds whatever it is. Returns the status."""
        by_solapi = brought.path.startswith("sms/") and not brought.path.startswith("sms/status")
        street = self._streets["solapi" if by_solapi else "twilio"]
        before = street.kept()
        answer = self._runner.run(street.bring(brought))
        status = answer.status_code
        assert status in ANSWERS, f"{status} for {brought.path}"
        if status >= 400:
            assert street.kept() == before, "a refused request left a trace"
        if forged:
            assert status in SHUT, f"a forgery was answered {status}"
            assert street.kept() == before
        return status


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    async def opened() -> tuple[AsyncExitStack, Mapping[str, Street]]:
        stack = AsyncExitStack()
        kinds = ("twilio", "solapi")
        return stack, {sms: await stack.enter_async_context(a_street(sms)) for sms in kinds}

    with asyncio.Runner() as runner:
        stack, streets = runner.run(opened())
        yield Room(runner, streets)
        runner.run(stack.aclose())


def genuine(brought: Brought) -> Brought:
    """The same, as if it came from the provider."""
    if brought.path in SECRETS:
        return replace(brought, headers={**brought.headers, **SECRETS[brought.path]})
    if brought.path.startswith("voice") or brought.path == "sms" or brought.path.startswith("sms/status"):
        return _signed(brought)
    return brought


def _signed(brought: Brought) -> Brought:
    """Signed as Twilio does; what is no form is signed as one without fields."""
    try:
        fields = dict(parse_qsl(brought.body.decode(), keep_blank_values=True))
    except ValueError:
        fields = {}
    raw = urlencode(fields, errors="replace").encode() if fields else brought.body
    fields = dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True)) if fields else {}
    url = f"{PUBLIC}/hooks/{brought.path}" + (f"?{brought.query}" if brought.query else "")
    return replace(
        brought, body=raw, headers={**brought.headers, "x-twilio-signature": signature(url, fields)}
    )


def forgery(brought: Brought, shown: str) -> Brought:
    """The same from somebody who does not know the secret and shows this instead."""
    path = brought.path.replace(CONSULT_SECRET, "x" * 40).replace(SOLAPI_SECRET, "y" * 40)
    names = ("x-telegram-bot-api-secret-token", "x-gyeot-secret", "x-twilio-signature", "x-solapi-secret")
    return replace(brought, path=path, headers={**brought.headers, **dict.fromkeys(names, shown)})


def _answers() -> dict[str, Any]:
    return {str(status): {"description": "see channels/webhooks.py"} for status in sorted(ANSWERS)}


def _posts(kind: str, schema: Mapping[str, Any], *parameters: Mapping[str, Any]) -> dict[str, Any]:
    content = {kind: {"schema": schema}}
    body = {"required": True, "content": content}
    return {"post": {"parameters": list(parameters), "requestBody": body, "responses": _answers()}}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


TEXT, NUMBER, ANY = {"type": "string"}, {"type": "integer"}, {}
KEY = {"type": "string", "pattern": "^[a-z0-9]{1,20}$"}
CHAT = _object(("id", "type"), id=NUMBER, type={"enum": ["private", "group", "channel", "supergroup"]})
MESSAGE = _object(("message_id", "chat"), message_id=NUMBER, chat=CHAT, text=TEXT, caption=TEXT, photo=ANY)
UPDATE = _object(
    ("update_id",), update_id={"type": "integer", "minimum": 0}, message=MESSAGE, edited_message=MESSAGE
)
BOT = _object(("id",), id={"enum": [BOT_ID, "another"]})
ASKED = _object(("user",), user=_object(("id",), id=KEY), utterance=TEXT, params=ANY, callbackUrl=TEXT)
SKILL = _object(("userRequest", "bot"), userRequest=ASKED, bot=BOT, action=ANY)
SAID = _object(
    ("id", "isChannelChatroom", "botUserKey"),
    id=NUMBER,
    isChannelChatroom={"type": "boolean"},
    botUserKey=KEY,
    content=TEXT,
    contentType=ANY,
)
FRAME = _object(
    ("op", "t", "d"), op={"enum": [0, 1]}, t={"enum": ["MESSAGE_CREATE", "LEAVE", "ENTRANCE"]}, d=SAID
)
EVENT = _object(
    ("user_key",), user_key=KEY, msgid=NUMBER, type=TEXT, content=TEXT, sender_key={"enum": [SENDER_KEY, "x"]}
)
REPORT = _object(
    (), messageId=KEY, statusCode={"enum": ["2000", "4000", "3040"]}, text=TEXT, **{"from": TEXT}
)
SID = {"type": "string", "pattern": "^SM[0-9a-f]{32}$"}
CALL = {"type": "string", "pattern": "^CA[0-9a-f]{32}$"}
US = {"enum": [ACCOUNT, "AC1"]}
PHONE = {"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"}
SMS = _object(
    ("AccountSid", "MessageSid", "From"),
    AccountSid=US,
    MessageSid=SID,
    From=PHONE,
    Body=TEXT,
    NumMedia=TEXT,
    MessageStatus=TEXT,
    ErrorCode=TEXT,
)
STEP = _object(
    ("AccountSid", "CallSid"),
    AccountSid=US,
    CallSid=CALL,
    From=PHONE,
    Digits=TEXT,
    CallStatus=TEXT,
    DialCallStatus=TEXT,
)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
WHERE = [
    {"name": name, "in": "query", "schema": TEXT}
    for name in ("lang", "again", "round", "since", "call", "who")
]
DESCRIPTION = schemathesis.openapi.from_dict(
    {
        "openapi": "3.1.0",
        "info": {"title": "What providers may ask", "version": "1"},
        "servers": [{"url": PUBLIC}],
        "paths": {
            "/hooks/telegram": _posts(JSON, UPDATE),
            "/hooks/kakao/skill": _posts(JSON, SKILL),
            "/hooks/kakao/bot": _posts(JSON, FRAME),
            f"/hooks/kakao/consult/{CONSULT_SECRET}/message": _posts(JSON, EVENT),
            "/hooks/sms": _posts(FORM, SMS),
            "/hooks/sms/status": _posts(FORM, SMS),
            f"/hooks/sms/{SOLAPI_SECRET}": _posts(JSON, {"type": "array", "items": REPORT}),
            "/hooks/voice": _posts(FORM, STEP),
            "/hooks/voice/menu": _posts(FORM, STEP, *WHERE),
            "/hooks/voice/accept": _posts(FORM, STEP, *WHERE),
        },
    }
)


def brought_by(case: schemathesis.Case) -> Brought | None:
    """The request of a generated case; ``None`` for another method than POST."""
    if case.method.upper() != "POST":
        return None
    kwargs = case.as_transport_kwargs(base_url=PUBLIC)
    known = {name: kwargs[name] for name in ("method", "url", "json", "data", "params") if name in kwargs}
    prepared = requests.Request(**known).prepare()
    parts = urlsplit(str(prepared.url))
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
    headers = {"content-type": prepared.headers.get("content-type", JSON)}
    return Brought(parts.path.removeprefix("/hooks/"), body, headers, parts.query)


class TestDescribed:
    """Requests drawn from a description of what providers send, and from its opposite."""

    @DESCRIPTION.parametrize()
    @FEW
    def test_genuine(self, case: schemathesis.Case, room: Room) -> None:
        if brought := brought_by(case):
            room.bring(genuine(brought))

    @DESCRIPTION.parametrize()
    @FEW
    def test_forged(self, case: schemathesis.Case, room: Room) -> None:
        if brought := brought_by(case):
            room.bring(forgery(brought, "z" * 40), forged=True)


SHOWN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=64).map(str.strip)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("path", PATHS)
class TestBytes:
    """Bytes without any form."""

    @FEW
    @given(
        body=st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
    )
    def test_genuine(self, room: Room, path: str, body: bytes) -> None:
        room.bring(genuine(Brought(path, body, {"content-type": JSON})))

    @FEW
    @given(body=st.binary(max_size=400), shown=SHOWN)
    def test_forged(self, room: Room, path: str, body: bytes, shown: str) -> None:
        room.bring(forgery(Brought(path, body, {"content-type": JSON}), shown), forged=True)


@pytest.mark.parametrize(
    "good", [telegram(), skill(), bot_api(), consult(), solapi()], ids=lambda good: good.path[:13]
)
class TestJson:
    """What a provider sends, with one part of it replaced by anything."""

    @FEW
    @given(chance=st.randoms(use_true_random=False), value=ANYTHING)
    def test_one_part_is_something_else(self, room: Room, good: Brought, chance: Any, value: Any) -> None:
        whole = {"body": json.loads(good.body)}
        place: Any = whole
        while True:
            at = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[at], (dict, list)) or not place[at] or chance.random() < 0.3:
                break
            place = place[at]
        place[at] = value
        room.bring(replace(good, body=json.dumps(whole["body"]).encode()))

    @FEW
    @given(value=ANYTHING)
    def test_anything_at_all(self, room: Room, good: Brought, value: Any) -> None:
        room.bring(replace(good, body=json.dumps(value).encode()))


NAMES = (
    "AccountSid",
    "MessageSid",
    "SmsSid",
    "From",
    "To",
    "Body",
    "NumMedia",
    "MediaContentType0",
    "OptOutType",
)
NAMES += ("MessageStatus", "ErrorCode", "CallSid", "Digits", "CallStatus", "DialCallStatus", "DialBridged")
VALUES = st.text(max_size=40) | st.sampled_from(
    [ACCOUNT, f"SM{1:032x}", f"CA{1:032x}", "+447700900123", "1", "STOP"]
)


class TestForms:
    """Twilio's forms."""

    @FEW
    @given(
        path=st.sampled_from(
            [path for path in PATHS if path.startswith(("sms", "voice")) and SOLAPI_SECRET not in path]
        ),
        fields=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), VALUES, max_size=8),
        query=st.dictionaries(
            st.sampled_from(["lang", "again", "round", "since", "call", "who", "window"]),
            st.text(max_size=6),
            max_size=3,
        ),
    )
    def test_fields_of_any_kind(
        self, room: Room, path: str, fields: dict[str, str], query: dict[str, str]
    ) -> None:
        for account in ({"AccountSid": ACCOUNT}, {}):
            raw = urlencode({**fields, **account}, errors="replace").encode()
            asked = Brought(path, raw, {"content-type": FORM}, urlencode(query, errors="replace"))
            room.bring(genuine(asked))
            room.bring(asked, forged=True)

    @FEW
    @given(
        door=st.sampled_from([door for door in DOORS if "x-twilio-signature" in door.good().headers]),
        data=st.data(),
    )
    def test_one_changed_byte_is_a_forgery(self, room: Room, door: Door, data: st.DataObject) -> None:
        good = door.good()
        at = data.draw(st.integers(0, len(good.body) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda value: value != good.body[at]))
        changed = replace(good, body=good.body[:at] + bytes([byte]) + good.body[at + 1 :])
        same = _fields(changed.body) == _fields(good.body)  # %2B and %2b are the same letter
        room.bring(changed, forged=not same)

    def test_the_tests_know_how_to_sign(self, room: Room) -> None:
        fields = {"AccountSid": ACCOUNT, **twilio_fields(n=99)}
        asked = Brought("sms", urlencode(fields).encode(), {"content-type": FORM})
        assert room.bring(genuine(asked)) == 200
        for door in DOORS:
            assert room.bring(door.good(n=98)) in {200, 204}


def _fields(body: bytes) -> Any:
    try:
        return sorted(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        return None
