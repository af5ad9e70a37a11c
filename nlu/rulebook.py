"""Load the reviewed rule files into a lexicon. Every mistake is named with its file and rule.

    RulebookError        a rule file is broken; the message names file and rule

A file is a mapping with any of the lists ``clues``, ``contexts``, ``harmless``, ``points`` and ``rules``; see
``nlu/rules/``. A rule takes family and worry from its intent, or names them itself; ``together`` lists its
chains of clues.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeGuard, cast

import yaml

from nlu.anchors import PatternError
from nlu.clues import Clue, ClueBook, read_chain
from nlu.intents import MEANINGS
from nlu.lexicon import Context, Harmless, Lexicon, Rule
from nlu.patterns import compile_line
from nlu.points import Points
from nlu.understanding import Worry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nlu.anchors import Script
    from nlu.clues import Chain
    from nlu.patterns import Pattern

FOLDER: Final = Path(__file__).parent / "rules"
_FAMILIES: Final = frozenset(meaning.family for meaning in MEANINGS.values())
_WORRIES: Final = {worry.word: worry for worry in Worry}
_LISTS: Final = {
    "clues": {"id", "ko", "en"},
    "contexts": {"id", "ko", "en", "but_ko", "but_en"},
    "harmless": {"id", "intent", "why", "ko", "en"},
    "points": {"id", "family", "why", "need", "worth", "unless"},
    "rules": {"id", "intent", "family", "worry", "why", "ko", "en", "unless", "needs", "together"},
}


class RulebookError(Exception):
    """A rule file is broken. The message names the file and the rule, for the person who edits it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One raw entry of a list, and where it stands."""

    file: str
    fields: Mapping[str, object]

    @property
    def id(self) -> str:
        return self.text("id")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.fields.get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self.broken(f"'{key}' must be a text")
        return value.strip()

    def lines(self, key: str) -> Sequence[str]:
        value = self.fields.get(key, [])
        if not isinstance(value, list) or not all(isinstance(line, str) and line.strip() for line in value):
            raise self.broken(f"'{key}' must be a list of texts")
        return cast("list[str]", value)

    def patterns(self, *, prefix: str = "") -> tuple[Pattern, ...]:
        return tuple(
            pattern
            for script in _SCRIPTS
            for line in self.lines(f"{prefix}{script}")
            for pattern in self._compiled(line, script)
        )

    def _compiled(self, line: str, script: Script) -> tuple[Pattern, ...]:
        try:
            return compile_line(line, script)
        except PatternError as broken:
            raise self.broken(f"pattern '{line}': {broken}") from None

    def chains(self, clues: frozenset[str]) -> tuple[Chain, ...]:
        return tuple(self._chain(line, clues) for line in self.lines("together"))

    def _chain(self, line: str, clues: frozenset[str]) -> Chain:
        try:
            chain = read_chain(line)
        except PatternError as broken:
            raise self.broken(f"chain '{line}': {broken}") from None
        if unknown := sorted(chain.names - clues):
            raise self.broken(f"chain '{line}': unknown clue '{unknown[0]}'")
        return chain

    def broken(self, what: str) -> RulebookError:
        return RulebookError(f"{self.file}, {self.fields.get('id', 'an entry without id')}: {what}")


@dataclass(frozen=True, slots=True)
class _Known:
    """The names that a rule may use."""

    contexts: frozenset[str]
    clues: frozenset[str]


_SCRIPTS: Final[tuple[Script, ...]] = ("ko", "en")


def load(folder: Path = FOLDER) -> Lexicon:
    """The lexicon of every ``*.yaml`` file in ``folder``, in order of name. Raises ``RulebookError``."""
    entries = {name: [_Entry(file, fields) for file, fields in _raw(folder, name)] for name in _LISTS}
    if not entries["rules"]:
        raise RulebookError(f"{folder.name}: no rules")
    for name, found in entries.items():
        _check(found, allowed=_LISTS[name])
    contexts = tuple(
        Context(entry.id, _some(entry), entry.patterns(prefix="but_")) for entry in entries["contexts"]
    )
    clues = tuple(_clue(entry) for entry in entries["clues"])
    known = _Known(frozenset(context.id for context in contexts), frozenset(clue.id for clue in clues))
    return Lexicon(
        rules=tuple(_rule(entry, known) for entry in entries["rules"]),
        clues=clues,
        contexts=contexts,
        harmless=tuple(_harmless(entry) for entry in entries["harmless"]),
        points=tuple(_points(entry, known) for entry in entries["points"]),
    )


def _raw(folder: Path, name: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for path in sorted(folder.glob("*.yaml")):
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as broken:
            raise RulebookError(f"{path.name}: cannot be read as YAML: {type(broken).__name__}") from None
        if not isinstance(content, dict) or not content.keys() <= _LISTS.keys():
            raise RulebookError(f"{path.name}: may only hold {', '.join(_LISTS)}")
        listed = content.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(fields, dict) for fields in listed):
            raise RulebookError(f"{path.name}: '{name}' must be a list of entries")
        yield from ((path.name, fields) for fields in listed)


def _check(entries: Sequence[_Entry], *, allowed: set[str]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if unknown := sorted(entry.fields.keys() - allowed):
            raise entry.broken(f"unknown key '{unknown[0]}'")
        if entry.id in seen:
            raise entry.broken("the id is used twice")
        seen.add(entry.id)


def _clue(entry: _Entry) -> Clue:
    clue = Clue(entry.id, tuple(entry.lines("ko")), tuple(entry.lines("en")))
    if not clue.ko and not clue.en:
        raise entry.broken("has no word")
    try:
        ClueBook([clue])
    except PatternError as broken:
        raise entry.broken(str(broken)) from None
    return clue


def _some(entry: _Entry) -> tuple[Pattern, ...]:
    patterns = entry.patterns()
    if not patterns:
        raise entry.broken("has no pattern")
    return patterns


def _harmless(entry: _Entry) -> Harmless:
    intent = entry.text("intent", "joke_hyperbole")
    if intent not in MEANINGS:
        raise entry.broken(f"unknown intent '{intent}'")
    return Harmless(entry.id, intent, _some(entry))


def _points(entry: _Entry, known: _Known) -> Points:
    need, worth = entry.fields.get("need"), entry.fields.get("worth")
    if not _is_count(need) or need < 1:
        raise entry.broken("'need' must be a whole number above 0")
    if not isinstance(worth, dict) or not all(map(_is_count, worth.values())):
        raise entry.broken("'worth' must give whole points to clues")
    if unknown := sorted(map(str, worth.keys() - known.clues)):
        raise entry.broken(f"unknown clue '{unknown[0]}'")
    return Points(
        id=entry.id,
        family=_family(entry, None),
        need=need,
        why=entry.text("why"),
        worth=worth,
        unless=_contexts(entry, known, "unless"),
    )


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _family(entry: _Entry, default: str | None) -> str:
    family = entry.text("family", default)
    if family not in _FAMILIES:
        raise entry.broken(f"unknown family '{family}'")
    return family


def _contexts(entry: _Entry, known: _Known, key: str) -> tuple[str, ...]:
    for name in entry.lines(key):
        if name not in known.contexts | known.clues:
            raise entry.broken(f"unknown context '{name}'")
    return tuple(entry.lines(key))


def _rule(entry: _Entry, known: _Known) -> Rule:
    intent = entry.text("intent") if "family" not in entry.fields or "intent" in entry.fields else None
    if intent is not None and intent not in MEANINGS:
        raise entry.broken(f"unknown intent '{intent}'")
    meaning = MEANINGS[intent] if intent else None
    family = _family(entry, meaning.family if meaning else None)
    worry = entry.text("worry", meaning.worry.word if meaning else None)
    if worry not in _WORRIES:
        raise entry.broken(f"worry is one of {', '.join(_WORRIES)}")
    chains = entry.chains(known.clues)
    return Rule(
        id=entry.id,
        intent=intent,
        family=family,
        worry=_WORRIES[worry],
        why=entry.text("why"),
        patterns=entry.patterns() if chains else _some(entry),
        chains=chains,
        unless=_contexts(entry, known, "unless"),
        needs=_contexts(entry, known, "needs"),
    )
