"""What a call does to conversations: each call is one, in the same queue as everything that is written.

The address of a conversation is the call's id; the caller's number is not kept. Who asks to be called back
leaves it in one entry that only staff can open. Every step is known by the call and its name: the same step
again changes nothing, whatever the order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from bot.call_work import CallWork
from bot.tools import Tools
from channels.port import Busy
from channels.voice.port import GROUP, Did, Happening, Leg, Phone, Reachable, Round, Wish
from handoff import oncall
from handoff.conversation import Phase
from handoff.errors import Conflict, StoreBusy
from handoff.oncall import OnCall
from handoff.permissions import Action, Relation, allowed

_ASKS = frozenset({Did.ASKED, Did.UNSURE})
_LAST_WORDS = {"left": "left", "talked": "over", "nobody": "over", "hung_up": "hung_up"}

_log = structlog.get_logger("bot.calls")


class _BegunElsewhere(Busy):
    """Another process began the same call at the same moment."""


class HotlineCalls:
    """Implements ``channels.voice.port.Calls``."""

    def __init__(self, tools: Tools, on_call: OnCall) -> None:
        self._tools = tools
        self._on_call = on_call

    async def happened(self, happening: Happening) -> None:
        """Keep what happened. Raises ``Busy``."""
        try:
            await self._keep(happening)
        except _BegunElsewhere:  # now it is found
            await self._keep(happening)

    async def _keep(self, happening: Happening) -> None:
        if happening.did is Did.ENDED:
            await self._ended(happening.call)
            return
        async with self._work(happening.call, happening.lang) as work:
            if happening.did is Did.PICKED_UP:
                await work.once(f"picked/{happening.who}")
            elif await work.once(happening.did):
                work.say(f"voice.log.{happening.did}")
                if happening.did is Did.BEGAN:
                    work.deed("call_began")
                elif happening.did in _ASKS:
                    work.queue(gone=await work.was("over"))

    async def reachable(self, ring: Round) -> Reachable:
        """Whom to ring. Somebody whose phone was picked up but not accepted in this call is rung no more."""
        async with self._work(ring.call) as work:
            if await work.was("over"):
                return Reachable(over=True)
            everybody = [] if ring.group else await self._on_call.reachable(work.tx, self._tools.now())
            talking = await work.talking()
            free = [phone for phone in everybody if phone.staff not in talking]
            shy = await work.picked_up([phone.staff for phone in free])
            chosen = [phone for phone in free if phone.staff not in shy] or free
            if (chosen or ring.group) and await work.once(f"ringing/{_name(ring)}"):
                work.say("voice.log.group" if ring.group else "voice.log.ringing", _count(chosen, ring))
            phones = tuple(Phone(phone.staff, phone.number.reveal()) for phone in chosen)
            return Reachable(phones, busy=bool(everybody))

    async def accepted(self, leg: Leg) -> bool:
        """Let the first who presses 1 have the call, and the conversation."""
        async with self._work(leg.round.call) as work:
            before = await work.find(f"leg/{leg.id}")
            if before is not None:
                return before.seq > 0
            name = _name(leg.round)
            late = await work.was("over") or await work.was(f"missed/{name}")
            won = not late and await self._may_take(work, leg) and await work.once(f"accepted/{name}")
            await work.once(f"leg/{leg.id}", work.conversation.next_seq if won else 0)
            if won:
                await self._taken(work, leg)
            return won

    async def dialed(self, ring: Round, bridged: bool | None) -> bool:
        """Whether there was a talk. Who pressed 1 but was not connected gives the conversation back."""
        async with self._work(ring.call) as work:
            if not await work.was(f"accepted/{_name(ring)}"):
                await work.once(f"missed/{_name(ring)}")
                return bridged is True
            if bridged is not False:
                if await work.end():
                    work.say("voice.log.over")
                    work.deed("call_ended", outcome="talked")
                return True
            if await work.once(f"broke/{_name(ring)}"):
                work.say("voice.log.broke")
                work.give_back()
            return False

    async def call_back(self, wish: Wish) -> None:
        """Keep the wish, and the number in an entry that the server cannot read back."""
        async with self._work(wish.call) as work:
            if await work.once("callback"):
                work.say(f"voice.log.callback.{wish.window}", also=(wish.number,))
                work.queue(gone=False)
                work.deed("callback_requested", window=wish.window)

    async def _ended(self, call: str) -> None:
        async with self._work(call, opens=False) as work:
            if work.unknown or not await work.end():
                return
            outcome = await self._outcome(work)
            work.say(f"voice.log.{_LAST_WORDS[outcome]}")
            work.deed("call_ended", outcome=outcome)
            if outcome == "left":
                work.change(phase=Phase.CLOSED, closed_at=work.at)

    async def _outcome(self, work: CallWork) -> str:
        if work.conversation.phase is Phase.WITH_BOT:
            return "left"
        if await work.was("taken"):
            return "talked"
        told = await work.was(Did.NOBODY) or await work.was(Did.HIDDEN)
        return "nobody" if told else "hung_up"

    async def _may_take(self, work: CallWork, leg: Leg) -> bool:
        if leg.who == GROUP:
            return True
        person = await work.tx.staff.find(leg.who)
        active = person is not None and person.disabled_at is None
        return person is not None and active and allowed(Action.CLAIM, person.role, Relation.FREE)

    async def _taken(self, work: CallWork, leg: Leg) -> None:
        await work.once("taken")
        person = None if leg.who == GROUP else await work.tx.staff.find(leg.who)
        if person is None:
            work.say("voice.log.group_accepted")
            work.deed("call_taken_by_group")
            return
        work.say("voice.log.accepted", person.name)
        work.claim(person.id)

    @asynccontextmanager
    async def _work(
        self, call: str, lang: str | None = None, *, opens: bool = True
    ) -> AsyncIterator[CallWork]:
        """One step of one call in one transaction; rings the bell after it."""
        try:
            async with self._tools.store.begin() as tx:
                work = CallWork(self._tools, tx)
                await work.find_call(call, lang, opens=opens)
                yield work
                await work.write()
        except Conflict:
            raise _BegunElsewhere from None
        except StoreBusy as error:
            _log.warning("calls.busy", error=type(error).__name__)
            raise Busy(1) from None
        if not work.unknown:
            await self._tools.bell.ring(work.conversation.id)


def _name(ring: Round) -> str:
    return f"{ring.number}{'/group' if ring.group else ''}"


def _count(phones: Sequence[oncall.Phone], ring: Round) -> str:
    return "" if ring.group else str(len(phones))
