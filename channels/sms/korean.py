"""What Korean carriers take: CP949 (the completed EUC-KR), counted in bytes.

A short message (SMS) holds 90 bytes, a long one (LMS) 2,000; a Hangul syllable takes two. Source: SOLAPI's
message status codes 1029 and 1031, https://github.com/solapi/documents/blob/master/api-reference/message-status-codes.md
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

SMS_BYTES = 90
LMS_BYTES = 2000
_KIN = str.maketrans(
    {
        "\u2014": "-",  # em dash
        "\u2013": "-",  # en dash
        "\u2011": "-",  # non-breaking hyphen
        "\u00a0": " ",
        "\u2022": "·",
        "\u20a9": "￦",
        "«": "《",
        "»": "》",
        "\u2764": "♥",
        "\u2713": "v",
        "\u2192": "→",
        "\ufe0f": "",
        "\u200d": "",
    }
)
_PICTURES = {"So", "Sk", "Cf", "Cs", "Co", "Cn", "Mn", "Me"}  # emoji and what glues them together


def carried(text: str) -> str:
    """The text with every character that carriers cannot take replaced by its nearest kin, emoji left out."""
    whole = unicodedata.normalize("NFC", text).translate(_KIN)
    if _taken(whole):
        return whole
    kept = "".join(character if _taken(character) else _kin(character) for character in whole)
    return "\n".join(re.sub(r" {2,}", " ", line).strip() for line in kept.split("\n"))


def length(text: str) -> int:
    """How many bytes a text takes; a character that is not ``carried`` counts two."""
    return sum(_width(character) for character in text)


def kind(text: str) -> Literal["SMS", "LMS"]:
    """How a text travels. More than ``LMS_BYTES`` must be split first."""
    return "SMS" if length(text) <= SMS_BYTES else "LMS"


def fits(text: str) -> bool:
    """Whether a text goes out as one message."""
    return length(text) <= LMS_BYTES


def _taken(text: str) -> bool:
    try:
        text.encode("cp949")
    except UnicodeEncodeError:
        return False
    return True


def _width(character: str) -> int:
    return len(character.encode("cp949")) if _taken(character) else 2


def _kin(character: str) -> str:
    if unicodedata.category(character) in _PICTURES:
        return ""
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if _taken(part))
    return plain or "?"
