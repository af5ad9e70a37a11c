"""How long a text is on the air: GSM-7 or UCS-2, and in how many segments (3GPP TS 23.038 and 23.040).

A segment carries 160 GSM-7 or 70 UCS-2 units; of a text in several segments each carries 153 or 67, because
six octets say which part it is. Characters of the extension table take two units, which are not torn apart,
and neither is a surrogate pair.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà"
    + string.digits
    + string.ascii_letters
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_BEYOND_ONE_UNIT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Measure:
    """A text on the air: its alphabet, how many units of it, in how many segments (0 for an empty text)."""

    alphabet: Literal["gsm7", "ucs2"]
    units: int
    segments: int


def measure(text: str) -> Measure:
    """Measure a text as a carrier does."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        return _measured("gsm7", [2 if character in _EXTENDED else 1 for character in text], (160, 153))
    return _measured("ucs2", [2 if ord(character) > _BEYOND_ONE_UNIT else 1 for character in text], (70, 67))


def segments(text: str) -> int:
    """How many segments a text takes, which is what it costs."""
    return measure(text).segments


def fits(most: int) -> Callable[[str], bool]:
    """Whether a text fits into this many segments."""
    return lambda text: segments(text) <= most


def _measured(alphabet: Literal["gsm7", "ucs2"], units: Iterable[int], limits: tuple[int, int]) -> Measure:
    widths = list(units)
    alone, joined = limits
    whole = sum(widths)
    if whole <= alone:
        return Measure(alphabet, whole, 1 if whole else 0)
    count, level = 1, 0
    for width in widths:
        if level + width > joined:
            count, level = count + 1, 0
        level += width
    return Measure(alphabet, whole, count)
