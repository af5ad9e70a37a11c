"""Risk and topic of a conversation, as the service's glossary defines them."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Self


class Risk(IntEnum):
    """How soon a person must help. Ordered, so that the worse of two is ``max``."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    IMMINENT = 3

    @property
    def word(self) -> str:
        """The level in lower case, as the API and the database write it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Self:
        """The level a word names. Raises ``ValueError`` for an unknown word."""
        try:
            return cls[word.upper()]
        except KeyError:
            raise ValueError("risk is one of low, medium, high, imminent") from None


class Topic(StrEnum):
    """What a conversation is about: the harm, the help asked for, or who writes."""

    SPREAD = "spread"
    SPREAD_THREAT = "spread_threat"
    SPREAD_FEAR = "spread_fear"
    ILLEGAL_FILMING = "illegal_filming"
    DEEPFAKE = "deepfake"
    GROOMING = "grooming"
    SEXTORTION_BODYCAM = "sextortion_bodycam"
    CYBER_HARASSMENT = "cyber_harassment"
    STALKING = "stalking"
    PAID_EXPLOITATION = "paid_exploitation"
    PHYSICAL_VIOLENCE = "physical_violence"
    SELF_HARM = "self_harm"
    IMMEDIATE_DANGER = "immediate_danger"

    DELETION = "deletion"
    POLICE_REPORT = "police_report"
    LEGAL_SUPPORT = "legal_support"
    THERAPY = "therapy"
    ACCOMPANIMENT = "accompaniment"
    EVIDENCE = "evidence"
    HUMAN = "human"
    BYSTANDER = "bystander"
    GUARDIAN = "guardian"
    OFFENDER = "offender"

    ANONYMITY = "anonymity"
    SERVICE_INFO = "service_info"
    PREVENTION = "prevention"
    SMALLTALK = "smalltalk"
    OUT_OF_SCOPE = "out_of_scope"
    WIPE = "wipe"
