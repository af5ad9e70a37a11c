"""The store on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from handoff.errors import Conflict, HandoffError, StoreBusy, StoreFault
from handoff.store import engine as engines
from handoff.store.sql_connection import SqlConnection
from handoff.store.sql_labels import SqlLabels
from handoff.store.sql_mail import SqlInbox, SqlOutbox, SqlShown
from handoff.store.sql_people import SqlAuditTrail, SqlDeskKeys, SqlStaffBook, SqlStaffSessions
from handoff.store.sql_phones import SqlPhones
from handoff.store.sql_sent import SqlSentBook
from handoff.store.sql_threads import (
    SqlAddresses,
    SqlClaims,
    SqlConversations,
    SqlEntries,
    SqlRecoveryCodes,
)

_PASSING_STATES = ("08", "40", "53", "55", "57")
"""SQLSTATE classes that pass: connection, rolled back (deadlock), resources, lock, operator."""

_PASSING_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN")


class SqlTransaction:
    """The repositories of one transaction."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    @cached_property
    def claims(self) -> SqlClaims:
        return SqlClaims(self._connection)

    @cached_property
    def conversations(self) -> SqlConversations:
        return SqlConversations(self._connection)

    @cached_property
    def addresses(self) -> SqlAddresses:
        return SqlAddresses(self._connection)

    @cached_property
    def recovery(self) -> SqlRecoveryCodes:
        return SqlRecoveryCodes(self._connection)

    @cached_property
    def entries(self) -> SqlEntries:
        return SqlEntries(self._connection)

    @cached_property
    def inbox(self) -> SqlInbox:
        return SqlInbox(self._connection)

    @cached_property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._connection)

    @cached_property
    def shown(self) -> SqlShown:
        return SqlShown(self._connection)

    @cached_property
    def staff(self) -> SqlStaffBook:
        return SqlStaffBook(self._connection)

    @cached_property
    def phones(self) -> SqlPhones:
        return SqlPhones(self._connection)

    @cached_property
    def sessions(self) -> SqlStaffSessions:
        return SqlStaffSessions(self._connection)

    @cached_property
    def desk_keys(self) -> SqlDeskKeys:
        return SqlDeskKeys(self._connection)

    @cached_property
    def audit(self) -> SqlAuditTrail:
        return SqlAuditTrail(self._connection)

    @cached_property
    def sent(self) -> SqlSentBook:
        return SqlSentBook(self._connection)

    @cached_property
    def labels(self) -> SqlLabels:
        return SqlLabels(self._connection)


class SqlStore:
    """A home for conversations in a database.

    SQLite has one writer at a time. Writers of this process queue on a lock of our own, which is fair
    and wakes at once; SQLite's own waiting polls.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        on_sqlite = engine.dialect.name == "sqlite"
        self._home: _Home = _OnSqlite(engine) if on_sqlite else _OnPostgresql(engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlTransaction]:
        """One writing transaction. Raises ``StoreBusy`` when the database does not answer in time."""
        async with _translated(), self._home.writing() as connection:
            yield SqlTransaction(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlTransaction]:
        """A consistent look that changes nothing: it ends with a rollback."""
        async with _translated(), self._home.looking() as connection:
            yield SqlTransaction(connection)

    async def close(self) -> None:
        """Let go of every connection."""
        self._home.close()
        await self._engine.dispose()


class _Home(Protocol):
    """Where transactions come from."""

    def writing(self) -> AbstractAsyncContextManager[SqlConnection]: ...
    def looking(self) -> AbstractAsyncContextManager[SqlConnection]: ...
    def close(self) -> None: ...


class _OnPostgresql:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engines.for_reading(engine)

    def writing(self) -> AbstractAsyncContextManager[SqlConnection]:
        return self._engine.begin()

    def looking(self) -> AbstractAsyncContextManager[SqlConnection]:
        return self._reading.connect()

    def close(self) -> None:
        """The engine is closed by its owner."""


class _OnSqlite:
    """Statements run on the spot; beginning and committing, which can wait, in a thread."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engines.on_the_spot(engine.url)
        self._reading = engines.for_looks(self._engine)
        self._writer = asyncio.Lock()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[SqlConnection]:
        async with self._turn():
            with self._engine.connect() as connection:
                await _to_its_end(connection.begin)
                yield _OnTheSpot(connection)
                await _to_its_end(connection.commit)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[SqlConnection]:
        with self._reading.connect() as connection:
            yield _OnTheSpot(connection)

    def close(self) -> None:
        self._engine.dispose()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with asyncio.timeout(engines.BUSY_SECONDS):
            await self._writer.acquire()
        try:
            yield
        finally:
            self._writer.release()


class _OnTheSpot:
    """A connection that answers before the next line runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)


async def _to_its_end(step: Callable[[], object]) -> None:
    """Run a step in a thread. Cancelling waits for it: a connection is never closed under a commit."""
    running = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Turn the driver's errors into our own, without statement or parameters."""
    try:
        yield
    except (PoolTimeoutError, TimeoutError, OSError) as error:
        raise StoreBusy(f"the database did not answer ({type(error).__name__})") from None
    except StatementError as error:
        raise _in_our_words(error) from None


def _in_our_words(error: StatementError) -> HandoffError:
    if isinstance(error, IntegrityError):
        return Conflict("the database holds such a row already, or lacks the one it belongs to")
    state = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None) or "")
    gone = isinstance(error, DBAPIError) and error.connection_invalidated
    if gone or state.startswith(_PASSING_STATES + _PASSING_SQLITE):
        return StoreBusy(f"the database did not answer ({state or 'gone'})")
    return StoreFault(f"the database refused a statement ({state or type(error.orig).__name__})")
