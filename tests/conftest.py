"""What every test may ask for. Services that are missing skip their tests, or fail them in CI.

``REQUIRE_SERVICES=1`` makes a missing PostgreSQL or Redis an error. ``GYEOT_TEST_POSTGRES`` is the address of a
server on which databases may be created (default ``postgresql://postgres@127.0.0.1:5432/postgres``),
``GYEOT_TEST_REDIS`` that of a Redis (default ``redis://127.0.0.1:6379``).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import pytest
import redis
from hypothesis import settings
from sqlalchemy.engine import make_url

from handoff.store import tables
from handoff.store.engine import open_engine
from handoff.store.memory import MemoryStore
from handoff.store.migrate import upgrade
from handoff.store.ports import Store
from handoff.store.sql import SqlStore

_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
_REDIS = "redis://127.0.0.1:6379"


def pytest_configure() -> None:
    """Property tests are judged by what they find, not by how busy the machine is."""
    settings.register_profile("gyeot", deadline=None)
    settings.load_profile("gyeot")


def missing(reason: str) -> NoReturn:
    """Skip, or fail where services are required."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh, empty database of this test run (and worker), dropped at the end."""
    with _new_database() as url:
        yield url


@pytest.fixture
def own_postgres_url() -> Iterator[str]:
    """A fresh, empty database of this one test, dropped at its end."""
    with _new_database() as url:
        yield url


@contextmanager
def _new_database() -> Iterator[str]:
    server = os.environ.get("GYEOT_TEST_POSTGRES", _POSTGRES)
    name = f"gyeot_test_{secrets.token_hex(6)}"
    try:
        _apart(_on_server(server, f'CREATE DATABASE "{name}"'))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        missing(f"no PostgreSQL at 127.0.0.1:5432 or GYEOT_TEST_POSTGRES ({type(error).__name__})")
    url = make_url(server).set(drivername="postgresql+asyncpg", database=name)
    yield url.render_as_string(hide_password=False)
    _apart(_on_server(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


def _apart(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run to its end on a thread of its own: an asynchronous fixture may be who asks for the database."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


async def _on_server(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """The database of this run with every table."""
    _apart(upgrade(postgres_url))
    return postgres_url


@pytest.fixture
async def postgres_store(migrated_postgres: str) -> AsyncIterator[SqlStore]:
    """A store on PostgreSQL, empty."""
    engine = open_engine(migrated_postgres)
    async with engine.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):  # for a few rows quicker than TRUNCATE
            await connection.execute(table.delete())
    store = SqlStore(engine)
    yield store
    await store.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'gyeot.db'}"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    _apart(upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def sqlite_store(sqlite_url: str, migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[SqlStore]:
    """A store on SQLite, empty."""
    shutil.copyfile(migrated_sqlite, tmp_path / "gyeot.db")
    store = SqlStore(open_engine(sqlite_url))
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """Every home of conversations in turn, empty."""
    if request.param == "memory":
        return MemoryStore()
    found: Store = request.getfixturevalue("sqlite_store" if request.param == "sqlite" else "postgres_store")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_store(request: pytest.FixtureRequest) -> SqlStore:
    """The two databases in turn, empty."""
    found: SqlStore = request.getfixturevalue(
        "sqlite_store" if request.param == "sqlite" else "postgres_store"
    )
    return found


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """A Redis, with a database number of this worker's own. (Publishing knows no database numbers.)"""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = f"{os.environ.get('GYEOT_TEST_REDIS', _REDIS).rstrip('/')}/{10 + int(worker) % 6}"
    client = redis.Redis.from_url(url, socket_connect_timeout=2)
    try:
        client.ping()
    except redis.RedisError as error:
        missing(f"no Redis at 127.0.0.1:6379 or GYEOT_TEST_REDIS ({type(error).__name__})")
    finally:
        client.close()
    return url
