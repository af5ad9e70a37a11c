"""Database engines, set up so that nothing is lost silently.

SQLite through SQLAlchemy loses read-modify-write updates unless each writing transaction begins with
``BEGIN IMMEDIATE``: the driver's own lazy begin lets two transactions read the same row and both
write it. ``tests/store/test_sqlite_updates.py`` shows the loss and the cure.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

READ_ONLY = "gyeot_read_only"
BUSY_SECONDS = 10


def open_engine(url: str) -> AsyncEngine:
    """An engine for ``sqlite+aiosqlite:///…`` or ``postgresql+asyncpg://…``.

    Raises ``ValueError`` for any other kind of address.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed)
    raise ValueError("the database is sqlite+aiosqlite or postgresql+asyncpg")


def for_reading(engine: AsyncEngine) -> AsyncEngine:
    """The same connections for looks: one snapshot for a whole transaction (PostgreSQL)."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def for_looks(engine: Engine) -> Engine:
    """The same connections for looks: one snapshot, and no lock for writing (SQLite)."""
    return engine.execution_options(**{READ_ONLY: True})


def on_the_spot(url: URL) -> Engine:
    """A SQLite engine whose statements run in the caller's own thread (docs/decisions/0009).

    An asynchronous driver hands every step of every statement to a thread and back, which costs ten
    times the step itself. Only what can wait for the disk or another process belongs in a thread.
    """
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
    )
    _listen(engine)
    return engine


def _sqlite(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": BUSY_SECONDS},
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
    )
    _listen(engine.sync_engine)
    return engine


def _listen(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what is deleted is overwritten, not only unlinked
        "temp_store = MEMORY",
        "cache_size = -16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _postgresql(url: URL) -> AsyncEngine:
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=8,
        max_overflow=4,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "command_timeout": BUSY_SECONDS},
    )
