"""The clock and new ids, which everything else is handed as arguments."""

from __future__ import annotations

import secrets
import time


def now() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """96 random bits: ids tell neither order nor number."""
    return secrets.token_hex(12)
