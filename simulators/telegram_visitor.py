"""A visitor with Telegram on the phone: the chat with the bot, and what else can be done there."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulators.stage import Stage
from simulators.telegram_box import Box

VISITOR = 6_400_000_017
GROUP = -1_002_000_000_009
LONGEST = 4096
FILE = {"file_id": "AgACAgIAAxk", "file_unique_id": "AQADv7sx", "file_size": 51_203}


@dataclass(frozen=True, slots=True)
class Message:
    """A message in the chat. ``line``: where it stands on the screen. ``buttons``: label to data."""

    id: int
    at: float
    line: int
    text: str = field(default="", repr=False)
    buttons: Mapping[str, str] = field(default_factory=dict, repr=False)
    protected: bool = False


class Visitor:
    """One person. ``messages``: what stands in the chat, from both sides; ``spoken``: what they sent."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._numbers = itertools.count(101)
        self._queries = itertools.count(4_400_001)
        self.stage = Stage("Telegram", self.say)
        self.messages: dict[int, Message] = {}
        self.open_queries: set[str] = set()
        self.known = False
        self.blocked = False
        self.in_group = False
        self._last: dict[str, Any] | None = None

    @property
    def me(self) -> dict[str, Any]:
        """The visitor as Telegram shows them to a bot."""
        return {"id": VISITOR, "is_bot": False, "first_name": "ㅇㅇ", "language_code": "ko"}

    @property
    def chat(self) -> dict[str, Any]:
        """The chat with the bot."""
        return {"id": VISITOR, "type": "private", "first_name": "ㅇㅇ"}

    @property
    def group(self) -> dict[str, Any]:
        """A group that the visitor may take the bot into."""
        return {"id": GROUP, "type": "supergroup", "title": "우리 반"}

    @property
    def deeds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What else the visitor can do."""
        return {
            "start": self._start,
            "photo": self._photo,
            "album": self._album,
            "voice": self._voice,
            "sticker": self._sticker,
            "forward": self._forward,
            "edit": self._edit,
            "again": self._again,
            "group": self._invite,
            "block": self._block,
            "unblock": self._unblock,
        }

    async def say(self, text: str) -> None:
        """Tap the button with this label if one stands there, else write; in pieces, as the app does."""
        for message in reversed(self.messages.values()):
            if text in message.buttons:
                await self._tap(message, message.buttons[text])
                return
        for first in range(0, len(text), LONGEST):
            await self._send({"text": text[first : first + LONGEST]})

    async def show(self, text: str, buttons: Mapping[str, str], protected: bool) -> Message:
        """A message of the bot arrives."""
        line = await self.stage.show("gyeot", text, list(buttons))
        return self._keep(line.n, text, buttons, protected)

    def strip(self, message: Message) -> None:
        """The buttons of a message go."""
        self.messages[message.id] = Message(
            message.id, message.at, message.line, message.text, {}, message.protected
        )

    async def delete(self, ids: Sequence[int]) -> None:
        """Messages go from both sides' screens."""
        for number in ids:
            await self.stage.remove(self.messages.pop(number).line)

    def _keep(self, line: int, text: str, buttons: Mapping[str, str], protected: bool) -> Message:
        message = Message(next(self._numbers), self._box.clock(), line, text, buttons, protected)
        self.messages[message.id] = message
        return message

    async def _send(self, content: Mapping[str, Any]) -> None:
        line = next((line.n for line in reversed(self.stage.lines) if line.who == "me"), 0)
        message = self._keep(line, content.get("text", ""), {}, False)
        frame = {"message_id": message.id, "date": int(message.at), "chat": self.chat, "from": self.me}
        self.known = True
        sent = {**frame, **content}
        self._last = sent if "text" in content else self._last
        await self._box.put("message", sent)

    async def _tap(self, message: Message, data: str) -> None:
        query = str(next(self._queries))
        self.open_queries.add(query)
        keyboard = [[{"text": label, "callback_data": value}] for label, value in message.buttons.items()]
        under = {
            "message_id": message.id,
            "date": int(message.at),
            "chat": self.chat,
            "text": message.text,
            "reply_markup": {"inline_keyboard": keyboard},
        }
        content = {"id": query, "from": self.me, "chat_instance": "-81", "message": under, "data": data}
        await self._box.put("callback_query", content)

    async def _start(self) -> None:
        await self.stage.type("/start")

    async def _photo(self) -> None:
        await self.stage.show("me", "(photo)")
        await self._send({"photo": [FILE | {"width": 90, "height": 120}], "caption": "이거예요"})

    async def _album(self) -> None:
        for _ in range(3):
            await self.stage.show("me", "(photo)")
            await self._send(
                {"photo": [FILE | {"width": 90, "height": 120}], "media_group_id": "13579240001"}
            )

    async def _voice(self) -> None:
        await self.stage.show("me", "(voice)")
        await self._send({"voice": FILE | {"duration": 4, "mime_type": "audio/ogg"}})

    async def _sticker(self) -> None:
        await self.stage.show("me", "(sticker)")
        size = {"width": 512, "height": 512, "type": "regular", "is_animated": False, "is_video": False}
        await self._send({"sticker": FILE | size})

    async def _forward(self) -> None:
        text = "내일까지 안 보내면 다 뿌린다"
        await self.stage.show("me", f"(forwarded) {text}")
        origin = {"type": "hidden_user", "date": int(self._box.clock()), "sender_user_name": "xx"}
        await self._send({"text": text, "forward_origin": origin})

    async def _edit(self) -> None:
        if self._last is None:
            return
        self._last = self._last | {
            "text": f"{self._last['text']} (고침)",
            "edit_date": int(self._box.clock()),
        }
        await self.stage.show("me", self._last["text"])
        await self._box.put("edited_message", self._last)

    async def _again(self) -> None:
        """Telegram sends the last update once more, as it does when an answer got lost."""
        if self._box.latest is not None:
            await self._box.repeat(self._box.latest)

    async def _invite(self) -> None:
        self.in_group = True
        await self.stage.show("provider", "(the bot was taken into a group)")
        await self._box.put("my_chat_member", self._membership(self.group, "left", "member"))

    async def _block(self) -> None:
        self.blocked = True
        await self.stage.show("provider", "(the bot is blocked)")
        await self._box.put("my_chat_member", self._membership(self.chat, "member", "kicked"))

    async def _unblock(self) -> None:
        self.blocked = False
        await self.stage.show("provider", "(the bot is unblocked)")
        await self._box.put("my_chat_member", self._membership(self.chat, "kicked", "member"))

    def _membership(self, chat: Mapping[str, Any], before: str, after: str) -> dict[str, Any]:
        return {
            "chat": chat,
            "from": self.me,
            "date": int(self._box.clock()),
            "old_chat_member": self._standing(before),
            "new_chat_member": self._standing(after),
        }

    def _standing(self, status: str) -> dict[str, Any]:
        until = {"until_date": 0} if status == "kicked" else {}
        return {"user": self._box.bot, "status": status} | until
