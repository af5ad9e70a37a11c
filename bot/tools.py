"""What the use cases of the bot work with, handed to them by ``bot/compose.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.content import Content
from handoff.bell import Bell
from handoff.ledger import Ledger
from handoff.store.ports import Store
from nlu.ensemble import Ensemble
from vault.blindindex import BlindIndex
from vault.keyring import ServiceKeyRing


@dataclass(frozen=True, slots=True)
class Tools:
    """Ports, keys, content, clock (milliseconds since 1970 UTC) and new ids."""

    store: Store
    bell: Bell
    ring: ServiceKeyRing = field(repr=False)
    index: BlindIndex = field(repr=False)
    ledger: Ledger = field(repr=False)
    ensemble: Ensemble
    content: Content
    now: Callable[[], int]
    new_id: Callable[[], str]
