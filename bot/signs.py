"""Small signs in a line: words that mean little alone. They are kept as constant words, never as text.

``bot/guidance/signs.yaml`` lists them, in the pattern language of the rule files. The part of an id before
the dot says what a sign is for: ``hint`` is remembered for some minutes and read with later lines;
``speaker`` says who writes; ``note`` that something must be thought of; ``ask`` is a question often asked;
``start`` and ``move`` belong to the lessons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.content_source import Item, items
from bot.context import Joined
from handoff.risk import Risk
from nlu.anchors import PatternError
from nlu.intents import MEANINGS
from nlu.lexicon import Lexicon, Rule
from nlu.normalise import normalise
from nlu.patterns import compile_line
from nlu.understanding import Worry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nlu.patterns import Pattern

KINDS: Final = frozenset({"hint", "speaker", "note", "ask", "start", "move"})


class Signs:
    """Reads signs. Immutable after construction."""

    def __init__(self, rules: Iterable[Rule], joined: Iterable[Joined]) -> None:
        """``rules`` are the signs, with no worry of their own."""
        self._lexicon = Lexicon(rules)
        self.joined = tuple(joined)
        self.ids = frozenset(rule.id for rule in self._lexicon.rules)

    def read(self, text: str) -> frozenset[str]:
        """The ids of the signs in a line. Never raises for a text."""
        return frozenset(signal.name for signal in self._lexicon.read(normalise(text)).signals)


def load_signs(path: Path) -> Signs:
    """Read and check the file. Raises ``ContentError``."""
    rules = [_rule(item) for item in items(path, "signs")]
    known = frozenset(rule.id for rule in rules)
    return Signs(rules, [_joined(item, known) for item in items(path, "together")])


def _rule(item: Item) -> Rule:
    if item.place.id.partition(".")[0] not in KINDS:
        raise item.at("id").error(f"begins with one of {', '.join(sorted(KINDS))}")
    patterns = (*_patterns(item, "ko"), *_patterns(item, "en"))
    return Rule(item.place.id, None, "smalltalk", Worry.CALM, item.line("why"), patterns)


def _patterns(item: Item, script: str) -> tuple[Pattern, ...]:
    lines = item.lines(script)
    try:
        return tuple(
            pattern for line in lines for pattern in compile_line(line, "en" if script == "en" else "ko")
        )
    except PatternError as broken:
        raise item.at(script).error(f"is no pattern: {broken}") from None


def _joined(item: Item, known: frozenset[str]) -> Joined:
    needs = tuple(
        frozenset(f"hint.{name.strip()}" for name in line.split("|")) for line in item.lines("needs")
    )
    for name in (name for choice in needs for name in choice if name not in known):
        raise item.at("needs").error(f"no sign {name}")
    intent = item.line("intent")
    if intent not in MEANINGS:
        raise item.at("intent").error(f"no intent {intent}")
    try:
        after = Risk.of(item.line("after", empty=True) or "low")
    except ValueError as error:
        raise item.at("after").error(str(error)) from None
    return Joined(item.place.id, intent, needs, after)
