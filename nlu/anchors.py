"""Anchors: short strings of which one must be in a message if a pattern is to match. Pure.

They let the matcher pass over nearly all patterns without trying them. For Korean an anchor is two syllables
in a row; for English a whole word (``=word``), two words (``=two words``) or a beginning (``^begi``).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Script: TypeAlias = Literal["ko", "en"]

QUANTIFIER: Final = re.compile(r"[?*+]|\{\d+,\d*\}")
_BREAK: Final = "\0"
_SEGMENT: Final = re.compile(r"[가-힣ㄱ-ㅣ]+|[a-z0-9]+|[^\s\0]")
_TOKENS: Final = re.compile(r"[a-z0-9]+|[^\sa-z0-9가-힣]")
_WORD: Final = re.compile(r"(\0?)([a-z0-9]+|[^\s\0a-z0-9])(\0?)")
_PAIR: Final = re.compile(r"(?<![\0a-z0-9])([a-z0-9]+)(?= ([a-z0-9]+)(?![\0a-z0-9]))")
_WHOLE: Final = re.compile(r"\0?[^\s\0]+\0?")
_LATIN: Final = re.compile("[a-z0-9]")
_PREFIX: Final = (3, 4)
_MOST_SPELLINGS: Final = 1000
_WIDEST_CLASS: Final = 10
_COMMON: Final = frozenset(
    [
        "a",
        "about",
        "all",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "cant",
        "come",
        "did",
        "do",
        "dont",
        "for",
        "from",
        "get",
        "go",
        "going",
        "gonna",
        "good",
        "got",
        "had",
        "has",
        "have",
        "he",
        "help",
        "her",
        "here",
        "hes",
        "him",
        "his",
        "how",
        "i",
        "if",
        "im",
        "in",
        "is",
        "it",
        "its",
        "just",
        "know",
        "let",
        "like",
        "make",
        "me",
        "more",
        "my",
        "need",
        "new",
        "no",
        "not",
        "now",
        "of",
        "off",
        "on",
        "one",
        "or",
        "out",
        "over",
        "please",
        "r",
        "said",
        "say",
        "see",
        "she",
        "so",
        "some",
        "someone",
        "take",
        "tell",
        "that",
        "the",
        "them",
        "then",
        "there",
        "they",
        "this",
        "time",
        "to",
        "too",
        "up",
        "us",
        "wanna",
        "want",
        "was",
        "we",
        "what",
        "when",
        "where",
        "who",
        "will",
        "with",
        "y",
        "n",
        "k",
        "you",
        "your",
    ]
)


class PatternError(ValueError):
    """A pattern cannot be compiled, or would have to be tried on every message."""


def anchors_in(words: str, dense: str) -> set[str]:
    """Every anchor that a text could satisfy. ``dense`` is ``words`` without spaces."""
    found = {dense[at : at + 2] for at in range(len(dense))}
    found.update(dense)
    if _LATIN.search(words):
        atoms = _TOKENS.findall(words)
        found.update([f"={atom}" for atom in atoms])
        found.update([f"^{atom[:4]}" for atom in atoms])
        found.update([f"^{atom[:3]}" for atom in atoms])
        found.update([f"={first} {second}" for first, second in pairwise(atoms)])
    return found


def best_anchors(parts: Sequence[Sequence[str]], script: Script) -> frozenset[str]:
    """The anchors of the most telling part."""
    best: frozenset[str] = frozenset()
    worth = (0, 0)
    for atoms in parts:
        chosen = [_anchor(spelling, script) for spelling in _spellings(list(atoms))]
        anchors = frozenset(anchor for _, anchor in chosen)
        part = (min(score for score, _ in chosen), -len(anchors))
        if part > worth:
            best, worth = anchors, part
    if worth[0] == 0:
        raise PatternError("needs at least one part with fixed letters in every alternative")
    return best


def _anchor(spelling: str, script: Script) -> tuple[int, str]:
    """The most telling anchor of one spelling, with what it is worth (0: nothing)."""
    if script == "ko":
        rated = [_rated_run(run) for run in _SEGMENT.findall(spelling)]
    else:
        rated = [_rated_word(found) for found in _WORD.finditer(spelling)]
        rated += [(2, f"={found[1]} {found[2]}") for found in _PAIR.finditer(spelling)]
    return max(rated, key=lambda item: item[0], default=(0, ""))


def _rated_run(run: str) -> tuple[int, str]:
    """Two Korean syllables or Latin letters in a row; one where there is no more."""
    if run[0] > "z":
        return (3, run[:2]) if len(run) > 1 else (1, run)
    return (2, run[:2]) if len(run) > 1 else (1, run)


def _rated_word(found: re.Match[str]) -> tuple[int, str]:
    """A whole word, the beginning of one, or (after something that varies) two letters of it."""
    open_before, word, open_after = found[1], found[2], found[3]
    if open_before:
        return (1, word[:2])
    if not open_after:
        return (1 if word in _COMMON else 3, f"={word}")
    if len(word) >= _PREFIX[0]:
        return (3 if len(word) >= _PREFIX[1] else 2, f"^{word[:4]}")
    return (1, word[:2])


def _spellings(atoms: list[str]) -> list[str]:
    """The ways to spell the atoms, with a break where something varies. Raises ``PatternError``."""
    spellings, rest = _alternatives(atoms)
    if rest:
        raise PatternError("unbalanced bracket")
    return spellings


def _alternatives(atoms: list[str]) -> tuple[list[str], list[str]]:
    done: list[str] = []
    current = [""]
    while atoms:
        atom, atoms = atoms[0], atoms[1:]
        if atom == ")":
            return done + current, [atom, *atoms]
        if atom == "|":
            done, current = done + current, [""]
            continue
        choices, atoms = _choices(atom, atoms)
        if atoms and QUANTIFIER.fullmatch(atoms[0]):
            choices, atoms = [_varying(choices)], atoms[1:]
        if len(current) * len(choices) > _MOST_SPELLINGS:
            current, choices = _telling(current), _telling(choices)
        current = [before + choice for before in current for choice in choices]
    return done + current, atoms


def _telling(spellings: list[str]) -> list[str]:
    """The spellings cut down to what tells them apart, so that their products stay few."""
    return list(dict.fromkeys(f" {_longest(spelling)} " for spelling in spellings))


def _longest(spelling: str) -> str:
    segments = _WHOLE.findall(spelling)
    return max(segments, key=len, default=_BREAK)


def _varying(choices: list[str]) -> str:
    """What stands for something that may be missing: between whole words, the neighbours stay whole words."""
    before = all(choice.endswith(" ") and choice.strip() for choice in choices)
    after = all(choice.startswith(" ") and choice.strip() for choice in choices)
    return f" {_BREAK} " if before or after else _BREAK


def _choices(atom: str, atoms: list[str]) -> tuple[list[str], list[str]]:
    if atom == "(":
        choices, rest = _alternatives(atoms)
        if not rest:
            raise PatternError("unbalanced bracket")
        return choices, rest[1:]
    if atom.startswith("(?") or atom in "^$<>":
        return [""], atoms
    if atom.startswith("["):
        letters = atom[1:-1]
        wide = "-" in letters or letters.startswith("^") or len(letters) > _WIDEST_CLASS
        return ([_BREAK] if wide else list(letters)), atoms
    if atom == "." or atom.startswith("\\"):
        return [_BREAK], atoms
    return [atom], atoms
