"""The migrations make exactly the tables that the code describes, and can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from handoff.store import migrate
from handoff.store.engine import open_engine
from handoff.store.migrate import is_current, upgrade, upgrade_now
from handoff.store.tables import metadata

NAMES = {table.name for table in metadata.sorted_tables}


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """An empty database of each kind; on PostgreSQL a schema of its own in the database of this run."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    url: str = request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA IF EXISTS public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    yield url
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()
    await upgrade(url)  # other tests of this run find their tables again


async def tables_of(url: str) -> set[str]:
    engine = open_engine(url)
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    await engine.dispose()
    return names - {"alembic_version"}


async def test_upgrade_makes_what_the_code_describes(empty_url: str) -> None:
    assert not await is_current(empty_url)
    await upgrade(empty_url)
    assert await is_current(empty_url)
    assert await tables_of(empty_url) == NAMES

    def drift(sync: Connection) -> list[object]:
        context = MigrationContext.configure(
            sync, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))

    engine = open_engine(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(drift) == []
    await engine.dispose()


async def test_both_kinds_have_the_same_indexes(empty_url: str) -> None:
    await upgrade(empty_url)

    def indexes(sync: Connection) -> dict[str | None, list[str | None]]:
        found = inspect(sync)
        return {
            index["name"]: list(index["column_names"])
            for table in NAMES
            for index in found.get_indexes(table)
            if not index["unique"]
        }

    def conditions(sync: Connection) -> dict[str, str]:
        source = (
            "SELECT name, sql FROM sqlite_master"
            if sync.dialect.name == "sqlite"
            else "SELECT indexname, indexdef FROM pg_indexes"
        )
        return {row[0]: row[1] for row in sync.execute(text(source)) if row[1] and " WHERE " in row[1]}

    wanted = {
        str(index.name): [c.name for c in index.columns]
        for table in metadata.sorted_tables
        for index in table.indexes
    }
    engine = open_engine(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(indexes) == wanted
        partial = await connection.run_sync(conditions)
    await engine.dispose()
    assert list(partial) == ["ix_outbox_due"]
    assert "'pending'" in partial["ix_outbox_due"]


async def test_down_to_nothing_and_up_again(empty_url: str) -> None:
    await upgrade(empty_url)
    engine = open_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(migrate._config(sync), "base"))
    await engine.dispose()
    assert await tables_of(empty_url) == set()
    assert not await is_current(empty_url)
    await upgrade(empty_url)
    await upgrade(empty_url)
    assert await tables_of(empty_url) == NAMES


async def test_several_processes_may_upgrade_at_once(empty_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgrade_now, empty_url) for _ in range(3)))
    assert await is_current(empty_url)
    assert await tables_of(empty_url) == NAMES


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(migrate._config()).get_heads()) == 1
