"""What English words and Korean syllable pairs look like: enough to tell a word from a disguise of one.

The tables in ``nlu/tables`` were counted from the lines that this project wrote itself (``nlu/model/data``
and the rule files), words only, so they hold nothing of any visitor. They are read once, when first needed.
"""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from itertools import pairwise, product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST: Final = 14  # letters of an English word
_UNKNOWN_LETTER: Final = -9.0  # log-likelihood of a letter that belongs to no known word
_UNSEEN_PAIR: Final = -13.0
_MOST_GUESSES: Final = 256


@cache
def _table(name: str) -> Mapping[str, float]:
    """Log-likelihoods by entry; the file holds ``entry:count`` separated by white space, comments after #."""
    lines = (resources.files("nlu") / "tables" / name).read_text("utf-8").splitlines()
    entries = [entry.rpartition(":") for line in lines if not line.startswith("#") for entry in line.split()]
    total = sum(int(count) for _, _, count in entries)
    return {word: math.log(int(count) / total) for word, _, count in entries}


def is_english(word: str) -> bool:
    """Whether a word in lower-case letters is one we know."""
    return word in _table("english_words.txt")


def english_share(words: Sequence[str]) -> float:
    """The share of letters that belong to known words, 0..1."""
    letters = sum(map(len, words))
    return sum(len(word) for word in words if is_english(word)) / letters if letters else 0.0


def split_english(letters: str) -> list[str]:
    """Words typed without spaces, apart again. Unknown stretches stay together. Linear time."""
    known = _table("english_words.txt")
    best: list[tuple[float, int, bool]] = [(0.0, 0, False)]  # of every prefix: likelihood, start, known
    for end in range(1, len(letters) + 1):
        choice = (best[end - 1][0] + _UNKNOWN_LETTER, end - 1, False)
        for start in range(max(0, end - _LONGEST), end):
            worth = known.get(letters[start:end])
            if worth is not None and best[start][0] + worth > choice[0]:
                choice = (best[start][0] + worth, start, True)
        best.append(choice)
    words: list[str] = []
    end, was_known = len(letters), True
    while end:
        _, start, now_known = best[end]
        if words and not now_known and not was_known:
            words[-1] = letters[start:end] + words[-1]
        else:
            words.append(letters[start:end])
        end, was_known = start, now_known
    return words[::-1]


def english_likeness(words: Sequence[str]) -> float:
    """The log-likelihood of words, per letter: about -2 for English, lower for pieces that look like it."""
    known = _table("english_words.txt")
    letters = sum(map(len, words))
    return (
        sum(known.get(word, _UNKNOWN_LETTER * len(word)) for word in words) / letters
        if letters
        else -math.inf
    )


def guess_english(choices: Sequence[str]) -> str | None:
    """The likeliest known word that takes one letter of each choice, or None."""
    if math.prod(map(len, choices)) > _MOST_GUESSES:
        return None
    known = _table("english_words.txt")
    words = [word for word in map("".join, product(*choices)) if word in known]
    return max(words, key=known.__getitem__, default=None)


def swapped_english(word: str) -> str | None:
    """The likeliest known word of which two neighbouring letters were swapped, or None."""
    known = _table("english_words.txt")
    swaps = [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]
    return max((swap for swap in swaps if swap in known), key=known.__getitem__, default=None)


def korean_likeness(word: str) -> float:
    """The mean log-likelihood of a Korean word's pairs of syllables; about -8 for real words."""
    known = _table("korean_pairs.txt")
    pairs = [known.get(first + second, _UNSEEN_PAIR) for first, second in pairwise(f"^{word}$")]
    return sum(pairs) / len(pairs)


def korean_pairs() -> Mapping[str, float]:
    """Log-likelihoods of pairs of syllables; ``^`` and ``$`` are the edges of a word."""
    return _table("korean_pairs.txt")


@cache
def known_syllables() -> frozenset[str]:
    """Every Korean syllable that we have seen in a word."""
    return frozenset(letter for pair in korean_pairs() for letter in pair)
