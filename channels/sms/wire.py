"""One request to a carrier, and the one question that matters when it fails: may it have been accepted?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from channels.errors import Unreachable

DEADLINE = 8.0
CONNECTS_WITHIN = 3.0
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class Unknown(Exception):
    """The request left, and no answer came: the carrier may have accepted it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it goes out."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """A carrier's answer. ``body``: empty if it was no JSON object. ``retry_after``: seconds, 0 if unsaid."""

    status: int
    body: Mapping[str, object] = field(repr=False)
    retry_after: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the carrier took it."""
        return 200 <= self.status < 300  # noqa: PLR2004  RFC 9110, section 15.3


async def ask(session: aiohttp.ClientSession, asked: Asked) -> Answered:
    """Send a request, once more if no connection came about.

    Raises ``Unreachable`` when it certainly did not reach the carrier, ``Unknown`` when that cannot be told.
    The connection is a fresh one each time: on a kept one, a carrier that hangs up leaves the question open.
    """
    ends = asyncio.get_running_loop().time() + DEADLINE
    try:
        return await _once(session, asked, ends)
    except _NEVER_LEFT:
        pass
    try:
        return await _once(session, asked, ends)
    except _NEVER_LEFT:
        raise Unreachable("no connection to the carrier") from None


async def _once(session: aiohttp.ClientSession, asked: Asked, ends: float) -> Answered:
    left = max(0.1, ends - asyncio.get_running_loop().time())
    limits = aiohttp.ClientTimeout(total=left, connect=min(left, CONNECTS_WITHIN), sock_connect=left)
    headers = {**asked.headers, "Connection": "close", "Accept": "application/json"}
    try:
        async with session.request(
            asked.method, asked.url, headers=headers, data=asked.body, timeout=limits, allow_redirects=False
        ) as response:
            raw = await response.read()
            return Answered(response.status, _json(raw), _seconds(response.headers.get("Retry-After", "")))
    except _NEVER_LEFT:
        raise
    except (aiohttp.ClientError, TimeoutError, OSError):
        raise Unknown from None


def _json(raw: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(value: str) -> float:
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else 0.0
