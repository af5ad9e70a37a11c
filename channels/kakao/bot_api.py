"""The Bot API door of 2026: messages in by webhook, answers by callback token or later by ``send_message``.

Read from the ``kakaotalk-bot`` 0.1.0 package, which wraps developers.kakao.com/docs/ko/bot; check against
Kakao's own pages before use. The webhook wants 2xx within a second, and shows a secret header; a callback
token is good for five minutes and one use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from channels.errors import Blocked, ChannelError, Forged, Malformed, Refused, Throttled, WindowClosed
from channels.kakao import CHANNEL, arrivals
from channels.kakao.answers import OUTPUTS, template
from channels.kakao.arrivals import Envelope
from channels.kakao.doorkey import DoorKey
from channels.kakao.form import Form, UserKey
from channels.kakao.line import PAUSE, Lost, Told
from channels.port import Gone, Intake, QuickReply, Way
from channels.webhooks import Call, Reply

if TYPE_CHECKING:
    from channels.kakao.line import Line

TOKEN_GOOD_FOR = 280.0
"""Seconds we rely on a callback token: Kakao's five minutes, less the way there."""

_DISPATCH = 0


@dataclass(frozen=True, slots=True)
class BotDoor:
    """How this door is set up. Without ``secret`` nothing comes in, without ``token`` nothing goes out."""

    secret: str = field(repr=False)
    header: str
    token: str = field(repr=False)
    url: str = "https://kapi.kakao.com"


class _Frame(Form):
    op: int
    t: str
    d: dict[str, Any]


class _Somebody(Form):
    visitor: UserKey | None = Field(None, alias="botUserKey")
    timestamp: str | int = ""


class _Message(Form):
    id: int | str
    content: str | None = None
    kind: Any = Field(None, alias="contentType")
    alone: bool = Field(alias="isChannelChatroom")
    visitor: UserKey = Field(alias="botUserKey")
    token: Any = Field(None, alias="callbackToken")


class BotApi:
    """Takes events of the Bot API.

    Only what is said in the channel's own room, which holds one visitor and us, is taken in. What is said in
    a room of several people is not kept and not answered: an answer would tell the others what was asked.
    """

    def __init__(self, door: BotDoor, intake: Intake) -> None:
        self._header = door.header.lower()
        self._key = DoorKey(door.secret)
        self._intake = intake

    async def take(self, call: Call) -> Reply:
        """Keep what happened, then say 2xx. Raises ``Forged``, ``Malformed`` or ``Busy``."""
        if not self._key.fits(call.headers.get(self._header)):
            raise Forged("an event without our secret")
        try:
            frame = _Frame.model_validate_json(call.body)
            if frame.op != _DISPATCH:
                raise Malformed("not a DISPATCH frame")
            if frame.t == "MESSAGE_CREATE":
                await self._said(_Message.model_validate(frame.d))
            elif frame.t == "LEAVE":
                await self._left(_Somebody.model_validate(frame.d))
        except ValidationError:
            raise Malformed("not an event of the Bot API") from None
        return Reply(204)

    async def _said(self, message: _Message) -> None:
        if not message.alone:
            return
        said = arrivals.understood(message.content or "", arrivals.kind_of(str(message.kind or "text")))
        token = message.token if isinstance(message.token, str) and message.token else None
        event_id, address = f"bot/{message.visitor}/{message.id}", f"bot:{message.visitor}"
        envelope = Envelope(event_id, address, token, TOKEN_GOOD_FOR)
        for inbound in arrivals.messages(said, envelope):
            await self._intake.keep(inbound)

    async def _left(self, who: _Somebody) -> None:
        if who.visitor is not None:
            event_id = f"bot/leave/{who.visitor}/{who.timestamp}"
            await self._intake.keep(Gone(CHANNEL, event_id, f"bot:{who.visitor}"))


class BotReply:
    """Answers by callback token."""

    single = True

    def __init__(self, line: Line, door: BotDoor) -> None:
        self._line = line
        self._door = door

    def reaches(self, way: Way) -> bool:
        """Whether this way has a callback token."""
        return bool(self._door.token) and way.address.startswith("bot:") and way.ticket is not None

    def holds(self, bubbles: Sequence[str]) -> int:
        """Three bubbles."""
        return min(OUTPUTS, len(bubbles))

    async def push(
        self, way: Way, bubbles: Sequence[str], quick: Sequence[QuickReply], key: str
    ) -> Sequence[str]:
        """Use the token. Raises ``WindowClosed`` when it is used or too old."""
        told = await self._line.post(
            f"{self._door.url}/v1/bot/callback",
            {**_headers(self._door), "X-Bot-Callback-Token": way.ticket or ""},
            {"skillResponse": template(bubbles, quick)},
        )
        check(told)
        return ()


class BotPush:
    """Sends later, to friends of the channel."""

    single = False

    def __init__(self, line: Line, door: BotDoor) -> None:
        self._line = line
        self._door = door

    def reaches(self, way: Way) -> bool:
        """Whether this way is of the Bot API."""
        return bool(self._door.token) and way.address.startswith("bot:")

    def holds(self, bubbles: Sequence[str]) -> int:
        """Three bubbles."""
        return min(OUTPUTS, len(bubbles))

    async def push(
        self, way: Way, bubbles: Sequence[str], quick: Sequence[QuickReply], key: str
    ) -> Sequence[str]:
        """Send. Raises what ``check`` makes of Kakao's answer."""
        told = await self._line.post(
            f"{self._door.url}/v1/bot/send_message",
            _headers(self._door),
            {"botUserKey": way.address.partition(":")[2], "skillResponse": template(bubbles, quick)},
        )
        check(told)
        return ()


def check(told: Told) -> None:
    """Raise what a refusal means.

    Codes: ``BOT_ERROR_DESCRIPTIONS`` of the package named above, and Kakao's common codes
    (developers.kakao.com/docs/ko/rest-api/error-code).
    """
    if told.well:
        if told.number("sendCount") == 0:
            raise Refused("the Bot API sent it to nobody")
        return
    extras = told.body.get("extras")
    inner = Told(told.status, extras if isinstance(extras, dict) else {}).number("code")
    code = told.number("code")
    meant = inner if code == _LOOK_INSIDE and inner is not None else code
    meaning: Callable[[], ChannelError] = _MEANING.get(meant or 0, _refused)
    raise meaning()


_LOOK_INSIDE = -870


def _refused() -> ChannelError:
    return Refused("the Bot API refuses this message")


def _failed() -> ChannelError:
    return Lost("the Bot API failed")


_MEANING: Mapping[int, Callable[[], ChannelError]] = {
    -1: _failed,
    -7: _failed,
    -10: lambda: Throttled(PAUSE),
    -603: _failed,
    -9798: _failed,
    -877: lambda: WindowClosed("the visitor is no friend of the channel"),
    -878: _refused,
    -879: lambda: Blocked("the visitor switched messages off"),
    -880: lambda: WindowClosed("we are not in the visitor's room"),
    -881: lambda: WindowClosed("the callback token is used or too old"),
}


def _headers(door: BotDoor) -> dict[str, str]:
    return {"Authorization": f"KakaoAK {door.token}"}
