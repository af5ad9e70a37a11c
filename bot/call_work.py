"""One step of one call under way: its conversation, locked, and what will be written with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.intake import NotReady
from bot.tools import Tools
from handoff.conversation import (
    Address,
    AssessmentRecord,
    Author,
    Claim,
    ClaimKey,
    Conversation,
    Entry,
    Phase,
)
from handoff.ledger import Deed
from handoff.risk import Risk, Topic
from handoff.store.ports import Transaction
from vault.desk import new_conversation_key
from vault.entries import EntryBody, seal_entry
from vault.places import EntryPlace

VOICE = "voice"
LONGEST_TALK = 4 * 3_600_000
STAFF_READS = "ko"
WHY = "context:a-call"
"""The reason for a call's risk: no machine can judge a voice, so a person must."""


class CallWork:
    """One step under way: the conversation as it will be, and what will be written."""

    def __init__(self, tools: Tools, tx: Transaction) -> None:
        self._tools = tools
        self.tx = tx
        self.at = tools.now()
        self.unknown = False
        self.conversation: Conversation
        self._call = ""
        self._changed = False
        self._entries: list[Entry] = []
        self._records: list[AssessmentRecord] = []
        self._deeds: list[Deed] = []

    async def find_call(self, call: str, lang: str | None, *, opens: bool) -> None:
        """The call's conversation, locked, or a new one."""
        self._call = call
        index = self._tools.index.of(f"address/{VOICE}", call)
        address = (await self.tx.addresses.find([index])).get(index)
        if address is None:
            self.unknown = not opens
            if opens:
                await self._open(index, lang or "ko")
            return
        known = await self.tx.conversations.lock([address.conversation])
        self.conversation = known[address.conversation]
        if lang is not None and lang != self.conversation.lang:
            self.change(lang=lang)

    async def once(self, step: str, seq: int | None = None) -> bool:
        """Whether this step of this call happens for the first time."""
        seq = self.conversation.next_seq if seq is None else seq
        claim = Claim(self._key(self._call, step), self.conversation.id, seq, self.at)
        return bool(await self.tx.claims.take([claim]))

    async def find(self, step: str) -> Claim | None:
        """What is kept of this step."""
        key = self._key(self._call, step)
        return (await self.tx.claims.find([key])).get(key)

    async def was(self, step: str) -> bool:
        """Whether this step of this call happened before."""
        return await self.find(step) is not None

    async def end(self) -> bool:
        """Mark the call as over; ``False`` when it was before."""
        await self.tx.claims.take(
            [Claim(self._key(self.conversation.id, "over"), self.conversation.id, 0, self.at)]
        )
        return await self.once("over")

    async def picked_up(self, staff: Sequence[str]) -> set[str]:
        """Whose phones picked up in this call before, without anybody pressing 1."""
        keys = {self._key(self._call, f"picked/{one}"): one for one in staff}
        return {keys[key] for key in await self.tx.claims.find(list(keys))}

    async def talking(self) -> set[str]:
        """Who holds another call that is still going on (or whose end we were not told for hours)."""
        held = await self.tx.conversations.in_phase([Phase.CLAIMED])
        since = self.at - LONGEST_TALK
        calls = {
            value.id: value.holder
            for value in held
            if value.channel == VOICE and value.holder and (value.claimed_at or 0) > since
        }
        calls.pop(self.conversation.id, None)
        over = {self._key(id, "over"): id for id in calls}
        for key in await self.tx.claims.find(list(over)):
            calls.pop(over[key], None)
        return set(calls.values())

    def say(self, words: str, extra: str = "", also: tuple[str, ...] = ()) -> None:
        """A line for staff in constant words, with a name or a count behind them."""
        text = " ".join(self._tools.content.render(words, STAFF_READS))
        seq = self.conversation.next_seq
        body = EntryBody((f"{text} ({extra})" if extra else text, *also))
        place = EntryPlace(self.conversation.id, seq, Author.SYSTEM)
        sealed = seal_entry(self.conversation.public_key, body, place)
        self._entries.append(Entry(self.conversation.id, seq, Author.SYSTEM, self.at, sealed))
        self.change(next_seq=seq + 1, last_at=self.at)

    def deed(self, action: str, actor: str = "bot", **detail: str) -> None:
        """Something for the chain."""
        self._deeds.append(Deed(self.at, actor, action, self.conversation.id, detail))

    def queue(self, *, gone: bool) -> None:
        """A person is wanted: into the queue, at high risk. ``gone``: the caller is no longer there."""
        before = self.conversation
        if before.phase not in {Phase.WITH_BOT, Phase.CLOSED}:
            return
        risk, seq = max(before.risk, Risk.HIGH), before.next_seq - 1
        self._records.append(
            AssessmentRecord(before.id, seq, self.at, risk, Topic.HUMAN, None, 0.0, (WHY,), "off")
        )
        self.deed("queued", **{"from": before.risk.word, "to": risk.word})
        self.change(phase=Phase.WAITING, waiting_since=self.at, closed_at=None, risk=risk, topic=Topic.HUMAN)
        if gone:
            self.say("voice.log.hung_up")

    def claim(self, staff: str) -> None:
        """Who took the call holds the conversation, also when somebody else had claimed it at the console."""
        before = self.conversation
        detail = {"by": "phone"} | ({"from": before.holder} if before.holder not in {None, staff} else {})
        self.deed("claim", staff, **{key: str(value) for key, value in detail.items()})
        self.change(
            phase=Phase.CLAIMED,
            holder=staff,
            claimed_at=self.at,
            closed_at=None,
            waiting_since=self.at if before.waiting_since is None else before.waiting_since,
        )

    def give_back(self) -> None:
        """Nobody talks with the caller after all: back into the queue, where it keeps its place."""
        if self.conversation.phase is Phase.CLAIMED:
            self.deed("release", str(self.conversation.holder), by="phone")
            self.change(phase=Phase.WAITING, holder=None, claimed_at=None)

    def change(self, **changes: object) -> None:
        """Change the conversation."""
        self.conversation = replace(self.conversation, **changes)  # type: ignore[arg-type]  # names checked by replace
        self._changed = True

    async def write(self) -> None:
        """Write everything."""
        if self._changed:
            await self.tx.conversations.save([self.conversation])
        await self.tx.entries.append(self._entries)
        await self.tx.entries.assess(self._records)
        await self._tools.ledger.write(self.tx, self._deeds)

    async def _open(self, index: bytes, lang: str) -> None:
        desk = await self.tx.desk_keys.current()
        if desk is None:
            raise NotReady("no staff has been added yet")
        id = self._tools.new_id()
        key = new_conversation_key(desk.public_key, desk.epoch, id)
        self.conversation = Conversation(
            id=id,
            channel=VOICE,
            lang=lang,
            opened_at=self.at,
            last_at=self.at,
            desk_epoch=desk.epoch,
            public_key=key.public_key,
            sealed_key=key.sealed_private,
        )
        await self.tx.conversations.add([self.conversation])
        await self.tx.addresses.add([Address(VOICE, index, id, None, None, self.at)])

    def _key(self, call: str, step: str) -> ClaimKey:
        return ClaimKey(VOICE, self._tools.index.of(f"event/{VOICE}", f"{call}/{step}"))
