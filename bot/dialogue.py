"""What the bot says next: a pure choice among reviewed texts, never a sentence of its own.

Order of care: danger before everything; then the answer to a question that is pending; then what the line is
about; then a truthful word about the person who is on the way. Once a person has claimed, the bot is silent.
The words themselves are in ``bot/guidance``; this file knows only their ids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.guidance_map import (
    ANSWER_OF_SIGN,
    ANSWERED,
    ANSWERED_FIRST,
    ANSWERS,
    DANGER_INTENTS,
    DANGER_TEXTS,
    NOT_FOR_OFFENDER,
    NOTES_IN_DANGER,
    QUESTION_OF_INTENT,
    QUESTION_OF_TOPIC,
    SMALL_TALK,
    guide,
    sequence,
)
from bot.lessons import Step, begin, follow
from bot.scene import Act, Scene
from handoff.conversation import Phase, Speaker
from handoff.risk import Risk, Topic
from nlu.intents import MEANINGS
from nlu.understanding import Worry

if TYPE_CHECKING:
    from bot.triage import Assessment

__all__ = ["CHECK_INS", "CLAIMED", "CLOSED", "MEDIA_REFUSED", "RELEASED", "Act", "Scene", "choose"]

# Texts that the service says by itself, without a choice.
CLAIMED: Final = "claimed"
RELEASED: Final = "released"
CLOSED: Final = "closed"
MEDIA_REFUSED: Final = "media.refused"
CHECK_INS: Final = ("check_in.first", "check_in.last")

# So many messages at most: in the first answer, which also discloses, and later. A guide is two messages.
_MOST_FIRST: Final = 4
_MOST: Final = 3
# No text is said again while it is among this many texts said last.
_JUST_SAID: Final = 4

_TOPICS_TO_PICK: Final = ("threat", "spread", "deepfake", "asked_for_photos", "hard", "human")
_QUICK: Final = {
    "safe_now": ("safe", "not_safe", "unsure"),
    "suicide_now": ("agree", "decline", "unsure"),
    "want_human": ("agree", "decline"),
    "wipe_sure": ("erase", "keep"),
    "what_happened": _TOPICS_TO_PICK,
}
_QUICK_WITH_BOT: Final = ("human", "parents", "delete", "police")
_QUICK_WAITING: Final = ("parents", "delete", "police")
_QUICK_PREVENTION: Final = ("self_check", "lessons", "human")
_QUICK_OFFENDER: Final = ("human", "hard")

_WAITS: Final = ("wait.here", "wait.breathe", "wait.numbers", "wait.more")
_WAITS_OFFENDER: Final = ("wait.here", "wait.numbers", "wait.more")
_WITHOUT_GUIDE: Final = frozenset({Topic.SMALLTALK, Topic.OUT_OF_SCOPE, Topic.WIPE})
_STAYS: Final = ("stay.listen", "stay.choose")
_STAYS_OFFENDER: Final = ("stay.listen", "human.later")
_QUESTIONS: Final = {
    "safe_now": ("ask.safe_now", "ask.safe_again"),
    "suicide_now": ("ask.suicide_now", "ask.suicide_again"),
}
_QUESTIONS_WITH_CALL: Final = {"safe_now": "ask.safe_called", "suicide_now": "ask.suicide_called"}


@dataclass(frozen=True, slots=True)
class _Reply:
    """The heart of an answer, before greeting and handing over are put around it."""

    says: tuple[str, ...] = ()
    asks: str | None = None
    calls: bool = False
    tells_call: bool = False


_AFTER: Final = {
    ("safe_now", "affirm"): _Reply(("safe.yes",)),
    ("suicide_now", "deny"): _Reply(("suicide.no",)),
    ("want_human", "affirm"): _Reply(calls=True),
    ("want_human", "deny"): _Reply(("human.later",)),
    ("wipe_sure", "deny"): _Reply(("wipe.kept",)),
}


def choose(assessment: Assessment, scene: Scene) -> Act:
    """Choose what the bot says to one line. Pure; at most four messages first, three later.

    A line that comes after closing opens the conversation again, so it is answered as ever.
    """
    erasing = _erasing(assessment, scene)
    if erasing is not None:
        return erasing
    danger = _is_danger(assessment, scene)
    if scene.phase is Phase.CLAIMED:
        return Act(("danger.claimed",)) if danger and "danger.claimed" not in scene.said else Act()
    if danger:
        return _danger(assessment, scene)
    reply = _to_pending(assessment, scene)
    step = None if reply else _lesson(assessment, scene)
    if step is not None:
        return _taught(assessment, scene, step)
    act = _act(assessment, scene, reply or _to_line(assessment, scene))
    return replace(act, lesson=scene.lesson) if _only_asked(assessment) else act


# ── erasing ─────────────────────────────────────────────────────────────────────────────────────────


def _erasing(assessment: Assessment, scene: Scene) -> Act | None:
    """Their words are theirs: asked once, then erased, whoever holds the conversation."""
    if scene.asked == "wipe_sure" and assessment.intent in {"affirm", "wipe"}:
        says = ("wipe.done", "danger.numbers") if assessment.risk is Risk.IMMINENT else ("wipe.done",)
        return Act(says, erases=True)
    if scene.phase is Phase.CLAIMED and assessment.intent == "wipe":
        return Act(("wipe.ask",), "wipe_sure", quick=_QUICK["wipe_sure"])
    return None


# ── danger ──────────────────────────────────────────────────────────────────────────────────────────


def _is_danger(assessment: Assessment, scene: Scene) -> bool:
    """Whether this line tells of danger; the risk alone would stay imminent for the whole conversation."""
    if scene.asked == "safe_now" and assessment.intent == "deny":
        return True
    if assessment.risk < Risk.IMMINENT:
        return False
    if scene.asked == "suicide_now" and assessment.intent == "affirm":
        return True
    if assessment.line is Risk.IMMINENT:
        return True
    return assessment.intent in DANGER_INTENTS or DANGER_TEXTS.isdisjoint(scene.said)


def _danger(assessment: Assessment, scene: Scene) -> Act:
    topic = Topic.SELF_HARM if scene.asked == "suicide_now" else assessment.topic
    text = guide(topic, Risk.IMMINENT, assessment.intent, scene.speaker)
    text = text if text in DANGER_TEXTS else "guide.immediate_danger"
    told = _freshest((text, "danger.numbers", "danger.stay"), scene)
    calls = scene.phase is not Phase.WAITING
    says: tuple[str, ...] = (told, _freshest(_QUESTIONS["safe_now"], scene))
    if calls:
        says = (told, "ask.safe_called") if scene.said else (told, _handoff_text(scene), "ask.safe_now")
    return Act(says, "safe_now", calls, _QUICK["safe_now"])


# ── a pending question ──────────────────────────────────────────────────────────────────────────────


def _to_pending(assessment: Assessment, scene: Scene) -> _Reply | None:
    asked, intent = scene.asked or "", assessment.intent or ""
    if (asked, intent) == ("suicide_now", "affirm"):
        return _Reply((_freshest(("guide.self_harm", "danger.numbers"), scene),), calls=True)
    if asked in _QUESTIONS and not intent and _is_spoken_to(assessment.topic, scene):
        again = _QUESTIONS[asked][1]
        return None if again in scene.said else _Reply((again,), asked)
    return _AFTER.get((asked, intent))


# ── a lesson ────────────────────────────────────────────────────────────────────────────────────────


def _lesson(assessment: Assessment, scene: Scene) -> Step | None:
    """The next step of a lesson, unless the line says something that matters more."""
    if assessment.line >= Risk.MEDIUM or _only_asked(assessment):
        return None
    meaning = MEANINGS.get(assessment.intent or "")
    if meaning is not None and meaning.worry is not Worry.CALM:
        return None
    if scene.speaker is Speaker.OFFENDER or assessment.intent == "wipe":
        return None
    begun = begin(scene.courses, scene.signs, assessment.intent)
    if begun is not None or scene.lesson is None:
        return begun
    return follow(scene.courses, scene.lesson, scene.signs, assessment.intent)


def _only_asked(assessment: Assessment) -> bool:
    """Whether the line only asks about the service; a lesson goes on after it."""
    return (assessment.intent or "") in ANSWERS


def _taught(assessment: Assessment, scene: Scene, step: Step) -> Act:
    worry = step.found is not None and step.found >= Risk.MEDIUM
    calls = worry and scene.phase is not Phase.WAITING
    greeting = () if scene.said else ("greet",)
    says = (*greeting, *step.says, *((_handoff_text(scene),) if calls else ()))
    quick = step.quick or _quick(assessment, scene, _Reply(), calls=calls)
    return Act(says, None, calls, quick, step.lesson, step.found)


# ── what the line is about ──────────────────────────────────────────────────────────────────────────


def _to_line(assessment: Assessment, scene: Scene) -> _Reply:
    intent, topic = assessment.intent, _topic(assessment, scene)
    if topic is Topic.WIPE and (intent == "wipe" or "wipe.ask" not in scene.said):
        return _Reply(("wipe.ask",), "wipe_sure")
    if topic is Topic.SMALLTALK and intent is not None:
        return _small_talk(intent, assessment, scene)
    if intent is None and topic in _WITHOUT_GUIDE:
        return _unclear(assessment, scene)
    says = _next_texts(topic, assessment, scene)
    calls = topic is Topic.HUMAN or intent == "ask_human"
    return _Reply(says, _question(topic, assessment, scene), calls=calls)


def _topic(assessment: Assessment, scene: Scene) -> Topic:
    """What to answer: the line's own subject, unless the assessment knows of harm not yet spoken to."""
    meaning = MEANINGS.get(assessment.intent or "")
    if meaning is None or assessment.intent == "wipe":
        return assessment.topic if meaning is None else Topic.WIPE
    if assessment.risk > meaning.worry.value and not _is_spoken_to(assessment.topic, scene):
        return assessment.topic
    return Topic(meaning.family)


def _is_spoken_to(topic: Topic, scene: Scene) -> bool:
    """Whether guidance on a topic was given, or there is none."""
    if topic in _WITHOUT_GUIDE:
        return True
    if scene.speaker is not Speaker.SELF:
        return guide(topic, Risk.MEDIUM, None, scene.speaker) in scene.said
    own = f"guide.{topic}"
    return any(text == own or text.startswith(f"{own}.") for text in scene.said)


def _next_texts(topic: Topic, assessment: Assessment, scene: Scene) -> tuple[str, ...]:
    asked = _asked(topic, scene)
    if asked is not None:
        return (asked,)
    answers = ANSWERS.get(assessment.intent or "", ())
    if topic in ANSWERED and answers and answers[0] not in scene.said[-_JUST_SAID:]:
        return answers
    if topic in _WITHOUT_GUIDE and topic is not Topic.OUT_OF_SCOPE:
        return (_staying(assessment, scene),)
    steps = sequence(topic, assessment.risk, assessment.intent, scene.speaker)
    unsaid = next((text for text in steps if text not in scene.said), None)
    return (unsaid or _staying(assessment, scene),)


def _asked(topic: Topic, scene: Scene) -> str | None:
    """The answer to a question known by its own words, once the guide on a harm was given."""
    if topic not in ANSWERED_FIRST and not _is_spoken_to(topic, scene):
        return None
    wanted = (text for sign, text in ANSWER_OF_SIGN.items() if sign in scene.signs)
    answer = next((text for text in wanted if text not in scene.said[-_JUST_SAID:]), None)
    if answer in NOT_FOR_OFFENDER and scene.speaker is Speaker.OFFENDER:
        return "offender.next" if "offender.next" not in scene.said[-_JUST_SAID:] else None
    return answer


def _question(topic: Topic, assessment: Assessment, scene: Scene) -> str | None:
    by_topic = QUESTION_OF_TOPIC.get(assessment.doubt or topic) or QUESTION_OF_TOPIC.get(topic)
    question = QUESTION_OF_INTENT.get(assessment.intent or "") or by_topic
    if question is None or assessment.risk is Risk.IMMINENT:  # danger has asked already
        return None
    if question == "suicide_now" and scene.speaker not in {Speaker.SELF, Speaker.OFFENDER}:
        return None  # it is about somebody else
    if {*_QUESTIONS[question], _QUESTIONS_WITH_CALL[question]} & set(scene.said):
        return None
    return question


def _small_talk(intent: str, assessment: Assessment, scene: Scene) -> _Reply:
    if intent == "thanks_bye":
        return _Reply(("goodbye.waiting" if scene.phase is Phase.WAITING else "goodbye",))
    if scene.phase is Phase.WAITING or intent in {"affirm", "deny"}:
        return _Reply((_staying(assessment, scene),))
    if intent == "greet" and not scene.said:
        return _Reply(("small.start",), "what_happened")
    return _Reply((_freshest((SMALL_TALK[intent], *_STAYS), scene),), "what_happened")


def _unclear(assessment: Assessment, scene: Scene) -> _Reply:
    if scene.phase is Phase.WAITING or assessment.risk > Risk.LOW:
        return _Reply((_staying(assessment, scene),))
    if "ask.unclear" not in scene.said:
        return _Reply(("ask.unclear",), "what_happened")
    if "ask.human" not in scene.said:
        return _Reply(("ask.human",), "want_human")
    return _Reply(calls=True)


def _staying(assessment: Assessment, scene: Scene) -> str:
    """A word for someone who goes on writing when there is nothing new to say."""
    safe = assessment.risk < Risk.IMMINENT
    due = next((note for note in scene.notes if safe or note in NOTES_IN_DANGER), None)
    if due is not None:
        return due
    if assessment.risk is Risk.IMMINENT and assessment.intent is None:
        return _freshest(("danger.stay", "danger.numbers"), scene)
    offender = _is_offender(assessment, scene)
    if scene.phase is Phase.WAITING:
        return _freshest(_WAITS_OFFENDER if offender else _WAITS, scene)
    return _freshest(_STAYS_OFFENDER if offender else _STAYS, scene)


def _is_offender(assessment: Assessment, scene: Scene) -> bool:
    return Speaker.OFFENDER is scene.speaker or assessment.topic is Topic.OFFENDER


# ── putting the answer together ─────────────────────────────────────────────────────────────────────


def _act(assessment: Assessment, scene: Scene, reply: _Reply) -> Act:
    calls = scene.phase is not Phase.WAITING and (assessment.handoff or reply.calls)
    if not (reply.says or calls):  # a person is on the way already
        reply = _Reply((_staying(assessment, scene),))
    says = _noted(assessment, scene, _around(scene, reply, calls=calls), reply)
    return Act(says, reply.asks, calls, _quick(assessment, scene, reply, calls=calls))


def _around(scene: Scene, reply: _Reply, *, calls: bool) -> tuple[str, ...]:
    """Greeting before, question after, and the word that a person was called wherever there is room."""
    first, tells = not scene.said, calls and not reply.tells_call
    opening = (_handoff_text(scene) if tells else "greet",) if first else ()
    if reply.asks not in _QUESTIONS or reply.says[-1:] == (_QUESTIONS[reply.asks][-1],):
        closing = (_handoff_text(scene),) if tells and not first else ()
    elif tells and not first:
        closing = (_QUESTIONS_WITH_CALL[reply.asks],)
    else:
        closing = (_QUESTIONS[reply.asks][0],)
    return (*opening, *reply.says, *closing)


def _noted(assessment: Assessment, scene: Scene, says: tuple[str, ...], reply: _Reply) -> tuple[str, ...]:
    """The answer with one note on the visitor's situation behind its guide, where there is room."""
    due = [note for note in scene.notes if note not in says]
    guided = any(text.startswith("guide.") for text in reply.says)
    if not due or not guided or assessment.risk is Risk.IMMINENT:
        return says
    size = sum(2 if text.startswith("guide.") else 1 for text in says)
    if size >= (_MOST if scene.said else _MOST_FIRST):
        return says
    place = says.index(reply.says[-1]) + 1
    return (*says[:place], due[0], *says[place:])


def _handoff_text(scene: Scene) -> str:
    if scene.speaker is Speaker.OFFENDER:  # another queue: who is on duty there is not known
        return "handoff" if scene.said else "handoff.first"
    text = {None: "handoff", True: "handoff.on_duty", False: "handoff.off_duty"}[scene.on_duty]
    return text if scene.said else f"{text}.first"


def _quick(assessment: Assessment, scene: Scene, reply: _Reply, *, calls: bool) -> tuple[str, ...]:
    if reply.asks:
        return _QUICK[reply.asks]
    if _is_offender(assessment, scene):
        return _QUICK_OFFENDER
    if "guide.prevention" in reply.says:
        return _QUICK_PREVENTION
    return _QUICK_WAITING if calls or scene.phase is Phase.WAITING else _QUICK_WITH_BOT


def _freshest(options: tuple[str, ...], scene: Scene) -> str:
    """The first text never said, or else the one said longest ago."""
    last_said = {text: place for place, text in enumerate(scene.said)}
    return min(options, key=lambda text: last_said.get(text, -1))
