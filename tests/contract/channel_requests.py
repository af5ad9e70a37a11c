"""Webhook requests, built as the providers build them, without a line of the adapters."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

PUBLIC = "https://gyeot.test"
TELEGRAM_TOKEN, TELEGRAM_SECRET = "7000000001:tests-tests-tests-tests-tests-tests", "telegram_" * 5
SKILL_SECRET, BOT_SECRET, CONSULT_SECRET, SOLAPI_SECRET = ("k" * 40, "b" * 40, "c" * 40, "s" * 40)
BOT_ID, ACCOUNT, TWILIO_TOKEN, SENDER_KEY = "64f0c0ffee0123456789abcd", "AC" + "7" * 32, "d" * 32, "h" * 40
MARKER = "marker-of-the-picture"
SETTINGS: Mapping[str, Any] = {
    "public_url": PUBLIC,
    "telegram_token": TELEGRAM_TOKEN,
    "telegram_secret": TELEGRAM_SECRET,
    "kakao_skill_secret": SKILL_SECRET,
    "kakao_bot_id": BOT_ID,
    "kakao_rest_key": "rest-key",
    "kakao_bot_secret": BOT_SECRET,
    "kakao_bot_token": "bot-token",
    "happytalk_client_id": "client",
    "happytalk_client_secret": "client-secret",
    "happytalk_sender_key": SENDER_KEY,
    "happytalk_webhook_secret": CONSULT_SECRET,
    "twilio_account": ACCOUNT,
    "twilio_token": TWILIO_TOKEN,
    "solapi_key": "key",
    "solapi_secret": "solapi-secret",
    "solapi_webhook_secret": SOLAPI_SECRET,
    "sms_number": "0312345678",
    "voice_number": "+8225550100",
}


@dataclass(frozen=True, slots=True)
class Brought:
    """A webhook request; ``path`` is what follows ``/hooks/``."""

    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: str = ""

    def wearing(self, **headers: str | None) -> Brought:
        """With other headers (``_`` for ``-``); ``None`` takes one away."""
        worn = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return replace(self, headers={name: value for name, value in worn.items() if value is not None})


def as_json(path: str, body: Any, headers: Mapping[str, str] | None = None) -> Brought:
    """JSON, or bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Brought(path, raw, {"content-type": "application/json", **(headers or {})})


def signature(url: str, fields: Mapping[str, str], token: str = TWILIO_TOKEN) -> str:
    """Twilio's (twilio.com/docs/usage/webhooks/webhooks-security)."""
    said = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


def signed(
    path: str, fields: Mapping[str, str], query: str = "", token: str = TWILIO_TOKEN, public: str = PUBLIC
) -> Brought:
    """A form as Twilio sends and signs it."""
    fields = {"AccountSid": ACCOUNT, **fields}
    url = f"{public}/hooks/{path}" + (f"?{query}" if query else "")
    headers = {
        "x-twilio-signature": signature(url, fields, token),
        "content-type": "application/x-www-form-urlencoded",
    }
    return Brought(path, urlencode(fields).encode(), headers, query)


def telegram(text: str = "무서워요", n: int = 1, **inside: Any) -> Brought:
    message = {
        "message_id": n,
        "chat": {"id": 77, "type": "private"},
        "from": {"id": 77, "is_bot": False, "language_code": "ko"},
        **(inside or {"text": text}),
    }
    return telegram_of({"update_id": n, "message": message})


def telegram_of(body: Any) -> Brought:
    return as_json("telegram", body, {"x-telegram-bot-api-secret-token": TELEGRAM_SECRET})


def skill(text: str = "무서워요", n: int = 1, bot: str = BOT_ID) -> Brought:
    user = {"id": "visitor-1", "type": "botUserKey", "properties": {}}
    return skill_of({"userRequest": {"utterance": text, "user": user}, "bot": {"id": bot}, "action": {}}, n)


def skill_of(body: Any, n: int = 1) -> Brought:
    return as_json("kakao/skill", body, {"x-gyeot-secret": SKILL_SECRET, "x-request-id": f"r{n}"})


def bot_api(text: str = "무서워요", n: int = 1, **more: Any) -> Brought:
    said = {"id": n, "content": text, "isChannelChatroom": True, "botUserKey": "visitor-1", **more}
    return bot_api_of({"op": 0, "t": "MESSAGE_CREATE", "d": said})


def bot_api_of(body: Any) -> Brought:
    return as_json("kakao/bot", body, {"x-gyeot-secret": BOT_SECRET})


def consult(text: str = "무서워요", n: int = 1, **more: Any) -> Brought:
    said = {"user_key": "visitor-1", "sender_key": SENDER_KEY, "msgid": n, "type": "text", "content": text}
    return consult_of(said | more)


def consult_of(body: Any, path: str = f"{CONSULT_SECRET}/message") -> Brought:
    return as_json(f"kakao/consult/{path}", body)


def twilio_fields(text: str = "무서워요", n: int = 1, **more: str) -> dict[str, str]:
    numbers = {"From": "+447700900123", "To": "+15005550006"}
    return {"MessageSid": f"SM{n:032x}", **numbers, "Body": text, "NumMedia": "0", **more}


def twilio(text: str = "무서워요", n: int = 1, **more: str) -> Brought:
    return signed("sms", twilio_fields(text, n, **more))


def solapi(text: str = "무서워요", n: int = 1, **more: Any) -> Brought:
    return solapi_of([{"messageId": f"mo-{n}", "from": "01098765432", "text": text, **more}])


def solapi_of(body: Any, path: str = SOLAPI_SECRET) -> Brought:
    return as_json(f"sms/{path}", body)


def voice(text: str = "", n: int = 1) -> Brought:
    return signed("voice", call_fields(n))


def call_fields(n: int = 1) -> dict[str, str]:
    return {"CallSid": f"CA{n:032x}", "From": "+821012345678", "To": "+8225550100"}
