"""Staff and conversations for the console's fake, with real keys."""

from __future__ import annotations

import uuid
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from vault.desk import ConversationKey, DeskKey, seal_share
from vault.entries import EntryBody, open_note, seal_entry, seal_note
from vault.places import EntryPlace
from vault.secret import SecretText
from vault.staffkeys import StaffKeys, enrol

EPOCH = 1
Json = dict[str, Any]


def b64(data: bytes) -> str:
    """Standard base64, as the interface writes binary."""
    return b64encode(data).decode()


@dataclass
class Person:
    """A member of staff, with the passphrase in clear: this is a test."""

    id: str
    name: str
    role: str
    passphrase: str = field(repr=False)
    keys: StaffKeys
    shares: list[Json] = field(default_factory=list)


@dataclass
class Talk:
    """One conversation."""

    id: str
    key: ConversationKey
    row: Json
    entries: list[Json] = field(default_factory=list)
    assessments: list[Json] = field(default_factory=list)
    deliveries: list[Json] = field(default_factory=list)

    def add(self, author: str, *texts: str, ago: float = 0) -> int:
        """Seal an entry, ``ago`` seconds back, and give its number."""
        seq = self._next(ago)
        sealed = seal_entry(self.key.public_key, EntryBody(texts), EntryPlace(self.id, seq, author))
        return self._keep(seq, author, sealed, ago)

    def add_note(self, text: str, ago: float = 0) -> int:
        """Seal a note as another browser would have."""
        note_id = str(uuid.uuid4())
        seq = self._next(ago)
        return self._keep(seq, "note", seal_note(self.key.public_key, text, self.id, note_id), ago, note_id)

    def keep_note(self, note_id: str, sealed: bytes) -> int:
        """Keep a note that a browser sealed."""
        return self._keep(self._next(0), "note", sealed, 0, note_id)

    def read_notes(self) -> list[str]:
        """All notes in clear, with the private key that only a test has."""
        return [
            open_note(self.key.private, b64decode(entry["sealed"]), self.id, entry["note_id"])
            for entry in self.entries
            if entry["note_id"]
        ]

    def assess(self, reasons: list[str], **facts: Any) -> None:
        """Add an assessment: ``risk``, ``topic``, ``intent``, ``confidence``, ``model``."""
        self.assessments.append({"seq": len(self.entries), "at": when(0), "reasons": reasons, **facts})

    def _next(self, ago: float) -> int:
        self.row["last_at"] = when(ago)
        return len(self.entries) + 1

    def _keep(self, seq: int, author: str, sealed: bytes, ago: float, note_id: str | None = None) -> int:
        entry = {"seq": seq, "author": author, "at": when(ago), "sealed": b64(sealed), "note_id": note_id}
        self.entries.append(entry)
        return seq


def when(ago: float) -> str:
    """ISO time ``ago`` seconds back."""
    return (datetime.now(UTC) - timedelta(seconds=ago)).isoformat(timespec="milliseconds")


def people(desk: DeskKey) -> list[Person]:
    """A supervisor, two counselors, and one who was not admitted. Takes about two seconds."""
    found = []
    roles = {"윤서": "supervisor", "하람": "counselor", "도윤": "counselor", "새봄": "counselor"}
    for number, (name, role) in enumerate(roles.items(), start=1):
        passphrase = f"forest lamp quiet river {number} stone"
        keys = enrol(SecretText(passphrase), f"s{number}")
        person = Person(f"s{number}", name, role, passphrase, keys)
        if name != "새봄":
            sealed = b64(seal_share(desk, person.id, keys.public_key))
            person.shares = [{"epoch": EPOCH, "public_key": b64(desk.pair.public), "sealed": sealed}]
        found.append(person)
    return found
