"""A text too long for one message, in parts that each read as a whole."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_BREAKS = (
    re.compile(r"\n\s*\n"),  # between paragraphs
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?。…])[\"'”’)]?\s"),  # between sentences
    re.compile(r"\s"),
)
_WIDEST_NUMBER = "(10/10) "


def parts(text: str, fits: Callable[[str], bool]) -> list[str]:
    """The text whole if it fits, else in numbered parts that fit, cut where a reader would pause.

    ``fits`` must hold for every beginning of a text for which it holds. An empty text has no parts.
    """
    rest = text.strip()
    if not rest or fits(rest):
        return [rest] if rest else []
    found = []
    while rest:
        cut = _cut(rest, lambda part: fits(_WIDEST_NUMBER + part))
        found.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [f"({number}/{len(found)}) {part}" for number, part in enumerate(found, start=1)]


def _cut(text: str, fits: Callable[[str], bool]) -> int:
    """Where the first part ends: at the best pause in the second half of what fits."""
    if fits(text):
        return len(text)
    most = _longest(text, fits)
    for pause in _BREAKS:
        ends = [found.end() for found in pause.finditer(text, 0, most + 1) if found.start() > most // 2]
        if ends:
            return ends[-1]
    return _between_characters(text, most)


def _longest(text: str, fits: Callable[[str], bool]) -> int:
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle - 1)
    return low


def _between_characters(text: str, cut: int) -> int:
    """Not before an accent or inside an emoji that several code points make up."""
    back = cut
    while back > 1 and (_joins(text[back]) or text[back - 1] == "\u200d"):
        back -= 1
    return back if back > 1 else cut


def _joins(character: str) -> bool:
    return unicodedata.combining(character) != 0 or character in "\u200d\ufe0f"
