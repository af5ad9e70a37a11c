"""The hotline: ``POST /hooks/voice[/step]``, each answered with TwiML.

A step that cannot be kept is answered 503; Twilio then plays the fallback of the number. Only a counselor who
presses 1 is connected all the same: a voice at the other end matters more than its record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from channels.errors import Malformed
from channels.port import Busy
from channels.voice.lines import Lines
from channels.voice.port import GROUP, Calls, Did, Happening, Lang, Leg, Round, Words
from channels.voice.requests import Reader, Step, Where
from channels.voice.speech import Line, Ringing, Speech, Target
from channels.voice.table import MOST_TARGETS, Config, Table
from channels.voice.ways_on import WaysOn
from channels.webhooks import Call, Reply

__all__ = ["Config", "Voice"]

XML = "text/xml"
MOST_ROUNDS = 40
BUSY_PAUSE = 15
WHISPER_LISTENS = 8
LAST = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


class Voice:
    """Implements ``channels.webhooks.Hook``. ``clock``: Unix seconds."""

    def __init__(self, config: Config, calls: Calls, words: Words, clock: Callable[[], float]) -> None:
        self._config = config
        self._calls = calls
        self._table = Table(config, calls, words, clock)
        self._ways_on = WaysOn(self._table)
        self._reader = Reader(config.account, config.token)
        self._lines = Lines(config.most_calls, clock)
        self._steps: Mapping[str, Callable[[Step], Awaitable[Speech]]] = {
            "": self._began,
            "menu": self._menu,
            "ring": self._ring,
            "held": self._held,
            "dialed": self._dialed,
            "whisper": self._whisper,
            "accept": self._accept,
            "window": self._ways_on.window,
            "safe": self._ways_on.safe,
            "status": self._status,
        }

    async def take(self, call: Call) -> Reply:
        """Answer one request of Twilio. Raises ``Forged``, ``Malformed`` or ``Busy``."""
        step = self._reader.read(call)
        answer = self._steps.get(step.name)
        if answer is None:
            raise Malformed("no such step")
        speech = await answer(step)
        return Reply(200, speech.xml().encode(), XML)

    # ── the beginning ───────────────────────────────────────────────────

    async def _began(self, step: Step) -> Speech:
        if not self._lines.take(step.call):
            busy = (Line("voice.busy", lang) for lang in _both())
            numbers = (Line("voice.numbers", lang) for lang in _both())
            return self._table.speech().say(*busy, *numbers).hang_up()
        await self._table.did(step, Did.BEGAN)
        return self._greeting(step.where)

    def _greeting(self, where: Where) -> Speech:
        first = Line("voice.again" if where.again else "voice.greeting", where.lang)
        recorded = (Line("voice.recorded", where.lang),) if self._config.record else ()
        other: Lang = "en" if where.lang == "ko" else "ko"
        lines = (first, *recorded, Line("voice.menu", where.lang), Line("voice.other_language", other))
        to = self._table.to("menu", where)
        return self._table.speech().ask(to, lines, silence_too=True).go(to)

    async def _menu(self, step: Step) -> Speech:
        where = step.where
        if step.digits == "1":
            await self._table.did(step, Did.ASKED)
            return await self._ring(step)
        if step.digits == "2":
            await self._table.did(step, Did.BY_TEXT)
            return self._ways_on.by_text(where, last=False)
        if step.digits == "9":
            other: Lang = "en" if where.lang == "ko" else "ko"
            return self._greeting(where.moved(lang=other, again=0))
        if where.again == 0:
            return self._greeting(where.moved(again=1))
        await self._table.did(step, Did.UNSURE)
        return await self._ring(step)

    # ── a person ────────────────────────────────────────────────────────

    async def _ring(self, step: Step) -> Speech:
        now = int(self._table.clock())
        where = step.where.moved(again=0, round=max(1, step.where.round), since=step.where.since or now)
        if now - where.since >= self._config.hold_seconds or where.round > MOST_ROUNDS:
            return await self._ring_group(step, where)
        found = await self._calls.reachable(Round(step.call, where.round))
        if found.over:
            return self._table.speech().hang_up()
        if not found.phones and not found.busy:
            return await self._ring_group(step, where)
        following = where.moved(round=where.round + 1)
        if not found.phones:
            speech = self._waiting(where, "voice.all_busy").pause(BUSY_PAUSE)
            return speech.go(self._table.to("ring", following))
        legs = where.moved(call=step.call)
        targets = [
            Target(phone.number, self._table.to("whisper", legs.moved(who=phone.who)))
            for phone in found.phones[:MOST_TARGETS]
        ]
        first = where.round == 1
        speech = (
            self._table.speech().say(Line("voice.connecting", where.lang)) if first else self._waiting(where)
        )
        return self._dial(speech, targets, where)

    async def _ring_group(self, step: Step, where: Where) -> Speech:
        if not self._config.fallback:
            return await self._ways_on.offer(step, where)
        found = await self._calls.reachable(Round(step.call, where.round, group=True))
        if found.over:
            return self._table.speech().hang_up()
        group = where.moved(who=GROUP)
        whisper = self._table.to("whisper", group.moved(call=step.call))
        speech = self._table.speech().say(Line("voice.group", where.lang))
        return self._dial(speech, [Target(number, whisper) for number in self._config.fallback], group)

    async def _held(self, step: Step) -> Speech:
        """A key was pressed while waiting: 2 stops it, any other goes on waiting."""
        if step.digits == "2":
            return await self._ways_on.offer(step, step.where)
        return await self._ring(step)

    async def _dialed(self, step: Step) -> Speech:
        where = step.where
        if await self._calls.dialed(Round(step.call, where.round, step.group), step.bridged):
            return self._table.speech().say(Line("voice.bye", where.lang)).hang_up()
        if step.group:
            return await self._ways_on.offer(step, where.moved(who=""))
        following = where.moved(round=where.round + 1)
        return await self._ring(Step("ring", following, step.call, "", step.fields))

    def _waiting(self, where: Where, words: str = "voice.hold") -> Speech:
        lines = (Line(words, where.lang), Line("voice.numbers", where.lang))
        return self._table.speech().ask(self._table.to("held", where), lines, silence_too=False, listens=1)

    def _dial(self, speech: Speech, targets: list[Target], where: Where) -> Speech:
        config = self._config
        then = self._table.to("dialed", where)
        return speech.ring(Ringing(targets, config.ring_seconds, config.number, then, config.record))

    # ── on a counselor's phone ──────────────────────────────────────────

    async def _whisper(self, step: Step) -> Speech:
        where = _leg(step)
        with suppress(Busy):  # a person who picked up is not turned away for it
            await self._calls.happened(Happening(where.call, Did.PICKED_UP, where.lang, where.who))
        twice = (Line("voice.whisper"), Line("voice.whisper"))
        speech = self._table.speech().ask(
            self._table.to("accept", where), twice, silence_too=False, listens=WHISPER_LISTENS
        )
        return speech.hang_up()

    async def _accept(self, step: Step) -> Speech:
        """Only a key that a person presses connects; silence, or a machine that talks, never does."""
        where = _leg(step)
        if step.digits != "1":
            return self._table.speech().hang_up()
        leg = Leg(Round(where.call, where.round, step.group), step.call, where.who)
        try:
            accepted = await self._calls.accepted(leg)
        except Busy:
            accepted = True
        return self._table.speech() if accepted else self._table.speech().say(Line("voice.taken")).hang_up()

    # ── the end ─────────────────────────────────────────────────────────

    async def _status(self, step: Step) -> Speech:
        if step.fields.get("CallStatus") in LAST:
            self._lines.free(step.call)
            await self._table.did(step, Did.ENDED)
        return self._table.speech()


def _leg(step: Step) -> Where:
    """Where a phone that is rung stands. Raises ``Malformed``."""
    if not step.where.call or not step.where.who:
        raise Malformed("a phone that nobody rang")
    return step.where


def _both() -> tuple[Lang, Lang]:
    return ("ko", "en")
