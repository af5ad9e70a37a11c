"""Ways on when no person could answer: a callback that is safe, or writing instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from channels.voice.port import Did, Window, Wish
from channels.voice.requests import Step, Where
from channels.voice.speech import Line, Speech
from channels.voice.table import Table

EVENING_ENDS = 20
WINDOWS: Mapping[str, Window] = {"1": "hour", "2": "evening", "3": "tomorrow"}


class WaysOn:
    """The steps after nobody answered."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def offer(self, step: Step, where: Where) -> Speech:
        """Say that nobody can answer, and offer a callback where the number is known."""
        if step.number is None:
            await self._table.did(step, Did.HIDDEN)
            lines = (Line("voice.nobody", where.lang), Line("voice.hidden", where.lang))
            return self.by_text(where, *lines, last=True)
        await self._table.did(step, Did.NOBODY)
        return self._windows(where.moved(again=0), Line("voice.nobody", where.lang))

    def _windows(self, where: Where, *before: Line) -> Speech:
        offered = ["voice.offer", "voice.offer.hour"]
        offered += ["voice.offer.evening"] if self._evening_left() else []
        offered += ["voice.offer.tomorrow", "voice.offer.no"]
        lines = (*before, *(Line(text, where.lang) for text in offered))
        to = self._table.to("window", where)
        return self._table.speech().ask(to, lines, silence_too=True).go(to)

    async def window(self, step: Step) -> Speech:
        """A key for the time was pressed, or none."""
        where = step.where
        chosen = WINDOWS.get(step.digits)
        if chosen == "evening" and not self._evening_left():
            chosen = None
        if chosen is not None and step.number is not None:
            return self._is_it_safe(where.moved(window=chosen, again=0))
        if step.digits != "0" and where.again == 0:
            return self._windows(where.moved(again=1))
        return await self._no_callback(step)

    def _is_it_safe(self, where: Where) -> Speech:
        to = self._table.to("safe", where)
        return self._table.speech().ask(to, [Line("voice.safe", where.lang)], silence_too=True).go(to)

    async def safe(self, step: Step) -> Speech:
        """Whether it is safe to call this number was answered, or not."""
        where = step.where
        if step.digits == "1" and step.number is not None and where.window in WINDOWS.values():
            window = next(each for each in WINDOWS.values() if each == where.window)
            await self._table.calls.call_back(Wish(step.call, step.number, window))
            lines = (Line("voice.callback", where.lang), Line("voice.numbers", where.lang))
            return self._table.speech().say(*lines).hang_up()
        if step.digits != "2" and where.again == 0:
            return self._is_it_safe(where.moved(again=1))
        return await self._no_callback(step)

    async def _no_callback(self, step: Step) -> Speech:
        """Without a clear yes nobody is ever called back: somebody else may hold the phone."""
        await self._table.did(step, Did.NO_CALLBACK)
        return self.by_text(step.where, last=True)

    def by_text(self, where: Where, *before: Line, last: bool) -> Speech:
        """Say how to write instead; ``last``: nothing follows, else a person can still be asked for."""
        lang, config = where.lang, self._table.config
        lines = [*before, Line("voice.by_text", lang)]
        if config.web:
            address = config.web.partition("://")[2] or config.web
            lines += [Line("voice.by_text.web", lang), *(Line(lang="en", plain=address.rstrip("/")),) * 2]
        if config.sms:
            lines += [Line("voice.by_text.sms", lang), Line(lang=lang, plain=_as_dialled(config.sms))]
        if not (config.web or config.sms):
            lines = [*before]
        lines += [Line("voice.by_text.elsewhere", lang)]
        if last:
            return (
                self._table.speech()
                .say(*lines, Line("voice.numbers", lang), Line("voice.bye", lang))
                .hang_up()
            )
        lines += [Line("voice.to_person", lang)]
        speech = self._table.speech().ask(
            self._table.to("menu", where.moved(again=1)), lines, silence_too=False
        )
        return speech.say(Line("voice.bye", lang)).hang_up()

    def _evening_left(self) -> bool:
        local = datetime.fromtimestamp(self._table.clock(), UTC) + timedelta(
            hours=self._table.config.utc_offset
        )
        return local.hour < EVENING_ENDS


def _as_dialled(number: str) -> str:
    """A Korean number as it is dialled in Korea."""
    return "0" + number.removeprefix("+82").strip() if number.startswith("+82") else number
