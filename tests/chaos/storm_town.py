"""The world around a storm: visitors on every channel, and providers that keep their rules and have bad days.

Webhooks are built here as providers build them; ``Wire`` stands where an HTTP session stands and plays the
providers' REST endpoints, down to connections that break before or after a request was taken.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from tests.chaos.storm_books import Books
from tests.contract.channel_cases import never_left
from tests.contract.channel_requests import (
    BOT_ID,
    BOT_SECRET,
    CONSULT_SECRET,
    SENDER_KEY,
    SKILL_SECRET,
    SOLAPI_SECRET,
    TELEGRAM_SECRET,
    Brought,
    as_json,
    signed,
)


@dataclass(slots=True)
class Person:
    """A visitor. ``shut``: they blocked us or ended the session. ``friend``: of the KakaoTalk channel."""

    door: str
    number: int
    friend: bool = True
    shut: bool = False

    @property
    def name(self) -> str:
        return f"{self.door}.{self.number}"

    @property
    def phone(self) -> str:
        return f"+8210{self.number:08d}"


@dataclass(frozen=True, slots=True)
class Weather:
    """How often, of one, a provider fails in this way; ``pause``: its longest answer in seconds."""

    unreached: float = 0.04
    broken: float = 0.03
    throttled: float = 0.03
    lost: float = 0.02
    pause: float = 0.004


CALM = Weather(0, 0, 0, 0, 0)
TOLD = 0.15
"""The share of texts of which the carrier tells what became of them; all would only repeat the same."""


class _Told:
    """A response as aiohttp shows one."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self._raw = json.dumps(body).encode()
        self.content = self

    async def read(self) -> bytes:
        return self._raw

    async def text(self) -> str:
        return self._raw.decode()

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        yield self._raw


class Town:
    """Everybody outside. ``sms``: who carries texts."""

    def __init__(self, chance: random.Random, books: Books, sms: str) -> None:
        self.chance = chance
        self.books = books
        self.sms = sms
        self.weather = Weather()
        self.people: dict[str, Person] = {}
        self.receipts: asyncio.Queue[Brought] = asyncio.Queue()
        self._numbers = itertools.count(1)
        self._tickets: set[str] = set()
        self._serials: set[str] = set()
        self._answers: Mapping[str, Callable[[str, dict[str, Any], Mapping[str, str]], Any]] = {
            "sendMessage": self._telegram,
            "talk": self._event,
            "callback": self._callback,
            "send_message": self._bot_push,
            "write": self._consult,
            "Messages.json": self._twilio,
            "detail": self._solapi,
        }

    # -- webhooks ---------------------------------------------------------------------------------------------

    def message(self, person: Person, text: str, media: bool = False) -> Brought:
        """Somebody writes; a picture stands instead of the words where ``media`` is set."""
        return getattr(self, f"_by_{person.door}")(person, text, media)

    def ended(self, person: Person) -> Brought | None:
        """What the provider tells when somebody blocked us; ``None``: nothing."""
        number = next(self._numbers)
        if person.door == "telegram":
            chat = {"id": person.number, "type": "private"}
            change = {"chat": chat, "from": {"id": person.number}, "new_chat_member": {"status": "kicked"}}
            return self._update(number, my_chat_member=change)
        if person.door == "consult":
            body = {"user_key": person.name, "sender_key": SENDER_KEY, "msgid": number}
            return as_json(f"kakao/consult/{CONSULT_SECRET}/expired_session", body)
        if person.door == "bot":
            leave = {"op": 0, "t": "LEAVE", "d": {"botUserKey": person.name, "timestamp": f"{number}"}}
            return as_json("kakao/bot", leave, {"x-gyeot-secret": BOT_SECRET})
        return None

    def _by_telegram(self, person: Person, text: str, media: bool) -> Brought:
        number = next(self._numbers)
        said = {"photo": [{"file_id": "f"}]} if media else {"text": text}
        who = {"id": person.number, "is_bot": False, "language_code": "ko"}
        chat = {"id": person.number, "type": "private"}
        return self._update(number, message={"message_id": number, "chat": chat, "from": who, **said})

    def _update(self, number: int, **inside: Any) -> Brought:
        secret = {"x-telegram-bot-api-secret-token": TELEGRAM_SECRET}
        return as_json("telegram", {"update_id": number, **inside}, secret)

    def _by_skill(self, person: Person, text: str, media: bool) -> Brought:
        number = next(self._numbers)
        request: dict[str, Any] = {
            "utterance": "http://dn-m.talk.kakao.com/p.jpg" if media else text,
            "user": {"id": person.name, "type": "botUserKey", "properties": {}},
        }
        if self.chance.random() < 0.5:
            self._tickets.add(ticket := f"https://bot-api.kakao.com/v1/bots/x/callback/{number}")
            request["callbackUrl"] = ticket
        body = {"userRequest": request, "bot": {"id": BOT_ID, "name": "x"}, "action": {}}
        return as_json("kakao/skill", body, {"x-gyeot-secret": SKILL_SECRET, "x-request-id": f"{number}"})

    def _by_bot(self, person: Person, text: str, media: bool) -> Brought:
        number = next(self._numbers)
        self._tickets.add(f"token-{number}")
        said = {"id": number, "content": "" if media else text, "isChannelChatroom": True}
        said |= {"botUserKey": person.name, "callbackToken": f"token-{number}"}
        said |= {"contentType": "image"} if media else {}
        return as_json(
            "kakao/bot", {"op": 0, "t": "MESSAGE_CREATE", "d": said}, {"x-gyeot-secret": BOT_SECRET}
        )

    def _by_consult(self, person: Person, text: str, media: bool) -> Brought:
        said = {
            "type": "image" if media else "text",
            "content": "https://mud-kage.kakaocdn.net/p.jpg" if media else text,
        }
        who = {"user_key": person.name, "sender_key": SENDER_KEY, "msgid": next(self._numbers)}
        return as_json(f"kakao/consult/{CONSULT_SECRET}/message", who | said)

    def _by_sms(self, person: Person, text: str, media: bool) -> Brought:
        number = next(self._numbers)
        if self.sms == "solapi":
            said = {"messageId": f"mo-{number}", "from": person.phone, "text": "" if media else text}
            said |= {"imageId": "i"} if media else {}
            return as_json(f"sms/{SOLAPI_SECRET}", [said])
        fields = {"MessageSid": f"SM{number:032x}", "From": person.phone, "To": "+15005550006"}
        fields |= {"Body": "" if media else text, "NumMedia": "1" if media else "0"}
        return signed("sms", fields | ({"MediaContentType0": "image/jpeg"} if media else {}))

    def call(self, number: int) -> list[Brought]:
        """A call: it begins, the caller asks to go on by text, and hangs up."""
        fields = {"CallSid": f"CA{number:032x}", "From": f"+8210{number:08d}", "To": "+8225550100"}
        steps = [("voice", {}, ""), ("voice/menu", {"Digits": "2"}, "again=1")]
        steps.append(("voice/status", {"CallStatus": "completed"}, ""))
        return [signed(path, fields | more, query) for path, more, query in steps]

    # -- REST -------------------------------------------------------------------------------------------------

    async def answer(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> _Told:
        """Play the provider at this address, on a good day or a bad one."""
        weather, dice = self.weather, self.chance.random()
        await asyncio.sleep(self.chance.random() * weather.pause)
        for share, fate in ((weather.unreached, "unreached"), (weather.broken, "broken")):
            dice -= share
            if dice < 0:
                self.books.counts[f"provider {fate}"] += 1
                if fate == "unreached":
                    raise never_left()
                return _Told(500, {}, {})
        if (dice := dice - weather.throttled) < 0:
            self.books.counts["provider throttled"] += 1
            body = {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": 1}}
            return _Told(429, body, {"Retry-After": "1"})
        found = self._found(url)
        if found is None:
            return _Told(200, {"ok": True, "result": True, "successCount": 1}, {})
        status, body, texts = found(url, form, headers)
        lost = bool(texts) and (dice - weather.lost) < 0
        if texts:
            self.books.accept(texts, lost=lost)
        if lost:
            self.books.counts["provider's answer lost"] += 1
            raise aiohttp.ServerDisconnectedError
        return _Told(status, body, {})

    def _found(self, url: str) -> Callable[[str, dict[str, Any], Mapping[str, str]], Any] | None:
        path = urlsplit(url).path
        return self._answers.get("callback" if "/callback" in path else path.rsplit("/", 1)[-1])

    def _telegram(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> Any:
        if self.people[f"telegram.{form['chat_id']}"].shut:
            return 403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked"}, ()
        result = {"message_id": next(self._numbers)}
        return 200, {"ok": True, "result": result}, (form["text"],)

    def _event(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> Any:
        if not self.people[form["user"][0]["id"]].friend:
            return 400, {"status": "FAIL"}, ()
        task = f"t{next(self._numbers)}"
        return 200, {"taskId": task, "status": "SUCCESS"}, (form["event"]["data"]["text"],)

    def _callback(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> Any:
        """Both single-use ways of KakaoTalk: a skill's callback address, and a token of the Bot API."""
        ticket = headers.get("X-Bot-Callback-Token", url)
        if ticket not in self._tickets:
            return 400, {"status": "FAIL", "code": -881}, ()
        self._tickets.remove(ticket)
        return 200, {"taskId": "t", "status": "SUCCESS"}, bubbles(form.get("skillResponse", form))

    def _bot_push(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> Any:
        person = self.people[form["botUserKey"]]
        if person.shut or not person.friend:
            return 400, {"code": -879 if person.shut else -877}, ()
        return 200, {"totalCount": 1, "sendCount": 1}, bubbles(form["skillResponse"])

    def _consult(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> Any:
        if self.people[form["user_key"]].shut:
            return 200, {"code": 500, "message": "NoSessionException(session expired)"}, ()
        if form["serial_number"] in self._serials:
            self.books.counts["relay knew the serial number"] += 1
            return 200, {"code": 500, "message": "DuplicatedSerialNumberException()"}, ()
        self._serials.add(form["serial_number"])
        return 200, {"code": 0}, (form["message"],)

    def _twilio(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> Any:
        if self.people[f"sms.{int(form['To'][5:])}"].shut:
            return 400, {"code": 21610}, ()
        sid = f"SM{next(self._numbers) + (1 << 64):032x}"
        path = urlsplit(form["StatusCallback"]).path.removeprefix("/hooks/")
        self._later(sid, lambda status: signed(path, _status(sid, form["To"], status)))
        return 201, {"sid": sid}, (form["Body"],)

    def _solapi(self, url: str, form: dict[str, Any], headers: Mapping[str, str]) -> Any:
        [message] = form["messages"]
        if self.people[f"sms.{int(message['to'][3:])}"].shut:
            return 200, {"failedMessageList": [{"statusCode": "3055"}]}, ()
        sent_id = f"M{next(self._numbers)}"
        codes = {"sent": "3000", "delivered": "4000", "undelivered": "3040"}

        def report(status: str) -> Brought:
            more = {"customFields": message["customFields"], "to": message["to"], "from": message["from"]}
            code = codes.get(status, "2000")
            return as_json(f"sms/{SOLAPI_SECRET}", [{"messageId": sent_id, "statusCode": code, **more}])

        self._later(sent_id, report)
        body = {"messageList": [{"messageId": sent_id, "statusCode": "2000"}], "failedMessageList": []}
        return 200, body, (message["text"],)

    def _later(self, sent_id: str, report: Callable[[str], Brought]) -> None:
        """What becomes of a text is told later, in any order, some of it twice."""
        if self.chance.random() > TOLD:
            return
        last = "undelivered" if self.chance.random() < 0.1 else "delivered"
        if last == "undelivered":
            self.books.failed_receipts.add(sent_id)
        told = self.chance.sample(["queued", "sent", last], 3)
        for status in [*told, *([last] if self.chance.random() < 0.2 else [])]:
            self.receipts.put_nowait(report(status))


class Wire:
    """Stands where ``aiohttp.ClientSession`` stands."""

    def __init__(self, town: Town) -> None:
        self._town = town

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def post(self, url: str, *, data: aiohttp.FormData, **_: Any) -> Any:
        form = dict(parse_qsl(data()._value.decode(), keep_blank_values=True))
        return self._asked(url, form, {})

    def request(self, method: str, url: str, **more: Any) -> Any:
        raw, headers = more.get("data") or b"", more["headers"]
        if raw.startswith(b"{"):
            return self._asked(url, json.loads(raw), headers)
        return self._asked(url, dict(parse_qsl(raw.decode(), keep_blank_values=True)), headers)

    @asynccontextmanager
    async def _asked(
        self, url: str, form: dict[str, Any], headers: Mapping[str, str]
    ) -> AsyncIterator[_Told]:
        yield await self._town.answer(url, form, headers)


def bubbles(response: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of a skill response."""
    outputs = response.get("template", {}).get("outputs", ())
    return tuple(output["simpleText"]["text"] for output in outputs)


def _status(sid: str, to: str, status: str) -> dict[str, str]:
    code = {"ErrorCode": "30003"} if status == "undelivered" else {}
    return {"MessageSid": sid, "To": to, "From": "+15005550006", "MessageStatus": status, **code}
