"""SOLAPI's side of SMS, as far as it is published.

From github.com/solapi/documents: REST with an HMAC that is good once within 15 minutes
(authentication/api-key.md), and status codes (api-reference/message-status-codes.md). From
github.com/solapi/solapi-python: reports by webhook, tried five times (examples/webhook). The form of incoming
texts is not published: it is played in the envelope of the reports. A text to 010-0000-CCCC ends with the
status code CCCC.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from simulators.sms_phone import Phone, post

ANSWERS_WITHIN = 5.0  # not published; what those who run it report
TRIES = 5
SKEW = 15 * 60
REMEMBERED = 1000
_AUTHORIZATION = re.compile(
    r"HMAC-SHA256 apiKey=([^,]+), date=([^,]+), salt=([^,]{12,64}), signature=([0-9a-f]{64})"
)
_MAGIC = re.compile(r"0100000([0-9]{4})")
LIMITS = {"SMS": 90, "LMS": 2000}


@dataclass(frozen=True, slots=True)
class Account:
    """The centre's account.

    ``service_url``: the webhook with its secret. ``pause``: seconds before the second try.
    """

    service_url: str = field(repr=False)
    key: str
    secret: str = field(repr=False)
    number: str
    pause: float = 0.05


class Solapi:
    """One account with one registered number and one telephone."""

    def __init__(self, account: Account, phone: Phone) -> None:
        self._account = account
        self._phone = phone
        self._used: deque[str] = deque(maxlen=REMEMBERED)

    async def text(self, body: str) -> None:
        """The telephone sends a text."""
        self._phone.run(self._webhook("MO", self._incoming(body)))

    async def photo(self) -> None:
        """The telephone sends a picture."""
        self._phone.run(self._webhook("MO", {**self._incoming(""), "type": "MMS", "imageId": _id("ST")}))

    def known(self, authorization: str) -> str:
        """What is wrong with an authorization; empty: nothing. A signature is good once."""
        said = _AUTHORIZATION.fullmatch(authorization)
        if said is None or said[1] != self._account.key:
            return "InvalidAPIKey"
        right = hmac.new(
            self._account.secret.encode(), (said[2] + said[3]).encode(), hashlib.sha256
        ).hexdigest()
        if not hmac.compare_digest(right, said[4]):
            return "SignatureDoesNotMatch"
        if abs((datetime.now(UTC) - datetime.fromisoformat(said[2])).total_seconds()) > SKEW:
            return "RequestTimeTooSkewed"
        if said[4] in self._used:
            return "DuplicatedSignature"
        self._used.append(said[4])
        return ""

    async def send(self, message: Mapping[str, object]) -> tuple[str, str]:
        """Take one text; returns its id and status code, 2000 when it is on its way."""
        code, message_id = self._checked(message), _id("M4V")
        if code == "2000":
            self._phone.run(self._deliver(message_id, message))
        return message_id, code

    def _checked(self, message: Mapping[str, object]) -> str:
        text, kind = str(message.get("text", "")), str(message.get("type"))
        magic = _MAGIC.fullmatch(str(message.get("to", "")))
        if magic and magic[1].startswith("1"):
            return magic[1]
        if message.get("from") != self._account.number:
            return "1062"
        if not text or not re.fullmatch(r"0\d{8,10}", str(message.get("to", ""))) or kind not in LIMITS:
            return "1011"
        try:
            size = len(text.encode("cp949"))
        except UnicodeEncodeError:
            return "1029"
        return "2000" if size <= LIMITS[kind] else "1031"

    async def _deliver(self, message_id: str, message: Mapping[str, object]) -> None:
        code = self._fate(str(message["to"]))
        if code == "4000":
            await self._phone.stage.show("gyeot", str(message["text"]))
        for status in ("3000", code, "3000", code):  # again, and out of order
            report = {
                "messageId": message_id,
                "type": message["type"],
                "to": message["to"],
                "from": message["from"],
                "statusCode": status,
                "customFields": message.get("customFields", {}),
            }
            await self._webhook("SINGLE-REPORT", report)

    def _fate(self, to: str) -> str:
        magic = _MAGIC.fullmatch(to)
        if magic:
            return magic[1]
        if to != self._phone.number:
            return "3032"
        if self._phone.stopped:
            return "3047"
        return {"phone-off": "3043", "filtered": "3054"}.get(self._phone.trouble(), "4000")

    def _incoming(self, text: str) -> dict[str, object]:
        return {
            "messageId": _id("R4V"),
            "from": self._phone.number,
            "to": self._account.number,
            "text": text,
            "type": "SMS",
            "dateReceived": datetime.now(UTC).isoformat(),
        }

    async def _webhook(self, event: str, data: Mapping[str, object]) -> None:
        """Post an event until it is answered 200, five times at most."""
        event_id = _id("EV")
        headers = {"Content-Type": "application/json", "X-Solapi-Event-Name": event}
        for retry in range(TRIES):
            body = json.dumps([{"eventDataId": event_id, "data": data, "retryCount": retry}]).encode()
            posted = await post(self._account.service_url, body, headers, ANSWERS_WITHIN)
            if posted.good:
                return
            await asyncio.sleep(self._account.pause * 2**retry)
        await self._phone.said(f"SOLAPI: 알림을 {TRIES}번 보냈지만 받지 않았어요 ({posted.status}).")


def router(solapi: Solapi, phone: Phone) -> APIRouter:
    """The part of the REST API that sends texts."""
    routes = APIRouter()

    @routes.post("/messages/v4/send-many/detail")
    async def send(request: Request) -> Response:
        wrong = solapi.known(request.headers.get("authorization", ""))
        if wrong:
            return JSONResponse({"errorCode": wrong, "errorMessage": "simulated"}, 403)
        if phone.troubles[:1] in (["too-fast"], ["down"]):
            fast = phone.trouble() == "too-fast"
            headers = {"Retry-After": "1"} if fast else None
            return JSONResponse(
                {"errorCode": "TooManyRequests" if fast else "InternalError"}, 429 if fast else 503, headers
            )
        lost = phone.troubles[:1] == ["lost"]
        answer = await _answer(solapi, await request.json())
        if lost:
            phone.trouble()
            return Response(status_code=504)
        return answer

    return routes


async def _answer(solapi: Solapi, asked: Mapping[str, list[Mapping[str, object]]]) -> JSONResponse:
    taken: list[Mapping[str, object]] = []
    failed: list[Mapping[str, object]] = []
    for message in asked["messages"]:
        message_id, code = await solapi.send(message)
        entry = {"messageId": message_id, "statusCode": code, "statusMessage": "simulated"}
        (taken if code == "2000" else failed).append({**entry, "customFields": message.get("customFields")})
    body = {"failedMessageList": failed, "messageList": taken, "groupInfo": {"groupId": _id("G4V")}}
    return JSONResponse(body)


def _id(kind: str) -> str:
    return kind + secrets.token_hex(10).upper()
