"""Where a conversation stands when a line arrives, and what the bot does then. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.lessons import Courses
from handoff.conversation import Lesson, Phase, Speaker
from handoff.risk import Risk


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the conversation stands when a line arrives.

    ``said``: ids of texts the bot has said, oldest first. ``asked``: id of the question that is pending.
    ``turn``: lines of the visitor so far. ``on_duty``: whether a counselor is on duty; None when unknown.
    ``signs``: small signs in this line. ``notes``: notes that are due. ``lesson``: where the visitor stands.
    """

    lang: str
    phase: Phase
    said: tuple[str, ...]
    asked: str | None
    turn: int
    on_duty: bool | None = None
    speaker: Speaker = Speaker.SELF
    signs: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    lesson: Lesson | None = None
    courses: Courses = field(default_factory=Courses)


@dataclass(frozen=True, slots=True)
class Act:
    """What to do now.

    ``says``: ids of texts in order. ``asks``: id of the question now pending. ``handoff``: call a person.
    ``quick``: ids of the answers to tap. ``lesson``: where the visitor stands in one now. ``found``: how
    worrying a self-check came out. ``erases``: destroy the conversation's key and all that was said.
    """

    says: tuple[str, ...] = ()
    asks: str | None = None
    handoff: bool = False
    quick: tuple[str, ...] = ()
    lesson: Lesson | None = None
    found: Risk | None = None
    erases: bool = False
