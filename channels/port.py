"""What passes between a channel and the rest of the house."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

TEXT_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message of a visitor.

    ``event_id`` is the provider's own id: the same id is the same message, however often it comes.
    ``address`` is how the visitor is known on the channel. Where it is a ``token`` that only the
    visitor's own device holds (the web), nothing can be pushed to it, and it may open the thread.
    ``opens``: an unknown address may begin a conversation. A token that somebody else made may not.
    ``media``: what was sent instead of (or beside) words: ``image``, ``video``, ``audio``, ``file``,
    ``sticker``, ``contact``, ``location`` or ``other``. It was refused by its type alone; nothing of it was
    fetched, and ``text`` is empty.
    ``ticket``: a one-use way to answer exactly this message, good for ``ticket_for`` seconds.
    ``own_id``: the provider's id of the visitor's message, where we may delete it (``Sender.erase``).
    """

    channel: str
    event_id: str = field(repr=False)
    address: str = field(repr=False)
    text: str = field(repr=False)
    lang: Literal["ko", "en"] | None = None
    token: bool = False
    opens: bool = True
    media: str | None = None
    ticket: str | None = field(default=None, repr=False)
    ticket_for: float = 0.0
    own_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Gone:
    """The visitor blocked us or left: nothing more can be sent until they write again."""

    channel: str
    event_id: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Moved:
    """The provider knows the visitor by another address from now on."""

    channel: str
    event_id: str = field(repr=False)
    address: str = field(repr=False)
    to: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message we sent. ``sent_id`` is what ``Sender.send`` gave; ``state`` only moves on.

    ``error``: a class name of ``channels.errors`` when ``state`` is ``failed``.
    """

    channel: str
    sent_id: str = field(repr=False)
    state: Literal["sent", "delivered", "read", "failed"]
    error: str = ""


Event: TypeAlias = InboundMessage | Gone | Moved | Receipt


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel may say in its response: the messages that are due, oldest first, and the buttons."""

    texts: tuple[str, ...] = field(repr=False)
    quick: tuple[QuickReply, ...] = ()


class Intake(Protocol):
    """The house, as a provider's webhook sees it."""

    async def keep(self, event: Event) -> None:
        """Take an event in: when this returns it is on disk, and the provider may be told so.

        The same event again changes nothing. The answer to a message is pushed later. Raises ``Busy``; then
        nothing was kept.
        """

    def answer(self, message: InboundMessage, within: float) -> AbstractAsyncContextManager[Answer | None]:
        """Take a message in and answer it in the response.

        Gives ``None`` when nothing is decided ``within`` seconds and nothing waited: what is decided later is
        pushed by the message's ticket, or waits for the visitor's next message. What was given counts as
        delivered when the block ends without an error; after an error it waits. The same event again gives
        an empty answer or what could not be given before. Raises ``Busy`` or ``Throttled``; then nothing was
        kept.
        """


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a visitor on a channel: the address, and a ticket while it is good."""

    address: str = field(repr=False)
    ticket: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One answer to be pushed. ``key`` is the same at every attempt: the provider's idempotency key."""

    key: str
    texts: tuple[str, ...] = field(repr=False)
    quick: tuple[QuickReply, ...] = ()
    lang: Literal["ko", "en"] = "ko"


class Sender(Protocol):
    """A channel to which answers can be pushed."""

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """Deliver by the first way that can still reach the visitor (newest first).

        Returns the provider's ids of what was sent, for receipts and for erasing; may be empty. Raises a
        ``ChannelError`` that says what the caller can do.
        """

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        """Delete on the visitor's side what the provider still lets us delete; the rest stays.

        ``address`` is empty where it is not known any more; the ids alone must do.
        """
