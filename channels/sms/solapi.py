"""SMS through SOLAPI in Korea: texts by REST, reports and incoming texts by webhook.

Sources: https://github.com/solapi/documents (REST, ``Authorization``, codes) and
https://github.com/solapi/solapi-python (form of a send and of a report). The form of incoming texts (MO) is
not published; ``solapi_reports`` says what is taken for one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import structlog

from channels.errors import Forged, Refused, Unreachable
from channels.port import Intake, Parcel, Way
from channels.sms import korean
from channels.sms.arrivals import events
from channels.sms.numbers import domestic, normalised
from channels.sms.posting import Piece, Posting
from channels.sms.receipts import Receipts, Report
from channels.sms.solapi_codes import ambiguous, good, ours, refusal
from channels.sms.solapi_reports import Ignored, read
from channels.sms.wire import Asked, Unknown, ask
from channels.webhooks import Call, Reply

SECRET_LENGTH = 32
_DONE = Reply(200, b"{}", "application/json")
_CODE = re.compile(r"[0-9]{4}")
_log = structlog.get_logger("channels.sms")


@dataclass(frozen=True, slots=True)
class SolapiConfig:
    """``number``: ours, registered as a sender (발신번호). ``webhook_secret``: last part of the hook's path.

    Raises ``ValueError`` for a webhook secret of less than 32 characters. An empty one closes the hook.
    """

    key: str
    secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    number: str
    api_url: str = "https://api.solapi.com"

    def __post_init__(self) -> None:
        if self.webhook_secret and len(self.webhook_secret) < SECRET_LENGTH:
            raise ValueError(f"the webhook's secret needs {SECRET_LENGTH} characters")


def _now() -> datetime:
    return datetime.now(UTC)


class SolapiSms:
    """Both halves of the channel: ``channels.webhooks.Hook`` and ``channels.port.Sender``."""

    def __init__(
        self,
        config: SolapiConfig,
        intake: Intake,
        session: aiohttp.ClientSession,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._config = config
        self._intake = intake
        self._session = session
        self._now = now
        self._receipts = Receipts(intake)
        self._posting = Posting(self, korean.carried, korean.fits)

    async def take(self, call: Call) -> Reply:
        """``/hooks/sms/<secret>``, or ``/hooks/sms`` with the secret's SHA-1 in ``X-Solapi-Secret``."""
        if not self._from_solapi(call):
            raise Forged("the secret is wrong")
        for found in read(call.body, normalised(self._config.number) or ""):
            if isinstance(found, Ignored):
                _log.info("sms.ignored", kind=found.kind)
            elif isinstance(found, Report):
                await self._receipts.tell(found)
            else:
                for event in events(found):
                    await self._intake.keep(event)
        return _DONE

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """See ``Sender.send``. Characters that Korean carriers do not have are replaced, emoji left out."""
        return await self._posting.send(ways, parcel)

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        """SOLAPI deletes nothing on request: it keeps its list of messages for six months."""

    async def carry(self, piece: Piece) -> str:
        """See ``Carrier.carry``."""
        to, sender = domestic(piece.address), domestic(normalised(self._config.number) or "")
        if to is None:
            raise Refused("only Korean numbers")
        if not self._config.secret or sender is None:
            raise Unreachable("no credentials of SOLAPI, or no number")
        answered = await ask(self._session, self._asked(_message(piece, to, sender)))
        if ambiguous(answered):
            raise Unknown
        code = _failed(answered.body)
        if answered.good and not code:
            return _message_id(answered.body) or piece.token
        if ours(answered, code):
            _log.error("sms.account", status=answered.status, code=int(code or 0))
        raise refusal(answered, code)

    def _from_solapi(self, call: Call) -> bool:
        secret = self._config.webhook_secret.encode()
        if not secret:
            return False
        digest = hashlib.sha1(secret, usedforsecurity=False).hexdigest().encode()
        said = call.headers.get("x-solapi-secret", "").lower().encode(errors="replace")
        by_path = hmac.compare_digest(call.rest.encode(errors="replace"), secret)
        return by_path or (not call.rest and hmac.compare_digest(said, digest))

    def _asked(self, message: dict[str, object]) -> Asked:
        body = {"messages": [message], "allowDuplicates": True, "showMessageList": True}
        headers = {"Authorization": self._authorization(), "Content-Type": "application/json"}
        url = f"{self._config.api_url.rstrip('/')}/messages/v4/send-many/detail"
        return Asked("POST", url, headers, json.dumps(body, ensure_ascii=False).encode())

    def _authorization(self) -> str:
        date = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        salt = secrets.token_hex(16)
        signature = hmac.new(
            self._config.secret.encode(), f"{date}{salt}".encode(), hashlib.sha256
        ).hexdigest()
        return f"HMAC-SHA256 apiKey={self._config.key}, date={date}, salt={salt}, signature={signature}"


def _message(piece: Piece, to: str, sender: str) -> dict[str, object]:
    return {
        "to": to,
        "from": sender,
        "text": piece.text,
        "type": korean.kind(piece.text),
        "autoTypeDetect": False,
        "customFields": {"token": piece.token},
    }


def _failed(body: Mapping[str, object]) -> str:
    """The code of the message that was not taken; empty when it was, or when there is none."""
    for entry in (*_entries(body, "failedMessageList"), *_entries(body, "messageList")):
        code = str(entry.get("statusCode", ""))
        if _CODE.fullmatch(code) and not good(code):
            return code
    return ""


def _message_id(body: Mapping[str, object]) -> str:
    for entry in _entries(body, "messageList"):
        found = entry.get("messageId")
        if isinstance(found, str):
            return found
    return ""


def _entries(body: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = body.get(name)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
