"""Every door of the service as one row: how its provider asks, and what it must not get away with."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Self
from unittest import mock

import aiohttp
import httpx2

from bot.compose import House, public_app
from bot.doorways import Doorways, open_doorways
from handoff.conversation import Author
from handoff.store.memory import MemoryStore
from tests.contract.channel_requests import (
    BOT_ID,
    BOT_SECRET,
    CONSULT_SECRET,
    MARKER,
    PUBLIC,
    SETTINGS,
    SKILL_SECRET,
    SOLAPI_SECRET,
    TELEGRAM_SECRET,
    Brought,
    as_json,
    bot_api,
    bot_api_of,
    call_fields,
    consult,
    consult_of,
    signed,
    skill,
    skill_of,
    solapi,
    solapi_of,
    telegram,
    telegram_of,
    twilio,
    twilio_fields,
    voice,
)
from tests.journey.indoors import a_house, desked
from vault.desk import DeskKey, new_desk_key, open_conversation_key
from vault.entries import open_entry
from vault.places import EntryPlace

Table = Mapping[str, Brought]
_NO_JSON = {
    "empty": b"",
    "half": b'{"a"',
    "a list of nothing": b"[]",
    "a number": b"1",
    "no text at all": b"\xff\xfe\x00",
    "very deep": b"[" * 30_000,
}


def _no_json(made: Callable[[Any], Brought]) -> dict[str, Brought]:
    return {f"json: {name}": made(body) for name, body in _NO_JSON.items()}


def _shown(good: Brought, header: str, secret: str) -> dict[str, Brought]:
    """Everything but the right value in a secret header."""
    shown = {"missing": None, "empty": "", "wrong": "x" * 40, "shorter": secret[:-1], "longer": f"{secret}x"}
    shown |= {"other case": secret.swapcase(), "one byte": f"{secret[:-1]}\x7e"}
    return {name: good.wearing(**{header.replace("-", "_"): value}) for name, value in shown.items()}


def _unsigned(good: Brought, fields: Mapping[str, str]) -> dict[str, Brought]:
    """Everything that Twilio did not sign like this."""
    right = good.headers["x-twilio-signature"]
    other = {**fields, "AccountSid": "AC" + "8" * 32}
    return {
        **{
            name: good.wearing(x_twilio_signature=value)
            for name, value in {
                "missing": None,
                "empty": "",
                "wrong": "x" * 28,
                "one letter": ("A" if right[0] != "A" else "B") + right[1:],
                "not ASCII": "\u00e9" * 28,
            }.items()
        },
        "another token": signed(good.path, fields, token="e" * 32),
        "another account": signed(good.path, other),
        "another address": replace(good, query="x=1"),
        "a changed byte": replace(good, body=good.body[:-1] + b"9"),
        "one field more": replace(good, body=good.body + b"&x=1"),
        "one field twice": replace(good, body=good.body + b"&From=%2B15550100"),
        "another service": signed(good.path, fields, public="https://other.test"),
    }


@dataclass(frozen=True, slots=True)
class Door:
    """One row. ``good(text, n)``: message ``n``. ``photo(n)``: a picture instead, where the door knows any.

    ``closed``: settings without which it is shut, and the answer then. ``words``: a busy house says so in words,
    because the provider does not ask again. ``author``: of the entry that a good request becomes.
    """

    name: str
    good: Callable[..., Brought]
    forged: Table
    malformed: Table
    closed: Mapping[str, tuple[Mapping[str, Any], int]]
    photo: Callable[[int], Brought] | None = None
    sms: str = "twilio"
    words: bool = False
    author: Author = Author.VISITOR

    def __str__(self) -> str:
        return self.name


_URL = f"https://mud-kage.kakaocdn.net/{MARKER}.jpg"
_NO_KAKAO = dict.fromkeys(("kakao_skill_secret", "kakao_bot_secret", "happytalk_webhook_secret"), "")
_EMPTY_PATHS = {"no secret": "message", "empty": "/message", "wrong": f"{'x' * 40}/message"}

DOORS: Sequence[Door] = (
    Door(
        "telegram",
        telegram,
        _shown(telegram(), "x-telegram-bot-api-secret-token", TELEGRAM_SECRET),
        {
            **_no_json(telegram_of),
            "an id in words": telegram_of({"update_id": "1", "message": {}}),
            "an id below nothing": telegram_of({"update_id": -1}),
            "no id": telegram_of({"message": {}}),
        },
        {"no token": ({"telegram_token": ""}, 404)},
        lambda n: telegram(n=n, photo=[{"file_id": MARKER}]),
    ),
    Door(
        "kakao skill",
        skill,
        {
            **_shown(skill(), "x-gyeot-secret", SKILL_SECRET),
            "the secret of another door": skill().wearing(x_gyeot_secret=BOT_SECRET),
            "another bot": skill(bot="0" * 24),
            "no bot": skill(bot=""),
        },
        {
            **_no_json(skill_of),
            "nobody": skill_of({"userRequest": {"utterance": "x"}, "bot": {"id": BOT_ID}}),
            "a space in a key": skill_of({"userRequest": {"user": {"id": "a b"}}, "bot": {"id": BOT_ID}}),
            "a number for a key": skill_of({"userRequest": {"user": {"id": 1}}, "bot": {"id": BOT_ID}}),
            "words in a list": skill_of(
                {"userRequest": {"utterance": ["x"], "user": {"id": "a"}}, "bot": {"id": BOT_ID}}
            ),
        },
        {
            "no secret": ({"kakao_skill_secret": ""}, 403),
            "no bot id": ({"kakao_bot_id": ""}, 403),
            "no door": (_NO_KAKAO, 404),
        },
        lambda n: skill(f"http://dn-m.talk.kakao.com/{MARKER}.jpg", n),
        words=True,
    ),
    Door(
        "kakao bot",
        bot_api,
        {
            **_shown(bot_api(), "x-gyeot-secret", BOT_SECRET),
            "the secret of another door": bot_api().wearing(x_gyeot_secret=SKILL_SECRET),
        },
        {
            **_no_json(bot_api_of),
            "another op": bot_api_of({"op": 1, "t": "MESSAGE_CREATE", "d": {}}),
            "no data": bot_api_of({"op": 0, "t": "MESSAGE_CREATE"}),
            "nobody": bot_api_of({"op": 0, "t": "MESSAGE_CREATE", "d": {"id": 1, "isChannelChatroom": True}}),
            "words in a list": bot_api(content=["x"]),
        },
        {"no secret": ({"kakao_bot_secret": ""}, 403), "no door": (_NO_KAKAO, 404)},
        lambda n: bot_api(_URL, n, contentType="image"),
    ),
    Door(
        "kakao consult",
        consult,
        {
            **{name: consult_of({"user_key": "a", "msgid": 1}, path) for name, path in _EMPTY_PATHS.items()},
            "another channel": consult(sender_key="x" * 40),
            "the secret of another door": consult_of({"user_key": "a"}, f"{SKILL_SECRET}/message"),
        },
        {
            **_no_json(consult_of),
            "nobody": consult_of({"msgid": 1, "content": "x"}),
            "words in a list": consult(content=["x"]),
            "no such webhook": consult_of({"user_key": "a", "msgid": 1}, f"{CONSULT_SECRET}/nonsense"),
        },
        {"no secret": ({"happytalk_webhook_secret": ""}, 403), "no door": (_NO_KAKAO, 404)},
        lambda n: consult(f"https://files.relay.test/{MARKER}.jpg", n, type="image"),
    ),
    Door(
        "sms twilio",
        twilio,
        _unsigned(twilio(), twilio_fields()),
        {
            "no SID": signed("sms", {"From": "+447700900123", "Body": "x"}),
            "a wrong SID": twilio(MessageSid="SM1"),
            "media in words": twilio(NumMedia="two"),
            "no such address": signed("sms/else", twilio_fields()),
            "a wrong token": signed("sms/status/zz", twilio_fields()),
        },
        {
            "no token": ({"twilio_token": "", "voice_number": ""}, 403),
            "no account": ({"twilio_account": "", "voice_number": ""}, 403),
            "nobody carries": ({"sms_provider": ""}, 404),
        },
        lambda n: twilio(
            "", n, NumMedia="1", MediaContentType0="image/jpeg", MediaUrl0=f"https://api.test/{MARKER}"
        ),
    ),
    Door(
        "sms solapi",
        solapi,
        {
            "no secret": as_json("sms", []),
            "wrong": solapi_of([], "x" * 40),
            "shorter": solapi_of([], SOLAPI_SECRET[:-1]),
            "a wrong digest": as_json("sms", [], {"x-solapi-secret": "0" * 40}),
            "the digest of nothing": as_json("sms", [], {"x-solapi-secret": hashlib.sha1(b"").hexdigest()}),
        },
        {
            **_no_json(solapi_of),
            "no objects": solapi_of([1, 2]),
            "too many": solapi_of([{} for _ in range(1001)]),
        },
        {
            "no secret": ({"solapi_webhook_secret": ""}, 403),
            "nobody carries": ({"sms_provider": ""}, 404),
        },
        lambda n: solapi("", n, imageId=MARKER),
        "solapi",
    ),
    Door(
        "voice",
        voice,
        _unsigned(voice(), call_fields()),
        {
            "no call": signed("voice", {"From": "+821012345678"}),
            "a wrong call": signed("voice", {"CallSid": "CA1"}),
            "no such step": signed("voice/nonsense", call_fields()),
            "no such language": signed("voice/menu", call_fields(), "lang=xx"),
            "a phone that nobody rang": signed("voice/whisper", call_fields()),
        },
        {"no number": ({"voice_number": ""}, 404)},
        author=Author.SYSTEM,
    ),
)


class Nobody:
    """Stands where an HTTP session stands: notes who is asked for, and reaches nobody."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def post(self, url: str, **_: Any) -> Any:
        return self._nobody(url)

    def request(self, method: str, url: str, **_: Any) -> Any:
        return self._nobody(url)

    @asynccontextmanager
    async def _nobody(self, url: str) -> AsyncIterator[None]:
        self.asked.append(url)
        raise never_left()
        yield


def never_left() -> aiohttp.ClientConnectorError:
    """What a session raises when no connection came about."""
    where: Any = SimpleNamespace(host="nobody", port=443, ssl=True, is_ssl=True)
    return aiohttp.ClientConnectorError(where, OSError("no route"))


@dataclass(frozen=True, slots=True)
class Street:
    """A house with all its doors, behind its public application."""

    house: House
    doorways: Doorways
    store: MemoryStore
    desk: DeskKey
    client: httpx2.AsyncClient
    outside: Nobody

    async def bring(self, brought: Brought) -> httpx2.Response:
        """One webhook request over HTTP, and everything that it sets going."""
        answer = await self.client.post(
            f"/hooks/{brought.path}" + (f"?{brought.query}" if brought.query else ""),
            content=brought.body,
            headers={name: value.encode() for name, value in brought.headers.items()},
        )
        await self.house.listener.drain(5)
        return answer

    def kept(self) -> Any:
        """Everything that is kept, to be compared."""
        state = self.store._state
        return {name: dict(getattr(state, name)) for name in _KEPT} | {"audit": list(state.audit)}

    def lines(self, author: Author) -> list[tuple[str, ...]]:
        """What staff read of this author, oldest first."""
        state, found = self.store._state, []
        for (id, seq), entry in sorted(state.entries.items()):
            if entry.author is author:
                sealed = state.conversations[id].sealed_key or b""
                key = open_conversation_key(self.desk, sealed, id)
                found.append(open_entry(key, entry.sealed, EntryPlace(id, seq, author)).texts)
        return found


_KEPT = ("claims", "conversations", "addresses", "entries", "assessments", "inbox", "outbox", "sent")


@asynccontextmanager
async def a_street(sms: str = "twilio", **settings: Any) -> AsyncIterator[Street]:
    """All doors open, except as the settings say."""
    desk, outside = new_desk_key(1), Nobody()
    store = await desked(MemoryStore(), desk)
    assert isinstance(store, MemoryStore)
    given = {**SETTINGS, "sms_provider": sms, **settings}
    async with a_house(store, **given) as house:
        with mock.patch.object(aiohttp, "ClientSession", mock.Mock(return_value=outside)):
            opening = open_doorways(house)
            doorways = await opening.__aenter__()
        app = public_app(house, doorways.hooks)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC) as client:
            yield Street(house, doorways, store, desk, client, outside)
        await opening.__aexit__(None, None, None)
