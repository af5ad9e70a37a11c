"""What the store in memory keeps, and what its parts have in common."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Self, TypeVar

from handoff.conversation import (
    Address,
    AssessmentRecord,
    Claim,
    ClaimKey,
    Conversation,
    Entry,
    InboxItem,
    Label,
    OutboxItem,
    Sent,
)
from handoff.errors import Conflict
from handoff.people import DeskKey, DeskShare, Staff, StaffSession
from vault.audit import AuditRecord


@dataclass(slots=True)
class State:
    """Everything that is kept. Values are frozen, so copying the containers copies the state."""

    claims: dict[ClaimKey, Claim] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    addresses: dict[bytes, Address] = field(default_factory=dict)
    codes: dict[bytes, str] = field(default_factory=dict)
    entries: dict[tuple[str, int], Entry] = field(default_factory=dict)
    assessments: dict[tuple[str, int], AssessmentRecord] = field(default_factory=dict)
    inbox: dict[tuple[str, int], InboxItem] = field(default_factory=dict)
    outbox: dict[str, OutboxItem] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    sessions: dict[bytes, StaffSession] = field(default_factory=dict)
    desk: dict[int, DeskKey] = field(default_factory=dict)
    shares: dict[tuple[int, str], DeskShare] = field(default_factory=dict)
    audit: list[tuple[AuditRecord, bytes]] = field(default_factory=list)
    labels: dict[str, Label] = field(default_factory=dict)
    sent: dict[tuple[str, bytes], Sent] = field(default_factory=dict)

    def snapshot(self) -> Self:
        """A copy that can be changed without changing this one."""
        return type(self)(*(copy(getattr(self, name)) for name in self.__slots__))


K = TypeVar("K")
V = TypeVar("V")


def insert(kept: dict[K, V], new: Mapping[K, V]) -> None:
    """Add rows that must not exist yet. Raises ``Conflict``."""
    if not kept.keys().isdisjoint(new):
        raise Conflict("such a row exists already")
    kept.update(new)


class Part:
    """A repository: looks at the state of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state
