"""Which guidance belongs to which situation: tables of ids, no words.

A test holds these tables against the ``when`` of every text in ``bot/guidance``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from handoff.conversation import Speaker
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
        "guide.guardian.teacher_imminent",
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

# Somebody beside the one it happened to reads about what *they* can do: by the kind of harm.
_KIND: Final = MappingProxyType(
    {
        Topic.SPREAD_THREAT: "threat",
        Topic.SEXTORTION_BODYCAM: "threat",
        Topic.GROOMING: "threat",
        Topic.PAID_EXPLOITATION: "threat",
        Topic.PHYSICAL_VIOLENCE: "body",
        Topic.STALKING: "body",
        Topic.IMMEDIATE_DANGER: "body",
        Topic.SELF_HARM: "self_harm",
        Topic.SPREAD: "",
        Topic.SPREAD_FEAR: "",
        Topic.DEEPFAKE: "",
        Topic.ILLEGAL_FILMING: "",
        Topic.CYBER_HARASSMENT: "",
        Topic.BYSTANDER: "",
        Topic.GUARDIAN: "",
    }
)
OF_SPEAKER: Final = MappingProxyType(
    {
        (Speaker.FRIEND, ""): "guide.bystander",
        (Speaker.FRIEND, "threat"): "guide.bystander.threat",
        (Speaker.FRIEND, "body"): "guide.bystander.body",
        (Speaker.FRIEND, "self_harm"): "guide.bystander.self_harm",
        (Speaker.FRIEND, "imminent"): "guide.bystander.imminent",
        (Speaker.PARENT, ""): "guide.guardian",
        (Speaker.PARENT, "threat"): "guide.guardian.threat",
        (Speaker.PARENT, "body"): "guide.guardian.body",
        (Speaker.PARENT, "self_harm"): "guide.guardian.self_harm",
        (Speaker.PARENT, "imminent"): "guide.guardian.imminent",
        (Speaker.TEACHER, ""): "guide.guardian.teacher_asks",
        (Speaker.TEACHER, "threat"): "guide.guardian.teacher_threat",
        (Speaker.TEACHER, "body"): "guide.guardian.teacher_body",
        (Speaker.TEACHER, "self_harm"): "guide.guardian.teacher_self_harm",
        (Speaker.TEACHER, "imminent"): "guide.guardian.teacher_imminent",
    }
)
# The walled track: nothing that comforts or helps to hide, whatever it asks about; but life comes first.
_OF_OFFENDER: Final = MappingProxyType(
    {
        Topic.SELF_HARM: "guide.self_harm.offender",
        Topic.HUMAN: "guide.human",
        Topic.ANONYMITY: "guide.anonymity",
        Topic.SERVICE_INFO: "guide.service_info",
        Topic.PREVENTION: "guide.offender",
        Topic.OUT_OF_SCOPE: "guide.out_of_scope",
    }
)

# Notes that matter for life and body: they are said in danger, too, once the danger itself was spoken to.
NOTES_IN_DANGER: Final = frozenset({"note.abroad", "note.no_phone", "note.home"})

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

# Questions known by their own words (``ask.*`` of signs.yaml). The first ones are answered before any guide.
ANSWER_OF_SIGN: Final = MappingProxyType(
    {
        "ask.punished": "answer.punished",
        "ask.police_told": "answer.police",
        "ask.cost": "answer.cost",
        "ask.how_long": "answer.how_long",
        "ask.hours": "answer.hours",
        "ask.deletable": "answer.deletion",
    }
)
ANSWERED_FIRST: Final = frozenset(
    {Topic.ANONYMITY, Topic.SERVICE_INFO, Topic.LEGAL_SUPPORT, Topic.POLICE_REPORT, Topic.SMALLTALK}
)
# Who did harm is told neither that nothing will happen nor how to remove anything.
NOT_FOR_OFFENDER: Final = frozenset({"answer.punished", "answer.deletion"})

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


def guide(topic: Topic, risk: Risk, intent: str | None, speaker: Speaker = Speaker.SELF) -> str:
    """The id of the guidance for a situation: the speaker's, the intent's, the risk's, else the topic's."""
    if speaker is Speaker.OFFENDER:
        return _for_offender(topic, risk)
    if speaker is not Speaker.SELF and topic in _KIND:
        return OF_SPEAKER[speaker, "imminent" if risk is Risk.IMMINENT else _KIND[topic]]
    own = OF_INTENT.get(intent or "", "")
    if own.startswith(f"guide.{topic}."):
        return own
    return OF_RISK.get((topic, risk), f"guide.{topic}")


def sequence(
    topic: Topic, risk: Risk, intent: str | None, speaker: Speaker = Speaker.SELF
) -> tuple[str, ...]:
    """The guidance for a situation and what comes after it, in order."""
    first = guide(topic, risk, intent, speaker)
    if speaker is Speaker.OFFENDER:
        return (first, *(("offender.next",) if first == "guide.offender" else ()))
    return (first, *FOLLOW_UPS.get(topic, ()))


def _for_offender(topic: Topic, risk: Risk) -> str:
    if risk is Risk.IMMINENT:
        return "guide.self_harm.imminent" if topic is Topic.SELF_HARM else "danger.numbers"
    return _OF_OFFENDER.get(topic, "guide.offender")


def notes_for(speaker: Speaker, due: tuple[str, ...]) -> tuple[str, ...]:
    """The notes that fit whoever writes: they speak to the one it happened to."""
    return due if speaker is Speaker.SELF else ()
