"""The Event API: the only way to speak to a skill visitor later. It reaches channel friends only.

Source: kakaobusiness.gitbook.io, "Event API": ``POST /v2/bots/{botId}/talk``; the block of the event shows
``{{#current.event.data.text}}``; what became of it is told by ``GET /v1/tasks/{taskId}``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from channels.errors import ChannelError, Refused, WindowClosed
from channels.kakao.answers import LONGEST, size
from channels.port import QuickReply, Way

if TYPE_CHECKING:
    from channels.kakao.line import Line

LOOKS = (0.2, 0.5, 1.0)
"""Seconds between looks at what became of an event."""

_NOT_ALLOWED = {401, 403, 404}


@dataclass(frozen=True, slots=True)
class EventDoor:
    """How events are sent. Without a REST key this door is closed."""

    rest_key: str = field(repr=False)
    bot_id: str
    event: str
    url: str = "https://bot-api.kakao.com"


class EventApi:
    """Pushes to skill visitors who are friends of the channel."""

    single = False

    def __init__(self, line: Line, door: EventDoor, looks: Sequence[float] = LOOKS) -> None:
        self._line = line
        self._door = door
        self._looks = looks

    def reaches(self, way: Way) -> bool:
        """Whether this way is of a skill visitor."""
        return bool(self._door.rest_key and self._door.bot_id) and way.address.startswith("skill:")

    def holds(self, bubbles: Sequence[str]) -> int:
        """As many bubbles as fit into one, for every event rings the phone and costs."""
        for count in range(len(bubbles), 1, -1):
            if size(_together(bubbles[:count])) <= LONGEST:
                return count
        return 1

    async def push(
        self, way: Way, bubbles: Sequence[str], quick: Sequence[QuickReply], key: str
    ) -> Sequence[str]:
        """Send them as one event, without buttons. Raises ``WindowClosed`` for who is no friend."""
        told = await self._line.post(
            f"{self._door.url}/v2/bots/{quote(self._door.bot_id, safe='!')}/talk",
            self._headers(),
            {
                "event": {"name": self._door.event, "data": {"text": _together(bubbles)}},
                "user": [{"type": "botUserKey", "id": way.address.partition(":")[2]}],
            },
        )
        if told.status in _NOT_ALLOWED:
            raise Refused("the Event API does not know our key, bot or event")
        if not told.well or str(told.body.get("status", "")).upper() == "FAIL":
            raise WindowClosed("the Event API does not reach this visitor")
        task = str(told.body.get("taskId") or "")
        if task and await self._failed(task):
            raise WindowClosed("the visitor is no friend of the channel")
        return (task,) if task else ()

    async def _failed(self, task: str) -> bool:
        """Whether the event is known to have failed. What is not known within two seconds counts as sent."""
        for pause in self._looks:
            await asyncio.sleep(pause)
            try:
                told = await self._line.get(
                    f"{self._door.url}/v1/tasks/{quote(task, safe='')}", self._headers()
                )
            except ChannelError:
                return False
            failed = told.body.get("fail")
            if isinstance(failed, dict) and failed.get("count"):
                return True
            if told.body.get("successCount"):
                return False
        return False

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"KakaoAK {self._door.rest_key}"}


def _together(bubbles: Sequence[str]) -> str:
    return "\n\n".join(bubbles)
