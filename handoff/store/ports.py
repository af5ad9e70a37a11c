"""The ports of the store. Every method runs inside the transaction it was taken from.

Methods that take a sequence take a batch: many messages share one statement and one commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from handoff.conversation import (
    Address,
    Assessed,
    AssessmentRecord,
    Claim,
    ClaimKey,
    Conversation,
    Entry,
    InboxItem,
    Label,
    OutboxItem,
    Phase,
    Sent,
)
from handoff.people import DeskKey, DeskShare, Staff, StaffSession
from vault.audit import AuditRecord

PRESENT_FOR = 120_000
"""A member of staff whose console was heard of within these milliseconds counts as on duty."""


class Claims(Protocol):
    """Events already taken: the guard against doing anything twice."""

    async def take(self, claims: Sequence[Claim]) -> set[ClaimKey]:
        """Write the claims that are new and return their keys; the others were taken before."""

    async def find(self, keys: Sequence[ClaimKey]) -> Mapping[ClaimKey, Claim]:
        """The claims that exist among these."""

    async def sweep(self, before: int) -> int:
        """Forget claims older than ``before``; return how many."""


class Conversations(Protocol):
    """The threads."""

    async def add(self, conversations: Sequence[Conversation]) -> None:
        """Write new conversations."""

    async def lock(self, ids: Sequence[str]) -> Mapping[str, Conversation]:
        """Read these for update: nobody else changes them before this transaction ends."""

    async def save(self, conversations: Sequence[Conversation]) -> None:
        """Write what may change of these (their keys change only by being destroyed)."""

    async def erase(self, id: str) -> None:
        """Remove what was said: entries, undecided texts, the recovery code, answers on their way.

        The row itself stays, and what was decided (words and numbers, no text).
        """

    async def erased(self, limit: int) -> Sequence[str]:
        """Conversations without a key that still have addresses, messages at a provider, or answers."""

    async def in_phase(self, phases: Sequence[Phase]) -> Sequence[Conversation]:
        """All conversations in these phases, most worrying first, then longest waiting."""

    async def count(self, phase: Phase) -> int:
        """How many are in this phase."""

    async def find(self, id: str) -> Conversation | None:
        """One conversation, without a lock."""


class Addresses(Protocol):
    """Where visitors can be found."""

    async def find(self, indexes: Sequence[bytes]) -> Mapping[bytes, Address]:
        """The addresses that exist among these keyed indexes."""

    async def add(self, addresses: Sequence[Address]) -> None:
        """Write new addresses."""

    async def change(self, addresses: Sequence[Address]) -> None:
        """Write what may change of these: where they lead, what is known of them, their ticket."""

    async def of(self, conversation: str) -> Sequence[Address]:
        """All addresses of one conversation, last heard from first, then newest."""

    async def remove(self, index: bytes) -> None:
        """Forget one address."""


class RecoveryCodes(Protocol):
    """Codes that lead a visitor back, known only by a keyed hash."""

    async def put(self, index: bytes, conversation: str, at: int) -> None:
        """Replace the conversation's code."""

    async def find(self, index: bytes) -> str | None:
        """The conversation that a code leads to."""


class Entries(Protocol):
    """Transcripts."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Write new entries."""

    async def of(self, conversation: str, after: int = 0) -> Sequence[Entry]:
        """The entries of one conversation with ``seq > after``, in order."""

    async def assess(self, records: Sequence[AssessmentRecord]) -> None:
        """Write what was decided about entries."""

    async def assessments(self, conversation: str) -> Sequence[AssessmentRecord]:
        """What was decided about one conversation, in order."""


class Inbox(Protocol):
    """Texts that came in and are not decided yet."""

    async def put(self, items: Sequence[InboxItem]) -> None:
        """Write new texts."""

    async def of(self, conversations: Sequence[str]) -> Sequence[InboxItem]:
        """All undecided texts of these conversations, in order."""

    async def undecided(self, before: int, limit: int) -> Sequence[InboxItem]:
        """Undecided texts received before ``before``, oldest first."""

    async def tried(self, item: InboxItem) -> None:
        """Count one more attempt."""

    async def drop(self, items: Sequence[InboxItem]) -> None:
        """Forget texts that are decided."""


class Outbox(Protocol):
    """Answers on their way."""

    async def put(self, items: Sequence[OutboxItem]) -> None:
        """Write new answers."""

    async def lease(self, channels: Sequence[str], now: int, until: int, limit: int) -> Sequence[OutboxItem]:
        """Take due answers for sending: of each conversation and channel only the first that is pending."""

    async def settle(self, ids: Sequence[str]) -> None:
        """Forget answers that arrived."""

    async def change(self, item: OutboxItem) -> None:
        """Write a postponed, held or failed answer."""

    async def release(self, conversations: Sequence[str], now: int) -> None:
        """Let the held answers of these conversations go: the visitor wrote."""

    async def of(self, conversation: str) -> Sequence[OutboxItem]:
        """All unsettled answers of one conversation, in order."""

    async def locked(self, conversation: str) -> Sequence[OutboxItem]:
        """The same; nobody else leases or changes them until this transaction ends."""


class SentBook(Protocol):
    """Messages as providers know them: for receipts, and for deleting them again."""

    async def put(self, sent: Sequence[Sent]) -> None:
        """Write new ones; one that exists already stays as it is."""

    async def find(self, channel: str, index: bytes) -> Sent | None:
        """By the keyed index of the provider's id."""

    async def change(self, sent: Sent) -> None:
        """Write how far it came."""

    async def of(self, conversation: str) -> Sequence[Sent]:
        """All of one conversation, oldest first."""

    async def drop(self, conversation: str) -> None:
        """Forget all of one conversation."""

    async def sweep(self, before: int) -> int:
        """Forget what is older than ``before``; return how many."""


class Shown(Protocol):
    """The web's outbox: answers wait until the page says that it has shown them."""

    async def up_to(self, marks: Mapping[str, int], channel: str) -> None:
        """Settle each conversation's answers on this channel with ``seq`` up to its mark."""

    async def failed(self, conversations: Sequence[str]) -> Mapping[str, int]:
        """How many dead letters each of these has."""


class StaffBook(Protocol):
    """Members of staff."""

    async def add(self, staff: Staff) -> None:
        """Write a new member. Raises ``Conflict`` when the name is taken."""

    async def find(self, id: str) -> Staff | None:
        """By id."""

    async def named(self, name: str) -> Staff | None:
        """By sign-in name."""

    async def all(self) -> Sequence[Staff]:
        """Everyone, by name."""

    async def disable(self, id: str, at: int) -> None:
        """Close an account; its sessions and desk shares go with it."""


class Phones(Protocol):
    """Where staff are rung."""

    async def put(self, staff: str, sealed: bytes | None) -> None:
        """Set or forget the phone of one member."""

    async def present(self, since: int) -> Sequence[Staff]:
        """Active members with a phone who were seen or heard of at this moment or later, by id."""


class StaffSessions(Protocol):
    """Signed-in browsers."""

    async def add(self, session: StaffSession) -> None:
        """Write a new session."""

    async def find(self, token_hash: bytes) -> StaffSession | None:
        """By the hash of its cookie."""

    async def touch(self, token_hash: bytes, at: int) -> None:
        """Note that somebody used it."""

    async def hear(self, token_hash: bytes, at: int) -> None:
        """Note that its page is open, whether or not anybody uses it."""

    async def end(self, token_hash: bytes) -> None:
        """Forget it."""

    async def present(self, since: int) -> int:
        """How many members of staff were seen or heard of at this moment or later."""


class DeskKeys(Protocol):
    """The desk's keys and who holds a share."""

    async def add(self, key: DeskKey) -> None:
        """Write a new epoch."""

    async def current(self) -> DeskKey | None:
        """The epoch that new conversations are sealed to."""

    async def all(self) -> Sequence[DeskKey]:
        """Every epoch, oldest first."""

    async def share(self, shares: Sequence[DeskShare]) -> None:
        """Write shares; one that exists already stays as it is."""

    async def shares(self, staff: str | None = None) -> Sequence[DeskShare]:
        """The shares of one member, or all."""


class AuditTrail(Protocol):
    """The chain of what people did."""

    async def head(self) -> tuple[int, bytes]:
        """Number and link of the newest record, locked until the transaction ends; ``(0, b"")`` at first."""

    async def append(self, records: Sequence[tuple[AuditRecord, bytes]]) -> None:
        """Write the next records, each with its link."""

    async def read(self, after: int = 0, limit: int = 1000) -> Sequence[tuple[AuditRecord, bytes]]:
        """Records in order."""


class Labels(Protocol):
    """What people made of the machine's assessments."""

    async def put(self, labels: Sequence[Label]) -> None:
        """Write new labels."""

    async def since(self, at: int) -> Sequence[Label]:
        """Labels of this moment or later, in order of time."""

    async def assessed(self, after: tuple[int, str, int], limit: int) -> Sequence[Assessed]:
        """The next assessments after a mark (time, conversation, entry), in that order."""


class Transaction(Protocol):
    """Everything that can be changed together."""

    @property
    def claims(self) -> Claims: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def addresses(self) -> Addresses: ...
    @property
    def recovery(self) -> RecoveryCodes: ...
    @property
    def entries(self) -> Entries: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def shown(self) -> Shown: ...
    @property
    def sent(self) -> SentBook: ...
    @property
    def staff(self) -> StaffBook: ...
    @property
    def phones(self) -> Phones: ...
    @property
    def sessions(self) -> StaffSessions: ...
    @property
    def desk_keys(self) -> DeskKeys: ...
    @property
    def audit(self) -> AuditTrail: ...
    @property
    def labels(self) -> Labels: ...


class Store(Protocol):
    """A home for conversations."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction: commits when the block ends, rolls back when it raises."""

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """A consistent look that changes nothing and blocks nobody."""

    async def close(self) -> None:
        """Let go of every connection."""
