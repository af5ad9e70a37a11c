"""Which guidance belongs to which situation: tables of ids, no words.

A test holds these tables against the ``when`` of every text in ``bot/guidance``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from handoff.risk import Risk, Topic

DANGER_INTENTS: Final = frozenset(
    {"suicide_intent", "self_injury_now", "offender_here", "meeting_now", "assault_now"}
)
DANGER_TEXTS: Final = frozenset(
    {
        "guide.self_harm.imminent",
        "guide.self_harm.self_injury_now",
        "guide.immediate_danger",
        "guide.immediate_danger.meeting_now",
        "guide.physical_violence.imminent",
        "guide.bystander.imminent",
        "guide.guardian.imminent",
        "danger.numbers",
        "danger.stay",
    }
)

# The guide of a topic is ``guide.<topic>``; these intents and risks have their own.
OF_INTENT: Final = MappingProxyType(
    {
        "self_injury_now": "guide.self_harm.self_injury_now",
        "meeting_now": "guide.immediate_danger.meeting_now",
        "coerced_sending": "guide.spread_threat.coerced_sending",
        "shame_blame": "guide.spread_fear.shame_blame",
        "meeting_planned": "guide.grooming.meeting_planned",
        "impersonation": "guide.stalking.impersonation",
        "self_harm_habit": "guide.self_harm.self_harm_habit",
        "distress": "guide.therapy.distress",
        "teacher_asks": "guide.guardian.teacher_asks",
    }
)
OF_RISK: Final = MappingProxyType(
    {
        (Topic.SELF_HARM, Risk.IMMINENT): "guide.self_harm.imminent",
        (Topic.PHYSICAL_VIOLENCE, Risk.IMMINENT): "guide.physical_violence.imminent",
        (Topic.BYSTANDER, Risk.IMMINENT): "guide.bystander.imminent",
        (Topic.GUARDIAN, Risk.IMMINENT): "guide.guardian.imminent",
        (Topic.SPREAD, Risk.MEDIUM): "guide.spread.medium",
        (Topic.DEEPFAKE, Risk.MEDIUM): "guide.deepfake.medium",
        (Topic.PHYSICAL_VIOLENCE, Risk.MEDIUM): "guide.physical_violence.medium",
    }
)

# What comes after the guide when the visitor stays with the subject.
FOLLOW_UPS: Final = MappingProxyType(
    {
        Topic.SPREAD: ("answer.deletion", "guide.evidence"),
        Topic.SPREAD_THREAT: ("guide.evidence",),
        Topic.SPREAD_FEAR: ("answer.deletion", "answer.punished"),
        Topic.DEEPFAKE: ("answer.deletion", "guide.evidence"),
        Topic.SEXTORTION_BODYCAM: ("guide.evidence",),
        Topic.ILLEGAL_FILMING: ("guide.police_report",),
        Topic.CYBER_HARASSMENT: ("guide.evidence",),
        Topic.PAID_EXPLOITATION: ("answer.punished",),
        Topic.DELETION: ("answer.deletion", "answer.how_long"),
        Topic.POLICE_REPORT: ("answer.police", "answer.parents"),
        Topic.LEGAL_SUPPORT: ("answer.punished",),
        Topic.ACCOMPANIMENT: ("guide.police_report",),
        Topic.OFFENDER: ("offender.next",),
        Topic.ANONYMITY: ("answer.parents", "answer.police"),
        Topic.SERVICE_INFO: ("answer.hours", "answer.cost", "answer.how_long"),
    }
)

# Questions that are answered whenever they are asked, also again.
ANSWERS: Final = MappingProxyType(
    {
        "ask_parents_know": ("answer.parents",),
        "ask_anonymity": ("guide.anonymity",),
        "ask_service": ("guide.service_info", "answer.hours"),
        "ask_if_bot": ("answer.robot",),
    }
)

ANSWERED: Final = frozenset({Topic.ANONYMITY, Topic.SERVICE_INFO})

QUESTION_OF_TOPIC: Final = MappingProxyType(
    {
        Topic.SELF_HARM: "suicide_now",
        Topic.OFFENDER: "suicide_now",
        Topic.PHYSICAL_VIOLENCE: "safe_now",
        Topic.STALKING: "safe_now",
        Topic.IMMEDIATE_DANGER: "safe_now",
    }
)
QUESTION_OF_INTENT: Final = MappingProxyType({"distress": "suicide_now", "coerced_sending": "safe_now"})

SMALL_TALK: Final = MappingProxyType(
    {
        "greet": "small.hello",
        "chitchat": "small.chat",
        "joke_hyperbole": "small.joke",
        "insult_bot": "small.insult",
    }
)


def guide(topic: Topic, risk: Risk, intent: str | None) -> str:
    """The id of the guidance for a situation: the intent's own, else the risk's, else the topic's."""
    own = OF_INTENT.get(intent or "", "")
    if own.startswith(f"guide.{topic}."):
        return own
    return OF_RISK.get((topic, risk), f"guide.{topic}")


def sequence(topic: Topic, risk: Risk, intent: str | None) -> tuple[str, ...]:
    """The guidance for a situation and what comes after it, in order."""
    return (guide(topic, risk, intent), *FOLLOW_UPS.get(topic, ()))
