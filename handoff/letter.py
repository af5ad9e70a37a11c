"""An answer on its way to a visitor: what the outbox holds, sealed under the service key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from handoff.conversation import OutboxItem
from vault.keyring import Place, ServiceKeyRing
from vault.secret import SecretText


@dataclass(frozen=True, slots=True)
class Letter:
    """Short texts in order, and the ids of the quick replies offered with them."""

    id: str
    conversation: str
    seq: int
    channel: str
    texts: tuple[str, ...] = field(repr=False)
    quick: tuple[str, ...] = ()


def posted(ring: ServiceKeyRing, letter: Letter, due_at: int) -> OutboxItem:
    """The outbox row of a letter."""
    body = json.dumps({"t": letter.texts, "q": letter.quick}, ensure_ascii=False)
    sealed = ring.seal_text(_place(letter.id), SecretText(body))
    return OutboxItem(letter.id, letter.conversation, letter.seq, letter.channel, sealed, due_at)


def opened(ring: ServiceKeyRing, item: OutboxItem) -> Letter:
    """The letter of an outbox row. Raises the vault's errors."""
    body = json.loads(ring.open_text(_place(item.id), item.sealed_body).reveal())
    return Letter(item.id, item.conversation, item.seq, item.channel, tuple(body["t"]), tuple(body["q"]))


def _place(id: str) -> Place:
    return Place("outbox", id, "sealed_body")
