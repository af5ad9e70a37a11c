"""Asking into the silence: somebody told of danger, did not answer, and nobody has come yet.

At most twice for one silence, after three and after ten minutes, in reviewed words that are true. Whether it
is due is decided on the locked conversation, so that any number of processes ask once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import structlog

from bot.dialogue import CHECK_INS
from bot.tools import Tools
from handoff.conversation import Author, Conversation, Entry, Phase
from handoff.ledger import Deed
from handoff.letter import Letter, posted
from handoff.risk import Risk
from vault.entries import EntryBody, seal_entry
from vault.places import EntryPlace

SILENT_FOR: Final = (180_000, 600_000)
"""Milliseconds since the visitor's last line, for the first and the second time."""

_log = structlog.get_logger("bot.check_in")

_ASKED: Final = frozenset({"safe_now", "suicide_now"})
_QUICK: Final = ("safe", "not_safe", "unsure")
_AT_ONCE: Final = 50


def is_due(conversation: Conversation, now: int) -> bool:
    """Whether to ask into the silence of this conversation now. Pure."""
    talk = conversation.talk
    if conversation.phase is not Phase.WAITING or conversation.risk is not Risk.IMMINENT:
        return False
    if conversation.sealed_key is None or talk.asked not in _ASKED or talk.check_ins >= len(SILENT_FOR):
        return False
    return now - conversation.last_at >= SILENT_FOR[talk.check_ins]


class CheckIn:
    """Looks for silences."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def look(self) -> int:
        """Ask where it is due; return how many were asked."""
        async with self._tools.store.read() as tx:
            waiting = await tx.conversations.in_phase([Phase.WAITING])
        now = self._tools.now()
        due = [value.id for value in waiting if is_due(value, now)][:_AT_ONCE]
        return sum([await self._ask_safely(id) for id in due])

    async def _ask_safely(self, id: str) -> bool:
        try:
            return await self._ask(id)
        except Exception as error:  # noqa: BLE001  one that cannot be asked must not keep the others from it
            _log.error("check_in.failed", conversation=id, error=type(error).__name__)
            return False

    async def _ask(self, id: str) -> bool:
        tools = self._tools
        async with tools.store.begin() as tx:
            found = (await tx.conversations.lock([id])).get(id)
            now = tools.now()
            if found is None or not is_due(found, now):
                return False
            text, seq, talk = CHECK_INS[found.talk.check_ins], found.next_seq, found.talk
            texts = tools.content.render(text, found.lang)
            sealed = seal_entry(found.public_key, EntryBody(texts, (text,)), EntryPlace(id, seq, Author.BOT))
            letter = Letter(tools.new_id(), id, seq, found.channel, texts, _QUICK)
            talk = replace(talk, said=(*talk.said, text), check_ins=talk.check_ins + 1)
            await tx.conversations.save([replace(found, talk=talk, next_seq=seq + 1)])
            await tx.entries.append([Entry(id, seq, Author.BOT, now, sealed)])
            await tx.outbox.put([posted(tools.ring, letter, now)])
            await tools.ledger.write(tx, [Deed(now, "bot", "checked_in", id)])
        await tools.bell.ring(id)
        return True
