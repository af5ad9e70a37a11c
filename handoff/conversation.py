"""A conversation, its entries, and what waits to be decided or delivered.

Times are whole milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from handoff.risk import Risk, Topic


class Phase(StrEnum):
    """The life of a conversation."""

    WITH_BOT = "with_bot"
    WAITING = "waiting"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Author(StrEnum):
    """Who wrote an entry. A ``note`` is for staff and never shown to the visitor."""

    VISITOR = "visitor"
    BOT = "bot"
    COUNSELOR = "counselor"
    SYSTEM = "system"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Talk:
    """Where the bot stands in its dialogue: ids of its own texts, never a visitor's words."""

    said: tuple[str, ...] = ()
    asked: str | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    """The thread with one visitor. Its private key is sealed to the desk; ``None`` means shredded."""

    id: str
    channel: str
    lang: str
    opened_at: int
    last_at: int
    desk_epoch: int
    public_key: bytes = field(repr=False)
    sealed_key: bytes | None = field(repr=False)
    phase: Phase = Phase.WITH_BOT
    risk: Risk = Risk.LOW
    topic: Topic = Topic.SMALLTALK
    intent: str | None = None
    model: str = "off"
    talk: Talk = Talk()
    next_seq: int = 1
    waiting_since: int | None = None
    holder: str | None = None
    claimed_at: int | None = None
    closed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a visitor can be found: a keyed index, and what the channel needs to reach them, sealed.

    On the web the address is the session token itself: nothing can be pushed, so there is no sealed
    address; ``sealed_key`` is the conversation's private key under that token, so that only the
    holder of the cookie lets the server open the visitor's own thread again.
    """

    channel: str
    index: bytes = field(repr=False)
    conversation: str
    sealed_address: bytes | None = field(repr=False)
    sealed_key: bytes | None = field(repr=False)
    created_at: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a transcript: who, when, sealed text."""

    conversation: str
    seq: int
    author: Author
    at: int
    sealed: bytes = field(repr=False)
    note_id: str | None = None


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A visitor's text, sealed under the service key until it is decided."""

    conversation: str
    seq: int
    sealed_text: bytes = field(repr=False)
    received_at: int
    attempts: int = 0


class DeliveryState(StrEnum):
    """``pending`` waits or is leased; ``failed`` is a dead letter that a counselor sees."""

    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """An answer on its way, sealed under the service key until it is delivered."""

    id: str
    conversation: str
    seq: int
    channel: str
    sealed_body: bytes = field(repr=False)
    due_at: int
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    leased_until: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AssessmentRecord:
    """What was decided about one entry, and why: constant words and numbers, never text."""

    conversation: str
    seq: int
    at: int
    risk: Risk
    topic: Topic
    intent: str | None
    confidence: float
    reasons: tuple[str, ...]
    model: str


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """One event of a provider (or one form of a console), known by a keyed index of its id."""

    source: str
    index: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """An event that was taken, and the entry it became."""

    key: ClaimKey
    conversation: str
    seq: int
    at: int
