"""Decide risk and topic of a conversation from what was read in a message and what came before. Pure.

Machines only raise the risk of a conversation; a person may lower it. What nobody read goes to a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from handoff.risk import Risk, Topic
from nlu.intents import MEANINGS
from nlu.understanding import Worry

if TYPE_CHECKING:
    from nlu.understanding import ModelState, Signal, Understanding

_RISK: Final = {
    Worry.CALM: Risk.LOW,
    Worry.CARE: Risk.MEDIUM,
    Worry.URGENT: Risk.HIGH,
    Worry.DANGER: Risk.IMMINENT,
}
_MOST_REASONS: Final = 6
_MOST_FACTS: Final = 3
_ANSWER_SURE: Final = 0.6
_MEANT: Final = {"affirm": "yes", "deny": "no"}

# Among equally worrying signals the first of these is what the conversation is about: life and body; then who
# writes; then the more telling harm (a threat with a fake image is about the fake); then what is asked for.
_PRECEDENCE: Final = (
    Topic.IMMEDIATE_DANGER, Topic.SELF_HARM, Topic.PHYSICAL_VIOLENCE, Topic.GUARDIAN, Topic.OFFENDER,
    Topic.BYSTANDER, Topic.PAID_EXPLOITATION, Topic.DEEPFAKE, Topic.SEXTORTION_BODYCAM, Topic.SPREAD_THREAT,
    Topic.GROOMING, Topic.SPREAD, Topic.STALKING, Topic.DELETION, Topic.ACCOMPANIMENT, Topic.LEGAL_SUPPORT,
    Topic.POLICE_REPORT, Topic.EVIDENCE, Topic.ILLEGAL_FILMING, Topic.CYBER_HARASSMENT, Topic.SPREAD_FEAR,
    Topic.HUMAN, Topic.THERAPY, Topic.WIPE, Topic.ANONYMITY, Topic.SERVICE_INFO, Topic.PREVENTION,
    Topic.OUT_OF_SCOPE, Topic.SMALLTALK,
)  # fmt: skip
_RANK: Final = {topic: rank for rank, topic in enumerate(_PRECEDENCE)}
_LIFE_AND_BODY: Final = frozenset({Topic.IMMEDIATE_DANGER, Topic.SELF_HARM, Topic.PHYSICAL_VIOLENCE})
_CALMING: Final = frozenset({"answered-safe", "answered-not-suicidal", "answered-not-near"})
_SAYS_LITTLE: Final = frozenset({Topic.SMALLTALK, Topic.OUT_OF_SCOPE})
_NEVER_URGENT: Final = frozenset(Topic) - {
    Topic(meaning.family) for meaning in MEANINGS.values() if meaning.worry >= Worry.CARE
}
# What a rule's word for a topic weighs beside the model's share, by cross validation (docs/model-card.md).
# The risk is none of this: a rule that sees danger makes it imminent whatever the topic.
_RULED: Final = 0.5
_RULED_DANGER: Final = 0.7


@dataclass(frozen=True, slots=True)
class Situation:
    """The conversation before this message. ``asked``: the question pending; ``turn``: messages so far."""

    risk: Risk | None
    topic: Topic | None
    asked: str | None
    turn: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """Risk and topic of the conversation after this message, and the constant words that say why.

    ``intent`` is what this message said, read in its context. ``handoff``: a person is asked for.
    ``line``: the risk of this very message, whatever came before. ``doubt``: the danger that the model thinks
    possible without being believed; worth a gentle question.
    """

    risk: Risk
    topic: Topic
    intent: str | None
    confidence: float
    handoff: bool
    reasons: tuple[str, ...]
    model: ModelState
    line: Risk = Risk.LOW
    doubt: Topic | None = None


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one message amounts to."""

    risk: Risk
    topic: Topic
    intent: str | None
    why: str | None = None


def assess(understanding: Understanding, situation: Situation) -> Assessment:
    """The conversation's assessment after one more message."""
    finding = _message(understanding)
    answer = _answer(understanding, situation.asked)
    if answer is not None:
        finding = answer if answer.risk >= finding.risk or _only_answers(understanding) else finding
        finding = replace(finding, why=answer.why)
    before = situation.risk or Risk.LOW
    risk = max(before, finding.risk)
    wants_person = any(signal.family == Topic.HUMAN for signal in understanding.signals)
    return Assessment(
        risk=risk,
        topic=_topic(finding, situation),
        intent=finding.intent,
        confidence=understanding.confidence,
        handoff=risk >= Risk.MEDIUM or wants_person,
        reasons=_reasons(finding, understanding, situation),
        model=understanding.model,
        line=finding.risk,
        doubt=next((Topic(signal.family) for signal in understanding.signals if _is_doubt(signal)), None),
    )


def believed(assessment: Assessment, risk: Risk, topic: Topic, why: str) -> Assessment:
    """The assessment, raised by what the conversation itself found out (a self-check). Never lowered."""
    raised = risk > assessment.risk
    return replace(
        assessment,
        risk=max(risk, assessment.risk),
        topic=topic if raised else assessment.topic,
        handoff=assessment.handoff or risk >= Risk.MEDIUM,
        reasons=(f"context:{why}", *assessment.reasons)[:_MOST_REASONS],
    )


# -- the message --------------------------------------------------------------------------------------------


def _message(understanding: Understanding) -> _Finding:
    worst = understanding.worry
    if not understanding.signals:
        return _Finding(Risk.MEDIUM, Topic.HUMAN, understanding.intent)
    topics = {Topic(signal.family) for signal in understanding.signals if signal.worry is worst}
    if understanding.shares:
        others = {signal.family for signal in understanding.signals}
        others |= {family for family, _ in understanding.shares}
        topics |= {Topic(family) for family in others} - (_NEVER_URGENT if worst >= Worry.URGENT else set())
    return _Finding(_RISK[worst], _likeliest(topics, understanding), understanding.intent)


def _likeliest(topics: set[Topic], understanding: Understanding) -> Topic:
    """The topic that model and rules together speak for most. Without a model precedence decides."""
    ruled = {signal.family: signal.worry for signal in reversed(understanding.signals) if _is_ruled(signal)}
    if not understanding.shares:
        chosen = min(topics, key=_RANK.__getitem__)
        if understanding.worry is Worry.URGENT and chosen not in _LIFE_AND_BODY:
            chosen = next((topic for topic in (Topic.GUARDIAN, Topic.DEEPFAKE) if topic in ruled), chosen)
        return chosen
    shares = dict(understanding.shares)
    rules_say = {
        family: _RULED_DANGER if worry is Worry.DANGER else _RULED for family, worry in ruled.items()
    }
    return max(topics, key=lambda topic: (shares.get(topic, 0.0) + rules_say.get(topic, 0.0), -_RANK[topic]))


def _is_doubt(signal: Signal) -> bool:
    known = MEANINGS.get(signal.name)
    return signal.source == "model" and known is not None and known.worry > Worry.URGENT >= signal.worry


def _is_ruled(signal: Signal) -> bool:
    return signal.source == "rules"


# -- an answer to a question --------------------------------------------------------------------------------


def _answer(understanding: Understanding, asked: str | None) -> _Finding | None:
    """What the message means as an answer to the pending question; None when it is none."""
    said = _said(understanding)
    if not said:
        return None
    if asked == "safe_now":
        return _safe_now(said)
    if asked == "suicide_now":
        return _suicide_now(said)
    if asked == "offender_near":
        return _offender_near(said)
    return None


def _safe_now(said: frozenset[str]) -> _Finding:
    if "unsafe" in said or ("no" in said and "safe" not in said):
        return _Finding(Risk.IMMINENT, Topic.IMMEDIATE_DANGER, "deny", "answered-unsafe")
    if "no" in said or "unsure" in said:
        return _Finding(Risk.HIGH, Topic.IMMEDIATE_DANGER, None, "answer-unclear")
    return _Finding(Risk.LOW, Topic.SMALLTALK, "affirm", "answered-safe")


def _suicide_now(said: frozenset[str]) -> _Finding:
    if "yes" in said and not {"no", "safe"} & said:
        return _Finding(Risk.IMMINENT, Topic.SELF_HARM, "affirm", "answered-suicidal")
    if {"unsure", "unsafe"} & said or {"yes", "no"} <= said:
        return _Finding(Risk.HIGH, Topic.SELF_HARM, None, "answer-unclear")
    return _Finding(Risk.LOW, Topic.SMALLTALK, "deny", "answered-not-suicidal")


def _offender_near(said: frozenset[str]) -> _Finding:
    if "unsafe" in said or ("yes" in said and not {"no", "safe"} & said):
        return _Finding(Risk.IMMINENT, Topic.IMMEDIATE_DANGER, "affirm", "answered-near")
    if "unsure" in said or {"yes", "safe"} <= said:
        return _Finding(Risk.HIGH, Topic.IMMEDIATE_DANGER, None, "answer-unclear")
    return _Finding(Risk.LOW, Topic.SMALLTALK, "deny", "answered-not-near")


def _said(understanding: Understanding) -> frozenset[str]:
    """The kinds of answer in the message: yes, no, safe, unsafe, unsure."""
    ruled = {signal.name.removeprefix("answer.") for signal in understanding.signals if _is_answer(signal)}
    if not ruled and understanding.confidence >= _ANSWER_SURE:
        ruled = {_MEANT[understanding.intent]} if understanding.intent in _MEANT else ruled
    return frozenset(ruled)


def _is_answer(signal: Signal) -> bool:
    return signal.source == "rules" and signal.name.startswith("answer.")


def _only_answers(understanding: Understanding) -> bool:
    """Whether the rules read nothing but an answer; then the model's guess about a "yes" counts less."""
    ruled = [signal for signal in understanding.signals if signal.source == "rules"]
    return bool(ruled) and all(_is_answer(signal) for signal in ruled) and understanding.worry <= Worry.CARE


# -- the conversation ---------------------------------------------------------------------------------------


def _topic(finding: _Finding, situation: Situation) -> Topic:
    """The new topic, unless the conversation already has one that weighs more."""
    if situation.topic is None:
        return finding.topic
    before = situation.risk or Risk.LOW
    told_nothing = finding.topic in _SAYS_LITTLE or (finding.topic is Topic.HUMAN and finding.intent is None)
    return situation.topic if finding.risk < before or told_nothing else finding.topic


def _reasons(finding: _Finding, understanding: Understanding, situation: Situation) -> tuple[str, ...]:
    """Short constant words, the most telling first; never a word of the message."""
    before = situation.risk or Risk.LOW
    reasons = [f"context:{finding.why}"] if finding.why else []
    if situation.turn and before < finding.risk >= Risk.HIGH:
        reasons.append("context:worse")
    if before is Risk.IMMINENT and finding.why in _CALMING:
        reasons.append("context:contradicts")
    reasons += [_reason(signal) for signal in understanding.signals][: _MOST_REASONS - len(reasons)]
    if understanding.model != "answered":
        reasons.append(f"model:{understanding.model}")
    if before > finding.risk:
        reasons.append(f"context:was-{before.word}")
    if finding.risk >= Risk.MEDIUM:
        reasons += [f"entity:{kind}" for kind in understanding.entities[:_MOST_FACTS]]
    return tuple(reasons)


def _reason(signal: Signal) -> str:
    if signal.source == "rules":
        return f"rule:{signal.name}"
    return f"model:{signal.name} {signal.confidence:.2f}"
