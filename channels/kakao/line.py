"""Requests to Kakao and the relay: a deadline, one quick retry, and errors in the house's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from channels.errors import Throttled, Unreachable

WITHIN = 8.0
MOST = 65_536
"""Bytes read of a provider's answer."""

PAUSE = 60.0
"""Seconds to wait when a provider says "too fast" but not for how long."""

_WELL = 2  # hundred and something
_TOO_MANY = 429
_THEIR_FAULT = 500


class Lost(Unreachable):
    """Perhaps it arrived and perhaps not: the connection broke, or the provider failed, after we had sent."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider answered. ``body`` is empty where it was no JSON object."""

    status: int
    body: Mapping[str, Any] = field(repr=False)

    @property
    def well(self) -> bool:
        return self.status // 100 == _WELL

    def number(self, name: str) -> int | None:
        """A whole number of the body, also where it was written as text."""
        value = self.body.get(name)
        try:
            return int(value) if isinstance(value, (int, str)) else None
        except ValueError:
            return None


class Line:
    """Speaks JSON with one provider after another. ``within``: seconds for a request and its retry."""

    def __init__(self, session: aiohttp.ClientSession, within: float = WITHIN) -> None:
        self._session = session
        self._within = within

    async def post(self, url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Told:
        """Send JSON. Raises ``Unreachable`` (not sent), ``Lost`` (perhaps sent) or ``Throttled``."""
        raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return await self._ask("POST", url, {**headers, "Content-Type": "application/json"}, raw)

    async def get(self, url: str, headers: Mapping[str, str]) -> Told:
        """Fetch JSON. Raises as ``post`` does."""
        return await self._ask("GET", url, headers, None)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], raw: bytes | None) -> Told:
        try:
            async with asyncio.timeout(self._within):
                try:
                    return await self._once(method, url, headers, raw)
                except aiohttp.ClientConnectorError:
                    return await self._once(method, url, headers, raw)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            raise Unreachable("no connection to the provider") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Lost("the provider did not answer") from None

    async def _once(self, method: str, url: str, headers: Mapping[str, str], raw: bytes | None) -> Told:
        async with self._session.request(
            method, url, data=raw, headers=headers, allow_redirects=False
        ) as response:
            if response.status == _TOO_MANY:
                raise Throttled(_seconds(response.headers.get("Retry-After", "")))
            if response.status >= _THEIR_FAULT:
                raise Lost("the provider failed")
            return Told(response.status, _object(await _read(response.content)))


async def _read(stream: aiohttp.StreamReader) -> bytes:
    """The body, or its first 64 KiB."""
    read = bytearray()
    async for chunk in stream.iter_chunked(MOST):
        read += chunk
        if len(read) >= MOST:
            break
    return bytes(read[:MOST])


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(text: str) -> float:
    return float(min(int(text), 3600)) if text.isdecimal() else PAUSE
