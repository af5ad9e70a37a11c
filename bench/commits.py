"""The floor under every durable service: SQLite commits (WAL, ``synchronous=FULL``), alone and shared."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROW: Final = bytes(320)  # about what a sealed entry takes


def open_table(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS line (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL)")
    return connection


def commits(connection: sqlite3.Connection, rows: int, shared_by: int, seconds: float) -> Sequence[float]:
    """Write ``rows`` rows, ``shared_by`` in each commit; the milliseconds of each. Bounded by ``seconds``."""
    times = []
    until = time.perf_counter() + seconds
    for _ in range(max(1, rows // shared_by)):
        started = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO line (sealed) VALUES (?)", [(ROW,)] * shared_by)
        connection.execute("COMMIT")
        ended = time.perf_counter()
        times.append((ended - started) * 1000)
        if ended > until:
            break
    return times
