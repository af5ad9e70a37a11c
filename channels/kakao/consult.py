"""The consult door: 상담톡 through a dealer, in HappyTalk's form. In by webhook, out by ``chat/write``.

Sources: developer-center.happytalk.io (``Biz-API/counsel/Receive/message``,
``kakaotalk_webhook/counseling/send_chat``) and the 상담톡 document of Nexus. Nothing is signed: the webhook's
address holds a secret. A session lives 30 days after the visitor's last message and ends with an end command,
a deleted room or a block.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, model_validator

from channels.errors import Blocked, ChannelError, Forged, Malformed, Refused, WindowClosed
from channels.kakao import CHANNEL, arrivals
from channels.kakao.arrivals import Envelope, Utterance
from channels.kakao.doorkey import DoorKey
from channels.kakao.form import Form, UserKey
from channels.port import Gone, Intake, QuickReply, Way
from channels.webhooks import JSON, Call, Reply

if TYPE_CHECKING:
    from channels.kakao.line import Line, Told

_TAKEN = Reply(200, b'{"code":0}', JSON)
_FINE = {0, 200}
_ENDS = {"expired_session", "end", "chat_end", "session_end", "block"}
_MESSAGES = {"", "message"}
_SERIAL = 30


@dataclass(frozen=True, slots=True)
class ConsultDoor:
    """How this door is set up. Without ``secret`` nothing comes in; without a client nothing goes out."""

    secret: str = field(repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    sender_key: str = field(default="", repr=False)
    url: str = "https://kakao-api.happytalk.io"


class ConsultEvent(Form):
    """A message or the end of a session. The visitor is ``user_key``, or ``uuid`` in the relay's own form."""

    user_key: UserKey | None = None
    uuid: UserKey | None = None
    sender_key: str | None = None
    session_id: str | int | None = None
    room_id: str | int | None = None
    msgid: str | int | None = None
    serial_number: str | int | None = None
    time: str | int | None = None
    type: str | None = None
    content: str | dict[str, Any] | None = None
    contents: str | dict[str, Any] | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> ConsultEvent:
        if self.visitor is None:
            raise ValueError("nobody is named")
        return self

    @property
    def visitor(self) -> str | None:
        return self.user_key or self.uuid

    @property
    def said(self) -> Utterance:
        """Words and media. ``content`` may be an object that holds the words of a picture or a link."""
        content = self.content if self.content is not None else self.contents
        if isinstance(content, dict):
            words = content.get("text")
            content = words if isinstance(words, str) else ""
        media = None if self.type in {None, "", "link"} else arrivals.kind_of(self.type or "")
        return arrivals.understood(content or "", media)

    @property
    def id(self) -> str:
        """``msgid``, or what else tells this event from all others."""
        given = self.msgid if self.msgid is not None else self.serial_number
        if given is not None:
            return f"consult/{self.visitor}/{given}"
        if self.time is None:
            return f"consult/{self.visitor}/{uuid.uuid4().hex}"
        seed = f"{self.session_id}\0{self.room_id}\0{self.time}\0{self.type}\0{self.said.text}"
        digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()
        return f"consult/{self.visitor}/{digest}"


class Consult:
    """Takes the relay's events: ``<secret>/message[/<uuid>]`` and ``<secret>/expired_session``."""

    def __init__(self, door: ConsultDoor, intake: Intake) -> None:
        self._door = door
        self._key = DoorKey(door.secret)
        self._intake = intake

    async def take(self, call: Call) -> Reply:
        """Keep what happened, then say so. Raises ``Forged``, ``Malformed`` or ``Busy``."""
        secret, _, rest = call.rest.partition("/")
        if not self._key.fits(secret):
            raise Forged("a webhook without our secret")
        kind = rest.partition("/")[0]
        if kind == "reference":
            return _TAKEN  # meta data of a session: nothing is kept of it
        if kind not in _MESSAGES | _ENDS:
            raise Malformed("no such webhook of the relay")
        try:
            event = ConsultEvent.model_validate_json(call.body)
        except ValidationError:
            raise Malformed("not an event of the relay") from None
        if event.sender_key and self._door.sender_key and event.sender_key != self._door.sender_key:
            raise Forged("an event of another channel")
        await self._keep(event, ended=kind in _ENDS or event.type in _ENDS)
        return _TAKEN

    async def _keep(self, event: ConsultEvent, *, ended: bool) -> None:
        address = f"consult:{event.visitor}"
        if ended:
            await self._intake.keep(Gone(CHANNEL, f"{event.id}/end", address))
            return
        for message in arrivals.messages(event.said, Envelope(event.id, address)):
            await self._intake.keep(message)


class ConsultPush:
    """Sends through the relay while a session lives. Idempotent by ``serial_number``."""

    single = False

    def __init__(self, line: Line, door: ConsultDoor) -> None:
        self._line = line
        self._door = door

    def reaches(self, way: Way) -> bool:
        """Whether this way is of the relay."""
        return bool(self._door.client_id and self._door.client_secret) and way.address.startswith("consult:")

    def holds(self, bubbles: Sequence[str]) -> int:
        """One bubble."""
        return 1

    async def push(
        self, way: Way, bubbles: Sequence[str], quick: Sequence[QuickReply], key: str
    ) -> Sequence[str]:
        """Send one bubble. Raises ``WindowClosed`` without a session, ``Blocked`` or ``Refused``."""
        number = serial_number(key)
        told = await self._line.post(
            f"{self._door.url}/v1/chat/write",
            {"HT-Client-Id": self._door.client_id, "HT-Client-Secret": self._door.client_secret},
            {
                "user_key": way.address.partition(":")[2],
                "sender_key": self._door.sender_key,
                "serial_number": number,
                "message_type": "TX",
                "message": bubbles[0],
            },
        )
        if not told.well or told.number("code") not in _FINE:
            refusal = _refusal(told)
            if refusal is not None:
                raise refusal
        return (number,)


def serial_number(key: str) -> str:
    """The relay's idempotency key: 30 characters, the same for the same key."""
    return hashlib.sha256(key.encode()).hexdigest()[:_SERIAL]


def _refusal(told: Told) -> ChannelError | None:
    """What a refusal means; ``None``: it had come before.

    The relay's list of codes is not public. Its messages begin with the name of an exception
    (``InvalidSenderException(…)``), which is read here; what is not recognised is refused.
    """
    said = str(told.body.get("message", "")).lower()
    if "duplicat" in said or "serial" in said:
        return None
    if "block" in said:
        return Blocked("the visitor blocked the channel")
    if "session" in said or "userkey" in said or "user_key" in said:
        return WindowClosed("no session with this visitor")
    return Refused("the relay refuses this message")
