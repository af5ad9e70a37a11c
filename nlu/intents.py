"""The intents of the language model and of the rules: what each is about and how worrying it is."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from nlu.understanding import Worry

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an intent stands for: a topic word and a worry."""

    family: str
    worry: Worry


_LINES: Final = """
danger suicide_intent self_harm
danger self_injury_now self_harm
danger offender_here immediate_danger
danger meeting_now immediate_danger
danger assault_now physical_violence
urgent suicidal_thoughts self_harm
urgent self_harm_habit self_harm
urgent spread_threat spread_threat
urgent sextortion_bodycam sextortion_bodycam
urgent coerced_sending spread_threat
urgent spread_now spread
urgent deepfake_spread deepfake
urgent grooming_contact grooming
urgent meeting_planned grooming
urgent stalking stalking
urgent offender_at_home physical_violence
urgent paid_exploitation paid_exploitation
care illegal_filming illegal_filming
care spread_fear spread_fear
care spread_past spread
care deepfake_made deepfake
care cyber_harassment cyber_harassment
care impersonation stalking
care physical_violence_past physical_violence
care shame_blame spread_fear
care distress therapy
care ask_deletion deletion
care ask_police police_report
care ask_legal legal_support
care ask_therapy therapy
care ask_accompaniment accompaniment
care ask_evidence evidence
care ask_human human
care bystander_asks bystander
care guardian_asks guardian
care teacher_asks guardian
care offender_asks offender
calm ask_parents_know anonymity
calm ask_anonymity anonymity
calm ask_service service_info
calm ask_if_bot service_info
calm prevention prevention
calm greet smalltalk
calm thanks_bye smalltalk
calm chitchat smalltalk
calm joke_hyperbole smalltalk
calm insult_bot smalltalk
calm affirm smalltalk
calm deny smalltalk
calm out_of_scope out_of_scope
calm wipe wipe
"""


def _table() -> Mapping[str, Meaning]:
    rows = (line.split() for line in _LINES.strip().splitlines())
    return MappingProxyType({name: Meaning(family, Worry[worry.upper()]) for worry, name, family in rows})


MEANINGS: Final = _table()
INTENTS: Final = tuple(MEANINGS)
EVERYDAY: Final = frozenset({"smalltalk", "out_of_scope"})  # the families of talk that is no matter of ours
ENTITIES: Final = (
    "deadline", "meeting_time", "meeting_place", "injury", "amount",
    "url", "platform", "relation", "age_band",
)  # fmt: skip
"""The kinds of facts that the model's server marks, the most telling first."""
