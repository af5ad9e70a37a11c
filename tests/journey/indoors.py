"""A whole house in this process, on whatever store a test brings: what ``bot.compose`` puts together, opened quickly."""

from __future__ import annotations

import functools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

from bot import content
from bot.clock import new_id
from bot.compose import GUIDANCE, House, open_house
from bot.settings import Settings
from bot.tools import Tools
from channels.port import InboundMessage
from handoff.bell import LocalBell
from handoff.ledger import Ledger
from handoff.people import DeskKey as KeptDeskKey
from handoff.store.memory import MemoryStore
from handoff.store.ports import Store
from nlu import rulebook
from nlu.ensemble import Ensemble
from nlu.rasa import ScriptedReader
from nlu.understanding import ModelReading
from tests.builders import AUDIT_KEY, KEY_RING, Clock, index
from vault.desk import DeskKey, new_desk_key
from vault.keyring import ServiceKeyRing
from vault.keytext import new_key_text

# Sentences and rules take a second to read and never change: they are read once for all tests of a process.
_read_content = functools.cache(content.load)
_read_rules = functools.cache(rulebook.load)


def some_settings(**more: Any) -> Settings:
    """Settings with fresh keys, on the rules alone, that no file or variable of this machine changes."""
    fresh: dict[str, Any] = {
        "service_keys": f"k1:{new_key_text()}",
        "index_key": new_key_text(),
        "audit_key": new_key_text(),
        "nlu": "rules",
        "messages_per_minute": 100_000,
    }
    return Settings(_env_file=None, **(fresh | more))


@asynccontextmanager
async def a_house(store: Store | None = None, **more: Any) -> AsyncIterator[House]:
    """A house on this store, or on one in memory that has a desk to seal to."""
    store = store or await desked(MemoryStore())
    with mock.patch.object(content, "load", _read_content), mock.patch.object(rulebook, "load", _read_rules):
        opening = open_house(some_settings(**more), store)
        house = await opening.__aenter__()
    try:
        yield house
    finally:
        await opening.__aexit__(None, None, None)


async def desked(store: Store, desk: DeskKey | None = None) -> Store:
    """The store with the first key of a desk."""
    key = desk or new_desk_key(1)
    async with store.begin() as tx:
        await tx.desk_keys.add(KeptDeskKey(key.epoch, key.pair.public, 0))
    return store


def some_tools(store: Store, read: Callable[[str], ModelReading | None] | None = None, **more: Any) -> Tools:
    """What the use cases work with. ``read``: what the language model says of a text; absent: rules alone."""
    given: dict[str, Any] = {
        "store": store,
        "bell": LocalBell(),
        "ring": ServiceKeyRing.parse(KEY_RING),
        "index": index(),
        "ledger": Ledger(AUDIT_KEY),
        "ensemble": Ensemble(_read_rules(), ScriptedReader(read) if read else None),
        "content": _read_content(GUIDANCE),
        "now": Clock(),
        "new_id": new_id,
    }
    return Tools(**(given | more))


def web_message(text: str, token: str, event: str | None = None, **more: Any) -> InboundMessage:
    """A message of the web channel."""
    given = {"lang": "ko", "token": True} | more
    return InboundMessage("web", event or secrets.token_hex(16), token, text, **given)


def new_token() -> str:
    """A session's cookie."""
    return secrets.token_urlsafe(32)
