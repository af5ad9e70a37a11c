"""Twilio's own library as the other side: it signs what our hook takes, and builds the form that we send."""

from __future__ import annotations

import base64
import logging
import random
import re
import string
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlencode

import aiohttp
import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from channels.port import Parcel, Way
from channels.sms.twilio import TwilioConfig, TwilioSms
from channels.sms.twilio_codes import number_of, refusal
from channels.sms.wire import Answered
from channels.webhooks import router
from tests.carrier_desk import Said, carrier_desk
from tests.fake_intake import FakeIntake

ACCOUNT, TOKEN = "AC" + "0" * 32, "e" * 32
OURS, CHILD = "+15005550006", "+447700900123"
SID = "SM" + "1" * 32
NOBODY = cast("aiohttp.ClientSession", None)


class _Told(HttpClient):
    """Twilio's client with a wire that writes down and answers as told."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=False)
        self.asked: dict[str, Any] = {}
        self._response = Response(status, body)

    def request(self, method: str, url: str, **rest: Any) -> Response:  # type: ignore[override]
        self.asked = {"method": method, "url": url, **rest}
        return self._response


def _channel(
    intake: FakeIntake, public: str, session: aiohttp.ClientSession = NOBODY, api: str = ""
) -> TwilioSms:
    return TwilioSms(TwilioConfig(ACCOUNT, TOKEN, OURS, public, api), intake, session)


def _fields(seed: int) -> list[tuple[str, str]]:
    """A form of Twilio's with fields of every kind of letter, some of them new, in any order."""
    dice = random.Random(seed)
    letters = string.printable + "가힣😀é€+&=%"
    fields = {
        "MessageSid": SID,
        "AccountSid": ACCOUNT,
        "From": CHILD,
        "To": OURS,
        "NumMedia": "0",
        "Body": "x" + "".join(dice.choices(letters, k=dice.randrange(200))) + "x",
    }
    fields |= {
        f"New{name}": "".join(dice.choices(letters, k=dice.randrange(5)))
        for name in dice.choices(string.ascii_letters, k=6)
    }
    pairs = list(fields.items())
    dice.shuffle(pairs)
    return pairs


@pytest.mark.parametrize(
    "public", ["https://gyeot.example", "https://gyeot.example:8443", "http://127.0.0.1:8700"]
)
@pytest.mark.parametrize("seed", range(20))
async def test_what_twilios_validator_signs_goes_through_the_whole_door(public: str, seed: int):
    intake = FakeIntake()
    app = FastAPI()
    app.include_router(router({"sms": _channel(intake, public)}, public))
    pairs = _fields(seed)
    signature = RequestValidator(TOKEN).compute_signature(f"{public}/hooks/sms?lang=ko", dict(pairs))
    encoding = [urlencode(pairs), urlencode(pairs, quote_via=quote)][seed % 2]
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://inside") as client:
        answer = await client.post("/hooks/sms?lang=ko", content=encoding, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
        assert (await client.post("/hooks/sms", content=encoding, headers=headers)).status_code == 403
    assert [event.text for event in intake.messages] == [dict(pairs)["Body"]]


async def test_the_form_we_send_is_the_one_of_twilios_client():
    async with carrier_desk(Said(201, {"sid": SID})) as (desk, session):
        await _channel(FakeIntake(), "https://gyeot.example", session, desk.url).send(
            [Way(CHILD)], Parcel("k", ("괜찮아요? + &",))
        )
    ours = dict(parse_qsl(desk.heard[0].body.decode(), strict_parsing=True))
    wire = _Told(201, f'{{"sid": "{SID}"}}')
    Client(ACCOUNT, TOKEN, http_client=wire).messages.create(
        to=CHILD, from_=OURS, body="괜찮아요? + &", status_callback=ours["StatusCallback"]
    )
    assert ours == wire.asked["data"]
    assert wire.asked["url"] == f"https://api.twilio.com{desk.heard[0].path}"
    assert desk.heard[0].method == wire.asked["method"]
    assert desk.heard[0].headers["Content-Type"] == wire.asked["headers"]["Content-Type"]
    user, password = base64.b64decode(desk.heard[0].headers["Authorization"].split()[1]).decode().split(":")
    assert (user, password) == tuple(wire.asked["auth"])


async def test_a_deletion_is_the_one_of_twilios_client():
    async with carrier_desk(Said(204)) as (desk, session):
        await _channel(FakeIntake(), "https://gyeot.example", session, desk.url).erase(CHILD, [SID])
    wire = _Told(204, "")
    assert Client(ACCOUNT, TOKEN, http_client=wire).messages(SID).delete()
    assert (desk.heard[0].method, f"https://api.twilio.com{desk.heard[0].path}") == (
        wire.asked["method"],
        wire.asked["url"],
    )


@pytest.mark.parametrize(("status", "code"), [(400, 21610), (400, 21211), (401, 20003), (429, 20429)])
def test_an_error_is_read_as_twilios_client_reads_it(status: int, code: int):
    body = f'{{"code": {code}, "message": "no", "more_info": "", "status": {status}}}'
    client = Client(ACCOUNT, TOKEN, http_client=_Told(status, body))
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to=CHILD, from_=OURS, body="a")
    answered = Answered(status, {"code": code})
    assert (caught.value.code, caught.value.status) == (number_of(answered.body["code"]), answered.status)
    assert re.match(r"Blocked|Refused|Unreachable|Throttled", type(refusal(answered)).__name__)
