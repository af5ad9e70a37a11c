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


class Speaker(StrEnum):
    """Who writes: the one it happened to, or somebody beside them, or who did it."""

    SELF = "self"
    FRIEND = "friend"
    PARENT = "parent"
    TEACHER = "teacher"
    OFFENDER = "offender"


class Track(StrEnum):
    """Which queue a conversation belongs to. Who did harm is never among those who were harmed."""

    HARMED = "harmed"
    OFFENDER = "offender"


@dataclass(frozen=True, slots=True)
class Hint:
    """A constant word for something that a line hinted at, and when."""

    word: str
    at: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """Where the visitor stands in a lesson or a self-check. ``score``: how worrying the answers were."""

    course: str
    step: int
    score: int = 0


@dataclass(frozen=True, slots=True)
class Talk:
    """Where the bot stands in its dialogue: ids of its own texts and constant words, never a visitor's words.

    ``notes``: what should still be said about the visitor's situation. ``danger_seq``: the last line that
    told of danger by itself. ``check_ins``: how often the bot asked into the silence after it.
    """

    said: tuple[str, ...] = ()
    asked: str | None = None
    turn: int = 0
    hints: tuple[Hint, ...] = ()
    notes: tuple[str, ...] = ()
    speaker: Speaker = Speaker.SELF
    lesson: Lesson | None = None
    danger_seq: int | None = None
    check_ins: int = 0


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

    @property
    def track(self) -> Track:
        """The queue it belongs to."""
        return Track.OFFENDER if self.talk.speaker is Speaker.OFFENDER else Track.HARMED


@dataclass(frozen=True, slots=True)
class Address:
    """Where a visitor can be found: a keyed index, and what the channel needs to reach them, sealed.

    On the web the address is the session token itself: nothing can be pushed, so there is no sealed
    address; ``sealed_key`` is the conversation's private key under that token, so that only the
    holder of the cookie lets the server open the visitor's own thread again.

    ``shut``: why nothing may be sent there until the visitor writes again (``Blocked``, ``Quiet``).
    ``device``: what they said of it, ``alone`` or ``watched``. ``sealed_ticket``: a one-use way to answer,
    good until ``ticket_until``.
    """

    channel: str
    index: bytes = field(repr=False)
    conversation: str
    sealed_address: bytes | None = field(repr=False)
    sealed_key: bytes | None = field(repr=False)
    created_at: int
    heard_at: int | None = None
    shut: str | None = None
    device: str | None = None
    sealed_ticket: bytes | None = field(default=None, repr=False)
    ticket_until: int | None = None


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
    """``pending``: waits or is leased; ``held``: waits for the visitor; ``failed``: a dead letter."""

    PENDING = "pending"
    HELD = "held"
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
class Sent:
    """A message as the provider knows it: ours, or the visitor's own that we may delete for them.

    ``index`` is keyed; ``state`` is the provider's word for how far it came and only moves on.
    """

    channel: str
    index: bytes = field(repr=False)
    conversation: str
    seq: int
    sealed_id: bytes = field(repr=False)
    at: int
    state: str = "sent"


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
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Risk and topic as somebody, or a machine, saw them."""

    risk: Risk
    topic: Topic


@dataclass(frozen=True, slots=True)
class Label:
    """A person looked and set risk and topic: what stood before, what stands after. Never text.

    ``seq`` is the last entry that was assessed by then (0: none); ``intent``, ``confidence`` and
    ``version`` are what the machine said of it and which model that was.
    """

    id: str
    conversation: str
    seq: int
    at: int
    staff: str
    version: str | None
    intent: str | None
    confidence: float
    before: Judgement
    after: Judgement


@dataclass(frozen=True, slots=True)
class Assessed:
    """What drift is measured on: an assessment without its reasons, and the conversation's language."""

    conversation: str
    seq: int
    at: int
    lang: str
    confidence: float
    model: str
    version: str | None

    @property
    def mark(self) -> tuple[int, str, int]:
        """Its place in time; no two have the same."""
        return (self.at, self.conversation, self.seq)


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
