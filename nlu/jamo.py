"""Hangul letters: composing syllables, and the standard Korean keyboard (두벌식) read both ways. Pure.

Jamo are the compatibility letters U+3131..U+3163, as people type them in chats.
"""

from __future__ import annotations

import re
from typing import Final

INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS: Final = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"

_SYLLABLES: Final = 11_172
_VOWEL_PAIRS: Final = {
    "ㅗㅏ": "ㅘ", "ㅗㅐ": "ㅙ", "ㅗㅣ": "ㅚ", "ㅜㅓ": "ㅝ", "ㅜㅔ": "ㅞ", "ㅜㅣ": "ㅟ", "ㅡㅣ": "ㅢ",
}  # fmt: skip
_FINAL_PAIRS: Final = {
    "ㄱㅅ": "ㄳ", "ㄴㅈ": "ㄵ", "ㄴㅎ": "ㄶ", "ㄹㄱ": "ㄺ", "ㄹㅁ": "ㄻ", "ㄹㅂ": "ㄼ", "ㄹㅅ": "ㄽ",
    "ㄹㅌ": "ㄾ", "ㄹㅍ": "ㄿ", "ㄹㅎ": "ㅀ", "ㅂㅅ": "ㅄ",
}  # fmt: skip
_KEYS: Final = dict(
    zip(
        "rRseEfaqQtTdwWczxvgkoiOjpuPhynbml",
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅑㅒㅓㅔㅕㅖㅗㅛㅜㅠㅡㅣ",
        strict=True,
    )
)
_LETTER_OF: Final = {jamo: key for key, jamo in _KEYS.items()}
_PARTS: Final = {whole: pair for pair, whole in (_VOWEL_PAIRS | _FINAL_PAIRS).items()}

_FINAL: Final = "(?:" + "|".join(_FINAL_PAIRS) + "|[ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ])"
_VOWEL: Final = "(?:" + "|".join(_VOWEL_PAIRS) + "|[ㅏ-ㅣ])"
_SYLLABLE: Final = re.compile(f"([{INITIALS}])({_VOWEL})({_FINAL}(?![ㅏ-ㅣ]))?")
_KEYED_WORD: Final = re.compile(
    r"(?:[rRseEfaqQtTdwWczxvg](?:h[kol]|n[jpl]|ml|[koiOjpuPhynbml])"
    r"(?:(?:rt|sw|sg|f[raqtxvg]|qt|[rRsefaqtTdwczxvg])(?![koiOjpuPhynbml]))?){2,}"
)


def syllable(initial: str, vowel: str, final: str = "") -> str:
    """The syllable of an initial, a vowel (or pair) and a final (or pair, or none)."""
    vowel = _VOWEL_PAIRS.get(vowel, vowel)
    final = _FINAL_PAIRS.get(final, final) or " "
    index = INITIALS.index(initial) * 588 + VOWELS.index(vowel) * 28 + FINALS.index(final)
    return chr(0xAC00 + index)


def compose(jamo: str) -> str:
    """Every initial + vowel (+ final) as one syllable; other characters stay."""
    return _SYLLABLE.sub(lambda found: syllable(found[1], found[2], found[3] or ""), jamo)


def close(open_syllable: str, final: str) -> str:
    """The syllable with ``final`` added; unchanged when it has a final already or cannot take this one."""
    code = ord(open_syllable) - 0xAC00
    if not 0 <= code < _SYLLABLES or code % 28 or final not in FINALS:
        return open_syllable + final
    return chr(ord(open_syllable) + FINALS.index(final))


def from_keys(word: str) -> str | None:
    """Korean typed while the keyboard was set to English, or None where the keys make no whole syllables."""
    if not _KEYED_WORD.fullmatch(word):
        return None
    return compose("".join(_KEYS[key] for key in word))


def keyed(text: str) -> str:
    """Korean typed while the keyboard was set to English; what makes no syllable stays as single letters.

    A capital that no Korean letter needs counts as its small letter.
    """
    return compose("".join(_KEYS.get(key) or _KEYS.get(key.lower(), key) for key in text))


def to_keys(text: str) -> str:
    """The Latin letters whose keys were pressed, for English typed while the keyboard was set to Korean."""
    return "".join(_keys_of(character) for character in text)


def _keys_of(character: str) -> str:
    code = ord(character) - 0xAC00
    if 0 <= code < _SYLLABLES:
        parts = INITIALS[code // 588] + VOWELS[code % 588 // 28] + FINALS[code % 28].strip()
    else:
        parts = character
    simple = "".join(_PARTS.get(part, part) for part in parts)
    return "".join(_LETTER_OF.get(part, part) for part in simple)
