"""The few fields of an update that are read.

Names, phone numbers, forward origins, quoted messages and files never become objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from channels.errors import Malformed

_LONE = re.compile("[\ud800-\udfff]")


def _whole(value: object) -> object:
    """Half characters, which JSON allows and nothing else does, become a replacement mark."""
    return _LONE.sub("\ufffd", value) if isinstance(value, str) else value


_Text = Annotated[str, BeforeValidator(_whole)]
_Id = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


class Chat(_Part):
    """Where: ``type`` is private, group, supergroup or channel."""

    id: _Id
    type: str


class Author(_Part):
    """Who wrote; only whether it is a bot, and the language of their Telegram."""

    is_bot: bool = False
    language_code: str = ""


class Said(_Part):
    """A message."""

    message_id: _Id
    chat: Chat
    author: Author = Field(default=Author(), alias="from")
    text: _Text = ""
    caption: _Text = ""
    media_group_id: str = Field(default="", max_length=64)
    migrate_to_chat_id: _Id | None = None


class Button(_Part):
    """A button as the message shows it."""

    text: _Text = ""
    callback_data: _Text = ""


class Keyboard(_Part):
    """The buttons of a message."""

    inline_keyboard: list[list[Button]] = Field(default=[])


class Under(_Part):
    """The message under which a button was tapped."""

    message_id: _Id
    chat: Chat
    reply_markup: Keyboard = Keyboard()


class Tap(_Part):
    """A tap on a button."""

    id: str = Field(max_length=64)
    author: Author = Field(default=Author(), alias="from")
    message: Under | None = None
    data: _Text = Field(default="", max_length=64)


class Standing(_Part):
    """What the bot is in a chat from now on."""

    status: str


class Membership(_Part):
    """The bot was blocked, let in, or put out."""

    chat: Chat
    author: Author = Field(default=Author(), alias="from")
    new_chat_member: Standing


def read(body: bytes) -> Mapping[str, Any]:
    """An update from its bytes. Raises ``Malformed`` for what is no JSON object with an ``update_id``."""
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("no JSON") from None
    if not isinstance(update, dict) or not is_id(update.get("update_id")):
        raise Malformed("no update")
    return update


def is_id(value: object) -> bool:
    """Whether this is an update's number."""
    return type(value) is int and 0 <= value < 2**63
