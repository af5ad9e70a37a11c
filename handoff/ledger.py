"""Writing to the audit chain: who did what to which conversation. Ids only, never text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from handoff.store.ports import Transaction
from vault.audit import GENESIS, AuditRecord, Link, link, verify


@dataclass(frozen=True, slots=True)
class Deed:
    """Somebody (a staff id, or ``bot``) did something to something, at this millisecond."""

    at: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)


class Ledger:
    """Adds deeds to the chain inside the caller's transaction."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def write(self, tx: Transaction, deeds: Sequence[Deed]) -> None:
        """Append the deeds in order."""
        if not deeds:
            return
        n, previous = await tx.audit.head()
        previous = previous or GENESIS
        linked = []
        for deed in deeds:
            n += 1
            at = datetime.fromtimestamp(deed.at / 1000, UTC)
            record = AuditRecord(n, at, deed.actor, deed.action, deed.subject, dict(deed.detail))
            previous = link(self._key, previous, record)
            linked.append((record, previous))
        await tx.audit.append(linked)

    async def first_broken(self, tx: Transaction) -> int | None:
        """Number of the first record that was changed, dropped or added outside; ``None`` when whole."""
        after, mac = 0, GENESIS
        while records := await tx.audit.read(after):
            broken = verify(self._key, [Link(record, stored) for record, stored in records], mac)
            if broken is not None:
                return records[broken][0].n
            after, mac = records[-1][0].n, records[-1][1]
        return None
