"""Database migrations (Alembic), run from code so that no configuration file is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, make_url, text

from handoff.store.engine import on_the_spot, open_engine

_HERE = Path(__file__).parent / "migrations"
_LOCK = 4_703_122  # any constant: PostgreSQL's advisory lock for one upgrade at a time


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    return config


async def upgrade(url: str) -> None:
    """Bring the database at ``url`` to the newest revision."""
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
    finally:
        await engine.dispose()


async def is_current(url: str) -> bool:
    """Whether the database has every revision."""
    parsed = make_url(url)
    have = _revision_here(parsed) if parsed.get_backend_name() == "sqlite" else await _revision_at(url)
    return have == ScriptDirectory.from_config(_config()).get_current_head()


def _revision_here(url: URL) -> str | None:
    """On the spot, as the store does: a driver's thread would outlive a file that cannot be opened."""
    engine = on_the_spot(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


async def _revision_at(url: str) -> str | None:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_revision()
            )
    finally:
        await engine.dispose()


def upgrade_now(url: str) -> None:
    """``upgrade`` for callers without an event loop."""
    asyncio.run(upgrade(url))
