"""Twilio's side of SMS, as published.

Signed webhooks (twilio.com/docs/usage/webhooks/webhooks-security), 15 seconds to answer and no second try
(…/messaging/guides/webhook-request), opt-out words (…/messaging/tutorials/advanced-opt-out), the numbers that
always fail (…/iam/test-credentials), status callbacks in no promised order.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import itertools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from simulators.sms_phone import Phone, Posted, post

ANSWERS_WITHIN = 15.0
LONGEST_BODY = 1600
REMEMBERED = 1000
STOP_WORDS = {"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}
START_WORDS = {"START", "UNSTOP", "YES"}
MAGIC = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
# As they really come: out of order and more than once.
ARRIVES = ("sent", "queued", "delivered", "sent", "delivered")
FAILS = ("queued", "undelivered", "sent", "undelivered")


@dataclass(frozen=True, slots=True)
class Account:
    """The centre's account.

    ``media_url``: where pictures could be fetched. ``pause``: seconds between two status callbacks.
    """

    service_url: str
    sid: str
    token: str = field(repr=False)
    number: str
    media_url: str
    pause: float = 0.05


@dataclass(frozen=True, slots=True)
class _Text:
    """A text on its way to a telephone."""

    sid: str
    to: str = field(repr=False)
    body: str = field(repr=False)
    callback: str = field(repr=False)


class Failure(Exception):
    """An error as Twilio's REST API answers it."""

    def __init__(self, status: int, code: int, retry_after: int | None = None) -> None:
        super().__init__(str(code))
        self.status, self.code, self.retry_after = status, code, retry_after

    def answer(self) -> JSONResponse:
        """The published form."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": "simulated", "more_info": more, "status": self.status}
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else None
        return JSONResponse(body, self.status, headers)


class Twilio:
    """One account with one number and one telephone."""

    def __init__(self, account: Account, phone: Phone) -> None:
        self._account = account
        self._phone = phone
        self._copies: dict[str, _Text] = {}
        self._moving: set[str] = set()

    async def text(self, body: str) -> None:
        """The telephone sends a text. Twilio itself answers the opt-out words, and passes them on."""
        word = body.strip().upper()
        opt = "STOP" if word in STOP_WORDS else "START" if word in START_WORDS else ""
        if opt:
            self._phone.stopped = opt == "STOP"
            stopped = "수신거부되었어요. START를 보내면 다시 받아요."
            await self._phone.said(stopped if opt == "STOP" else "다시 받기로 했어요.")
        await self._webhook({"Body": body, "NumMedia": "0", **({"OptOutType": opt} if opt else {})})

    async def photo(self) -> None:
        """The telephone sends a picture (MMS)."""
        url = f"{self._account.media_url}/{_sid('ME')}"
        await self._webhook(
            {"Body": "", "NumMedia": "1", "MediaContentType0": "image/jpeg", "MediaUrl0": url}
        )

    async def create(self, form: Mapping[str, str]) -> dict[str, object]:
        """``POST …/Messages.json``. Raises ``Failure``."""
        trouble = self._phone.trouble()
        self._check(form, trouble)
        text = _Text(_sid("SM"), form["To"], form["Body"], form.get("StatusCallback", ""))
        self._copies[text.sid] = text
        if len(self._copies) > REMEMBERED:
            del self._copies[next(iter(self._copies))]
        self._moving.add(text.sid)
        self._phone.run(self._deliver(text, trouble))
        if trouble == "lost":
            raise Failure(504, 0)
        return {"sid": text.sid, "status": "queued", "to": text.to, "from": form["From"], "body": text.body}

    async def delete(self, sid: str) -> None:
        """``DELETE …/Messages/<sid>.json``. Raises ``Failure``."""
        if sid in self._moving:
            raise Failure(409, 20009)
        if self._copies.pop(sid, None) is None:
            raise Failure(404, 20404)
        await self._phone.said("Twilio에 남은 사본을 지웠어요.")

    def known(self, authorization: str) -> bool:
        """Whether a request comes from our account."""
        right = base64.b64encode(f"{self._account.sid}:{self._account.token}".encode()).decode()
        return hmac.compare_digest(authorization.encode(), f"Basic {right}".encode())

    def _check(self, form: Mapping[str, str], trouble: str) -> None:
        to, body = form.get("To", ""), form.get("Body", "")
        if trouble == "too-fast":
            raise Failure(429, 20429, 1)
        if trouble == "down":
            raise Failure(503, 20001)
        if form.get("From") != self._account.number:
            raise Failure(400, 21606)
        if not re.fullmatch(r"\+[1-9]\d{6,14}", to):
            raise Failure(400, 21211)
        if to in MAGIC:
            raise Failure(400, MAGIC[to])
        if not body:
            raise Failure(400, 21602)
        if len(body) > LONGEST_BODY:
            raise Failure(400, 21617)
        if to == self._phone.number and self._phone.stopped:
            raise Failure(400, 21610)

    async def _deliver(self, text: _Text, trouble: str) -> None:
        codes = {"phone-off": 30003, "filtered": 30007}
        code = codes.get(trouble, 0) or (0 if text.to == self._phone.number else 30003)
        if not code:
            await self._phone.stage.show("gyeot", text.body)
        for status in FAILS if code else ARRIVES:
            await asyncio.sleep(self._account.pause)
            await self._callback(text, status, code)
        self._moving.discard(text.sid)

    async def _callback(self, text: _Text, status: str, code: int) -> None:
        if not text.callback:
            return
        fields = {"SmsSid": text.sid, "MessageSid": text.sid, "SmsStatus": status, "MessageStatus": status}
        fields |= {"To": text.to, "From": self._account.number}
        if code and status == "undelivered":
            fields["ErrorCode"] = str(code)
        posted = await self._post(text.callback, fields)
        if not posted.good:
            await self._phone.said(f"Twilio 11200: 상태 알림에 {posted.status or '답이 없음'}")

    async def _webhook(self, fields: Mapping[str, str]) -> None:
        sid = _sid("SM")
        whole = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "SmsStatus": "received",
            "NumSegments": "1",
            "From": self._phone.number,
            "To": self._account.number,
            "FromCity": "",
            **fields,
        }
        posted = await self._post(self._account.service_url, whole)
        if not posted.good:
            await self._phone.said(f"Twilio 11200: 문자에 {posted.status or '15초 안에 답이 없음'}")
        for message in re.findall(r"<Message[^>]*>(.*?)</Message>", posted.body, re.DOTALL):
            await self._phone.stage.show("gyeot", html.unescape(message))

    async def _post(self, url: str, fields: Mapping[str, str]) -> Posted:
        signed = {**fields, "AccountSid": self._account.sid, "ApiVersion": "2010-04-01"}
        headers = {
            "X-Twilio-Signature": signature(self._account.token, url, signed),
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        }
        return await post(url, urlencode(signed).encode(), headers, ANSWERS_WITHIN)


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """HMAC-SHA1 over the URL and every field, by name."""
    said = url + "".join(itertools.chain.from_iterable(sorted(fields.items())))
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


def router(twilio: Twilio) -> APIRouter:
    """The part of the REST API that sends and deletes texts."""
    routes = APIRouter(prefix="/2010-04-01/Accounts/{account}")

    @routes.post("/Messages.json")
    async def create(request: Request) -> Response:
        if not twilio.known(request.headers.get("authorization", "")):
            return Failure(401, 20003).answer()
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            return JSONResponse(await twilio.create(form), 201)
        except Failure as failure:
            return failure.answer()

    @routes.delete("/Messages/{sid}.json")
    async def delete(request: Request, sid: str) -> Response:
        if not twilio.known(request.headers.get("authorization", "")):
            return Failure(401, 20003).answer()
        try:
            await twilio.delete(sid)
        except Failure as failure:
            return failure.answer()
        return Response(status_code=204)

    return routes


def _sid(kind: str) -> str:
    return kind + secrets.token_hex(16)
