"""What a disguised or mistyped message says: one likeliest plain spelling of it. Pure and total.

Each step undoes one way of hiding words and leaves every other text as it is, so that an ordinary message
passes through untouched and at once. The order matters: what lies on top is taken off first.
"""

from __future__ import annotations

import math
import re
from typing import Final

from nlu import jamo
from nlu.romanised import korean_of
from nlu.wordstock import (
    english_likeness,
    english_share,
    guess_english,
    is_english,
    known_syllables,
    korean_likeness,
    split_english,
    swapped_english,
)

_MOST_LETTERS: Final = 3000  # beyond this nobody hides words; the plain readings are enough
_PICTURE: Final = "\u2600-\u26ff\u2702-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\u200d\ufe0f"
_TELLING: Final = "🔪💊🩸🚪🚗🌉⚰"  # pictures that say something themselves
_INSIDE: Final = re.compile(f"(?<=[가-힣a-zA-Z])(?![{_TELLING}])[{_PICTURE}]+(?=[가-힣a-zA-Z])")
_PICTURES: Final = re.compile(f"(?![{_TELLING}])[{_PICTURE}]")
_DOTTED: Final = re.compile(
    r"(?<![a-zA-Z가-힣])[a-zA-Z가-힣](?:[.\-_*/,·~|+]{1,2}[a-zA-Z가-힣])+(?![a-zA-Z가-힣])"
)
_DOT: Final = re.compile(r"[.\-_*/,·~|+]+")
_RUN: Final = re.compile(r"(\S)\1*")
_DOUBLED: Final = re.compile(r"(?:([^\W\d_ㅋㅎㅠㅜ])\1{1,5}){2,}")
_EDGE: Final = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)
_MASKED: Final = re.compile(r"[ㄱ-ㅎ07口][ㅏ-ㅣlr]|[ㅏ-ㅣlr][07口]")
_MASK: Final = re.compile("[ㄱ-ㅣ07口lr]+")
_UNMASK: Final = {"0": "ㅇ", "7": "ㄱ", "口": "ㅁ", "l": "ㅣ", "r": "ㅏ"}
_APART: Final = re.compile("[ㄱ-ㅎ][ㅏ-ㅣ]")
_LOOSE: Final = re.compile("[ㄱ-ㅣ]{2,}")
_LAUGHS: Final = re.compile("[ㅋㅎㅠㅜㅡㅇ]+|ㅏ+")
_LEET: Final = re.compile(r"(?=[a-z0-9@$!|]*[0-9@$!|])[a-z0-9@$!|]+", re.IGNORECASE)
_WORTH_HIDING: Final = 4  # characters
_ONE: Final = "1"  # for "i"
_FEW_LONE: Final = 2
_FEW_KEYS: Final = 3
_HALF: Final = 0.5
_MUCH_LEET: Final = 3  # words
_LETTERS_OF: Final = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "l",
}  # fmt: skip
_WORD: Final = re.compile("[a-zA-Z]+")
_HANGUL: Final = re.compile("[가-힣]")
_ANY_KOREAN: Final = re.compile("[가-힣ㄱ-ㅣ]")
_LONE: Final = re.compile("[ㄱ-ㅣ]")
_SURELY: Final = 0.85  # share of letters in known English words
_HARDLY: Final = 0.6
_FOREIGN: Final = 0.35
_LIKE_ENGLISH: Final = -3.2
_RUN_ON: Final = 6  # letters of what may be several words
_KOREAN: Final = re.compile("[가-힣ㄱ-ㅣ]+")
_APART_OR_WHOLE: Final = re.compile("[가-힣]|[ㅏ-ㅣ]+[ㄱ-ㅎ]")
_SHORTEST: Final = 2
_LONGEST: Final = 12  # syllables of a word worth mending
_UNLIKELY: Final = -10.0  # mean log-likelihood of a word that may be a slip
_FAR: Final = 1.0


def legible(text: str) -> str:
    """``text`` (width and invisible characters already mended, case kept) as it was probably meant."""
    if len(text) > _MOST_LETTERS:
        return text
    text = _without_pictures(text)
    text = _DOTTED.sub(lambda found: _DOT.sub("", found[0]), text)
    text = _undoubled(text)
    if _MASKED.search(text) and _ANY_KOREAN.search(text):
        text = _MASK.sub(_unmasked, text)
    if _typed_in_latin(text):
        text = jamo.to_keys(text)
    if _APART.search(text):
        text = _LOOSE.sub(_composed, text)
    if _LONE.search(text) or not known_syllables().issuperset(_HANGUL.findall(text)):
        text = _KOREAN.sub(lambda found: _unswapped(found[0]), text)
    return _latin(text) if _WORD.search(text) and not _HANGUL.search(text) else text


def _without_pictures(text: str) -> str:
    return _PICTURES.sub("", text) if _INSIDE.search(text) else text


def _undoubled(text: str) -> str:
    words = text.split(" ")
    if not any(len(word) >= _WORTH_HIDING and _DOUBLED.fullmatch(_EDGE.sub(r"\2", word)) for word in words):
        return text
    return " ".join(
        _RUN.sub(lambda run: run[1] * max(1, round(len(run[0]) / 2.5)), word)
        if all(len(run[0]) > 1 for run in _RUN.finditer(_EDGE.sub(r"\2", word)))
        else word
        for word in words
    )


def _unmasked(found: re.Match[str]) -> str:
    """Look-alikes of Korean letters, where a Korean letter is beside them."""
    run = found[0]
    if not _LONE.search(run) and not _MASKED.search(run):
        return run
    return "".join(
        _UNMASK.get(sign, sign) if sign not in "07" or _has_vowel(run, at) else sign
        for at, sign in enumerate(run)
    )


def _has_vowel(run: str, at: int) -> bool:
    return any("ㅏ" <= sign <= "ㅣ" or sign in "lr" for sign in run[max(0, at - 1) : at + 2])


def _composed(found: re.Match[str]) -> str:
    return found[0] if _LAUGHS.fullmatch(found[0]) else jamo.compose(found[0])


# -- the other keyboard -------------------------------------------------------------------------------------


def _typed_in_latin(text: str) -> bool:
    """Whether the Korean letters make English words when read as keys."""
    lone = [letter for letter in _LONE.findall(text) if letter not in "ㅋㅎㅠㅜㅡ"]
    if len(lone) < _FEW_LONE or 4 * len(lone) < len(_HANGUL.findall(text)):
        return False
    return english_share(_WORD.findall(jamo.to_keys(text).lower())) > _HALF


def _typed_in_korean(words: list[str]) -> bool:
    keyed = [jamo.keyed(word) for word in words]
    whole = sum(len(word) for word, korean in zip(words, keyed, strict=True) if not _LONE.search(korean))
    return whole > _HARDLY * sum(map(len, words)) and max(map(len, words)) >= _FEW_KEYS


def _unswapped(word: str) -> str:
    """A Korean word with two keys swapped, put right if that makes it a far likelier word."""
    if _LAUGHS.fullmatch(word) or not _SHORTEST <= len(word) <= _LONGEST or not _APART_OR_WHOLE.search(word):
        return word
    worth = -math.inf if _LONE.search(word) else korean_likeness(word)
    if worth > _UNLIKELY:
        return word
    keys = jamo.to_keys(word)
    swaps = (keys[:at] + keys[at + 1] + keys[at] + keys[at + 2 :] for at in range(len(keys) - 1))
    likely = {
        korean: korean_likeness(korean) for korean in map(jamo.keyed, swaps) if not _LONE.search(korean)
    }
    best = max(likely, key=likely.__getitem__, default=word)
    return best if likely.get(best, -math.inf) > worth + _FAR else word


# -- Latin letters ------------------------------------------------------------------------------------------


def _latin(text: str) -> str:
    """A message in Latin letters only: English as it is meant, or the Korean behind it."""
    text = text.replace("'", "")
    text = _unleet(text) if _LEET.search(text) else text
    words = _WORD.findall(text)
    lower = [word.lower() for word in words]
    if english_share(lower) > _SURELY:
        return text
    if english_share([_unslipped(word) for word in lower]) < _HARDLY:
        if _typed_in_korean(words):
            return _WORD.sub(lambda found: jamo.keyed(found[0]), text)
        apart = [part for word in lower for part in split_english(word)]
        if english_likeness(apart) < _LIKE_ENGLISH and english_share(lower) < _FOREIGN:
            return _romanised(text)
    return _WORD.sub(lambda found: _english(found[0].lower()), text)


def _romanised(text: str) -> str:
    """The Korean of a text, if it is Korean that nearly all of it spells."""
    korean = _WORD.sub(lambda found: korean_of(found[0].lower()) or found[0], text)
    words = _KOREAN.findall(korean)
    if 2 * len(_WORD.findall(korean)) > len(words):
        return text
    return korean if sum(map(korean_likeness, words)) > _UNLIKELY * len(words) else text


def _unslipped(word: str) -> str:
    return word if is_english(word) else swapped_english(word) or word


def _english(word: str) -> str:
    word = _unslipped(word)
    if len(word) < _RUN_ON or is_english(word):
        return word
    parts = split_english(word)
    return " ".join(parts) if english_likeness(parts) > _LIKE_ENGLISH else word


def _unleet(text: str) -> str:
    """Digits and signs that stand for letters. Numbers are left alone, unless much else is disguised."""
    tokens = _LEET.findall(text)
    much = sum(not token.isdigit() for token in tokens) >= _MUCH_LEET
    return _LEET.sub(lambda found: _spelled_out(found[0], much=much), text)


def _spelled_out(word: str, *, much: bool) -> str:
    if word.isdigit() and word != _ONE and not much:
        return word
    return guess_english([_LETTERS_OF.get(sign, sign) for sign in word.lower()]) or word
