"""The house as a provider's webhook sees it: implements the channel port ``Intake``.

Before a message is taken in, the few words that are no words are recognised: the way out, the word that
erases, an answer about the device, a recovery code. Floods are slowed here, but never a message in which the
rules see danger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bot.intake import held_addresses
from bot.listen import Accepted, Listener
from bot.marks import Mark, of_media
from bot.tools import Tools
from channels.errors import Throttled
from channels.pace import Pace
from channels.port import Answer, Busy, Event, Gone, InboundMessage, Moved, QuickReply, Receipt
from handoff.conversation import Address, Claim, ClaimKey, DeliveryState, OutboxItem
from handoff.errors import Conflict, StoreBusy
from handoff.letter import Letter, opened
from handoff.store.ports import Transaction
from nlu.understanding import Worry
from vault.errors import VaultError
from vault.keyring import Place
from vault.recovery import code_index, looks_like_code
from vault.secret import SecretText

GIVEN_WITHIN = 10_000
SLOWS_FOR = 30.0
EARLY_RECEIPTS = 1_000
LOOKS_AGAIN = (2.0, 15.0)
LEASES_WITHIN = 500
ANSWER_LETTERS = 2_500
_REACHED = {"sent": 1, "delivered": 2, "read": 3, "failed": 3}

_log = structlog.get_logger("bot.hooks")


@dataclass(frozen=True, slots=True)
class Words:
    """What is recognised as no words, in lower case without spaces at its ends, and what it means."""

    marks: Mapping[str, Mark]
    digits: Mapping[str, Mark]

    @classmethod
    def of(cls, tools: Tools, exit_words: str, wipe_words: str) -> Words:
        """From the settings (comma between) and the buttons of the device question."""
        marks = dict.fromkeys(_split(exit_words), Mark.EXIT)
        marks |= dict.fromkeys(_split(wipe_words), Mark.WIPE)
        for lang in ("ko", "en"):
            alone, watched = tools.content.quick(("device_alone", "device_watched"), lang)
            marks |= {alone.say.lower(): Mark.ALONE, watched.say.lower(): Mark.WATCHED}
        return cls(marks, {"1": Mark.ALONE, "2": Mark.WATCHED})


@dataclass(frozen=True, slots=True)
class Paces:
    """How fast messages, codes and everything together may come in, and how often a flood is spoken of."""

    messages: Pace
    codes: Pace
    everything: Pace
    notices: Pace


@dataclass(frozen=True, slots=True)
class _Given:
    items: Sequence[OutboxItem]
    answer: Answer = field(repr=False)


class Hooks:
    """Takes in what providers bring, and answers in the response where a channel does."""

    def __init__(self, tools: Tools, listener: Listener, words: Words, paces: Paces) -> None:
        self._tools = tools
        self._listener = listener
        self._words = words
        self._paces = paces
        self._under_way: set[asyncio.Task[None]] = set()

    async def keep(self, event: Event) -> None:
        """Take an event in. Raises ``Busy``; then nothing was kept."""
        try:
            if isinstance(event, InboundMessage):
                await self._take(event, hold=0)
            elif isinstance(event, Gone):
                await self._gone(event)
            elif isinstance(event, Moved):
                await self._moved(event)
            else:
                await self._receipt(event)
        except (Conflict, StoreBusy):  # a conflict: another process wrote of the same address first
            raise Busy from None

    @asynccontextmanager
    async def answer(self, message: InboundMessage, within: float) -> AsyncIterator[Answer | None]:
        """Take a message in and give what is due. Raises ``Busy`` or ``Throttled``; then nothing was kept."""
        try:
            accepted = await self._take(message, hold=int(within * 1000) + LEASES_WITHIN)
        except (Conflict, StoreBusy):
            raise Busy from None
        if accepted is None:
            raise Throttled(SLOWS_FOR)
        late = False
        if accepted.decision is not None:
            done, _ = await asyncio.wait([accepted.decision], timeout=within)
            late = not done
        given = await self._lease(accepted.received.conversation, message.channel)
        try:
            yield None if late and not given.items else given.answer
        except BaseException:
            await self._take_back(given.items)
            raise
        self._soon(self._settle(given.items))

    async def drain(self, seconds: float) -> None:
        """Let what is under way beside requests end; what does not is given or told again."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside the request: a response that is being sent must neither wait for it nor cut it off."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _settle(self, items: Sequence[OutboxItem]) -> None:
        try:
            async with self._tools.store.begin() as tx:
                await tx.outbox.settle([item.id for item in items])
        except StoreBusy:
            _log.warning("hooks.settled_late")  # the lease ends, and it is given once more

    # -- messages -------------------------------------------------------------------------------------------

    async def _take(self, message: InboundMessage, hold: int) -> Accepted | None:
        """Keep a message; ``None``: it came too fast and was let go."""
        index = self._tools.index.of(f"address/{message.channel}", message.address)
        who = index.hex()
        if self._too_fast(who, message.text):
            if self._paces.notices.wait(who) > 0:
                return None
            return await self._listener.accept(replace(message, text=""), mark=Mark.SLOW, hold=hold)
        mark = await self._mark(message, index)
        return await self._listener.accept(message, mark=mark, hold=hold)

    def _too_fast(self, who: str, text: str) -> bool:
        """Whether this is a flood. Danger is never one."""
        alone = self._paces.messages.wait(who)
        together = 0.0 if alone else self._paces.everything.wait("")  # one flood takes nobody's place
        if not (alone or together) or self._tools.ensemble.glance(text) >= Worry.URGENT:
            return False
        if alone:
            _log.warning("hooks.flood")
            return True
        raise Busy(round(together) + 1)

    async def _mark(self, message: InboundMessage, index: bytes) -> Mark | None:
        if message.media is not None:
            return of_media(message.media)
        said = message.text.strip().lower()
        mark = self._words.marks.get(said)
        if mark is None and message.channel == "sms" and said in self._words.digits:
            return await self._digit(said, index)
        if mark is None and looks_like_code(message.text):
            return await self._code(message, index)
        return mark

    async def _digit(self, said: str, index: bytes) -> Mark | None:
        """On SMS the first notice asks for a digit; later a digit is a digit."""
        async with self._tools.store.read() as tx:
            address = (await tx.addresses.find([index])).get(index)
        return self._words.digits[said] if address is not None and address.device is None else None

    async def _code(self, message: InboundMessage, index: bytes) -> Mark:
        """Let the address continue where the code leads. The code itself is kept nowhere."""
        if self._paces.codes.wait(index.hex()) > 0:
            return Mark.SLOW
        tools = self._tools
        async with tools.store.begin() as tx:
            code = code_index(tools.index, SecretText(message.text))
            conversation = await tx.recovery.find(code)
            if conversation is None:
                return Mark.NO_CODE
            known = (await held_addresses(tx, [index], [conversation])).get(index)
            if await tx.recovery.find(code) != conversation:  # it was erased while we waited
                return Mark.NO_CODE
            await self._leave_behind(tx, conversation, message.channel, index)
            if known is not None:
                await tx.addresses.change([replace(known, conversation=conversation)])
            else:
                sealed = tools.ring.seal_text(
                    Place("address", index.hex(), "sealed_address"), SecretText(message.address)
                )
                new = Address(message.channel, index, conversation, sealed, None, tools.now())
                await tx.addresses.add([new])
        return Mark.CODE

    async def _leave_behind(self, tx: Transaction, conversation: str, channel: str, index: bytes) -> None:
        """An older account on the same channel may be in other hands by now: nothing goes there any more.

        Not on KakaoTalk, where one visitor is known by several keys.
        """
        if channel == "kakao":
            return
        older = [value for value in await tx.addresses.of(conversation) if value.index != index]
        left = [value for value in older if value.channel == channel]
        await tx.addresses.change([replace(value, shut="Left", sealed_ticket=None) for value in left])

    # -- answers in the response ----------------------------------------------------------------------------

    async def _lease(self, conversation: str, channel: str) -> _Given:
        """What is due on this channel now, as much as fits into one response."""
        tools, now = self._tools, self._tools.now()
        async with tools.store.begin() as tx:
            found = (await tx.conversations.lock([conversation])).get(conversation)
            due = [item for item in await tx.outbox.locked(conversation) if _waits(item, channel, now)]
            read = [(item, letter) for item in due if (letter := self._opened(item)) is not None]
            waiting, letters = [item for item, _ in read], [letter for _, letter in read]
            sizes = [sum(len(text) for text in letter.texts) for letter in letters]
            fits = [n for n in range(len(letters)) if n == 0 or sum(sizes[: n + 1]) <= ANSWER_LETTERS]
            for n in fits:
                leased = replace(waiting[n], state=DeliveryState.PENDING, leased_until=now + GIVEN_WITHIN)
                await tx.outbox.change(leased)
        texts = tuple(text for n in fits for text in letters[n].texts)
        offered = letters[fits[-1]].quick if fits else ()
        lang = found.lang if found else "ko"
        quick = tuple(QuickReply(q.label, q.say) for q in tools.content.quick(offered, lang))
        return _Given([waiting[n] for n in fits], Answer(texts, quick))

    def _opened(self, item: OutboxItem) -> Letter | None:
        """``None``: its seal does not open; delivering makes it a dead letter, and the others go on."""
        try:
            return opened(self._tools.ring, item)
        except VaultError:
            return None

    async def _take_back(self, items: Sequence[OutboxItem]) -> None:
        async with self._tools.store.begin() as tx:
            for item in items:
                await tx.outbox.change(replace(item, leased_until=0, due_at=self._tools.now()))

    # -- what else a provider tells -------------------------------------------------------------------------

    async def _gone(self, event: Gone) -> None:
        tools = self._tools
        index = tools.index.of(f"address/{event.channel}", event.address)
        async with tools.store.begin() as tx:
            address = (await held_addresses(tx, [index])).get(index)
            if address is None or not await self._first(tx, event.channel, event.event_id, address):
                return
            await tx.addresses.change([replace(address, shut="Blocked", sealed_ticket=None)])
            others = [value for value in await tx.addresses.of(address.conversation) if value.index != index]
            if any(value.channel == event.channel and value.shut is None for value in others):
                return  # another door of the channel is open
            for item in await tx.outbox.of(address.conversation):
                if item.channel == event.channel and item.state is DeliveryState.PENDING:
                    await tx.outbox.change(replace(item, state=DeliveryState.HELD, error="Blocked"))
        await tools.bell.ring(address.conversation)

    async def _moved(self, event: Moved) -> None:
        tools = self._tools
        old = tools.index.of(f"address/{event.channel}", event.address)
        new = tools.index.of(f"address/{event.channel}", event.to)
        async with tools.store.begin() as tx:
            known = await held_addresses(tx, [old, new])
            if old not in known or not await self._first(tx, event.channel, event.event_id, known[old]):
                return
            await tx.addresses.remove(old)
            if new not in known:
                sealed = tools.ring.seal_text(
                    Place("address", new.hex(), "sealed_address"), SecretText(event.to)
                )
                moved = replace(known[old], index=new, sealed_address=sealed, sealed_ticket=None)
                await tx.addresses.add([moved])

    async def _receipt(self, event: Receipt) -> None:
        """Keep a receipt. One that is faster than our own note of having sent is looked at again soon."""
        if await self._received(event) or len(self._under_way) >= EARLY_RECEIPTS:
            return
        self._soon(self._look_again(event))

    async def _look_again(self, event: Receipt) -> None:
        for pause in LOOKS_AGAIN:
            await asyncio.sleep(pause)
            try:
                if await self._received(event):
                    return
            except StoreBusy:
                _log.warning("hooks.receipt_late")

    async def _received(self, event: Receipt) -> bool:
        """A receipt only moves on; a failure is a dead letter. ``False``: it is of nothing we know."""
        tools = self._tools
        async with tools.store.begin() as tx:
            sent = await tx.sent.find(event.channel, tools.index.of(f"sent/{event.channel}", event.sent_id))
            if sent is None:
                return False
            if _REACHED[event.state] <= _REACHED.get(sent.state, 0):
                return True
            await tx.sent.change(replace(sent, state=event.state))
            if event.state != "failed":
                return True
            lost = OutboxItem(
                id=tools.new_id(),
                conversation=sent.conversation,
                seq=sent.seq,
                channel=sent.channel,
                sealed_body=b"",
                due_at=tools.now(),
                state=DeliveryState.FAILED,
                attempts=1,
                error=event.error or "Undeliverable",
            )
            await tx.outbox.put([lost])
        await tools.bell.ring(sent.conversation)
        return True

    async def _first(self, tx: Transaction, channel: str, event_id: str, address: Address) -> bool:
        key = ClaimKey(channel, self._tools.index.of(f"event/{channel}", event_id))
        return bool(await tx.claims.take([Claim(key, address.conversation, 0, self._tools.now())]))


def _waits(item: OutboxItem, channel: str, now: int) -> bool:
    """Whether it may be given now: also what was held, for the visitor is here."""
    waits = item.state in {DeliveryState.PENDING, DeliveryState.HELD}
    return item.channel == channel and waits and item.leased_until <= now


def _split(words: str) -> list[str]:
    return [word.strip().lower() for word in words.split(",") if word.strip()]
