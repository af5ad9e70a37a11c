"""What the linear reader sees of a text: pieces of Korean letters, and words. Pure, standard library only.

Korean syllables are taken apart into their letters (jamo), so that spelling games, typos and endings share most
of their pieces: 유포 and 유퍼 differ in one letter of four. Nothing here knows what a word means.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Iterator

LONGEST_TEXT = 2000  # characters; what comes after is not read
EDGE = "_"
_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TAILS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_KEYS = dict(
    zip(
        "qwertyuiopasdfghjklzxcvbnmQWERTOP",
        "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ",
    )
)
_REPEATED = re.compile(r"(.)\1{2,}", re.DOTALL)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W_]+|[^\w\s]", re.UNICODE)
_HIDDEN = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFE0F, 0xFEFF))


def _letters() -> dict[int, str]:
    table = {}
    for number in range(11172):
        lead, rest = divmod(number, 588)
        vowel, tail = divmod(rest, 28)
        table[0xAC00 + number] = _LEADS[lead] + _VOWELS[vowel] + _TAILS[tail]
    return table


_TO_LETTERS = _letters()
_TO_KEYS = str.maketrans(_KEYS)


def normalise(text: str) -> str:
    """The text with its accidents taken away: width, case, long repeats, numbers, addresses, hidden marks."""
    text = unicodedata.normalize("NFC", text[:LONGEST_TEXT]).translate(_HIDDEN)
    text = _ADDRESS.sub(" 주소 ", text)
    text = _REPEATED.sub(r"\1\1", text).lower()
    return " ".join(_NUMBER.sub("0", text).split())


def letters(text: str) -> str:
    """Korean syllables as their letters, everything else as it is."""
    return text.translate(_TO_LETTERS)


def _from_keys(text: str) -> str:
    """Korean letters of a text typed with the keyboard switched to English, or nothing if it is not one.

    `wktkfgkfrjdi` is 자살할거야. English words mostly do not make whole syllables; the ones that do add a few
    pieces that nothing has a weight for.
    """
    if not text.isascii() or not any(one.isalpha() for one in text):
        return ""
    typed = text.translate(_TO_KEYS)
    for word in typed.split():
        shape = "".join("v" if one in _VOWELS else "c" for one in word if one in _VOWELS or one in _LEADS)
        if shape and not re.fullmatch(r"(?:cv{1,2}c{0,2})+", shape):
            return ""
    return typed


def pieces(text: str, shortest: int = 2, longest: int = 5) -> Iterator[str]:
    """All features of a text, with repeats: words, pairs of words, and runs of letters.

    Runs of letters are taken once with the gaps between words as they stand and once with gaps and marks taken
    out, so that 자.살, 자 살 and 자살 meet.
    """
    plain = normalise(text)
    words = _WORD.findall(plain)
    for word in words:
        yield "w:" + word
    for first, second in zip(words, words[1:]):
        yield "b:" + first + " " + second
    apart = letters(plain)
    yield from _runs(EDGE + apart.replace(" ", EDGE) + EDGE, shortest, longest)
    for run in _runs("".join(one for one in apart if one.isalpha()), 4, longest):
        yield "j:" + run
    typed = _from_keys(" ".join(text[:LONGEST_TEXT].split()))
    if typed:
        yield from _runs(EDGE + typed.replace(" ", EDGE) + EDGE, shortest, longest)


def _runs(text: str, shortest: int, longest: int) -> Iterator[str]:
    for size in range(shortest, longest + 1):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]
