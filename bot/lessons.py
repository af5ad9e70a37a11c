"""Short lessons and the self-check: state machines over ``bot/guidance/lessons.yaml``. Pure.

A visitor can leave at any time, and whatever is worrying in a line interrupts (``bot/dialogue.py`` sees to
that before it asks here). The place in a lesson is three constant values; no answer is kept, only their sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from handoff.conversation import Lesson
from handoff.risk import Risk

if TYPE_CHECKING:
    from collections.abc import Mapping

YES: Final = 2
UNSURE: Final = 1
MENU: Final = "lesson.menu"
LEFT: Final = "lesson.left"
HOW: Final = "check.how"
_ANSWERS: Final = ("agree", "decline", "unsure", "leave")
_MOVES: Final = ("next", "leave")


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a self-check. ``alone``: a yes is enough to call a person."""

    text: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is said from ``at_least`` points on (a yes is two, an unsure one), and how worrying it is."""

    at_least: int
    text: str
    risk: Risk


@dataclass(frozen=True, slots=True)
class Check:
    """A self-check. ``outcomes`` come from the least to the most worrying, the first at zero."""

    opening: str
    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...]

    def outcome(self, score: int) -> Outcome:
        """What these points amount to."""
        return [outcome for outcome in self.outcomes if score >= outcome.at_least][-1]


@dataclass(frozen=True, slots=True)
class Courses:
    """All lessons (ids of texts, in order) and self-checks by name."""

    lessons: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    checks: Mapping[str, Check] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``lesson``: where the visitor stands now; None: it is over. ``found``: how worrying it is."""

    says: tuple[str, ...]
    lesson: Lesson | None
    quick: tuple[str, ...] = ()
    found: Risk | None = None


def begin(courses: Courses, signs: frozenset[str], intent: str | None) -> Step | None:
    """The first step of what these signs ask for; None when they ask for no lesson."""
    names = [sign.partition(".")[2] for sign in sorted(signs) if sign.startswith("start.")]
    for name in names:
        if name in courses.checks:
            check = courses.checks[name]
            return Step((check.opening, check.questions[0].text), Lesson(name, 0), _ANSWERS)
    for name in names:
        if name in courses.lessons:
            return _page(courses, Lesson(name, 0))
    if "lessons" in names and intent in {None, "prevention", "chitchat"}:
        return Step((MENU,), None, _menu(courses))
    return None


def follow(courses: Courses, lesson: Lesson, signs: frozenset[str], intent: str | None) -> Step | None:
    """The next step after an answer; None when the line does not belong to the lesson, which ends it."""
    if "move.stop" in signs or intent == "thanks_bye":
        return Step((LEFT,), None, _menu(courses))
    if lesson.course in courses.checks:
        return _answered(courses.checks[lesson.course], lesson, signs, intent)
    if lesson.course in courses.lessons and ("move.next" in signs or intent == "affirm"):
        return _page(courses, Lesson(lesson.course, lesson.step + 1))
    return Step((LEFT,), None, _menu(courses)) if intent == "deny" else None


def _menu(courses: Courses) -> tuple[str, ...]:
    return (*(f"lesson_{name}" for name in courses.lessons), *courses.checks)


def _page(courses: Courses, lesson: Lesson) -> Step:
    pages = courses.lessons[lesson.course]
    if lesson.step >= len(pages) - 1:
        return Step((pages[-1],), None, (*courses.checks, "human"))
    return Step((pages[lesson.step],), lesson, _MOVES)


def _answered(check: Check, lesson: Lesson, signs: frozenset[str], intent: str | None) -> Step | None:
    points = _points(signs, intent)
    if points is None or lesson.step >= len(check.questions):
        return None if lesson.step >= len(check.questions) else Step((HOW,), lesson, _ANSWERS)
    score = lesson.score + points
    if points == YES and check.questions[lesson.step].alone:
        score = max(score, check.outcomes[-1].at_least)
    step = lesson.step + 1
    if step < len(check.questions):
        return Step((check.questions[step].text,), Lesson(lesson.course, step, score), _ANSWERS)
    outcome = check.outcome(score)
    return Step((outcome.text,), None, found=outcome.risk)


def _points(signs: frozenset[str], intent: str | None) -> int | None:
    if "move.unsure" in signs:
        return UNSURE
    return {"affirm": YES, "deny": 0}.get(intent or "")
