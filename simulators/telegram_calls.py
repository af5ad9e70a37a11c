"""The methods of the Bot API that a bot like ours calls, with Telegram's checks and Telegram's errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from simulators.telegram_box import Box, Wrong
from simulators.telegram_visitor import GROUP, LONGEST, VISITOR, Message, Visitor

CHAT_BURST, ALL_A_SECOND = 5, 30
DELETES_FOR = 48 * 3600.0
MOST_DELETED = 100
DATA_BYTES = 64
SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
PORTS = {443, 80, 88, 8443}
LOCAL = {"127.0.0.1", "localhost", "::1"}

Given = Mapping[str, Any]


class Flood:
    """One message a second in a chat after a short burst, 30 a second over all."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._levels: dict[int, tuple[float, float]] = {}

    def check(self, chat: int) -> None:
        """Count one message. Raises ``Wrong`` 429 with the seconds to wait."""
        self._take(chat, 1.0, CHAT_BURST)
        self._take(0, float(ALL_A_SECOND), ALL_A_SECOND)

    def _take(self, key: int, rate: float, burst: float) -> None:
        now = self._clock()
        level, at = self._levels.get(key, (burst, now))
        level = min(burst, level + (now - at) * rate)
        if level < 1:
            wait = math.ceil((1 - level) / rate)
            raise Wrong(429, f"Too Many Requests: retry after {wait}", wait)
        self._levels[key] = (level - 1, now)


class Calls:
    """Answers method calls. ``sent``: what ``sendMessage`` was given, in order, for tests that look."""

    def __init__(self, box: Box, visitor: Visitor) -> None:
        self._box = box
        self._visitor = visitor
        self._flood = Flood(box.clock)
        self.sent: list[Given] = []
        self._methods: Mapping[str, Callable[[Given], Awaitable[Any]]] = {
            "getme": self._get_me,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "getupdates": self._get_updates,
            "sendmessage": self._send_message,
            "editmessagereplymarkup": self._edit_markup,
            "deletemessage": self._delete_message,
            "deletemessages": self._delete_messages,
            "answercallbackquery": self._answer_query,
            "leavechat": self._leave_chat,
        }

    async def call(self, token: str, method: str, given: Given) -> Any:
        """The method's result. Raises ``Wrong``."""
        if token != self._box.token:
            raise Wrong(401, "Unauthorized")
        found = self._methods.get(method.lower())
        if found is None:
            raise Wrong(404, "Not Found: method not found")
        return await found(given)

    async def _get_me(self, given: Given) -> Any:
        return self._box.bot | {"can_join_groups": True, "can_read_all_group_messages": False}

    async def _set_webhook(self, given: Given) -> bool:
        url, secret = str(given.get("url", "")), str(given.get("secret_token", ""))
        if url:
            _check_webhook(url)
        if not SECRET.fullmatch(secret):
            raise Wrong(400, "Bad Request: secret token contains unallowed characters")
        await self._drop_if_asked(given)
        await self._box.set_webhook(url, secret, _opened(given, "allowed_updates"))
        return True

    async def _delete_webhook(self, given: Given) -> bool:
        await self._drop_if_asked(given)
        await self._box.set_webhook("", "", None)
        return True

    async def _drop_if_asked(self, given: Given) -> None:
        if str(given.get("drop_pending_updates", "")).lower() == "true":
            for update in self._box.waiting:
                self._box.forget(update)

    async def _get_webhook_info(self, given: Given) -> Any:
        error = {"last_error_message": self._box.last_error} if self._box.last_error else {}
        info = {
            "url": self._box.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(self._box.waiting),
            "allowed_updates": list(self._box.allowed),
        }
        return info | error

    async def _get_updates(self, given: Given) -> Any:
        allowed = _opened(given, "allowed_updates")
        if allowed is not None:
            self._box.allowed = allowed
        limit = min(100, max(1, int(given.get("limit", 100))))
        return await self._box.fetch(int(given.get("offset", 0)), limit, float(given.get("timeout", 0)))

    async def _send_message(self, given: Given) -> Any:
        chat, text = self._reachable(given), str(given.get("text", "")).strip()
        if not text:
            raise Wrong(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) > 2 * LONGEST:
            raise Wrong(400, "Bad Request: message is too long")
        buttons = _buttons(given)
        self._flood.check(chat)
        self.sent.append(dict(given))
        protected = str(given.get("protect_content", "")).lower() == "true"
        if chat == GROUP:
            await self._visitor.stage.show("provider", f"(in the group) {text}")
            return {"message_id": 1, "date": int(self._box.clock()), "chat": self._visitor.group}
        return self._shown(await self._visitor.show(text, buttons, protected))

    async def _edit_markup(self, given: Given) -> Any:
        self._reachable(given)
        message = self._visitor.messages.get(int(given.get("message_id", 0)))
        if message is None:
            raise Wrong(400, "Bad Request: message to edit not found")
        if not message.buttons:
            raise Wrong(400, "Bad Request: message is not modified")
        self._visitor.strip(message)
        return self._shown(self._visitor.messages[message.id])

    async def _delete_message(self, given: Given) -> bool:
        number = int(given.get("message_id", 0))
        self._reachable(given)
        if number not in self._visitor.messages:
            raise Wrong(400, "Bad Request: message to delete not found")
        await self._delete([number])
        return True

    async def _delete_messages(self, given: Given) -> bool:
        ids = [int(number) for number in _opened(given, "message_ids") or []]
        if not 1 <= len(ids) <= MOST_DELETED:
            raise Wrong(400, "Bad Request: expected 1 to 100 message identifiers")
        self._reachable(given)
        await self._delete([number for number in ids if number in self._visitor.messages])
        return True

    async def _delete(self, ids: Sequence[int]) -> None:
        oldest = self._box.clock() - DELETES_FOR
        if any(self._visitor.messages[number].at < oldest for number in ids):
            raise Wrong(400, "Bad Request: message can't be deleted for everyone")
        await self._visitor.delete(ids)

    async def _answer_query(self, given: Given) -> bool:
        query = str(given.get("callback_query_id", ""))
        if query not in self._visitor.open_queries:
            raise Wrong(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        self._visitor.open_queries.remove(query)
        return True

    async def _leave_chat(self, given: Given) -> bool:
        if _chat(given) != GROUP or not self._visitor.in_group:
            raise Wrong(400, "Bad Request: chat not found")
        self._visitor.in_group = False
        await self._visitor.stage.show("provider", "(the bot left the group)")
        return True

    def _reachable(self, given: Given) -> int:
        """The chat, if the bot may write there now."""
        chat = _chat(given)
        if chat == GROUP and self._visitor.in_group:
            return chat
        if chat != VISITOR or not self._visitor.known:
            raise Wrong(400, "Bad Request: chat not found")
        if self._visitor.blocked:
            raise Wrong(403, "Forbidden: bot was blocked by the user")
        return chat

    def _shown(self, message: Message) -> dict[str, Any]:
        shown = {
            "message_id": message.id,
            "from": self._box.bot,
            "chat": self._visitor.chat,
            "date": int(message.at),
            "text": message.text,
        }
        return shown | ({"has_protected_content": True} if message.protected else {})


def _chat(given: Given) -> int:
    try:
        return int(given["chat_id"])
    except (KeyError, ValueError):
        raise Wrong(400, "Bad Request: chat_id is empty") from None


def _opened(given: Given, name: str) -> list[Any] | None:
    """A list, which forms carry as JSON."""
    value = given.get(name)
    return json.loads(value) if isinstance(value, str) else value


def _buttons(given: Given) -> dict[str, str]:
    """Label and data of the inline buttons."""
    markup = given.get("reply_markup") or {}
    markup = json.loads(markup) if isinstance(markup, str) else markup
    found = {}
    for button in (button for row in markup.get("inline_keyboard", []) for button in row):
        data = button.get("callback_data", "")
        if not 1 <= len(data.encode()) <= DATA_BYTES:
            raise Wrong(400, "Bad Request: BUTTON_DATA_INVALID")
        found[button["text"]] = data
    return found


def _check_webhook(url: str) -> None:
    """HTTPS on four ports; the simulator also reaches its own machine in the clear."""
    parts = urlsplit(url)
    if parts.hostname in LOCAL:
        return
    if parts.scheme != "https":
        raise Wrong(400, "Bad Request: bad webhook: HTTPS url must be provided for webhook")
    if (parts.port or 443) not in PORTS:
        raise Wrong(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
