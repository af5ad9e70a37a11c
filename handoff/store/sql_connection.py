"""What the repositories need of a connection, whichever driver is behind it."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import CursorResult, Dialect, Executable


class SqlConnection(Protocol):
    """One connection inside one transaction."""

    @property
    def dialect(self) -> Dialect:
        """The database's kind: ``dialect.name`` is ``sqlite`` or ``postgresql``."""

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement; the result is read before the next one."""
