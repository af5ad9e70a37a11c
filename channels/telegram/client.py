"""The Bot API as we use it: aiogram's methods over a given session, with deadlines and our errors.

Answers are read by the one or two fields we need. aiogram would read whole objects, and refuse an answer or a
batch of updates for one value it does not know: a message that was sent would be sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessages,
    DeleteWebhook,
    EditMessageReplyMarkup,
    GetUpdates,
    LeaveChat,
    SendMessage,
    SetWebhook,
    TelegramMethod,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout
from pydantic import BaseModel

from channels.errors import Blocked, ChannelError, Refused, Throttled, Unreachable
from channels.telegram.config import TelegramConfig
from channels.telegram.kinds import ALLOWED

DEADLINE = 8
LOOKS_FOR = 25
"""Seconds for which Telegram holds a poll open."""
AT_ONCE = 100

T = TypeVar("T")
_log = structlog.get_logger("channels.telegram")


class Conflict(Unreachable):
    """Somebody else takes our updates: another process polls, or a webhook is set."""


class _Sent(BaseModel):
    message_id: int


class _Send(SendMessage):
    __returning__ = _Sent  # type: ignore[assignment]  # one field is enough


class _Bare(EditMessageReplyMarkup):
    __returning__ = Any  # type: ignore[assignment]  # nothing of it is read


class _Updates(GetUpdates):
    __returning__ = list[Any]


class _Wire(AiohttpSession):
    """aiogram's forms and reading of errors over the house's own HTTP session, which it never closes."""

    def __init__(self, session: ClientSession, api_url: str) -> None:
        super().__init__(api=TelegramAPIServer.from_base(api_url))
        self._lent = session

    async def create_session(self) -> ClientSession:
        return self._lent

    async def close(self) -> None:
        """The session belongs to the house."""

    async def make_request(self, bot: Bot, method: TelegramMethod[T], timeout: int | None = None) -> T:
        """One request; a second one when the first certainly did not leave. Raises ``Unreachable``."""
        try:
            status, content = await self._post(bot, method, timeout or DEADLINE)
        except ClientConnectorError:
            status, content = await self._again(bot, method, timeout or DEADLINE)
        except (ClientError, TimeoutError, UnicodeError):
            raise Unreachable("no answer from Telegram") from None
        result: T | None
        try:
            result = self.check_response(bot, method, status, content).result
        except TypeError:  # aiogram looks into a description that may be missing
            result = None
        if result is None:
            raise Unreachable("an answer of no form")
        return result

    async def _again(self, bot: Bot, method: TelegramMethod[T], deadline: int) -> tuple[int, str]:
        try:
            return await self._post(bot, method, deadline)
        except (ClientError, TimeoutError, UnicodeError):
            raise Unreachable("no connection to Telegram") from None

    async def _post(self, bot: Bot, method: TelegramMethod[T], deadline: int) -> tuple[int, str]:
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        limits = ClientTimeout(total=deadline)
        async with self._lent.post(url, data=form, timeout=limits, allow_redirects=False) as answer:
            return answer.status, await answer.text()


class Client:
    """Every call raises a ``ChannelError`` that says what the caller can do."""

    def __init__(self, config: TelegramConfig, session: ClientSession) -> None:
        self._bot = Bot(config.token, session=_Wire(session, config.api_url))

    async def send(self, chat: int, text: str, buttons: Sequence[tuple[str, str]] = ()) -> int:
        """Send words as they are, without previews, protected against forwarding. Returns the message's id.

        ``buttons``: label and data of each, one below the other.
        """
        rows = [[InlineKeyboardButton(text=label, callback_data=data)] for label, data in buttons]
        sent = await self._call(
            _Send(
                chat_id=chat,
                text=text,
                parse_mode=None,
                protect_content=True,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=InlineKeyboardMarkup(inline_keyboard=rows) if rows else None,
            )
        )
        return cast("_Sent", sent).message_id

    async def delete(self, chat: int, messages: Sequence[int]) -> None:
        """Delete up to 100 messages on both sides; what is not there is passed over."""
        await self._call(DeleteMessages(chat_id=chat, message_ids=list(messages)))

    async def answer_tap(self, query: str, words: str | None = None) -> None:
        """End the waiting sign on a button; ``words`` stand on the screen for a moment and leave no trace."""
        await self._call(AnswerCallbackQuery(callback_query_id=query, text=words))

    async def take_buttons_away(self, chat: int, message: int) -> None:
        """Leave a message without its buttons."""
        await self._call(_Bare(chat_id=chat, message_id=message))

    async def leave(self, chat: int) -> None:
        """Leave a group or a channel."""
        await self._call(LeaveChat(chat_id=chat))

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates sent to ``url``; what waits there is kept."""
        await self._call(
            SetWebhook(
                url=url, secret_token=secret, allowed_updates=list(ALLOWED), drop_pending_updates=False
            )
        )

    async def delete_webhook(self) -> None:
        """Have no updates sent; what waits there is kept."""
        await self._call(DeleteWebhook(drop_pending_updates=False))

    async def updates(self, offset: int | None, wait: int = LOOKS_FOR) -> Sequence[Mapping[str, Any]]:
        """Updates from ``offset`` on, oldest first; all before it are forgotten by Telegram.

        Waits up to ``wait`` seconds for one. Raises ``Conflict`` when somebody else takes them.
        """
        asked = _Updates(offset=offset, limit=AT_ONCE, timeout=wait, allowed_updates=list(ALLOWED))
        found = await self._call(asked, wait + DEADLINE)
        return [update for update in cast("list[Any]", found) if isinstance(update, dict)]

    async def _call(self, method: TelegramMethod[Any], deadline: int = DEADLINE) -> object:
        try:
            return await self._bot(method, request_timeout=deadline)
        except AiogramError as error:
            raise _ours(error) from None


def _ours(error: Exception) -> ChannelError:
    """The channels' error for Telegram's; no word of Telegram's comes along."""
    match error:
        case TelegramRetryAfter():
            return Throttled(float(error.retry_after))
        case TelegramForbiddenError():
            return Blocked("the visitor blocked the bot or is gone")
        case TelegramBadRequest() | TelegramMigrateToChat() | TelegramEntityTooLarge():
            return Refused("Telegram does not take it")
        case TelegramUnauthorizedError() | TelegramNotFound():
            _log.error("telegram.token_refused")
            return Unreachable("Telegram does not know this token")
        case TelegramConflictError():
            return Conflict("somebody else takes the updates")
    return Unreachable("Telegram failed")
