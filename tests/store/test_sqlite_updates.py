"""SQLite loses updates in silence unless writing transactions begin with ``BEGIN IMMEDIATE``."""

from __future__ import annotations

import asyncio
import sqlite3
import traceback
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from handoff.conversation import Entry
from handoff.errors import Conflict, StoreBusy, StoreFault
from handoff.store import engine as engines
from handoff.store.engine import open_engine
from handoff.store.migrate import upgrade
from handoff.store.sql import SqlStore
from tests.builders import START, conversation

WRITERS, TURNS = 4, 15


async def count_up(engine: AsyncEngine) -> int:
    """Several writers add one to the same number; returns how many additions were lost."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))

    async def add() -> None:
        for _ in range(TURNS):
            async with engine.begin() as connection:
                n = (await connection.execute(text("SELECT n FROM counter"))).scalar_one()
                await asyncio.sleep(0.001)
                await connection.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    await asyncio.gather(*(add() for _ in range(WRITERS)))
    async with engine.begin() as connection:
        n = (await connection.execute(text("SELECT n FROM counter"))).scalar_one()
    await engine.dispose()
    return WRITERS * TURNS - int(n)


async def test_the_drivers_own_transactions_lose_updates(sqlite_url: str) -> None:
    stock = create_async_engine(sqlite_url)

    @event.listens_for(stock.sync_engine, "connect")
    def _fast(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")

    assert await asyncio.wait_for(count_up(stock), 5) > 0


async def test_our_engine_loses_none(sqlite_url: str) -> None:
    assert await asyncio.wait_for(count_up(open_engine(sqlite_url)), 10) == 0


async def test_the_file_is_durable_and_deletes_for_good(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    async with engine.connect() as connection:
        found = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "temp_store")
        }
    await engine.dispose()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "temp_store": 2,
    }


@pytest.fixture
async def impatient(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> SqlStore:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.3)
    await upgrade(sqlite_url)
    return SqlStore(open_engine(sqlite_url))


async def test_a_busy_database_says_so_and_loses_nothing(impatient: SqlStore, tmp_path: Path) -> None:
    async with impatient.begin() as tx:
        await tx.conversations.add([conversation("before")])
    other = sqlite3.connect(tmp_path / "gyeot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def add(id: str) -> None:
        async with impatient.begin() as tx:
            await tx.conversations.add([conversation(id)])

    async with asyncio.timeout(3):  # not one after another: nobody waits for those who wait in vain
        outcomes = await asyncio.gather(*(add(f"c{n}") for n in range(8)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreBusy] * 8
    async with impatient.read() as tx:
        assert await tx.conversations.find("before") is not None
    other.execute("ROLLBACK")
    other.close()
    await add("after")
    async with impatient.read() as tx:
        assert await tx.conversations.find("after") is not None
        assert await tx.conversations.find("c0") is None
    await impatient.close()


async def test_who_queues_for_a_stuck_writer_is_told_in_time(impatient: SqlStore) -> None:
    async with impatient.begin(), asyncio.timeout(3):
        with pytest.raises(StoreBusy):
            async with impatient.begin():
                raise AssertionError
    async with asyncio.timeout(3), impatient.begin() as tx:
        await tx.conversations.add([conversation("c1")])
    await impatient.close()


async def test_errors_carry_no_values(sql_store: SqlStore) -> None:
    secret = b"sealed bytes that nobody logs"
    entry = Entry("c1", 1, "visitor", START, secret)  # type: ignore[arg-type]  # as good as Author for this
    async with sql_store.begin() as tx:
        await tx.conversations.add([conversation("c1")])
        await tx.entries.append([entry])
    with pytest.raises(Conflict) as twice:
        async with sql_store.begin() as tx:
            await tx.entries.append([entry])
    wrong = Entry("c1", object(), "visitor", START, secret)  # type: ignore[arg-type]  # a value no database takes
    with pytest.raises(StoreFault) as refused:
        async with sql_store.begin() as tx:
            await tx.entries.append([wrong])
    for error in (twice.value, refused.value):
        told = "".join(traceback.format_exception(error)) + repr(error)
        assert "sealed bytes" not in told
        assert "INSERT" not in told


async def test_a_missing_table_is_a_fault_and_not_busy(sqlite_url: str) -> None:
    store = SqlStore(open_engine(sqlite_url))
    with pytest.raises(StoreFault):
        async with store.read() as tx:
            await tx.conversations.find("c1")
    await store.close()


async def test_a_database_that_is_not_there_is_busy() -> None:
    store = SqlStore(open_engine("postgresql+asyncpg://postgres@127.0.0.1:1/nothing"))
    with pytest.raises(StoreBusy):
        async with store.read() as tx:
            await tx.conversations.find("c1")
    await store.close()


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="sqlite"):
        open_engine("mysql+aiomysql://localhost/x")


async def plan_of(store: SqlStore, wanted: str) -> str:
    """The plan SQLite makes for the query of a lease or of the queue."""
    seen: list[tuple[str, object]] = []
    engine = store._home._engine

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    async with store.begin() as tx:
        await tx.outbox.lease(["sms", "kakao"], START, START, 10)
        await tx.conversations.in_phase([])
    event.remove(engine, "before_cursor_execute", note)
    statement, parameters = next((s, p) for s, p in seen if s.startswith("SELECT") and wanted in s)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]  # as the driver got them
        return "\n".join(str(row) for row in found)


async def test_a_lease_uses_the_index_of_pending_answers(sqlite_store: SqlStore) -> None:
    plan = await plan_of(sqlite_store, "FROM outbox")
    assert "ix_outbox_due" in plan
    assert "SCAN outbox" not in plan
