"""Skill answers of version 2.0, within Kakao's limits.

Limits: kakaobusiness.gitbook.io, "응답 타입별 JSON 포맷": 1 to 3 outputs, 1,000 characters a ``simpleText``
(above 500 KakaoTalk folds it behind "전체보기"), 30,720 bytes in all; 10 quick replies. Characters are
counted as UTF-16 units, which is never too few: an emoji is two.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from channels.port import QuickReply

OUTPUTS = 3
LONGEST = 1000
UNFOLDED = 500
BYTES = 30_720
QUICK_REPLIES = 10

_BREAKS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…。~])[\"'”’)\]」』]*\s"),
    re.compile(r"\s"),
)
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}
_NOTHING_KIND = 4  # a kind cut leaves at least a quarter of the room filled


def size(text: str) -> int:
    """Characters as Kakao counts them."""
    return len(text) + sum(character > "\uffff" for character in text)


def laid_out(texts: Iterable[str]) -> list[str]:
    """The texts as bubbles of at most 1,000 characters: unfolded and apart if three suffice, else closer.

    More than three bubbles come out only when there is more than three of them can hold. Nothing but blank
    space is lost.
    """
    said = [text.strip() for text in texts if text.strip()]
    for limit in (UNFOLDED, LONGEST):
        bubbles = [piece for text in said for piece in split(text, limit)]
        if len(bubbles) <= OUTPUTS:
            return bubbles
        bubbles = _joined(bubbles, limit)
        if len(bubbles) <= OUTPUTS:
            return bubbles
    return split("\n\n".join(said), LONGEST, kindly=False)


def split(text: str, limit: int, *, kindly: bool = True) -> list[str]:
    """Cut into pieces of at most ``limit`` characters, at the end of a paragraph, line or sentence."""
    pieces = []
    rest = text.strip()
    while size(rest) > limit:
        cut = _cut(rest, limit, kindly=kindly)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [piece for piece in (*pieces, rest) if piece]


def template(bubbles: Sequence[str], quick: Sequence[QuickReply] = ()) -> dict[str, Any]:
    """One answer. ``ValueError`` for no bubble, or more or longer ones than an answer holds."""
    if not 0 < len(bubbles) <= OUTPUTS or any(size(text) > LONGEST for text in bubbles):
        raise ValueError("an answer has 1 to 3 texts of at most 1,000 characters")
    inner: dict[str, Any] = {"outputs": [{"simpleText": {"text": text}} for text in bubbles]}
    answer: dict[str, Any] = {"version": "2.0", "template": inner}
    buttons = [
        {"label": reply.label, "action": "message", "messageText": reply.say}
        for reply in quick[:QUICK_REPLIES]
    ]
    while buttons:
        inner["quickReplies"] = buttons
        if len(encoded(answer)) <= BYTES:
            return answer
        buttons = buttons[:-1]
        del inner["quickReplies"]
    return answer


def on_its_way(text: str) -> dict[str, Any]:
    """The answer that promises another one by callback; ``text`` is shown meanwhile."""
    return {"version": "2.0", "useCallback": True, "data": {"text": text}}


def encoded(answer: dict[str, Any]) -> bytes:
    """JSON as UTF-8. Half characters, which JSON can smuggle in, become question marks."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _joined(bubbles: Sequence[str], limit: int) -> list[str]:
    """Neighbours put together while they fit."""
    packed: list[str] = []
    for bubble in bubbles:
        if packed and size(together := f"{packed[-1]}\n\n{bubble}") <= limit:
            packed[-1] = together
        else:
            packed.append(bubble)
    return packed


def _cut(text: str, limit: int, *, kindly: bool) -> int:
    """Where to cut so that what comes before fits: at the kindest place that leaves little room unused."""
    last = _fitting(text, limit)
    for breaks in _BREAKS if kindly else _BREAKS[-1:]:
        ends = [match.end() for match in breaks.finditer(text[:last])]
        least = last // _NOTHING_KIND if kindly else last - last // 10
        if ends and ends[-1] > least:
            return ends[-1]
    while last > 1 and _inside(text, last):
        last -= 1
    return last


def _fitting(text: str, limit: int) -> int:
    """The largest number of leading characters that fit."""
    last = min(len(text), limit)
    while size(text[:last]) > limit:
        last -= (size(text[:last]) - limit + 1) // 2
    return last


def _inside(text: str, at: int) -> bool:
    """Whether a cut would go through what is seen as one character."""
    after = text[at] if at < len(text) else ""
    return bool(after) and (
        after in _JOINERS or text[at - 1] == "\u200d" or unicodedata.combining(after) != 0
    )
