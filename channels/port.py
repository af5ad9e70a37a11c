"""What passes between a channel and the rest of the house."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

TEXT_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message of a visitor.

    ``event_id`` is the provider's own id: the same id is the same message, however often it comes.
    ``address`` is how the visitor is known on the channel. Where it is a ``token`` that only the
    visitor's own device holds (the web), nothing can be pushed to it, and it may open the thread.
    ``opens``: an unknown address may begin a conversation. A token that somebody else made may not.
    """

    channel: str
    event_id: str = field(repr=False)
    address: str = field(repr=False)
    text: str = field(repr=False)
    lang: Literal["ko", "en"] | None = None
    token: bool = False
    opens: bool = True


@dataclass(frozen=True, slots=True)
class QuickReply:
    """A button: what it shows and what it says."""

    label: str
    say: str


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the visitor may see it. ``who``: visitor, bot, counselor or system."""

    seq: int
    who: str
    at: datetime
    texts: tuple[str, ...] = field(repr=False)
    quick: tuple[QuickReply, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the conversation stands: phase, how many are ahead, a range of minutes (or unknown)."""

    phase: str
    ahead: int | None = None
    minutes: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a visitor sees now. ``seq`` is the number of the message just taken in, if any."""

    lines: tuple[Line, ...] = field(repr=False)
    standing: Standing
    seq: int | None = None


class Busy(Exception):
    """The house takes no more at this moment; nothing was kept. ``seconds``: when to come back."""

    def __init__(self, seconds: int = 5) -> None:
        super().__init__(f"busy, come back in {seconds} s")
        self.seconds = seconds


class UnknownSession(Exception):
    """No conversation belongs to this token, and the message may not begin one."""


class Changes(Protocol):
    """Rings for one thread."""

    async def next(self) -> bool:
        """Wait until something changed (``True``) or it is over (``False``)."""


class Reception(Protocol):
    """The house, as a channel that answers while the visitor waits sees it."""

    async def say(self, message: InboundMessage, seen: int) -> View:
        """Take a message in; return the bot's answer if it is decided in time.

        Raises ``Busy`` or ``UnknownSession``; then nothing was kept.
        """

    async def thread(self, token: str, after: int) -> View | None:
        """Everything after this entry; all up to it counts as shown. ``None``: no such session."""

    def changes(self, token: str) -> AbstractAsyncContextManager[Changes | None]:
        """Hear when the thread of this session changes; ``None``: no such session."""


class Recovery(Protocol):
    """Coming back without an account."""

    async def new_code(self, token: str, lang: str) -> str | None:
        """A fresh code of six words for this session's conversation; older ones stop working."""

    async def enter(self, code: str, token: str) -> View | None:
        """Let a new session continue where the code leads. ``None``: wrong."""

    async def leave(self, token: str) -> None:
        """Forget this session on the server."""


class Sender(Protocol):
    """A channel to which answers can be pushed."""

    async def send(self, address: str, texts: Sequence[str], quick: Sequence[QuickReply]) -> None:
        """Deliver. Raises a ``ChannelError`` that says what the caller can do."""
