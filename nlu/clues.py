r"""Clues: small vocabularies ("something to die by", "in the hand"), and the chains that join them. Pure.

A rule that lists sentences knows only those sentences. A chain knows a meaning: any word of one clue near any
word of another. All clues of a message are found in one walk over it, however many words there are.

A clue's line holds words separated by ``|``, with ``(a|b)``, ``[ab]`` and ``?`` for variants and ``#`` for a
number.

- ``ko``: spaces do not count; ``<`` and ``>`` mark the start and the end of a word (of no account where the
  message was typed without spaces).
- ``en``: whole words; a word that ends in ``*`` is a beginning.

A chain is clue names joined by ``&`` (near, in any order), ``>`` (near, in this order), ``>>`` (next to each
other, in this order) and ``&&`` (anywhere).
``a|b`` is either clue, ``!a`` means that the clue must be nowhere in the message.

    PatternError      a clue or a chain cannot be read
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from nlu.anchors import PatternError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Span: TypeAlias = tuple[int, int]
Found: TypeAlias = "dict[str, list[Span]]"
Link: TypeAlias = Literal["&", ">", ">>", "&&"]

_NUMBER: Final = "#"
_MOST_WORDS: Final = 4000  # of one alternative, spelled out
_MOST_SPANS: Final = 24  # of one clue in one reading: more of the same says no more
_NEAR: Final = 14  # Korean syllables in between; Latin letters count less
_NEXT: Final = 0.15  # of near
_LATIN_PER_SYLLABLE: Final = 2.5
_JOINING: Final = frozenset(
    "고에는분집문차창시앞뒤옆밑"
)  # may begin in one word a clue that ends in the next
_UNSPACED: Final = 7  # letters; a reading so long and without a space was typed without spaces
_ATOM: Final = re.compile(r"\[[^\]]+\]|.")
_TOKEN: Final = re.compile(r"[a-z0-9]+|[^\sa-z0-9가-힣ㄱ-ㅣ]")
_DIGITS: Final = re.compile(r"^\d+")
_WORD: Final = re.compile(r"\S+")
_LATIN: Final = re.compile("[a-z]")
_HANGUL: Final = re.compile("[가-힣ㄱ-ㅣ]")
_LINK: Final = re.compile(r"\s+(&&|&|>>?)\s+")
_LINKS: Final[Mapping[str, Link]] = {"&": "&", ">": ">", ">>": ">>", "&&": "&&"}
_NAME: Final = re.compile(r"!?[a-z_]+(?:\|[a-z_]+)*")


@dataclass(frozen=True, slots=True)
class Clue:
    """A vocabulary. ``ko`` and ``en``: lines of words in the language above."""

    id: str
    ko: tuple[str, ...] = ()
    en: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """Clues that mean something together. ``steps``: each a choice of clues, and its link to the one before.

    ``without``: clues of which none may be in the message.
    """

    steps: tuple[tuple[Link, frozenset[str]], ...]
    without: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every clue that the chain speaks of."""
        return self.without.union(*(choice for _, choice in self.steps))

    def holds(self, found: Mapping[str, Sequence[Span]], near: float) -> bool:
        """Whether the clues stand in one reading as the chain asks. ``near``: letters allowed in between."""
        if not self.without.isdisjoint(found):
            return False
        spans: list[Span] = []
        for link, choice in self.steps:
            here = [span for name in choice if name in found for span in found[name]]
            if spans:
                here = [span for span in here if any(_linked(link, before, span, near) for before in spans)]
            if not here:
                return False
            spans = here
        return True


def _linked(link: Link, before: Span, span: Span, near: float) -> bool:
    if link.startswith(">"):
        gap = span[0] - before[1]
        return before[0] < span[0] and before[1] <= span[1] and gap <= (near if link == ">" else near * _NEXT)
    if (before[0] <= span[0] and span[1] <= before[1]) or (span[0] <= before[0] and before[1] <= span[1]):
        return False  # the same words do not say two things
    return link == "&&" or max(span[0] - before[1], before[0] - span[1]) <= near


def read_chain(source: str) -> Chain:
    """The chain of one line of a rule file. Raises ``PatternError``."""
    pieces = _LINK.split(source.strip())
    steps: list[tuple[Link, frozenset[str]]] = []
    without: set[str] = set()
    for place, piece in enumerate(pieces[::2]):
        if not _NAME.fullmatch(piece):
            raise PatternError(f"'{piece}' is no clue")
        names = frozenset(piece.removeprefix("!").split("|"))
        if piece.startswith("!"):
            without |= names
        else:
            steps.append((_LINKS[pieces[2 * place - 1] if place else "&&"], names))
    if not steps:
        raise PatternError("a chain needs a clue")
    return Chain(tuple(steps), frozenset(without))


class _Node:
    """A place in a tree of words. ``ends``: the clues that end here, and whether at word edges only."""

    __slots__ = ("beginnings", "ends", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.ends: tuple[tuple[str, bool, bool], ...] = ()
        self.beginnings: tuple[int, ...] = ()

    def put(self, steps: Iterable[str], end: tuple[str, bool, bool]) -> None:
        node = self
        for step in steps:
            if step.endswith("*") and len(step) > 1:
                node.beginnings = tuple(sorted({*node.beginnings, len(step) - 1}))
            node = node.next.setdefault(step, _Node())
            if step == _NUMBER:
                node.next[_NUMBER] = node
        if end not in node.ends:
            node.ends = (*node.ends, end)


class ClueBook:
    """Clues ready to be found. Immutable after construction."""

    def __init__(self, clues: Iterable[Clue] = ()) -> None:
        """Raises ``PatternError`` for a word that cannot be read."""
        self.names = frozenset[str]()
        self._korean, self._english = _Node(), _Node()
        for clue in clues:
            self.names |= {clue.id}
            for word in _words(clue.ko):
                body = word.removeprefix("<").removesuffix(">").replace(" ", "")
                self._korean.put(body, (clue.id, word.startswith("<"), word.endswith(">")))
            for word in _words(clue.en):
                self._english.put(word.split(), (clue.id, False, False))

    def find(self, line: str) -> Found:
        """Where the clues stand in one reading, counted in letters without spaces."""
        found: Found = {}
        if _HANGUL.search(line):
            self._find_korean(line, found)
        if _LATIN.search(line) or not line.isalpha():
            self._find_english(line, found)
        return found

    def _find_korean(self, line: str, found: Found) -> None:
        dense = line.replace(" ", "")
        starts, ends, before = set(), set(), 0
        for word in line.split():
            starts.add(before)
            before += len(word)
            ends.add(before)
        first, size = self._korean.next, len(dense)
        loose = len(starts) == 1 and size >= _UNSPACED
        spelled_out = 2 * len(starts) > size
        for start, letter in enumerate(dense):
            node = first.get(letter)
            if node is None and letter.isdigit() and not dense[start - 1 : start].isdigit():
                node = first.get(_NUMBER)
            at = start + 1
            across = spelled_out or start in starts or letter in _JOINING
            while node is not None:
                for name, at_start, at_end in node.ends:
                    if loose or ((not at_start or start in starts) and (not at_end or at in ends)):
                        _keep(found, name, (start, at))
                if at >= size or (at in starts and not across):
                    break
                following = dense[at]
                node = node.next.get(following) or (node.next.get(_NUMBER) if following.isdigit() else None)
                at += 1

    def _find_english(self, line: str, found: Found) -> None:
        tokens, places, before = [], [], 0
        for word in _WORD.findall(line):
            for token in _TOKEN.finditer(word):
                tokens.append(_DIGITS.sub(_NUMBER, token[0]))
                places.append((before + token.start(), before + token.end()))
            before += len(word)
        for at in range(len(tokens)):
            for name, length in _ends(self._english, tokens, at):
                _keep(found, name, (places[at][0], places[length - 1][1]))


def _ends(node: _Node, tokens: Sequence[str], at: int) -> Iterator[tuple[str, int]]:
    """The clues that begin at a token, with the number of the token after their last."""
    if at >= len(tokens):
        return
    token = tokens[at]
    following = [node.next.get(token), *(node.next.get(f"{token[:size]}*") for size in node.beginnings)]
    for child in following:
        if child is not None:
            yield from ((name, at + 1) for name, _, _ in child.ends)
            yield from _ends(child, tokens, at + 1)


def _keep(found: Found, name: str, span: Span) -> None:
    spans = found.setdefault(name, [])
    if len(spans) < _MOST_SPANS:
        spans.append(span)


def reach(line: str) -> float:
    """How many letters count as near in a reading: more of them where the letters are Latin."""
    korean = len(_HANGUL.findall(line))
    return _NEAR if 3 * korean >= len(line.replace(" ", "")) else _NEAR * _LATIN_PER_SYLLABLE


# -- spelling out the words of a clue -----------------------------------------------------------------------


def _words(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        atoms = _ATOM.findall(line)
        words, rest = _spelled(atoms)
        if rest:
            raise PatternError("unbalanced bracket")
        for word in words:
            tidy = " ".join(word.split())
            if not tidy.strip("<>* "):
                raise PatternError(f"'{line}' has an empty word")
            yield tidy


def _spelled(atoms: list[str]) -> tuple[list[str], list[str]]:
    """Every spelling of the atoms up to a closing bracket, and what follows."""
    done: list[str] = []
    current = [""]
    while atoms:
        atom, atoms = atoms[0], atoms[1:]
        if atom == ")":
            return done + current, [atom, *atoms]
        if atom == "|":
            done, current = done + current, [""]
            continue
        choices = list(atom[1:-1]) if atom.startswith("[") and len(atom) > 1 else [atom]
        if atom == "(":
            choices, atoms = _spelled(atoms)
            if not atoms:
                raise PatternError("unbalanced bracket")
            atoms = atoms[1:]
        if atoms and atoms[0] == "?":
            choices, atoms = [*choices, ""], atoms[1:]
        current = [before + choice for before, choice in product(current, choices)]
        if len(current) > _MOST_WORDS:
            raise PatternError("too many spellings in one word")
    return done + current, atoms
