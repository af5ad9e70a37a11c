"""An intake that only remembers: what channels hand over, and what they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from channels.port import Answer, Event, InboundMessage


class FakeIntake:
    """Keeps every event in ``kept``, a repeated event id as well: telling them apart is the house's work.

    ``answers`` are given one by one, the last one again and again; ``None`` means "not decided in time", for
    which the caller waits ``within`` seconds if ``waits`` is set. ``failing`` is raised before anything is kept.
    ``delivered`` holds the answers whose block ended well, ``undelivered`` the others.
    """

    def __init__(self, *answers: Answer | None, failing: Exception | None = None) -> None:
        self.answers = list(answers) or [Answer(())]
        self.failing = failing
        self.waits = False
        self.kept: list[Event] = []
        self.delivered: list[Answer] = []
        self.undelivered: list[Answer] = []

    @property
    def messages(self) -> list[InboundMessage]:
        """The visitors' messages among what was kept."""
        return [event for event in self.kept if isinstance(event, InboundMessage)]

    async def keep(self, event: Event) -> None:
        """See ``Intake.keep``."""
        if self.failing is not None:
            raise self.failing
        self.kept.append(event)

    @asynccontextmanager
    async def answer(self, message: InboundMessage, within: float) -> AsyncIterator[Answer | None]:
        """See ``Intake.answer``."""
        await self.keep(message)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            if self.waits:
                await asyncio.sleep(within)
            yield None
            return
        try:
            yield answer
        except BaseException:
            self.undelivered.append(answer)
            raise
        self.delivered.append(answer)
