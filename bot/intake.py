"""Transaction 1: what came in is claimed, sealed and kept before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.marks import SHOWN, Mark, for_inbox, inbox_place
from bot.tools import Tools
from channels.port import InboundMessage, UnknownSession
from handoff.conversation import (
    Address,
    Author,
    Claim,
    ClaimKey,
    Conversation,
    Entry,
    InboxItem,
    Sent,
)
from handoff.errors import Conflict, StoreBusy
from handoff.people import DeskKey
from handoff.store.ports import Transaction
from vault.desk import new_conversation_key
from vault.entries import EntryBody, seal_entry
from vault.keyring import Place
from vault.places import EntryPlace
from vault.secret import SecretText
from vault.session import seal_for_session


class NotReady(StoreBusy):
    """No desk key exists yet: nobody could ever read what is written. Add staff first."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message with the keyed indexes it is known by, its language, and what the page has shown so far.

    ``mark``: it is not to be read as words.
    """

    message: InboundMessage
    key: ClaimKey
    address: bytes = field(repr=False)
    lang: str
    at: int
    seen: int = 0
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The entry a message became. ``fresh`` is false when the same event had come before."""

    conversation: str
    seq: int
    fresh: bool


async def receive(tools: Tools, arrivals: Sequence[Arrival]) -> list[Received]:
    """Take a batch in, in one commit. Raises ``StoreBusy``; then nothing was kept."""
    try:
        async with tools.store.begin() as tx:
            intake = await _Intake.prepare(tools, tx, arrivals)
            results = [intake.take(arrival) for arrival in arrivals]
            await intake.write(tx)
    except Conflict:  # another process wrote of the same new address first: now it is found
        raise StoreBusy("the same address came in twice at once") from None
    return results


async def held_addresses(
    tx: Transaction, indexes: Sequence[bytes], also: Sequence[str] = ()
) -> Mapping[bytes, Address]:
    """These addresses, with the conversations they lead to (and ``also``) locked: nobody else changes them.

    Raises ``StoreBusy`` when one of them was led elsewhere meanwhile.
    """
    before = await tx.addresses.find(indexes)
    await tx.conversations.lock(sorted({value.conversation for value in before.values()} | set(also)))
    held = await tx.addresses.find(indexes)
    if _leads(held) != _leads(before):
        raise StoreBusy("an address was led elsewhere at the same time")
    return held


def _leads(addresses: Mapping[bytes, Address]) -> dict[bytes, str]:
    return {index: value.conversation for index, value in addresses.items()}


def _spoken(arrival: Arrival, conversation: Conversation) -> str:
    """The language from here on. A photo, or a lone Latin word (STOP, ok), tells nothing of it."""
    text = arrival.message.text
    tells = arrival.message.lang is not None or len(text.split()) > 1 or not text.isascii()
    return arrival.lang if tells or conversation.next_seq == 1 else conversation.lang


def sent_record(tools: Tools, channel: str, conversation: str, seq: int, sent_id: str) -> Sent:
    """How a provider's message id is kept: found by a keyed index, opened only to delete the message."""
    index = tools.index.of(f"sent/{channel}", sent_id)
    sealed = tools.ring.seal_text(Place("sent", index.hex(), "sealed_id"), SecretText(sent_id))
    return Sent(channel, index, conversation, seq, sealed, tools.now())


class _Intake:
    """One batch under way: what is known, and what will be written."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._desk: DeskKey | None = None
        self._claims: dict[ClaimKey, Claim] = {}
        self._addresses: dict[bytes, Address] = {}
        self._conversations: dict[str, Conversation] = {}
        self._known: set[str] = set()
        self._new_claims: list[Claim] = []
        self._new_addresses: list[Address] = []
        self._changed: dict[bytes, Address] = {}
        self._heard: set[str] = set()
        self._sent: list[Sent] = []
        self._entries: list[Entry] = []
        self._inbox: list[InboxItem] = []
        self._marks: dict[str, int] = {}

    @classmethod
    async def prepare(cls, tools: Tools, tx: Transaction, arrivals: Sequence[Arrival]) -> _Intake:
        intake = cls(tools)
        intake._claims = dict(await tx.claims.find([arrival.key for arrival in arrivals]))
        indexes = list({arrival.address for arrival in arrivals})
        before = await tx.addresses.find(indexes)
        ids = set(_leads(before).values()) | {claim.conversation for claim in intake._claims.values()}
        intake._conversations = dict(await tx.conversations.lock(sorted(ids)))
        intake._addresses = dict(await tx.addresses.find(indexes)) if ids else {}
        if _leads(intake._addresses) != _leads(before):
            raise StoreBusy("an address was led elsewhere at the same time")
        intake._known = set(intake._conversations)
        erased = any(value.sealed_key is None for value in intake._conversations.values())
        if erased or any(arrival.address not in intake._addresses for arrival in arrivals):
            intake._desk = await tx.desk_keys.current()
        return intake

    def take(self, arrival: Arrival) -> Received:
        """Add one message to the batch, unless its event was claimed before."""
        claim = self._claims.get(arrival.key)
        if claim is not None:
            self._attach(arrival, claim.conversation)
            self._own(arrival, claim.conversation, claim.seq)
            return Received(claim.conversation, claim.seq, fresh=False)
        conversation = self._conversation(arrival)
        seq = conversation.next_seq
        self._conversations[conversation.id] = replace(
            conversation,
            next_seq=seq + 1,
            last_at=arrival.at,
            lang=_spoken(arrival, conversation),
            channel=arrival.message.channel,
        )
        self._keep(arrival, conversation, seq)
        return Received(conversation.id, seq, fresh=True)

    async def write(self, tx: Transaction) -> None:
        """Write the batch. Raises ``StoreBusy`` when another process claimed one of the events meanwhile."""
        taken = await tx.claims.take(self._new_claims)
        if len(taken) != len(self._new_claims):
            raise StoreBusy("the same event came in twice at once")
        new = [value for id, value in self._conversations.items() if id not in self._known]
        touched = {entry.conversation for entry in self._entries} & self._known
        await tx.conversations.add(new)
        await tx.conversations.save([self._conversations[id] for id in sorted(touched)])
        await tx.addresses.add(self._new_addresses)
        await tx.addresses.change(list(self._changed.values()))
        await tx.outbox.release(sorted(self._heard), self._tools.now())
        await tx.sent.put(self._sent)
        await tx.entries.append(self._entries)
        await tx.inbox.put(self._inbox)
        await tx.shown.up_to(self._marks, "web")

    def _keep(self, arrival: Arrival, conversation: Conversation, seq: int) -> None:
        text, mark = arrival.message.text, arrival.mark
        shown = self._tools.content.render(SHOWN[mark], arrival.lang) if mark in SHOWN else (text,)
        place = EntryPlace(conversation.id, seq, Author.VISITOR)
        sealed = seal_entry(conversation.public_key, EntryBody(shown), place)
        for_now = self._tools.ring.seal_text(
            inbox_place(conversation.id, seq), SecretText(for_inbox(text, mark))
        )
        claim = Claim(arrival.key, conversation.id, seq, arrival.at)
        self._claims[arrival.key] = claim
        self._new_claims.append(claim)
        self._entries.append(Entry(conversation.id, seq, Author.VISITOR, arrival.at, sealed))
        self._inbox.append(InboxItem(conversation.id, seq, for_now, arrival.at))
        if arrival.seen:
            self._marks[conversation.id] = arrival.seen
        if not arrival.message.token:
            self._hear(arrival, conversation.id, seq)

    def _hear(self, arrival: Arrival, conversation: str, seq: int) -> None:
        """Somebody who writes can be answered again; keep how, and what we may delete for them."""
        message, ring, row = arrival.message, self._tools.ring, arrival.address.hex()
        ticket = message.ticket and ring.seal_text(
            Place("address", row, "sealed_ticket"), SecretText(message.ticket)
        )
        known = self._addresses[arrival.address]
        self._heard.add(conversation)
        self._addresses[arrival.address] = self._changed[arrival.address] = replace(
            known,
            heard_at=arrival.at,
            shut="Quiet" if arrival.mark is Mark.EXIT else None,
            device=str(arrival.mark) if arrival.mark in {Mark.ALONE, Mark.WATCHED} else known.device,
            sealed_ticket=ticket or None,
            ticket_until=arrival.at + int(message.ticket_for * 1000) if ticket else None,
        )
        self._own(arrival, conversation, seq)

    def _own(self, arrival: Arrival, conversation: str, seq: int) -> None:
        """Keep what the provider calls the visitor's message: every picture of an album has its own id."""
        message = arrival.message
        if message.own_id:
            self._sent.append(sent_record(self._tools, message.channel, conversation, seq, message.own_id))

    def _conversation(self, arrival: Arrival) -> Conversation:
        address = self._addresses.get(arrival.address)
        if address is None:
            return self._open(arrival)
        conversation = self._conversations[address.conversation]
        return conversation if conversation.sealed_key is not None else self._open(arrival)

    def _open(self, arrival: Arrival) -> Conversation:
        if not arrival.message.opens:
            raise UnknownSession
        if self._desk is None:
            raise NotReady("no staff has been added yet")
        id = self._tools.new_id()
        key = new_conversation_key(self._desk.public_key, self._desk.epoch, id)
        conversation = Conversation(
            id=id,
            channel=arrival.message.channel,
            lang=arrival.lang,
            opened_at=arrival.at,
            last_at=arrival.at,
            desk_epoch=self._desk.epoch,
            public_key=key.public_key,
            sealed_key=key.sealed_private,
        )
        self._conversations[id] = conversation
        self._attach(arrival, id, key.private)
        return conversation

    def _attach(self, arrival: Arrival, conversation: str, private_key: bytes | None = None) -> None:
        """Let this address lead to the conversation. A replayed first message may bring a new token."""
        known = self._addresses.get(arrival.address)
        if known is not None and private_key is None:
            return
        message, sealed_address, sealed_key = arrival.message, None, None
        if not message.token:
            place = Place("address", arrival.address.hex(), "sealed_address")
            sealed_address = self._tools.ring.seal_text(place, SecretText(message.address))
        elif private_key is not None:
            sealed_key = seal_for_session(SecretText(message.address), conversation, private_key)
        address = Address(
            message.channel, arrival.address, conversation, sealed_address, sealed_key, arrival.at
        )
        self._addresses[arrival.address] = address
        if known is None:
            self._new_addresses.append(address)
        else:  # it led to a conversation that was erased
            self._changed[arrival.address] = address
