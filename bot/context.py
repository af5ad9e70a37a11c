"""What earlier lines add to this one: hints that are read together, and who is writing. Pure.

The text of earlier lines is gone once they are decided. What stays for some minutes is which hints were in
them: constant words, bounded in number and age (decision 0010).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from handoff.conversation import Hint, Speaker
from handoff.risk import Risk, Topic
from nlu.intents import MEANINGS
from nlu.understanding import Signal, Understanding, Worry

if TYPE_CHECKING:
    from collections.abc import Iterable

REMEMBERED_FOR: Final = 300_000
MOST_HINTS: Final = 12
_WHO: Final = Signal("human", Worry.CARE, "rules", "who", 1.0)
_TAPPED: Final = Signal("smalltalk", Worry.CALM, "rules", "lesson", 1.0)


@dataclass(frozen=True, slots=True)
class Joined:
    """Hints of several lines that mean ``intent`` together.

    ``needs``: of each set, one must be there. ``after``: the risk the conversation must have reached before.
    """

    id: str
    intent: str
    needs: tuple[frozenset[str], ...]
    after: Risk = Risk.LOW


@dataclass(frozen=True, slots=True)
class Before:
    """What stands of the conversation before a line: its fresh hints, its risk, and whether in a lesson."""

    hints: tuple[Hint, ...] = ()
    risk: Risk = Risk.LOW
    in_lesson: bool = False


def kind(signs: Iterable[str], wanted: str) -> frozenset[str]:
    """The signs of one kind."""
    return frozenset(sign for sign in signs if sign.partition(".")[0] == wanted)


def fresh(hints: Iterable[Hint], at: int) -> tuple[Hint, ...]:
    """The hints that are not too old at this millisecond."""
    return tuple(hint for hint in hints if at - hint.at <= REMEMBERED_FOR)


def remembered(before: Iterable[Hint], signs: frozenset[str], at: int) -> tuple[Hint, ...]:
    """The hints to keep after a line with these signs: the newest, each once."""
    now = kind(signs, "hint")
    kept = [hint for hint in fresh(before, at) if hint.word not in now]
    return (*kept, *(Hint(word, at) for word in sorted(now)))[-MOST_HINTS:]


def seen_in(understanding: Understanding, signs: frozenset[str]) -> frozenset[str]:
    """The signs that count: a joke about dying leaves no hint behind."""
    return signs - kind(signs, "hint") if understanding.intent == "joke_hyperbole" else signs


def in_context(
    understanding: Understanding, signs: frozenset[str], before: Before, book: Iterable[Joined]
) -> Understanding:
    """What a line means here: whom it is about, whether it was a tap, and what it adds to earlier lines."""
    read = not_the_offender(understanding, signs)
    read = tapped(read, signs, in_lesson=before.in_lesson)
    return together(read, signs, before, book)


def tapped(understanding: Understanding, signs: frozenset[str], *, in_lesson: bool) -> Understanding:
    """The understanding of a line that is wholly one of our own taps; else as it was.

    What the model guesses of such a line does not count, unless it is danger; what a rule saw always does.
    """
    if not ("move.tapped" in signs or (in_lesson and kind(signs, "move"))):
        return understanding
    if any(signal.worry is Worry.DANGER or _is_ruled(signal) for signal in understanding.signals):
        return understanding
    calm = tuple(signal for signal in understanding.signals if signal.worry is Worry.CALM)
    return replace(
        understanding,
        intent=understanding.intent if understanding.worry is Worry.CALM else None,
        signals=calm or (_TAPPED,),
    )


def _is_ruled(signal: Signal) -> bool:
    return signal.source == "rules" and signal.worry > Worry.CALM and signal.name != "unread"


def together(
    understanding: Understanding, signs: frozenset[str], before: Before, book: Iterable[Joined]
) -> Understanding:
    """The understanding, and what the line says together with the hints before it. It never worries less.

    Something must come from an earlier line and something from this one: one line alone is the rules' matter.
    """
    now, earlier = kind(signs, "hint"), frozenset(hint.word for hint in before.hints)
    told = [joined for joined in book if before.risk >= joined.after and _holds(joined, now, earlier)]
    if not told:
        return understanding
    worst = max(told, key=lambda joined: MEANINGS[joined.intent].worry)
    meaning = MEANINGS[worst.intent]
    if meaning.worry <= understanding.worry:
        return understanding
    signal = Signal(meaning.family, meaning.worry, "rules", f"joined.{worst.id}", 1.0)
    return replace(understanding, intent=worst.intent, signals=(signal, *understanding.signals))


def not_the_offender(understanding: Understanding, signs: frozenset[str]) -> Understanding:
    """Whoever speaks of their own picture is not read as the one who did it; a person looks instead."""
    others = tuple(signal for signal in understanding.signals if signal.family != Topic.OFFENDER)
    if "speaker.mine" not in signs or len(others) == len(understanding.signals):
        return understanding
    intent = None if understanding.intent == "offender_asks" else understanding.intent
    careful = any(signal.worry >= Worry.CARE for signal in others)
    return replace(understanding, intent=intent, signals=others if careful else (_WHO, *others))


def speaker(before: Speaker, signs: frozenset[str], understanding: Understanding, topic: Topic) -> Speaker:
    """Who is writing, as far as it was said. Whoever did harm stays that until a person sees otherwise.

    In doubt it is the one it happened to: they are asked about their own life, and the guide speaks to them.
    """
    if before is Speaker.OFFENDER or topic is Topic.OFFENDER:
        return Speaker.OFFENDER
    if "speaker.self" in signs:
        return Speaker.SELF
    if "speaker.teacher" in signs or understanding.intent == "teacher_asks":
        return Speaker.TEACHER
    families = {signal.family for signal in understanding.signals}
    if Topic.GUARDIAN in families and _tells_of("speaker.parent", "guardian_asks", signs, understanding):
        return before if before is Speaker.TEACHER else Speaker.PARENT
    told = topic is Topic.BYSTANDER or _tells_of("speaker.friend", "bystander_asks", signs, understanding)
    if before is Speaker.SELF and Topic.BYSTANDER in families and told and "speaker.mine" not in signs:
        return Speaker.FRIEND
    own = any(s.family == Topic.SELF_HARM and s.worry >= Worry.URGENT for s in understanding.signals)
    return Speaker.SELF if own and not _of_another(signs, families) else before


def _tells_of(sign: str, intent: str, signs: frozenset[str], understanding: Understanding) -> bool:
    return sign in signs or understanding.intent == intent


def _of_another(signs: frozenset[str], families: set[str]) -> bool:
    told = {"speaker.friend", "speaker.parent", "speaker.teacher"} & signs
    return bool(told or {Topic.BYSTANDER, Topic.GUARDIAN} & families)


def _holds(joined: Joined, now: frozenset[str], earlier: frozenset[str]) -> bool:
    if not all(choice & (now | earlier) for choice in joined.needs):
        return False
    return any(choice & now for choice in joined.needs) and any(not choice & now for choice in joined.needs)
