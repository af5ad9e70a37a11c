"""SMS through Twilio: signed webhooks in, REST out.

Sources: https://www.twilio.com/docs/usage/webhooks/webhooks-security, …/messaging/guides/webhook-request,
…/messaging/api/message-resource, …/messaging/tutorials/advanced-opt-out.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

import aiohttp
import structlog
from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from channels.errors import Forged, Malformed, Unreachable
from channels.port import Intake, Parcel, Way
from channels.sms import CHANNEL
from channels.sms.arrivals import Arrival, events, media_kind
from channels.sms.numbers import kind, normalised
from channels.sms.posting import Piece, Posting
from channels.sms.receipts import Receipts, Report
from channels.sms.segments import segments
from channels.sms.twilio_codes import ambiguous, number_of, ours, refusal, told, undone
from channels.sms.wire import Answered, Asked, Unknown, ask
from channels.webhooks import Call, Reply

SECRET_LENGTH = 32
BODY_LIMIT = 1600
SEGMENTS_A_PART = 5  # 335 Hangul syllables: a screenful, and fewer segments to get lost or out of order
FIELDS = 300
# https://help.twilio.com/articles/223134027: the whole message, in any case
OPT_OUT_WORDS = frozenset({"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"})
_NO_ANSWER = Reply(200, b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "application/xml")
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_TOKEN = re.compile(r"[0-9a-f]{32}")
_log = structlog.get_logger("channels.sms")


@dataclass(frozen=True, slots=True)
class TwilioConfig:
    """What Twilio and we know of each other.

    ``number``: ours as E.164, or the SID of a messaging service. ``public_url``: where Twilio reaches us;
    without one nobody tells what became of a text.
    ``opt_out``: STOP makes Twilio block us, as it does unless Twilio's support switched that off.
    Raises ``ValueError`` for an auth token shorter than Twilio's. An empty one closes the hook.
    """

    account: str
    token: str = field(repr=False)
    number: str
    public_url: str
    api_url: str = "https://api.twilio.com"
    opt_out: bool = True

    def __post_init__(self) -> None:
        if self.token and len(self.token) < SECRET_LENGTH:
            raise ValueError(f"an auth token of Twilio has {SECRET_LENGTH} characters")


class TwilioSms:
    """Both halves of the channel: ``channels.webhooks.Hook`` and ``channels.port.Sender``."""

    def __init__(self, config: TwilioConfig, intake: Intake, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._intake = intake
        self._session = session
        self._validator = RequestValidator(config.token)
        self._receipts = Receipts(intake)
        self._posting = Posting(self, str.strip, _one_part)

    async def take(self, call: Call) -> Reply:
        """``/hooks/sms`` takes texts, ``/hooks/sms/status[/<token>]`` their fate; answers empty TwiML."""
        fields = self._verified(call)
        path, _, token = call.rest.partition("/")
        if path == "status":
            await self._status(fields, token)
        elif not path:
            await self._inbound(fields)
        else:
            raise Malformed("no such address")
        return _NO_ANSWER

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """See ``Sender.send``."""
        return await self._posting.send(ways, parcel)

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        """Delete Twilio's own copies. What is on a telephone or with its carrier stays there."""
        lost = False
        for sid in filter(_SID.fullmatch, sent_ids):
            try:
                answered = await ask(self._session, self._asked("DELETE", f"/Messages/{sid}.json"))
                lost = lost or undone(answered)
            except (Unreachable, Unknown):
                lost = True
        if lost:
            raise Unreachable("Twilio did not answer to a deletion")

    async def carry(self, piece: Piece) -> str:
        """See ``Carrier.carry``. An answer that got lost on the way is ``Unknown``, not a failure."""
        if not self._config.token:
            raise Unreachable("no credentials of Twilio")
        answered = await ask(self._session, self._asked("POST", "/Messages.json", self._form(piece)))
        if answered.good:
            return _text(answered.body.get("sid")) or piece.token
        if ambiguous(answered):
            raise Unknown
        self._complain(answered)
        raise refusal(answered)

    def _verified(self, call: Call) -> MultiDict[str]:
        """The form, if Twilio signed it for our account. Every field is signed, so every field is kept."""
        try:
            pairs = parse_qsl(
                call.body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS
            )
            fields = MultiDict(pairs)
            signature = call.headers.get("x-twilio-signature", "")
            signed = bool(self._config.token) and self._validator.validate(call.url, fields, signature)
        except ValueError:
            signed = False
        if not signed or not self._for_us(fields):
            raise Forged("not signed by Twilio")
        return fields

    def _for_us(self, fields: MultiDict[str]) -> bool:
        account = _one(fields, "AccountSid")
        return bool(account) and hmac.compare_digest(account.encode(), self._config.account.encode())

    async def _inbound(self, fields: MultiDict[str]) -> None:
        sid, sender = _sid(fields), _one(fields, "From")
        address = normalised(sender) if sender.startswith("+") else None
        if address is None:
            _log.info("sms.ignored", kind=kind(sender))
            return
        for event in events(self._arrival(fields, sid, address)):
            await self._intake.keep(event)

    def _arrival(self, fields: MultiDict[str], sid: str, address: str) -> Arrival:
        count, text = _one(fields, "NumMedia") or "0", _one(fields, "Body")
        if not (count.isascii() and count.isdigit()):
            raise Malformed("no number of media")
        media = media_kind(_one(fields, "MediaContentType0")) if int(count[:4]) else None
        stops = text.strip().casefold() in OPT_OUT_WORDS or _one(fields, "OptOutType").upper() == "STOP"
        return Arrival(sid, address, text, media, self._config.opt_out and stops, sid)

    async def _status(self, fields: MultiDict[str], token: str) -> None:
        sid = _sid(fields)
        status = (_one(fields, "MessageStatus") or _one(fields, "SmsStatus")).lower()
        code = number_of(_one(fields, "ErrorCode"))
        if token and not _TOKEN.fullmatch(token):
            raise Malformed("no such address")
        await self._receipts.tell(Report(sid, status, told(code), token, normalised(_one(fields, "To"))))

    def _form(self, piece: Piece) -> dict[str, str]:
        sender = "MessagingServiceSid" if self._config.number.startswith("MG") else "From"
        form = {"To": piece.address, sender: self._config.number, "Body": piece.text}
        public = self._config.public_url.rstrip("/")
        return (
            {**form, "StatusCallback": f"{public}/hooks/{CHANNEL}/status/{piece.token}"} if public else form
        )

    def _asked(self, method: str, path: str, form: dict[str, str] | None = None) -> Asked:
        base = (
            f"{self._config.api_url.rstrip('/')}/2010-04-01/Accounts/{quote(self._config.account, safe='')}"
        )
        credentials = base64.b64encode(f"{self._config.account}:{self._config.token}".encode()).decode(
            "ascii"
        )
        headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return Asked(method, f"{base}{path}", headers, urlencode(form or {}).encode("ascii"))

    def _complain(self, answered: Answered) -> None:
        if ours(answered):
            _log.error("sms.account", status=answered.status, code=number_of(answered.body.get("code")))


def _one_part(text: str) -> bool:
    """Whether a text goes out as one message of a sensible length."""
    return len(text) <= BODY_LIMIT and segments(text) <= SEGMENTS_A_PART


def _one(fields: MultiDict[str], name: str) -> str:
    """A field that may be there once. Raises ``Malformed`` when it is there twice."""
    values = fields.getall(name, [])
    if len(values) > 1:
        raise Malformed("a field came twice")
    return values[0] if values else ""


def _sid(fields: MultiDict[str]) -> str:
    sid = _one(fields, "MessageSid") or _one(fields, "SmsSid")
    if not _SID.fullmatch(sid):
        raise Malformed("no message SID")
    return sid


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
