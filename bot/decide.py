"""Understanding, decision and transaction 2: what a message means, and what follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.batch import Batcher
from bot.dialogue import Act, Scene, choose
from bot.lanes import Lanes
from bot.tools import Tools
from bot.triage import Assessment, Situation, assess
from handoff.conversation import (
    AssessmentRecord,
    Author,
    Conversation,
    Entry,
    InboxItem,
    Phase,
    Talk,
)
from handoff.ledger import Deed
from handoff.letter import Letter, posted
from handoff.risk import Risk
from handoff.store.ports import PRESENT_FOR, Transaction
from nlu.ensemble import unread
from nlu.understanding import Lang, Understanding
from vault.entries import EntryBody, seal_entry
from vault.places import EntryPlace
from vault.secret import SecretText

REMEMBERED = 40
TURN_TRIES = 40
TURN_WAIT = 0.05


@dataclass(frozen=True, slots=True)
class Undecided:
    """An entry to be decided and its text."""

    conversation: str
    seq: int
    text: SecretText = field(repr=False)
    lang: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The conversation after a decision, and the bot's answer if it gave one."""

    conversation: Conversation
    answer: Letter | None


@dataclass(frozen=True, slots=True)
class _Case:
    conversation: str
    seq: int
    understanding: Understanding


class NotYet(Exception):
    """An earlier message of this conversation is still undecided (in another process)."""


class Decider:
    """Decides entries, one visitor's in order, many visitors' together."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lanes = Lanes()
        self._batcher: Batcher[_Case, Decided | NotYet | None] = Batcher(self._settle)

    async def decide(self, item: Undecided) -> Decided | None:
        """Decide one entry. ``None``: it was decided before."""
        async with self._lanes.turn(item.conversation):
            understanding = await self._tools.ensemble.understand(item.text.reveal(), _spoken(item.lang))
            return await self._submit(_Case(item.conversation, item.seq, understanding))

    async def hand_over(self, conversation: str, seq: int, lang: str) -> Decided | None:
        """Decide without understanding: whatever it says, a person must look."""
        async with self._lanes.turn(conversation):
            return await self._submit(_Case(conversation, seq, unread(_spoken(lang))))

    async def _submit(self, case: _Case) -> Decided | None:
        for _ in range(TURN_TRIES):
            outcome = await self._batcher.submit(case)
            if not isinstance(outcome, NotYet):
                if outcome is not None:
                    await self._tools.bell.ring(case.conversation)
                return outcome
            await asyncio.sleep(TURN_WAIT)
        raise NotYet

    async def _settle(self, cases: Sequence[_Case]) -> list[Decided | NotYet | None]:
        async with self._tools.store.begin() as tx:
            ids = sorted({case.conversation for case in cases})
            conversations = await tx.conversations.lock(ids)
            first: dict[str, int] = {}
            waiting: set[tuple[str, int]] = set()
            for item in await tx.inbox.of(ids):
                first.setdefault(item.conversation, item.seq)
                waiting.add((item.conversation, item.seq))
            on_duty = await tx.sessions.present(self._tools.now() - PRESENT_FOR) > 0
            sheet = _Sheet(self._tools, self._tools.now(), on_duty)
            outcomes: list[Decided | NotYet | None] = []
            for case in cases:
                if (case.conversation, case.seq) not in waiting:
                    outcomes.append(None)
                elif first[case.conversation] != case.seq:
                    outcomes.append(NotYet())
                else:
                    outcomes.append(sheet.decide(conversations[case.conversation], case))
            await sheet.write(tx)
        return outcomes


class _Sheet:
    """One batch of decisions: what will be written."""

    def __init__(self, tools: Tools, at: int, on_duty: bool) -> None:
        self._tools = tools
        self._at = at
        self._on_duty = on_duty
        self._conversations: list[Conversation] = []
        self._records: list[AssessmentRecord] = []
        self._entries: list[Entry] = []
        self._letters: list[Letter] = []
        self._deeds: list[Deed] = []
        self._done: list[InboxItem] = []

    def decide(self, conversation: Conversation, case: _Case) -> Decided:
        """Apply the pure decisions to one conversation."""
        assessment = assess(case.understanding, _situation(conversation))
        act = choose(assessment, self._scene(conversation))
        after = self._moved(conversation, assessment, act)
        letter = None
        if act.says:
            letter = self._answer(after, act)
            after = replace(after, next_seq=after.next_seq + 1)
        self._conversations.append(after)
        self._records.append(_record(case, assessment, self._at))
        self._done.append(InboxItem(case.conversation, case.seq, b"", 0))
        return Decided(after, letter)

    async def write(self, tx: Transaction) -> None:
        """Write everything in one go."""
        await tx.conversations.save(self._conversations)
        await tx.entries.assess(self._records)
        await tx.entries.append(self._entries)
        await tx.outbox.put([posted(self._tools.ring, letter, self._at) for letter in self._letters])
        await tx.inbox.drop(self._done)
        await self._tools.ledger.write(tx, self._deeds)

    def _moved(self, conversation: Conversation, assessment: Assessment, act: Act) -> Conversation:
        talk = Talk((conversation.talk.said + act.says)[-REMEMBERED:], act.asks, conversation.talk.turn + 1)
        risk = max(conversation.risk, assessment.risk)
        phase, since = conversation.phase, conversation.waiting_since
        if phase is Phase.CLOSED:  # writing again opens it anew
            phase, since = Phase.WITH_BOT, None
        if phase is Phase.WITH_BOT and act.handoff:
            phase, since = Phase.WAITING, self._at
            self._deed("queued", conversation, risk)
        elif risk > conversation.risk:
            self._deed("raised", conversation, risk)
        return replace(
            conversation,
            phase=phase,
            waiting_since=since,
            closed_at=None,
            risk=risk,
            topic=assessment.topic,
            intent=assessment.intent,
            model=assessment.model,
            talk=talk,
        )

    def _scene(self, conversation: Conversation) -> Scene:
        talk = conversation.talk
        return Scene(conversation.lang, conversation.phase, talk.said, talk.asked, talk.turn, self._on_duty)

    def _deed(self, action: str, conversation: Conversation, risk: Risk) -> None:
        detail = {"from": conversation.risk.word, "to": risk.word}
        self._deeds.append(Deed(self._at, "bot", action, conversation.id, detail))

    def _answer(self, conversation: Conversation, act: Act) -> Letter:
        tools, seq = self._tools, conversation.next_seq
        texts = tuple(text for id in act.says for text in tools.content.render(id, conversation.lang))
        place = EntryPlace(conversation.id, seq, Author.BOT)
        sealed = seal_entry(conversation.public_key, EntryBody(texts, act.says), place)
        self._entries.append(Entry(conversation.id, seq, Author.BOT, self._at, sealed))
        letter = Letter(tools.new_id(), conversation.id, seq, conversation.channel, texts, act.quick)
        self._letters.append(letter)
        return letter


def _spoken(lang: str) -> Lang:
    return "en" if lang == "en" else "ko"


def _situation(conversation: Conversation) -> Situation:
    fresh = conversation.talk.turn == 0
    return Situation(
        risk=None if fresh else conversation.risk,
        topic=None if fresh else conversation.topic,
        asked=conversation.talk.asked,
        turn=conversation.talk.turn,
    )


def _record(case: _Case, assessment: Assessment, at: int) -> AssessmentRecord:
    return AssessmentRecord(
        conversation=case.conversation,
        seq=case.seq,
        at=at,
        risk=assessment.risk,
        topic=assessment.topic,
        intent=assessment.intent,
        confidence=assessment.confidence,
        reasons=assessment.reasons,
        model=assessment.model,
    )
