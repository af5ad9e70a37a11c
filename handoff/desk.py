"""What counselors do to a conversation, each in one transaction.

Every action asks the permission table, changes the conversation, writes to the audit chain, and only
after the commit rings the bell. A form that is sent twice (same ``request_id``) does its work once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from handoff.bell import Bell
from handoff.conversation import (
    Author,
    Claim,
    ClaimKey,
    Conversation,
    Entry,
    Judgement,
    Label,
    Phase,
    Speaker,
    Talk,
)
from handoff.errors import Closed, Forbidden, NotFound, NotYours, Taken
from handoff.ledger import Deed, Ledger
from handoff.letter import Letter, posted
from handoff.people import DeskShare, Staff
from handoff.permissions import Action, Relation, allowed, relation
from handoff.risk import Risk, Topic
from handoff.store.ports import Store, Transaction
from vault.blindindex import BlindIndex
from vault.entries import EntryBody, seal_entry
from vault.keyring import ServiceKeyRing
from vault.places import EntryPlace
from vault.secret import SecretText

ONE_OPENING = 300_000
"""Reading the same transcript again within these milliseconds is the same opening."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the desk works with."""

    store: Store
    bell: Bell
    ring: ServiceKeyRing = field(repr=False)
    index: BlindIndex = field(repr=False)
    ledger: Ledger = field(repr=False)
    now: Callable[[], int]
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, about which conversation, and the id of the form that was sent."""

    staff: Staff
    conversation: str
    form: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note as the browser sealed it."""

    id: str
    sealed: bytes = field(repr=False)


class Desk:
    """Claim, reply, note, release, close, correct."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._opened: dict[tuple[str, str], int] = {}

    async def claim(self, request: Request) -> Conversation:
        """Take the conversation. Of any number of claims at once, one wins; the others get ``Taken``.

        Whoever holds it already gets it as it is: a second tab claims nothing twice.
        """
        async with self._work(request, Action.CLAIM) as work:
            if work.done:
                return work.conversation
            at = self._tools.now()
            waited = work.conversation.waiting_since
            return await work.save(
                phase=Phase.CLAIMED,
                holder=request.staff.id,
                claimed_at=at,
                waiting_since=at if waited is None else waited,
            )

    async def reply(self, request: Request, text: SecretText) -> Conversation:
        """Answer the visitor: sealed entry and outbox row together."""
        async with self._work(request, Action.REPLY) as work:
            if work.done:
                return work.conversation
            return await self._say(work, EntryBody((text.reveal(),)))

    async def note(self, request: Request, note: Note) -> Conversation:
        """Keep a note for staff. The server never sees its text."""
        async with self._work(request, Action.NOTE) as work:
            if work.done:
                return work.conversation
            seq = work.conversation.next_seq
            entry = Entry(
                request.conversation, seq, Author.NOTE, self._tools.now(), note.sealed, note_id=note.id
            )
            await work.tx.entries.append([entry])
            return await work.save(next_seq=seq + 1)

    async def release(self, request: Request) -> Conversation:
        """Put the conversation back into the queue, where it keeps its place in time."""
        async with self._work(request, Action.RELEASE) as work:
            if work.done:
                return work.conversation
            talk = replace(work.conversation.talk, asked=None)  # from then on a person asked
            return await work.save(phase=Phase.WAITING, holder=None, claimed_at=None, talk=talk)

    async def close(self, request: Request) -> Conversation:
        """End the conversation. The visitor may always write again, which opens it anew."""
        async with self._work(request, Action.CLOSE) as work:
            if work.done:
                return work.conversation
            return await work.save(
                phase=Phase.CLOSED,
                holder=None,
                claimed_at=None,
                waiting_since=None,
                closed_at=self._tools.now(),
                talk=replace(work.conversation.talk, asked=None, hints=(), notes=(), lesson=None),
            )

    async def correct(self, request: Request, risk: Risk, topic: Topic) -> Conversation:
        """Set risk and topic. Only a person may lower a risk; the chain keeps what it was.

        It is also kept as a label beside what the machine had said, without a word of the text.
        """
        async with self._work(request, Action.CORRECT, to=f"{risk.word}/{topic}") as work:
            if work.done:
                return work.conversation
            await work.tx.labels.put([await self._label(work, request.staff, Judgement(risk, topic))])
            return await work.save(risk=risk, topic=topic, talk=_retracked(work.conversation, topic))

    async def admit(self, supervisor: Staff, newcomer: str, shares: Sequence[DeskShare]) -> None:
        """Give a member of staff the desk's keys, sealed to them by a supervisor's browser."""
        if not allowed(Action.ADMIT, supervisor.role):
            raise Forbidden("only a supervisor admits")
        async with self._tools.store.begin() as tx:
            person = await tx.staff.find(newcomer)
            if person is None or person.disabled_at is not None:
                raise NotFound("no such member of staff")
            if not any(allowed(Action.OPEN, person.role, standing) for standing in Relation):
                raise Forbidden("this role opens no conversations")
            if any(share.staff != newcomer for share in shares):
                raise Forbidden("a share is for somebody else")
            held = {share.epoch for share in await tx.desk_keys.shares(newcomer)}
            new = {share.epoch for share in shares} - held
            if not new <= {key.epoch for key in await tx.desk_keys.all()}:
                raise NotFound("no such epoch of the desk")
            if not new:  # the same form again
                return
            await tx.desk_keys.share(shares)
            await self._tools.ledger.write(tx, [Deed(self._tools.now(), supervisor.id, "admitted", newcomer)])

    async def open(self, staff: Staff, conversation: str) -> Conversation:
        """Write to the chain that somebody opened the transcript. Raises like the others.

        A page that stays open reads again at every ring; that is one opening, not many.
        """
        at, reader = self._tools.now(), (staff.id, conversation)
        async with self._tools.store.begin() as tx:
            found = await tx.conversations.find(conversation)
            if found is None:
                raise NotFound("no such conversation")
            if not allowed(Action.OPEN, staff.role, relation(staff.id, found)):
                raise Forbidden("this conversation is held by somebody else")
            if at - self._opened.get(reader, -ONE_OPENING) >= ONE_OPENING:
                await self._tools.ledger.write(tx, [Deed(at, staff.id, "opened", conversation)])
        self._opened = {key: then for key, then in self._opened.items() if at - then < ONE_OPENING}
        self._opened.setdefault(reader, at)
        return found

    async def _label(self, work: _Work, staff: Staff, after: Judgement) -> Label:
        conversation = work.conversation
        records = await work.tx.entries.assessments(conversation.id)
        last = records[-1] if records else None
        return Label(
            id=self._tools.new_id(),
            conversation=conversation.id,
            seq=last.seq if last else 0,
            at=self._tools.now(),
            staff=staff.id,
            version=last.version if last else None,
            intent=last.intent if last else None,
            confidence=last.confidence if last else 0.0,
            before=Judgement(conversation.risk, conversation.topic),
            after=after,
        )

    async def _say(self, work: _Work, body: EntryBody) -> Conversation:
        conversation, at = work.conversation, self._tools.now()
        seq = conversation.next_seq
        place = EntryPlace(conversation.id, seq, Author.COUNSELOR)
        sealed = seal_entry(conversation.public_key, body, place)
        entry = Entry(conversation.id, seq, Author.COUNSELOR, at, sealed)
        letter = Letter(self._tools.new_id(), conversation.id, seq, conversation.channel, body.texts)
        await work.tx.entries.append([entry])
        await work.tx.outbox.put([posted(self._tools.ring, letter, at)])
        return await work.save(next_seq=seq + 1, last_at=at)

    @asynccontextmanager
    async def _work(self, request: Request, action: Action, **detail: str) -> AsyncIterator[_Work]:
        tools = self._tools
        async with tools.store.begin() as tx:
            found = (await tx.conversations.lock([request.conversation])).get(request.conversation)
            if found is None:
                raise NotFound("no such conversation")
            repeated = await self._repeated(tx, request, action, found.next_seq)
            work = _Work(tx, found, repeated or _holds_already(request.staff, action, found))
            if not work.done:
                _permit(request.staff, action, found)
                if action is Action.CORRECT:
                    detail["from"] = f"{found.risk.word}/{found.topic}"
                await tools.ledger.write(tx, [Deed(tools.now(), request.staff.id, action, found.id, detail)])
            yield work
        await tools.bell.ring(request.conversation)

    async def _repeated(self, tx: Transaction, request: Request, action: Action, seq: int) -> bool:
        tools = self._tools
        form = f"{request.staff.id}|{request.conversation}|{action}|{request.form}"
        key = ClaimKey("console", tools.index.of("form", form))
        taken = await tx.claims.take([Claim(key, request.conversation, seq, tools.now())])
        return not taken


class _Work:
    """One action under way: its transaction, the conversation, and whether it was done before."""

    def __init__(self, tx: Transaction, conversation: Conversation, done: bool) -> None:
        self.tx = tx
        self.conversation = conversation
        self.done = done

    async def save(self, **changes: object) -> Conversation:
        """Change the conversation."""
        self.conversation = replace(self.conversation, **changes)  # type: ignore[arg-type]  # names checked by replace
        await self.tx.conversations.save([self.conversation])
        return self.conversation


def _retracked(conversation: Conversation, topic: Topic) -> Talk:
    """Who the visitor is seen to be once a person has set the topic: that alone changes the track."""
    talk = conversation.talk
    if topic is Topic.OFFENDER:
        return replace(talk, speaker=Speaker.OFFENDER)
    return replace(talk, speaker=Speaker.SELF) if talk.speaker is Speaker.OFFENDER else talk


def _holds_already(staff: Staff, action: Action, conversation: Conversation) -> bool:
    mine = relation(staff.id, conversation) is Relation.HOLDER
    return action is Action.CLAIM and mine and allowed(action, staff.role, Relation.FREE)


def _permit(staff: Staff, action: Action, conversation: Conversation) -> None:
    if not any(allowed(action, staff.role, standing) for standing in Relation):
        raise Forbidden("your role may not do this")
    standing = relation(staff.id, conversation)
    if standing is Relation.WALLED and not allowed(Action.OPEN, staff.role, standing):
        raise Forbidden("a supervisor sees to this conversation")
    if conversation.sealed_key is None:
        raise Closed("the visitor has erased it")
    if action is Action.CLAIM and standing is Relation.OTHER:
        raise Taken("somebody else has claimed it")
    if conversation.phase is Phase.CLOSED and action is not Action.NOTE:
        raise Closed("the conversation is closed")
    if not allowed(action, staff.role, standing):
        raise NotYours("only its holder may do this")
    if conversation.phase is not Phase.CLAIMED and action in {Action.REPLY, Action.RELEASE, Action.CLOSE}:
        raise NotYours("claim it first")
