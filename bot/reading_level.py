"""How hard a text is to read. Pure.

English: the school grade of Flesch and Kincaid (0.39 words a sentence + 11.8 syllables a word - 15.59), with
syllables counted as groups of vowels. Korean has no such formula that everybody uses; there the measures are
words in the longest sentence and syllables (letters of Hangul) in the average word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FEWEST_WORDS: Final = 12
"""Shorter texts are too short to be measured."""

SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=:)\s+")
_REFERENCE: Final = re.compile(r"\{[^{}]*\}")
_WORD: Final = re.compile(r"[A-Za-z']+")
_VOWELS: Final = re.compile(r"[aeiouy]+")
_HANGUL: Final = re.compile("[가-힣]")


@dataclass(frozen=True, slots=True)
class KoreanLevel:
    """``words``: in the longest sentence. ``syllables``: in the average word."""

    words: int
    syllables: float


def grade(text: str) -> float:
    """The school grade of an English text; 0.0 when it is too short to say."""
    bare = _REFERENCE.sub(" ", text)
    words = _WORD.findall(bare)
    sentences = [part for part in SENTENCE_END.split(bare) if _WORD.search(part)]
    if len(words) < FEWEST_WORDS:
        return 0.0
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59


def korean(text: str) -> KoreanLevel:
    """The level of a Korean text; words without Hangul do not count as long ones."""
    bare = _REFERENCE.sub("곳", text)
    words = bare.split()
    longest = max((len(part.split()) for part in SENTENCE_END.split(bare)), default=0)
    if len(words) < FEWEST_WORDS:
        return KoreanLevel(longest, 0.0)
    return KoreanLevel(longest, sum(len(_HANGUL.findall(word)) for word in words) / len(words))


def _syllables(word: str) -> int:
    groups = len(_VOWELS.findall(word.lower()))
    if word.lower().endswith("e") and not word.lower().endswith("le") and groups > 1:
        groups -= 1
    return max(1, groups)
