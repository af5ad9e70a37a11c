"""Korean written in Latin letters, back in its own: "jip ape wasseoyo". Pure.

Facts: the Revised Romanization of Korean (Ministry of Culture, notification 2000-8), letter by letter and as
it is spoken (a last consonant before a vowel sounds like a first one).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from nlu import jamo
from nlu.wordstock import korean_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# In the order of Unicode.
_FIRSTS: Final = (
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h",
)  # fmt: skip
_VOWELS: Final = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi",
    "yu", "eu", "ui", "i",
)  # fmt: skip
_LASTS: Final = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t",
    "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip
_SPOKEN: Final = {
    "ㄱ": "g", "ㄲ": "kk", "ㄷ": "d", "ㄹ": "r", "ㅂ": "b", "ㅅ": "s", "ㅆ": "ss", "ㅈ": "j", "ㅊ": "ch",
    "ㅋ": "k", "ㅌ": "t", "ㅍ": "p", "ㅄ": "ps", "ㄺ": "lg", "ㄻ": "lm", "ㄼ": "lb", "ㄵ": "nj", "ㄶ": "n",
    "ㅀ": "r", "ㅎ": "",
}  # fmt: skip
_OTHER_VOWELS: Final = {"eo": ("u",), "eu": ("u",), "u": ("oo", "woo"), "i": ("ee",), "wo": ("weo",)}
_LONGEST: Final = 7  # Latin letters of a syllable
_ODD: Final = -1.5  # log-likelihood of "u" for "eo" and its like
_UNSEEN: Final = -13.0
_MOST_STATES: Final = 12


@cache
def _syllables() -> Mapping[str, Sequence[tuple[str, bool, float]]]:
    """By spelling: the syllables it may be, whether only before a vowel, and the price of an odd spelling."""
    table: dict[str, list[tuple[str, bool, float]]] = {}
    for letter in sorted({letter for pair in korean_pairs() for letter in pair if "가" <= letter <= "힣"}):
        code = ord(letter) - 0xAC00
        first, vowel, last = _FIRSTS[code // 588], _VOWELS[code % 588 // 28], code % 28
        for at, spelt in enumerate((vowel, *_OTHER_VOWELS.get(vowel, ()))):
            table.setdefault(first + spelt + _LASTS[last], []).append((letter, False, _ODD * bool(at)))
            spoken = _SPOKEN.get(jamo.FINALS[last])
            if last and spoken is not None:
                table.setdefault(first + spelt + spoken, []).append((letter, True, _ODD * bool(at)))
    return table


def korean_of(word: str) -> str | None:
    """The likeliest Korean of a romanised word in lower case, or None where there is none. Linear time."""
    pairs, table = korean_pairs(), _syllables()
    states: list[dict[tuple[str, bool], tuple[float, str]]] = [{("^", False): (0.0, "")}]
    for end in range(1, len(word) + 1):
        here: dict[tuple[str, bool], tuple[float, str]] = {}
        for start in range(max(0, end - _LONGEST), end):
            for letter, before_vowel, price in table.get(word[start:end], ()):
                silent = (ord(letter) - 0xAC00) // 588 == jamo.INITIALS.index("ㅇ")
                for (last, needs_vowel), (worth, text) in states[start].items():
                    if needs_vowel and not silent:
                        continue
                    total = worth + price + pairs.get(last + letter, _UNSEEN)
                    if total > here.get((letter, before_vowel), (-1e9, ""))[0]:
                        here[letter, before_vowel] = (total, text + letter)
        ranked = sorted(here.items(), key=lambda item: -item[1][0])
        states.append(dict(ranked[:_MOST_STATES]))
    ends = [
        (worth + pairs.get(letter + "$", _UNSEEN), text)
        for (letter, needs_vowel), (worth, text) in states[-1].items()
        if not needs_vowel
    ]
    return max(ends)[1] if ends else None
