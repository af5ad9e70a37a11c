"""Reading updates: what a visitor said, and what has to be done about the rest. Pure.

Only the fields of ``forms`` are read. An update of Telegram's next version is read all the same: a model of
everything would refuse one unknown value together with the words beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from channels.port import Event, Gone, InboundMessage, Moved
from channels.telegram.buttons import Buttons
from channels.telegram.config import CHANNEL, Phrases
from channels.telegram.forms import Author, Chat, Membership, Said, Tap
from channels.telegram.kinds import media_of

_COMMAND = re.compile(r"/(start|help|stop|wipe)(?:@\w{1,64})?(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+){5}")
_WORD = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Tapped:
    """A button was tapped: end its waiting sign and take the buttons away.

    ``worn``: nobody knows any more what it says; tell the visitor to write instead.
    """

    query: str = field(repr=False)
    chat: int | None = field(default=None, repr=False)
    message: int | None = field(default=None, repr=False)
    worn: bool = False
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class NotAlone:
    """We are in a group or a channel: leave it. ``tell``: say why before, which is possible in groups."""

    chat: int = field(repr=False)
    tell: bool = False
    lang: str | None = None


Chore: TypeAlias = Tapped | NotAlone


@dataclass(frozen=True, slots=True)
class Heard:
    """What an update comes to. ``kind`` is a constant word for logs; nothing to do means ignored."""

    kind: str
    events: tuple[Event, ...] = field(default=(), repr=False)
    chores: tuple[Chore, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading leans on."""

    phrases: Phrases
    buttons: Buttons


def parse(update: Mapping[str, Any], reading: Reading) -> Heard:
    """What is to be done about an update with an ``update_id``. Never raises for what an update holds."""
    kind = next((key for key in update if key != "update_id"), "empty")
    try:
        match kind:
            case "message" | "edited_message":
                return _message(update["update_id"], kind, update[kind], reading)
            case "callback_query":
                return _tap(update["update_id"], Tap.model_validate(update[kind]), reading)
            case "my_chat_member":
                return _membership(update["update_id"], Membership.model_validate(update[kind]))
            case "channel_post" | "edited_channel_post":
                return Heard(kind, (), (NotAlone(Said.model_validate(update[kind]).chat.id),))
    except ValidationError:
        return Heard(f"unreadable {kind}")
    return Heard(kind if _WORD.fullmatch(kind) else "unknown")


def _message(update_id: int, kind: str, raw: object, reading: Reading) -> Heard:
    message = Said.model_validate(raw)
    if message.chat.type != "private":
        return _group(update_id, kind, message)
    if message.author.is_bot:
        return Heard(f"{kind} of a bot")
    media = None if kind == "edited_message" or not isinstance(raw, dict) else media_of(raw.keys())
    events = []
    if media:
        events.append(_inbound(_refusal_id(update_id, message), message, "", media))
    if words := _words(message, reading.phrases) or message.caption:
        events.append(_inbound(f"{update_id}/text" if media else f"{update_id}", message, words, None))
    return Heard(f"{kind} {media or 'text'}" if events else kind, tuple(events))


def _refusal_id(update_id: int, message: Said) -> str:
    """All pictures of an album are one event, so that ten of them are refused once."""
    album = message.media_group_id
    return f"album/{message.chat.id}/{album}" if album else f"{update_id}"


def _inbound(event_id: str, message: Said, text: str, media: str | None) -> InboundMessage:
    chat = message.chat.id
    return InboundMessage(
        CHANNEL,
        event_id,
        f"{chat}",
        text,
        _lang(message.author),
        media=media,
        own_id=f"{chat}:{message.message_id}",
    )


def _words(message: Said, phrases: Phrases) -> str:
    """The text; a command in plain words. Only a link's payload is passed over, no words behind a command."""
    command = _COMMAND.fullmatch(message.text.strip())
    if command is None:
        return message.text
    name, rest = command[1].lower(), (command[2] or "").strip()
    if name == "start" and _CODE.fullmatch(rest):
        return re.sub(r"[_-]", " ", rest)
    if rest and not (name == "start" and _PAYLOAD.fullmatch(rest)):
        return rest
    spoken = {"start": phrases.start, "help": phrases.help, "stop": phrases.stop, "wipe": phrases.wipe}
    return spoken[name].in_(_lang(message.author))


def _lang(author: Author) -> Literal["ko", "en"] | None:
    code = author.language_code.lower()
    return "ko" if code.startswith("ko") else "en" if code.startswith("en") else None


def _group(update_id: int, kind: str, message: Said) -> Heard:
    """Nothing that is said in a group is taken in."""
    chat, moved = message.chat.id, message.migrate_to_chat_id
    if moved is not None:
        event = Moved(CHANNEL, f"{update_id}", f"{chat}", f"{moved}")
        return Heard(f"{kind} migrated", (event,), (NotAlone(moved),))
    return Heard(f"{kind} in a group", (), (_leave(message.chat, message.author),))


def _leave(chat: Chat, author: Author) -> NotAlone:
    return NotAlone(chat.id, chat.type in {"group", "supergroup"}, _lang(author))


def _tap(update_id: int, query: Tap, reading: Reading) -> Heard:
    under = query.message
    if under is None:
        return Heard("callback_query of nothing", (), (Tapped(query.id),))
    if under.chat.type != "private":
        return Heard("callback_query in a group", (), (Tapped(query.id), _leave(under.chat, query.author)))
    labels = {
        button.callback_data: button.text for row in under.reply_markup.inline_keyboard for button in row
    }
    words = reading.buttons.said(query.data, labels) if query.data else None
    lang = _lang(query.author)
    chores = (Tapped(query.id, under.chat.id, under.message_id, worn=words is None, lang=lang),)
    if words is None:
        return Heard("callback_query unknown", (), chores)
    address = f"{under.chat.id}"
    message = InboundMessage(CHANNEL, f"{update_id}", address, words, lang)
    return Heard("callback_query", (message,), chores)


def _membership(update_id: int, member: Membership) -> Heard:
    status, chat = member.new_chat_member.status, member.chat
    if chat.type == "private":
        gone = (Gone(CHANNEL, f"{update_id}", f"{chat.id}"),) if status == "kicked" else ()
        return Heard("my_chat_member", gone)
    inside = status in {"member", "administrator", "restricted", "creator"}
    return Heard("my_chat_member in a group", (), (_leave(chat, member.author),) if inside else ())
