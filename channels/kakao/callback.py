"""The skill's callback: one later answer to one message, within a minute.

Source: kakaobusiness.gitbook.io, "AI 챗봇 콜백 개발 가이드": the address is good for one minute and one use;
the answer is a normal v2 body; Kakao answers with ``taskId`` and ``status``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from channels.errors import WindowClosed
from channels.kakao.answers import OUTPUTS, template
from channels.port import QuickReply, Way

if TYPE_CHECKING:
    from channels.kakao.line import Line

GOOD_FOR = 55.0
"""Seconds we rely on a callback address: Kakao's minute, less the way there."""

_HTTPS = 443
_PLAIN = re.compile(r"[a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Trusted:
    """Addresses that may be called back: https on a host of Kakao, or exactly one of ``origins``.

    The address comes with the request. Calling whatever it says would let a forger point this server at any
    machine it can reach. ``origins`` (``http://127.0.0.1:8700``) is for the simulator.
    """

    hosts: tuple[str, ...] = ("kakao.com",)
    origins: tuple[str, ...] = ()

    def allows(self, url: str) -> bool:
        """Whether this address may be called."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if any(ord(character) <= ord(" ") or character == "\\" for character in url):
            return False
        if f"{parts.scheme}://{parts.netloc}" in self.origins:
            return True
        host = parts.hostname or ""
        if not _PLAIN.fullmatch(host):
            return False
        ours = any(host == known or host.endswith(f".{known}") for known in self.hosts)
        return ours and parts.scheme == "https" and port in {None, _HTTPS} and "@" not in parts.netloc


class Callback:
    """Answers by the ticket of a skill request."""

    single = True

    def __init__(self, line: Line, trusted: Trusted) -> None:
        self._line = line
        self._trusted = trusted

    def reaches(self, way: Way) -> bool:
        """Whether this way has a callback address that may be called."""
        return (
            way.address.startswith("skill:") and way.ticket is not None and self._trusted.allows(way.ticket)
        )

    def holds(self, bubbles: Sequence[str]) -> int:
        """Three bubbles."""
        return min(OUTPUTS, len(bubbles))

    async def push(
        self, way: Way, bubbles: Sequence[str], quick: Sequence[QuickReply], key: str
    ) -> Sequence[str]:
        """Use the ticket. Raises ``WindowClosed`` when it is used or too old."""
        told = await self._line.post(way.ticket or "", {}, template(bubbles, quick))
        if not told.well or str(told.body.get("status", "SUCCESS")).upper() != "SUCCESS":
            raise WindowClosed("the callback is over")
        return ()
