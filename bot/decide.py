"""Understanding, decision and transaction 2: what a message means, and what follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.batch import Batcher
from bot.context import Before, fresh, in_context, kind, remembered, seen_in, speaker
from bot.dialogue import choose
from bot.guidance_map import notes_for
from bot.lanes import Lanes
from bot.marks import SAYS, Mark, in_inbox, inbox_place, wipe_asked
from bot.scene import Act, Scene
from bot.tools import Tools
from bot.triage import Assessment, Situation, assess, believed
from handoff.conversation import (
    AssessmentRecord,
    Author,
    Conversation,
    Entry,
    InboxItem,
    OutboxItem,
    Phase,
    Speaker,
    Talk,
)
from handoff.ledger import Deed
from handoff.letter import Letter, posted
from handoff.risk import Risk, Topic
from handoff.store.ports import PRESENT_FOR, Transaction
from nlu.ensemble import unread
from nlu.understanding import Lang, Understanding
from vault.entries import EntryBody, seal_entry
from vault.errors import VaultError
from vault.places import EntryPlace
from vault.secret import SecretText

REMEMBERED = 40
TURN_TRIES = 40
DEVICE_MATTERS = frozenset({"kakao", "telegram", "sms"})
TURN_WAIT = 0.05


@dataclass(frozen=True, slots=True)
class Undecided:
    """An entry to be decided and its text. ``hold``: milliseconds for which the answer is not pushed."""

    conversation: str
    seq: int
    text: SecretText = field(repr=False)
    lang: str
    hold: int = 0


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
    signs: frozenset[str] = frozenset()
    mark: Mark | None = None
    hold: int = 0
    more: bool = False  # further words came in behind it


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
            text = item.text.reveal()
            mark = in_inbox(text)
            if mark is not None:
                asked = wipe_asked(_spoken(item.lang)) if mark is Mark.WIPE else unread(_spoken(item.lang))
                return await self._submit(
                    _Case(item.conversation, item.seq, asked, mark=mark, hold=item.hold)
                )
            understanding = await self._tools.ensemble.understand(text, _spoken(item.lang))
            signs = seen_in(understanding, self._tools.content.signs.read(text))
            return await self._submit(
                _Case(item.conversation, item.seq, understanding, signs, hold=item.hold)
            )

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
            more: set[str] = set()
            for item in await tx.inbox.of(ids):
                if item.conversation in first and self._has_words(item):
                    more.add(item.conversation)
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
                    last = replace(case, more=case.conversation in more)
                    outcomes.append(sheet.decide(conversations[case.conversation], last))
            await sheet.write(tx)
        return outcomes

    def _has_words(self, item: InboxItem) -> bool:
        """Whether a person's words wait to be read; what does not open may be words."""
        place = inbox_place(item.conversation, item.seq)
        try:
            mark = in_inbox(self._tools.ring.open_text(place, item.sealed_text).reveal())
        except VaultError:
            return True
        return mark in {None, Mark.MEDIA}


class _Sheet:
    """One batch of decisions: what will be written."""

    def __init__(self, tools: Tools, at: int, on_duty: bool) -> None:
        self._tools = tools
        self._at = at
        self._on_duty = on_duty
        self._conversations: list[Conversation] = []
        self._records: list[AssessmentRecord] = []
        self._entries: list[Entry] = []
        self._letters: list[OutboxItem] = []
        self._deeds: list[Deed] = []
        self._done: list[InboxItem] = []
        self._erased: list[str] = []

    def decide(self, conversation: Conversation, case: _Case) -> Decided:
        """Apply the pure decisions to one conversation."""
        self._done.append(InboxItem(case.conversation, case.seq, b"", 0))
        if case.mark in SAYS:
            return self._answered(self._marked(conversation, case.mark), Act(SAYS[case.mark]), case)
        talk, at = conversation.talk, self._at
        signs = self._tools.content.signs
        before = Before(fresh(talk.hints, at), conversation.risk, talk.lesson is not None)
        understanding = in_context(case.understanding, case.signs, before, signs.joined)
        assessment = assess(understanding, _situation(conversation))
        writes = speaker(talk.speaker, case.signs, understanding, assessment.topic)
        scene = self._scene(conversation, case, writes)
        act = _with_device_question(choose(assessment, scene), conversation)
        if act.erases and case.more:  # erasing would destroy words that nobody has read: ask once more
            act = Act(("wipe.ask",), "wipe_sure", quick=("erase", "keep"))
        if act.found is not None:
            assessment = believed(assessment, act.found, Topic.GROOMING, "self-check")
        moved = self._moved(conversation, assessment, act)
        after = replace(moved, talk=self._talk(talk, case, assessment, (scene, act)))
        self._records.append(_record(case, assessment, self._at))
        return self._answered(self._without_key(after) if act.erases else after, act, case)

    def _answered(self, after: Conversation, act: Act, case: _Case) -> Decided:
        letter = None
        if act.says:
            letter = self._answer(after, act, case.hold)
            after = replace(after, next_seq=after.next_seq + 1)
        self._conversations.append(after)
        return Decided(after, letter)

    def _marked(self, conversation: Conversation, mark: Mark) -> Conversation:
        """The conversation after something that is not to be read as words."""
        talk = conversation.talk
        said = replace(talk, said=(talk.said + SAYS[mark])[-REMEMBERED:])
        after = replace(conversation, talk=said)
        if after.phase is Phase.CLOSED and mark is not Mark.EXIT:
            after = replace(after, phase=Phase.WITH_BOT, closed_at=None)
        if mark is Mark.MEDIA and after.phase is Phase.WITH_BOT:  # nobody can read it: a person should ask
            risk = max(after.risk, Risk.MEDIUM)
            self._deed("queued", conversation, risk)
            topic = Topic.HUMAN if talk.turn == 0 else after.topic
            after = replace(after, phase=Phase.WAITING, waiting_since=self._at, risk=risk, topic=topic)
        return after

    def _without_key(self, conversation: Conversation) -> Conversation:
        """Erased: closed, and nobody can ever open what was said."""
        self._erased.append(conversation.id)
        self._deeds.append(Deed(self._at, "visitor", "erased", conversation.id))
        return replace(
            conversation,
            phase=Phase.CLOSED,
            sealed_key=None,
            holder=None,
            claimed_at=None,
            waiting_since=None,
            closed_at=self._at,
        )

    async def write(self, tx: Transaction) -> None:
        """Write everything in one go."""
        for id in self._erased:
            await tx.conversations.erase(id)
        await tx.conversations.save(self._conversations)
        await tx.entries.assess(self._records)
        await tx.entries.append(self._entries)
        await tx.outbox.put(self._letters)
        await tx.inbox.drop(self._done)
        await self._tools.ledger.write(tx, self._deeds)

    def _moved(self, conversation: Conversation, assessment: Assessment, act: Act) -> Conversation:
        risk = max(conversation.risk, assessment.risk)
        phase, since = conversation.phase, conversation.waiting_since
        if phase is Phase.CLOSED:  # writing again opens it anew
            phase, since = Phase.WITH_BOT, None
        if phase is Phase.WITH_BOT and act.handoff:
            phase, since = Phase.WAITING, self._at
            self._deed("queued", conversation, risk)
        elif risk > conversation.risk:
            self._deed("raised", conversation, risk)
        elif assessment.line is Risk.IMMINENT:  # again: whoever holds it and the supervisor are alarmed
            self._deed("alarmed", conversation, risk)
        return replace(
            conversation,
            phase=phase,
            waiting_since=since,
            closed_at=None,
            risk=risk,
            topic=assessment.topic,
            intent=assessment.intent,
            model=assessment.model,
        )

    def _talk(self, before: Talk, case: _Case, assessment: Assessment, step: tuple[Scene, Act]) -> Talk:
        """Where the dialogue stands after this line."""
        scene, act = step
        danger = assessment.line is Risk.IMMINENT
        return Talk(
            said=(before.said + act.says)[-REMEMBERED:],
            asked=act.asks,
            turn=before.turn + 1,
            hints=() if act.erases else remembered(before.hints, case.signs, self._at),
            notes=tuple(note for note in scene.notes if note not in act.says),
            speaker=scene.speaker,
            lesson=act.lesson,
            danger_seq=case.seq if danger else before.danger_seq,
        )

    def _scene(self, conversation: Conversation, case: _Case, speaker: Speaker) -> Scene:
        talk = conversation.talk
        due = (*talk.notes, *sorted(kind(case.signs, "note") - set(talk.notes)))
        return Scene(
            conversation.lang,
            conversation.phase,
            talk.said,
            talk.asked,
            talk.turn,
            self._on_duty,
            speaker=speaker,
            signs=case.signs,
            notes=notes_for(speaker, tuple(note for note in due if note not in talk.said)),
            lesson=talk.lesson,
            courses=self._tools.content.courses,
        )

    def _deed(self, action: str, conversation: Conversation, risk: Risk) -> None:
        detail = {"from": conversation.risk.word, "to": risk.word}
        self._deeds.append(Deed(self._at, "bot", action, conversation.id, detail))

    def _answer(self, conversation: Conversation, act: Act, hold: int) -> Letter:
        tools, seq = self._tools, conversation.next_seq
        texts = tuple(text for id in act.says for text in tools.content.render(id, conversation.lang))
        if conversation.sealed_key is not None:
            place = EntryPlace(conversation.id, seq, Author.BOT)
            sealed = seal_entry(conversation.public_key, EntryBody(texts, act.says), place)
            self._entries.append(Entry(conversation.id, seq, Author.BOT, self._at, sealed))
        letter = Letter(tools.new_id(), conversation.id, seq, conversation.channel, texts, act.quick)
        self._letters.append(posted(tools.ring, letter, self._at + hold))
        return letter


def _with_device_question(act: Act, conversation: Conversation) -> Act:
    """Ask once, early and when nothing more pressing is asked, whether others see the device."""
    talk = conversation.talk
    pushed = conversation.channel in DEVICE_MATTERS and conversation.phase is not Phase.CLAIMED
    asked = "device.ask" in talk.said or act.asks is not None or act.erases or act.lesson is not None
    if not pushed or asked or talk.turn == 0 or not act.says or conversation.risk is Risk.IMMINENT:
        return act
    quick = ("device_alone", "device_watched")
    return replace(act, says=(*act.says, "device.ask"), quick=quick)


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
        version=case.understanding.version,
    )
