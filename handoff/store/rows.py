"""Between values and rows, in one place for each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeAlias

from handoff.conversation import (
    Address,
    AssessmentRecord,
    Author,
    Claim,
    ClaimKey,
    Conversation,
    DeliveryState,
    Entry,
    Hint,
    InboxItem,
    Judgement,
    Label,
    Lesson,
    OutboxItem,
    Phase,
    Sent,
    Speaker,
    Talk,
)
from handoff.people import Role, Staff
from handoff.risk import Risk, Topic

Row: TypeAlias = Any  # a RowMapping, or a plain mapping in tests: both have the columns by name
_CONVERSATION_FIELDS = tuple(f.name for f in fields(Conversation))
_OUTBOX_FIELDS = tuple(f.name for f in fields(OutboxItem))
_STAFF_FIELDS = tuple(f.name for f in fields(Staff))


def conversation_row(value: Conversation) -> dict[str, Any]:
    """A row of ``conversation``."""
    row = {name: getattr(value, name) for name in _CONVERSATION_FIELDS}
    row["talk"] = talk_json(value.talk)
    row["risk"] = int(value.risk)
    return row


def to_conversation(row: Row) -> Conversation:
    """The value a row of ``conversation`` holds."""
    values = dict(row)
    values.update(
        phase=Phase(values["phase"]),
        risk=Risk(values["risk"]),
        topic=Topic(values["topic"]),
        talk=to_talk(values["talk"]),
    )
    return Conversation(**values)


def talk_json(value: Talk) -> dict[str, Any]:
    """The dialogue's state as JSON."""
    lesson = value.lesson
    return {
        "said": list(value.said),
        "asked": value.asked,
        "turn": value.turn,
        "hints": [[hint.word, hint.at] for hint in value.hints],
        "notes": list(value.notes),
        "speaker": value.speaker.value,
        "lesson": [lesson.course, lesson.step, lesson.score] if lesson else None,
        "danger_seq": value.danger_seq,
        "check_ins": value.check_ins,
    }


def to_talk(found: Mapping[str, Any]) -> Talk:
    """The dialogue's state. Rows of an earlier version have only ``said``, ``asked`` and ``turn``."""
    lesson = found.get("lesson")
    return Talk(
        said=tuple(found["said"]),
        asked=found["asked"],
        turn=found["turn"],
        hints=tuple(Hint(word, at) for word, at in found.get("hints", ())),
        notes=tuple(found.get("notes", ())),
        speaker=Speaker(found.get("speaker", Speaker.SELF)),
        lesson=Lesson(*lesson) if lesson else None,
        danger_seq=found.get("danger_seq"),
        check_ins=found.get("check_ins", 0),
    )


def address_row(value: Address) -> dict[str, Any]:
    """A row of ``address``."""
    row = asdict(value)
    row["address_index"] = row.pop("index")
    return row


def to_address(row: Row) -> Address:
    """The value a row of ``address`` holds."""
    values = dict(row)
    values["index"] = values.pop("address_index")
    return Address(**values)


def sent_row(value: Sent) -> dict[str, Any]:
    """A row of ``sent``."""
    row = asdict(value)
    row["id_index"] = row.pop("index")
    return row


def to_sent(row: Row) -> Sent:
    """The value a row of ``sent`` holds."""
    values = dict(row)
    values["index"] = values.pop("id_index")
    return Sent(**values)


def claim_row(value: Claim) -> dict[str, Any]:
    """A row of ``claim``."""
    return {
        "source": value.key.source,
        "key_index": value.key.index,
        "conversation": value.conversation,
        "seq": value.seq,
        "at": value.at,
    }


def to_claim(row: Row) -> Claim:
    """The value a row of ``claim`` holds."""
    return Claim(ClaimKey(row["source"], row["key_index"]), row["conversation"], row["seq"], row["at"])


def to_entry(row: Row) -> Entry:
    """The value a row of ``entry`` holds."""
    return Entry(**{**row, "author": Author(row["author"])})


def to_assessment(row: Row) -> AssessmentRecord:
    """The value a row of ``assessment`` holds."""
    return AssessmentRecord(
        **{**row, "risk": Risk(row["risk"]), "topic": Topic(row["topic"]), "reasons": tuple(row["reasons"])}
    )


def assessment_row(value: AssessmentRecord) -> dict[str, Any]:
    """A row of ``assessment``."""
    return {**asdict(value), "risk": int(value.risk), "reasons": list(value.reasons)}


def to_inbox(row: Row) -> InboxItem:
    """The value a row of ``inbox`` holds."""
    return InboxItem(**row)


def outbox_row(value: OutboxItem) -> dict[str, Any]:
    """A row of ``outbox``."""
    return {name: getattr(value, name) for name in _OUTBOX_FIELDS}


def to_outbox(row: Row) -> OutboxItem:
    """The value a row of ``outbox`` holds."""
    return OutboxItem(**{**row, "state": DeliveryState(row["state"])})


def staff_row(value: Staff) -> dict[str, Any]:
    """A row of ``staff``."""
    return {name: getattr(value, name) for name in _STAFF_FIELDS}


def to_staff(row: Row) -> Staff:
    """The value a row of ``staff`` holds."""
    return Staff(**{**row, "role": Role(row["role"])})


def label_row(value: Label) -> dict[str, Any]:
    """A row of ``label``."""
    row = asdict(value)
    for when in ("before", "after"):
        judgement: Judgement = getattr(value, when)
        del row[when]
        row |= {f"risk_{when}": int(judgement.risk), f"topic_{when}": str(judgement.topic)}
    return row


def to_label(row: Row) -> Label:
    """The value a row of ``label`` holds."""
    values = dict(row)
    for when in ("before", "after"):
        risk, topic = values.pop(f"risk_{when}"), values.pop(f"topic_{when}")
        values[when] = Judgement(Risk(risk), Topic(topic))
    return Label(**values)
