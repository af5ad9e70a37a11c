"""The audit log as a chain: each record's mark covers the record and the mark before it, under a key.

Changing, dropping, swapping or inserting a record breaks every mark from there on. Cutting off the end does
not, so the newest mark and its number must also be kept somewhere else (an export, a mail, a print). Who
has the key can write the chain anew. Records hold ids, never text that anyone wrote.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vault.errors import Malformed, WeakKey

GENESIS = bytes(32)
"""What comes before the first record."""

_FEWEST_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One thing that was done: number without gaps, when, by whom, what, to what, with which further ids."""

    n: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A record with the mark that was stored beside it."""

    record: AuditRecord
    mac: bytes


def link(key: bytes, previous: bytes, record: AuditRecord) -> bytes:
    """The 32-byte mark of a record after ``previous``; ``GENESIS`` for the first.

    Raises ``Malformed`` when the time has no zone, ``WeakKey`` when the key is shorter than 32 bytes.
    """
    if len(key) < _FEWEST_KEY_BYTES:
        raise WeakKey("the audit key is shorter than 32 bytes")
    if len(previous) != len(GENESIS):
        raise Malformed("an audit mark is 32 bytes")
    return hmac.digest(key, b"gyeot/audit/v1" + previous + _written(record), "sha256")


def verify(key: bytes, links: Iterable[Link], after: bytes = GENESIS) -> int | None:
    """The index of the first link that does not hold, or ``None`` when all do.

    ``after`` is the mark before the first link given, to check a later stretch alone.
    """
    number: int | None = 1 if after == GENESIS else None
    for index, found in enumerate(links):
        if number is not None and found.record.n != number:
            return index
        try:
            expected = link(key, after, found.record)
        except Malformed:
            return index
        if not hmac.compare_digest(expected, found.mac):
            return index
        after, number = found.mac, found.record.n + 1
    return None


def _written(record: AuditRecord) -> bytes:
    if record.at.tzinfo is None:
        raise Malformed("an audit record's time has no zone")
    at = record.at.astimezone(UTC).isoformat(timespec="microseconds")
    content = [record.n, at, record.actor, record.action, record.subject, dict(record.detail)]
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
