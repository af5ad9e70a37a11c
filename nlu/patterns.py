r"""The pattern language of the rule files, compiled to regular expressions with anchors. Pure.

A line holds patterns, separated by ``|``. A pattern is one or more parts: ``part ~ part`` allows up to 20
characters in between, ``part ~~ part`` up to 60.
A part is made of letters, ``(a|b)``, ``[ab]``, ``.``, ``?``, ``{m,n}``, ``\d``, ``\w*``, ``^`` and ``$``
(start and end of the message), ``<`` and ``>`` (start and end of a word), ``(?!...)`` and ``(?<!...)``.

- ``ko``: a space is allowed between any two letters, because young people rarely type them.
- ``en``: spaces count; a part begins and ends at a word boundary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nlu.anchors import QUANTIFIER, PatternError, Script, best_anchors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP: Final = re.compile(r"\s+(~~?)\s+")
_REACH: Final = {"~": ".{0,20}?", "~~": ".{0,60}?"}
_ATOM: Final = re.compile(r"\\.|\[[^\]]+\]|\(\?<?[!=](?:[^()]|\([^()]*\))*\)|\{\d+,\d*\}|.")
_EDGES: Final = {
    "ko": {"<": "(?<![가-힣])", ">": "(?![가-힣])", "(": "(?:"},
    "en": {"<": "(?<![a-z])", ">": "(?![a-z])", "(": "(?:"},
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern and its anchors."""

    regex: re.Pattern[str]
    anchors: frozenset[str]


def compile_line(source: str, script: Script) -> tuple[Pattern, ...]:
    """The patterns of one line of a rule file. Raises ``PatternError``."""
    near: list[str] = []
    far: list[str] = []
    for alternative in _top_level(_ATOM.findall(source.strip())):
        (far if _GAP.search(alternative) else near).append(alternative)
    return tuple(_compiled(pattern, script) for pattern in (["|".join(near)] if near else []) + far)


def _top_level(atoms: Sequence[str]) -> list[str]:
    """The alternatives of a line: gaps bind tighter than ``|`` outside brackets."""
    alternatives, depth = [""], 0
    for atom in atoms:
        depth += (atom == "(") - (atom == ")")
        if atom == "|" and not depth:
            alternatives.append("")
        else:
            alternatives[-1] += atom
    return alternatives


def _compiled(source: str, script: Script) -> Pattern:
    pieces = _GAP.split(source)
    parts = [_ATOM.findall(part) for part in pieces[::2]]
    gaps = [_REACH[gap] for gap in pieces[1::2]] + [""]
    body = "".join(_part(part, script) + gap for part, gap in zip(parts, gaps, strict=True))
    try:
        regex = re.compile(body, re.MULTILINE)
    except re.error as broken:
        raise PatternError(f"not a pattern: {broken.msg}") from None
    return Pattern(regex, best_anchors(parts, script))


def _part(atoms: Sequence[str], script: Script) -> str:
    if script == "ko":
        return f"(?:{''.join(_spaced(atoms))})"
    body = "".join(_EDGES["en"].get(atom, atom) for atom in atoms)
    return f"(?<![a-z])(?:{body})(?![a-z])"


def _spaced(atoms: Sequence[str]) -> Iterator[str]:
    """Korean atoms as a regular expression, with an optional space between every two letters."""
    after_letter = False
    for atom in atoms:
        if atom == " ":
            continue
        if atom.startswith("(?"):
            yield _look(atom)
            continue
        if QUANTIFIER.fullmatch(atom):
            yield atom
            continue
        if after_letter and atom not in ")|^$<>":
            yield " ?"
        yield _EDGES["ko"].get(atom, atom)
        after_letter = atom not in "(|^$<>"


def _look(atom: str) -> str:
    """A look-around that also looks across one space."""
    if atom.startswith("(?<"):
        return f"{atom}({atom[1:4]}(?:{atom[4:-1]}) )"
    return f"{atom[:3]} ?(?:{atom[3:-1]}))"
