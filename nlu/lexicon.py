"""The rule floor: what can be read in a message without a language model. Pure.

A lexicon is made of rules, of contexts that rules may need or be cancelled by, and of harmless turns of
phrase ("배고파 죽겠다") that are taken out of the message before the rules look at it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nlu.anchors import anchors_in
from nlu.understanding import RuleReading, Signal, Worry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nlu.normalise import Forms
    from nlu.patterns import Pattern

_BLANK: Final = "\x00"


@dataclass(frozen=True, slots=True)
class Rule:
    """One reviewed rule. ``family`` is a topic word; ``why`` tells a reviewer what it is for.

    ``unless`` names contexts of which one cancels it, ``needs`` contexts that must all be there.
    """

    id: str
    intent: str | None
    family: str
    worry: Worry
    why: str
    patterns: tuple[Pattern, ...]
    unless: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Something a message may speak of. It holds when one of ``patterns`` is found and none of ``but``."""

    id: str
    patterns: tuple[Pattern, ...]
    but: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Harmless:
    """A turn of phrase that only sounds like danger. ``intent``: what it says when it is all that is said."""

    id: str
    intent: str
    patterns: tuple[Pattern, ...]


class Lexicon:
    """Rules ready to be read with. Immutable after construction, so that tasks and threads may share it."""

    def __init__(
        self, rules: Iterable[Rule], contexts: Iterable[Context] = (), harmless: Iterable[Harmless] = ()
    ) -> None:
        """Index ``rules`` and ``harmless`` by their anchors."""
        self.rules = tuple(rules)
        self.contexts: Mapping[str, Context] = {context.id: context for context in contexts}
        self.harmless = tuple(harmless)
        self._rules_at = _Index([rule.patterns for rule in self.rules])
        self._harmless_at = _Index([phrase.patterns for phrase in self.harmless])

    def read(self, forms: Forms) -> RuleReading:
        """Every rule that holds, most worrying first (in the order of the files among equals)."""
        anchors = anchors_in(forms.words, forms.dense)
        text, harmless = self._without_harmless(forms.words, anchors)
        seen = _Contexts(self.contexts, forms.words, {})
        fired = [rule for rule in self._found(text, anchors) if seen.allow(rule)]
        fired.sort(key=lambda rule: -rule.worry)
        names = tuple(phrase.id for phrase in harmless)
        if not fired and harmless:
            calm = Signal("smalltalk", Worry.CALM, "rules", names[0], 1.0)
            return RuleReading((calm,), names, harmless[0].intent)
        return RuleReading(
            signals=tuple(Signal(rule.family, rule.worry, "rules", rule.id, 1.0) for rule in fired),
            harmless=names,
            intent=fired[0].intent if fired else None,
        )

    def _found(self, text: str, anchors: set[str]) -> Iterator[Rule]:
        last = -1
        for number, pattern in self._rules_at.candidates(anchors):
            if number != last and pattern.regex.search(text):
                last = number
                yield self.rules[number]

    def _without_harmless(self, text: str, anchors: set[str]) -> tuple[str, tuple[Harmless, ...]]:
        found: dict[int, Harmless] = {}
        for number, pattern in self._harmless_at.candidates(anchors):
            text, count = pattern.regex.subn(_BLANK, text)
            if count:
                found[number] = self.harmless[number]
        return text, tuple(found.values())


class _Index:
    """Patterns by anchor. ``candidates`` come in the order of their owners, each pattern once."""

    def __init__(self, owners: Iterable[tuple[Pattern, ...]]) -> None:
        self._patterns = [(number, pattern) for number, owned in enumerate(owners) for pattern in owned]
        at: defaultdict[str, list[int]] = defaultdict(list)
        for place, (_, pattern) in enumerate(self._patterns):
            for anchor in pattern.anchors:
                at[anchor].append(place)
        self._at = dict(at)

    def candidates(self, anchors: set[str]) -> list[tuple[int, Pattern]]:
        """The number of the owner and the pattern, for every pattern that could match."""
        places: set[int] = set()
        for anchor in self._at.keys() & anchors:
            places.update(self._at[anchor])
        return [self._patterns[place] for place in sorted(places)]


@dataclass(frozen=True, slots=True)
class _Contexts:
    """The contexts of one message, looked for only when a rule asks."""

    known: Mapping[str, Context]
    text: str
    answers: dict[str, bool]

    def allow(self, rule: Rule) -> bool:
        if any(self._holds(name) for name in rule.unless):
            return False
        return all(self._holds(name) for name in rule.needs)

    def _holds(self, name: str) -> bool:
        if name not in self.answers:
            context = self.known[name]
            self.answers[name] = _any(context.patterns, self.text) and not _any(context.but, self.text)
        return self.answers[name]


def _any(patterns: Iterable[Pattern], text: str) -> bool:
    return any(pattern.regex.search(text) for pattern in patterns)
