"""The console's wire forms: what its JSON looks like, in both directions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from console.gate import refused
from console.sign_in import IDLE, SignedIn
from handoff.conversation import AssessmentRecord, Conversation, Entry, OutboxItem
from handoff.people import Staff
from handoff.permissions import may

Form = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{32,36}$")]


Binary = Annotated[str, StringConstraints(max_length=65_536)]


def binary(text: str, limit: int) -> bytes:
    """The bytes of a base64 text. Raises HTTP 422 when it is none, or longer than ``limit``."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not 0 < len(data) <= limit:
        words = "보낸 내용이 올바르지 않아요. / What was sent is not of the right form."
        raise refused(422, "malformed", words)
    return data


class Strict(BaseModel):
    """Unknown fields, wrong types and overlong values are refused; values are kept out of the refusal."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Name(Strict):
    """Who wants to sign in."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^\PC+$")
    ]


class Proof(Name):
    """The half of the derived key that proves who somebody is."""

    proof: Binary


class Sent(Strict):
    """A form; the same id again does nothing twice."""

    request_id: Form


class Reply(Sent):
    """An answer to the visitor."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class SealedNote(Sent):
    """A note as the browser sealed it."""

    note_id: Form
    sealed: Binary


class Correction(Sent):
    """Risk and topic as a person sees them."""

    risk: str
    topic: str


class Share(Strict):
    """The private key of one epoch, sealed to one member of staff."""

    epoch: Annotated[int, Field(ge=1)]
    sealed: Binary


class Admission(Sent):
    """The desk's keys for a new member."""

    shares: Annotated[list[Share], Field(min_length=1, max_length=1000)]


def b64(data: bytes | None) -> str | None:
    """Standard base64."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def iso(at: int | None) -> str | None:
    """Milliseconds as ISO 8601 in UTC."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def staff_json(staff: Staff) -> dict[str, Any]:
    """A member of staff as others see them."""
    return {"id": staff.id, "name": staff.name, "role": staff.role}


def signed_in_json(signed_in: SignedIn) -> dict[str, Any]:
    """What the browser needs to unlock its keys."""
    public = {key.epoch: key.public_key for key in signed_in.desk}
    return {
        "staff": staff_json(signed_in.staff),
        "token": signed_in.form_token,
        "public_key": b64(signed_in.staff.public_key),
        "wrapped_private_key": b64(signed_in.staff.wrapped_private_key),
        "shares": [
            {"epoch": share.epoch, "public_key": b64(public[share.epoch]), "sealed": b64(share.sealed)}
            for share in signed_in.shares
        ],
        "idle_seconds": IDLE // 1000,
    }


def row_json(value: Conversation, names: Mapping[str, str], failed: int) -> dict[str, Any]:
    """A line of the queue. ``danger``: the last line that told of it; ``silent``: asked after since."""
    return {
        "id": value.id,
        "risk": value.risk.word,
        "topic": value.topic,
        "intent": value.intent,
        "lang": value.lang,
        "channel": value.channel,
        "phase": value.phase,
        "waiting_since": iso(value.waiting_since),
        "last_at": iso(value.last_at),
        "holder": names.get(value.holder, "?") if value.holder else None,
        "model": value.model,
        "failed": failed,
        "track": value.track,
        "danger": value.talk.danger_seq,
        "silent": value.talk.check_ins > 0,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """One sealed line of a transcript."""
    return {
        "seq": entry.seq,
        "author": entry.author,
        "at": iso(entry.at),
        "sealed": b64(entry.sealed),
        "note_id": entry.note_id,
    }


def assessment_json(record: AssessmentRecord) -> dict[str, Any]:
    """What was decided about one line, and why."""
    return {
        "seq": record.seq,
        "at": iso(record.at),
        "risk": record.risk.word,
        "topic": record.topic,
        "intent": record.intent,
        "confidence": record.confidence,
        "reasons": list(record.reasons),
        "model": record.model,
    }


def deliveries_json(items: Sequence[OutboxItem]) -> list[dict[str, Any]]:
    """Answers that have not arrived yet."""
    return [{"seq": item.seq, "state": item.state, "error": item.error} for item in items]


def may_json(staff: Staff, value: Conversation) -> list[str]:
    """What this person may do with it now."""
    return [str(action) for action in may(staff.id, staff.role, value)]
