"""Twelve ways to type the same message so that a filter might not see it. Seeded: the same text gives the same typing.

Written without the normaliser's tables, so that a mistake in those is not repeated here. Facts: the letters of
Unicode's Hangul blocks; the standard Korean keyboard (KS X 5002); the Revised Romanization, letter by letter.
"""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
TAILS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
KEYS = dict(
    zip("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", "qwertyuiopasdfghjklzxcvbnm", strict=True)
)
KEYS |= {"ㅃ": "Q", "ㅉ": "W", "ㄸ": "E", "ㄲ": "R", "ㅆ": "T", "ㅒ": "O", "ㅖ": "P"}
TWO_KEYS = {
    "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ",
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ",
    "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
ROMAN_LEADS = "g kk n d tt r m b pp s ss - j jj ch k t p h".replace("-", "").split(" ")
ROMAN_VOWELS = [
    "a",
    "ae",
    "ya",
    "yae",
    "eo",
    "e",
    "yeo",
    "ye",
    "o",
    "wa",
    "wae",
    "oe",
    "yo",
    "u",
    "wo",
    "we",
    "wi",
    "yu",
    "eu",
    "ui",
    "i",
]
ROMAN_TAILS = [
    "",
    "k",
    "k",
    "k",
    "n",
    "n",
    "n",
    "t",
    "l",
    "k",
    "m",
    "l",
    "l",
    "l",
    "p",
    "l",
    "m",
    "p",
    "p",
    "t",
    "t",
    "ng",
    "t",
    "t",
    "k",
    "t",
    "p",
    "t",
]

# Words that people hide, longest first; how each is hidden by its initials or by turning it round.
HIDDEN = ("자살", "자해", "죽고", "죽을", "죽어", "죽이", "유서", "투신", "성폭행", "강간", "납치", "칼", "수면제", "손목", "옥상", "지금")  # fmt: skip
HIDDEN_ENGLISH = {"killing myself": "kms", "kill myself": "kms", "right now": "rn"}
LOOKS = {
    "o": "0", "i": "1", "l": "1", "e": "3", "a": "@", "s": "5", "t": "7",
    "ㅇ": "0", "ㅣ": "l", "ㄱ": "7", "ㅁ": "口", "ㅏ": "r",
}  # fmt: skip
SMILES = "😂😭🙏✨🥺💀🔥🖤"


def no_spaces(text: str, chance: random.Random) -> str:
    """All spaces left out."""
    return "".join(text.split())


def dotted(text: str, chance: random.Random) -> str:
    """A dot between the letters of every word."""
    return " ".join(".".join(word) for word in text.split(" "))


def jamo(text: str, chance: random.Random) -> str:
    """Syllables taken apart into their letters."""
    return "".join("".join(_letters(c)) for c in text)


def initials(text: str, chance: random.Random) -> str:
    """The hidden words by their first consonants only (in English by the usual short forms)."""
    for word in HIDDEN:
        text = text.replace(word, "".join(_letters(c)[0] for c in word))
    for words, short in HIDDEN_ENGLISH.items():
        text = re.sub(words, short, text, flags=re.IGNORECASE)
    return text


def reversed_words(text: str, chance: random.Random) -> str:
    """The hidden words turned round: 자살, 살자."""
    for word in HIDDEN:
        text = text.replace(word, word[::-1])
    return text


def other_keyboard(text: str, chance: random.Random) -> str:
    """Korean typed while the keyboard was English, and English typed while it was Korean."""
    if any("가" <= c <= "힣" for c in text):
        return "".join(KEYS.get(key, key) for c in text for key in _keys(c))
    jamo_of = {key: letter for letter, key in KEYS.items()}
    typed = [jamo_of.get(c) or jamo_of.get(c.lower()) or c for c in text]
    return _as_an_editor_joins(typed)


def romanised(text: str, chance: random.Random) -> str:
    """Korean in Latin letters."""
    return "".join(_roman(c) for c in text)


def doubled(text: str, chance: random.Random) -> str:
    """Every letter of some words twice or three times."""
    return " ".join(
        "".join(c * chance.choice((2, 3)) for c in word) if chance.random() < 0.5 else word
        for word in text.split(" ")
    )


def look_alikes(text: str, chance: random.Random) -> str:
    """Digits and signs for every other letter that has one; in Korean within syllables taken apart."""
    return "".join(_look_alike(c, chance) for c in text)


def with_emoji(text: str, chance: random.Random) -> str:
    """A picture in about every third gap between letters."""
    return "".join(c + (chance.choice(SMILES) if chance.random() < 0.3 else "") for c in text)


def invisible(text: str, chance: random.Random) -> str:
    """Latin letters and digits full-width, and zero-width characters in between."""
    wide = (chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    return "".join(
        c + (chance.choice("\u200b\u200d\u2060\ufeff") if chance.random() < 0.5 else "") for c in wide
    )


def typos(text: str, chance: random.Random) -> str:
    """One pair of neighbouring letters swapped in every third word (in Korean: of the letters typed)."""
    return " ".join(_mistyped(word, chance) if chance.random() < 0.34 else word for word in text.split(" "))


EVASIONS: Mapping[str, Callable[[str, random.Random], str]] = MappingProxyType(
    {
        evasion.__name__: evasion
        for evasion in (
            no_spaces,
            dotted,
            jamo,
            initials,
            reversed_words,
            other_keyboard,
            romanised,
            doubled,
            look_alikes,
            with_emoji,
            invisible,
            typos,
        )
    }
)


def evade(name: str, text: str) -> str:
    """The text typed in this way. The same for the same text, on every machine."""
    seed = int.from_bytes(hashlib.sha256(f"{name}|{text}".encode()).digest()[:8])
    return EVASIONS[name](unicodedata.normalize("NFC", text), random.Random(seed))


# -- Korean letters -----------------------------------------------------------------------------------------


def _parts(c: str) -> tuple[int, int, int] | None:
    """Numbers of first consonant, vowel and last consonant of a syllable."""
    number = ord(c) - 0xAC00
    return (number // 588, number % 588 // 28, number % 28) if 0 <= number < 11_172 else None


def _letters(c: str) -> list[str]:
    parts = _parts(c)
    if parts is None:
        return [c]
    return [letter for letter in (LEADS[parts[0]], VOWELS[parts[1]], TAILS[parts[2]]) if letter]


def _keys(c: str) -> list[str]:
    """The letters in the order in which they are typed."""
    return [key for letter in _letters(c) for key in TWO_KEYS.get(letter, letter)]


def _roman(c: str) -> str:
    parts = _parts(c)
    if parts is None:
        return c
    return ROMAN_LEADS[parts[0]] + ROMAN_VOWELS[parts[1]] + ROMAN_TAILS[parts[2]]


def _as_an_editor_joins(letters: list[str]) -> str:
    """Single letters joined into syllables as a Korean keyboard would show them."""
    out: list[str] = []
    at = 0
    while at < len(letters):
        joined, used = _syllable(letters[at : at + 6])
        out.append(joined)
        at += used
    return "".join(out)


def _syllable(ahead: list[str]) -> tuple[str, int]:
    """The first thing that these letters make, and how many of them it takes."""
    pairs = {two: one for one, two in TWO_KEYS.items()}
    lead, at = ahead[0], 1
    if lead not in LEADS or len(ahead) < 2 or ahead[1] not in VOWELS:
        return lead, 1
    vowel = ahead[1]
    at = 2
    if "".join(ahead[1:3]) in pairs and pairs["".join(ahead[1:3])] in VOWELS:
        vowel, at = pairs["".join(ahead[1:3])], 3
    tail = ""
    for size in (2, 1):
        letters = ahead[at : at + size]
        candidate = pairs.get("".join(letters), "".join(letters)) if len(letters) == size else ""
        after = ahead[at + size] if len(ahead) > at + size else ""
        if candidate and candidate in TAILS and (not after or after not in VOWELS):
            tail, at = candidate, at + size
            break
    code = 0xAC00 + LEADS.index(lead) * 588 + VOWELS.index(vowel) * 28 + TAILS.index(tail)
    return chr(code), at


def _look_alike(c: str, chance: random.Random) -> str:
    letters = _letters(c)
    if not any(letter.lower() in LOOKS for letter in letters) or chance.random() < 0.5:
        return c
    return "".join(LOOKS.get(letter.lower(), letter) for letter in letters)


def _mistyped(word: str, chance: random.Random) -> str:
    keys = [key for c in word for key in _keys(c)]
    if len(keys) < 3:
        return word
    at = chance.randrange(len(keys) - 1)
    keys[at], keys[at + 1] = keys[at + 1], keys[at]
    return _as_an_editor_joins(keys)
