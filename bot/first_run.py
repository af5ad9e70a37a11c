"""The first run on a fresh machine: keys, database and three demonstration staff."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.clock import new_id, now
from bot.settings import STATE_FILE, Keys, Settings
from bot.staffing import Newcomer, Staffing
from handoff.ledger import Ledger
from handoff.people import Role
from handoff.store.engine import open_engine
from handoff.store.migrate import upgrade
from handoff.store.sql import SqlStore
from vault.keytext import new_key_text

DEMO = (("seoyeon", Role.SUPERVISOR), ("minjun", Role.COUNSELOR), ("haeun", Role.COUNSELOR))


@dataclass(frozen=True, slots=True)
class KeyLines:
    """Fresh keys in the form of an environment file."""

    text: str

    @classmethod
    def new(cls) -> KeyLines:
        """Three independent keys of 32 random bytes."""
        return cls(
            f"GYEOT_SERVICE_KEYS=k1:{new_key_text()}\n"
            f"GYEOT_INDEX_KEY={new_key_text()}\n"
            f"GYEOT_AUDIT_KEY={new_key_text()}\n"
        )


def make_keys(path: Path = STATE_FILE) -> bool:
    """Write keys for a demonstration to ``path``, readable by its owner only, unless it is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        file.write("# Keys of this demonstration. Losing them loses nothing that is sealed to staff keys.\n")
        file.write(KeyLines.new().text)
    return True


async def make_staff(settings: Settings) -> Sequence[Newcomer]:
    """Bring the database up to date and add the demonstration staff if there is nobody yet."""
    await upgrade(settings.database_url)
    store = SqlStore(open_engine(settings.database_url))
    try:
        staffing = Staffing(store, Ledger(Keys(settings).audit), now, new_id)
        if await staffing.everyone():
            return []
        first_name, first_role = DEMO[0]
        first = await staffing.add(first_name, first_role)
        desk = await staffing.unlock_desk(first_name, first.passphrase)
        return [first, *[await staffing.add(name, role, desk) for name, role in DEMO[1:]]]
    finally:
        await store.close()
