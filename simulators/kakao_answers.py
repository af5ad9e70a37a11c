"""How KakaoTalk reads an answer of version 2.0: what it shows, and what it refuses.

Limits: kakaobusiness.gitbook.io, "응답 타입별 JSON 포맷".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from simulators.stage import Stage

OUTPUTS = 3
CHARACTERS = 1000
FOLDED = 500
BYTES = 30_720
QUICK_REPLIES = 10
FOLD = "\n⋯ 전체보기"


class BadAnswer(ValueError):
    """KakaoTalk cannot show this."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the visitor gets to see."""

    texts: tuple[str, ...] = field(repr=False)
    buttons: tuple[str, ...] = ()


def read(raw: bytes) -> dict[str, Any]:
    """A JSON object within the limit of bytes. Raises ``BadAnswer``."""
    if len(raw) > BYTES:
        raise BadAnswer(f"{len(raw)} bytes")
    try:
        answer = json.loads(raw)
    except ValueError:
        raise BadAnswer("no JSON") from None
    if not isinstance(answer, dict) or answer.get("version") != "2.0":
        raise BadAnswer("not version 2.0")
    return answer


def shown(answer: Mapping[str, Any]) -> Shown:
    """The bubbles and buttons of a template. Raises ``BadAnswer``."""
    template = answer.get("template")
    outputs = template.get("outputs") if isinstance(template, dict) else None
    if not isinstance(template, dict) or not isinstance(outputs, list) or not 0 < len(outputs) <= OUTPUTS:
        raise BadAnswer("not 1 to 3 outputs")
    quick = template.get("quickReplies", [])
    if not isinstance(quick, list) or len(quick) > QUICK_REPLIES:
        raise BadAnswer("more than 10 quick replies")
    return Shown(tuple(_text(output) for output in outputs), tuple(_said(reply) for reply in quick))


async def show(stage: Stage, what: Shown) -> None:
    """Put it on the visitor's screen; the buttons stand under the last bubble."""
    for number, text in enumerate(what.texts, start=1):
        folded = FOLD if _units(text) > FOLDED else ""
        await stage.show("gyeot", text + folded, what.buttons if number == len(what.texts) else ())


async def post(url: str, headers: Mapping[str, str], body: Any, within: float) -> tuple[int, bytes]:
    """Send JSON to the service. Raises ``TimeoutError`` or ``aiohttp.ClientError``."""
    async with (
        asyncio.timeout(within),
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        return response.status, await response.read()


def public(settings: Mapping[str, str]) -> str:
    """Where the service is."""
    return settings.get("public", "http://127.0.0.1:8700").rstrip("/")


def given(settings: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """The named settings that are not empty, by our own names."""
    return {name: settings[key] for name, key in names.items() if settings.get(key)}


def _text(output: Any) -> str:
    simple = output.get("simpleText") if isinstance(output, dict) else None
    text = simple.get("text") if isinstance(simple, dict) else None
    if not isinstance(text, str) or not text.strip() or _units(text) > CHARACTERS:
        raise BadAnswer("a simpleText has 1 to 1,000 characters")
    return text


def _said(reply: Any) -> str:
    """What a tapped button says."""
    if not isinstance(reply, dict) or reply.get("action") != "message" or not reply.get("label"):
        raise BadAnswer("a quick reply has a label and an action")
    return str(reply.get("messageText") or reply["label"])


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
