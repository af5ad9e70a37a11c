"""The visitor's own view: what was said, what is new, how long the wait may be, and the way back.

The server holds no key to a transcript. A web session's cookie does: with it the server opens that one
thread for the length of one request. A session that came back by recovery code holds no key, and is
shown only what had not been shown before: whoever finds the code learns nothing of what was said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.decide import Decided
from bot.listen import Listener
from bot.tools import Tools
from channels.port import InboundMessage, Line, QuickReply, Standing, View
from handoff.bell import Rings
from handoff.conversation import Address, Author, Conversation, Entry, Phase
from handoff.letter import Letter, opened
from handoff.queue import wait_of
from handoff.store.ports import PRESENT_FOR, Store, Transaction
from vault.entries import open_entry
from vault.errors import VaultError
from vault.places import EntryPlace
from vault.recovery import code_index, new_code
from vault.secret import SecretText
from vault.session import open_for_session

WEB = "web"
ANSWER_WITHIN = 2.5
QUEUE_KEPT = 3_000
QUEUE_MOVES_TOLD = 10.0


class Threads:
    """Implements the channel ports ``Reception`` and ``Recovery``."""

    def __init__(self, tools: Tools, listener: Listener) -> None:
        self._tools = tools
        self._listener = listener
        self._queue = _QueueView(tools)

    async def say(self, message: InboundMessage, seen: int) -> View:
        """Take a message in and wait a little for the answer. Raises ``Busy``."""
        accepted = await self._listener.accept(message, seen)
        received, decided = accepted.received, None
        if accepted.decision is not None:
            await asyncio.wait([accepted.decision], timeout=ANSWER_WITHIN)
            decided = accepted.decision.result() if accepted.decision.done() else None
        if decided is None or received.seq != seen + 1:  # something else is new too: show it in order
            view = await self.thread(message.address, seen)
            return View(
                view.lines if view else (), view.standing if view else Standing("with_bot"), received.seq
            )
        standing = await self._queue.standing(decided.conversation)
        return View(self._answer(decided), standing, received.seq)

    async def thread(self, token: str, after: int) -> View | None:
        """What this session may see after an entry; everything up to it counts as shown."""
        async with self._tools.store.read() as tx:
            found = await self._session(tx, token)
            if found is None:
                return None
            address, conversation = found
            entries = await tx.entries.of(conversation.id, after)
            items = [item for item in await tx.outbox.of(conversation.id) if item.channel == WEB]
        if any(item.seq <= after for item in items):
            async with self._tools.store.begin() as tx:
                await tx.shown.up_to({conversation.id: after}, WEB)
        letters = {item.seq: opened(self._tools.ring, item) for item in items}
        key = _key(token, address)
        lines: list[Line | None] = [self._line(entry, letters, key, conversation.lang) for entry in entries]
        if conversation.sealed_key is None:  # of an erased one only the farewell is left, without an entry
            lines = [
                self._farewell(letter, conversation) for letter in letters.values() if letter.seq > after
            ]
        standing = await self._queue.standing(conversation)
        return View(tuple(line for line in lines if line is not None), standing)

    @asynccontextmanager
    async def changes(self, token: str) -> AsyncIterator[_ThreadChanges | None]:
        """Hear when this session's thread changes."""
        async with self._tools.store.read() as tx:
            found = await self._session(tx, token)
        if found is None:
            yield None
            return
        async with self._tools.bell.listen(found[1].id) as rings:
            yield _ThreadChanges(rings, self._queue, self._tools.store, found[1].id)

    async def new_code(self, token: str, lang: str) -> str | None:
        """A fresh recovery code; only its keyed hash is kept."""
        code = await asyncio.to_thread(new_code, lang)
        async with self._tools.store.begin() as tx:
            found = await self._session(tx, token)
            if found is None or not await _is_kept(tx, found[1].id):
                return None
            await tx.recovery.put(code_index(self._tools.index, code), found[1].id, self._tools.now())
        return code.reveal()

    async def enter(self, code: str, token: str) -> View | None:
        """Let a new session continue where the code leads. ``None``: it leads nowhere."""
        async with self._tools.store.begin() as tx:
            conversation = await tx.recovery.find(code_index(self._tools.index, SecretText(code)))
            if conversation is None or not await _is_kept(tx, conversation):
                return None
            index = self._tools.index.of(f"address/{WEB}", token)
            await tx.addresses.add([Address(WEB, index, conversation, None, None, self._tools.now())])
        return await self.thread(token, 0)

    async def leave(self, token: str) -> None:
        """Forget this session."""
        async with self._tools.store.begin() as tx:
            found = await self._session(tx, token)
            await tx.addresses.remove(self._tools.index.of(f"address/{WEB}", token))
        if found is not None:
            await self._tools.bell.ring(found[1].id)  # other tabs of this browser look, and are empty too

    async def _session(self, tx: Transaction, token: str) -> tuple[Address, Conversation] | None:
        index = self._tools.index.of(f"address/{WEB}", token)
        address = (await tx.addresses.find([index])).get(index)
        if address is None:
            return None
        conversation = await tx.conversations.find(address.conversation)
        return None if conversation is None else (address, conversation)

    def _answer(self, decided: Decided) -> tuple[Line, ...]:
        letter = decided.answer
        if letter is None:
            return ()
        at = _when(decided.conversation.last_at)
        return (Line(letter.seq, "bot", at, letter.texts, self._quick(letter, decided.conversation.lang)),)

    def _farewell(self, letter: Letter, conversation: Conversation) -> Line:
        at = _when(conversation.closed_at or conversation.last_at)
        return Line(letter.seq, "bot", at, letter.texts, self._quick(letter, conversation.lang))

    def _line(self, entry: Entry, letters: Mapping[int, Letter], key: bytes | None, lang: str) -> Line | None:
        if entry.author is Author.NOTE:
            return None
        letter = letters.get(entry.seq)
        if letter is not None:
            return Line(entry.seq, entry.author, _when(entry.at), letter.texts, self._quick(letter, lang))
        if key is None:
            return None
        body = open_entry(key, entry.sealed, EntryPlace(entry.conversation, entry.seq, entry.author))
        return Line(entry.seq, entry.author, _when(entry.at), body.texts)

    def _quick(self, letter: Letter, lang: str) -> tuple[QuickReply, ...]:
        return tuple(
            QuickReply(reply.label, reply.say) for reply in self._tools.content.quick(letter.quick, lang)
        )


@dataclass(slots=True)
class _ThreadChanges:
    _rings: Rings = field(repr=False)
    _queue: _QueueView = field(repr=False)
    _store: Store = field(repr=False)
    _conversation: str
    _told: tuple[int, str, Standing | None] | None = None

    async def next(self) -> bool:
        """Wait for a ring, or for another place in the queue; ``False`` when the bell is closed."""
        while True:
            try:
                return await asyncio.wait_for(self._rings.next(), QUEUE_MOVES_TOLD) is not None
            except TimeoutError:
                now = await self._look()
                if now != self._told:
                    self._told = now
                    return True

    async def _look(self) -> tuple[int, str, Standing | None]:
        """What a ring would have told: it may have been lost between two processes."""
        async with self._store.read() as tx:
            found = await tx.conversations.find(self._conversation)
        waiting = await self._queue.waiting(self._conversation)
        return (found.next_seq, found.phase, waiting) if found else (0, "none", None)


class _QueueView:
    """The queue as of at most three seconds ago: asked for by every page, read once."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._read_at = -QUEUE_KEPT
        self._queue: tuple[Conversation, ...] = ()
        self._present = 0

    async def standing(self, conversation: Conversation) -> Standing:
        """What may truthfully be said about this conversation."""
        if conversation.phase is not Phase.WAITING:
            return Standing(conversation.phase)
        await self._look()
        wait = wait_of(conversation, self._queue, self._present)
        return Standing(conversation.phase, wait.ahead, wait.minutes)

    async def waiting(self, id: str) -> Standing | None:
        """The same for a conversation in the queue; ``None`` when it is not (any more)."""
        await self._look()
        found = next((value for value in self._queue if value.id == id), None)
        return await self.standing(found) if found is not None else None

    async def _look(self) -> None:
        now = self._tools.now()
        if now - self._read_at < QUEUE_KEPT:
            return
        self._read_at = now
        async with self._tools.store.read() as tx:
            self._queue = tuple(await tx.conversations.in_phase([Phase.WAITING, Phase.CLAIMED]))
            self._present = await tx.sessions.present(now - PRESENT_FOR)


async def _is_kept(tx: Transaction, conversation: str) -> bool:
    """Whether it was not erased; it cannot be until this transaction ends."""
    found = (await tx.conversations.lock([conversation])).get(conversation)
    return found is not None and found.sealed_key is not None


def _key(token: str, address: Address) -> bytes | None:
    if address.sealed_key is None:
        return None
    try:
        return open_for_session(SecretText(token), address.conversation, address.sealed_key)
    except VaultError:
        return None


def _when(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
