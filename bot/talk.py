"""The terminal channel: converse with the bot on the command line, through the whole house."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from typing import Literal

from bot.compose import open_house
from bot.settings import Settings
from channels.port import TEXT_LIMIT, Busy, InboundMessage
from channels.terminal import CHANNEL, Terminal


async def _lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip():
            yield line.strip()[:TEXT_LIMIT]


async def talk(settings: Settings, lang: Literal["ko", "en"]) -> None:
    """Read lines until end of input. Each goes the way of any message, and so do the answers."""
    address = secrets.token_hex(8)
    async with open_house(settings) as house:
        delivery = asyncio.create_task(house.delivery({CHANNEL: Terminal(sys.stdout)}).run())
        try:
            async for text in _lines():
                message = InboundMessage(CHANNEL, secrets.token_hex(16), address, text, lang)
                try:
                    accepted = await house.listener.accept(message)
                except Busy:
                    print("잠시 뒤에 다시 써 주세요. / Please try again in a moment.", file=sys.stderr)  # noqa: T201
                    continue
                if accepted.decision is not None:
                    await accepted.decision
            await house.delivery({CHANNEL: Terminal(sys.stdout)}).send_due()
        finally:
            delivery.cancel()
            await asyncio.gather(delivery, return_exceptions=True)
