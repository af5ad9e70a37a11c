"""Staff, conversations and a whole desk for tests, with real keys and a clock that tests turn by hand."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from handoff.bell import Bell, LocalBell
from handoff.conversation import Conversation, Phase
from handoff.desk import Desk, Request, Tools
from handoff.ledger import Ledger
from handoff.people import DeskKey, DeskShare, Role, Staff
from handoff.risk import Risk, Topic
from handoff.store.memory import MemoryStore
from handoff.store.ports import Store
from vault import desk as desk_keys
from vault.blindindex import BlindIndex
from vault.keyring import ServiceKeyRing
from vault.keytext import new_key_text
from vault.sealing import KeyPair, new_key_pair
from vault.staffkeys import proof_hash

START = 1_795_000_000_000
"""A moment in milliseconds since 1970 UTC; tests start here."""

AUDIT_KEY = hashlib.sha256(b"audit key of the tests").digest()
INDEX_KEY = hashlib.sha256(b"index key of the tests").digest()
KEY_RING = f"k1:{new_key_text()}"


class Clock:
    """Milliseconds that pass only when a test says so."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def pass_by(self, milliseconds: int) -> None:
        self.at += milliseconds


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff and what only they know."""

    staff: Staff
    keys: KeyPair = field(repr=False)
    proof: bytes = field(repr=False)


def person(name: str, role: Role = Role.COUNSELOR) -> Person:
    """A member of staff whose proof is known, without the slow derivation from a passphrase."""
    keys, proof = new_key_pair(), name.encode().ljust(32, b"\1")
    staff = Staff(
        id=f"id-{name}",
        name=name,
        role=role,
        salt=name.encode().ljust(16, b"\2"),
        proof_hash=proof_hash(proof),
        public_key=keys.public,
        wrapped_private_key=b"wrapped " + name.encode(),
        created_at=START,
    )
    return Person(staff, keys, proof)


def index() -> BlindIndex:
    return BlindIndex(INDEX_KEY)


def ids() -> Iterator[str]:
    return (f"{number:032x}" for number in count(1))


def conversation(id: str = "c1", **changes: Any) -> Conversation:
    """A conversation with made-up keys: for stores and pure functions, which open nothing."""
    fresh = Conversation(
        id=id,
        channel="web",
        lang="ko",
        opened_at=START,
        last_at=START,
        desk_epoch=1,
        public_key=b"public " + id.encode(),
        sealed_key=b"sealed " + id.encode(),
    )
    return replace(fresh, **changes)


def waiting(id: str = "c1", since: int = START, risk: Risk = Risk.HIGH, **changes: Any) -> Conversation:
    """A conversation in the queue."""
    settled = {"phase": Phase.WAITING, "waiting_since": since, "risk": risk}
    return conversation(id, **(settled | changes))


@dataclass(frozen=True, slots=True)
class Room:
    """A desk with everything around it."""

    store: Store
    clock: Clock
    bell: Bell
    ring: ServiceKeyRing = field(repr=False)
    ledger: Ledger = field(repr=False)
    desk: Desk
    desk_key: desk_keys.DeskKey = field(repr=False)
    private: dict[str, bytes] = field(repr=False)

    async def seat(self, *people: Person, admitted: bool = True) -> None:
        """Add members of staff, admitted to the desk or not."""
        async with self.store.begin() as tx:
            for someone in people:
                await tx.staff.add(someone.staff)
                if admitted:
                    sealed = desk_keys.seal_share(self.desk_key, someone.staff.id, someone.staff.public_key)
                    await tx.desk_keys.share([DeskShare(self.desk_key.epoch, someone.staff.id, sealed)])

    async def open(self, id: str, **changes: Any) -> Conversation:
        """A waiting conversation whose private key the test keeps in ``private``."""
        epoch = self.desk_key.epoch
        key = desk_keys.new_conversation_key(self.desk_key.pair.public, epoch, id)
        self.private[id] = key.private
        changes.setdefault("public_key", key.public_key)
        changes.setdefault("sealed_key", key.sealed_private)
        value = waiting(id, **changes)
        async with self.store.begin() as tx:
            await tx.conversations.add([value])
        return value

    async def find(self, id: str) -> Conversation:
        async with self.store.read() as tx:
            found = await tx.conversations.find(id)
        assert found is not None
        return found

    async def deeds(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """What the chain says: actor, action, subject, detail."""
        async with self.store.read() as tx:
            return [(r.actor, r.action, r.subject, dict(r.detail)) for r, _ in await tx.audit.read()]

    async def broken(self) -> int | None:
        async with self.store.read() as tx:
            return await self.ledger.first_broken(tx)


async def room(store: Store | None = None, bell: Bell | None = None) -> Room:
    """A desk over this store (in memory unless given) with the first epoch of its keys."""
    store, bell, clock = store or MemoryStore(), bell or LocalBell(), Clock()
    ring, ledger, fresh = ServiceKeyRing.parse(KEY_RING), Ledger(AUDIT_KEY), ids()
    tools = Tools(store, bell, ring, index(), ledger, clock, lambda: next(fresh))
    key = desk_keys.new_desk_key(1)
    async with store.begin() as tx:
        await tx.desk_keys.add(DeskKey(1, key.pair.public, START))
    return Room(store, clock, bell, ring, ledger, Desk(tools), key, {})


_FORMS = count(1)


def request(who: Person | Staff, conversation: str = "c1", form: str | None = None) -> Request:
    """A form that was sent; a new one each time unless its id is given."""
    staff = who.staff if isinstance(who, Person) else who
    return Request(staff, conversation, form or f"form-{next(_FORMS)}")


async def soon(awaitable: Any, seconds: float = 2.0) -> Any:
    """The result, or a failure instead of hanging."""
    return await asyncio.wait_for(awaitable, seconds)


HARM = Topic.SPREAD_THREAT
