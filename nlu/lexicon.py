"""The rule floor: what can be read in a message without a language model. Pure.

A lexicon is made of rules, of contexts that rules may need or be cancelled by, and of harmless turns of
phrase ("배고파 죽겠다") that are taken out of the message before the rules look at it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nlu.anchors import anchors_in
from nlu.clues import ClueBook, reach
from nlu.understanding import RuleReading, Signal, Worry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nlu.clues import Chain, Clue, Found
    from nlu.normalise import Forms
    from nlu.patterns import Pattern
    from nlu.points import Points

_BLANK: Final = "\x00"


@dataclass(frozen=True, slots=True)
class Rule:
    """One reviewed rule. ``family`` is a topic word; ``why`` tells a reviewer what it is for.

    It holds when one of ``patterns`` or one of ``chains`` is found. ``unless`` names contexts or
    clues of which one cancels it, ``needs`` those that must all be there.
    """

    id: str
    intent: str | None
    family: str
    worry: Worry
    why: str
    patterns: tuple[Pattern, ...]
    unless: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    chains: tuple[Chain, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Something a message may speak of. It holds when one of ``patterns`` is found and none of ``but``."""

    id: str
    patterns: tuple[Pattern, ...]
    but: tuple[Pattern, ...] = ()

    def holds(self, text: str) -> bool:
        """Whether ``text`` speaks of it."""
        return _any(self.patterns, text) and not _any(self.but, text)


@dataclass(frozen=True, slots=True)
class Harmless:
    """A turn of phrase that only sounds like danger. ``intent``: what it says when it is all that is said."""

    id: str
    intent: str
    patterns: tuple[Pattern, ...]


class Lexicon:
    """Rules ready to be read with. Immutable after construction, so that tasks and threads may share it."""

    def __init__(
        self,
        rules: Iterable[Rule],
        contexts: Iterable[Context] = (),
        harmless: Iterable[Harmless] = (),
        clues: Iterable[Clue] = (),
        points: Iterable[Points] = (),
    ) -> None:
        """Index ``rules`` and ``harmless`` by their anchors. Raises ``PatternError`` for a broken clue."""
        self.rules = tuple(rules)
        self.contexts: Mapping[str, Context] = {context.id: context for context in contexts}
        self.harmless = tuple(harmless)
        self.points = tuple(points)
        self._rules_at = _Index([rule.patterns for rule in self.rules])
        self._harmless_at = _Index([phrase.patterns for phrase in self.harmless])
        self._clues = ClueBook(clues)
        self._chains_at = _chains_at(self.rules)

    def read(self, forms: Forms) -> RuleReading:
        """Every rule that holds, most worrying first (in the order of the files among equals)."""
        anchors = anchors_in(forms.words, forms.dense)
        text, harmless = self._without_harmless(forms.words, anchors)
        clues = self._clues_in(text)
        seen = _Contexts(self.contexts, forms.words, {name: True for found, _ in clues for name in found})
        numbers = sorted({*self._found(text, anchors), *self._chained(clues)})
        fired = [rule for rule in map(self.rules.__getitem__, numbers) if seen.allow(rule)]
        fired.sort(key=lambda rule: -rule.worry)
        names = tuple(phrase.id for phrase in harmless)
        certain = bool(fired) and fired[0].worry is Worry.DANGER
        weak = () if certain else self._weak(clues, seen)
        if not fired and harmless:
            calm = Signal("smalltalk", Worry.CALM, "rules", names[0], 1.0)
            return RuleReading((calm,), names, harmless[0].intent, weak)
        return RuleReading(
            signals=tuple(Signal(rule.family, rule.worry, "rules", rule.id, 1.0) for rule in fired),
            harmless=names,
            intent=fired[0].intent if fired else None,
            weak=weak,
        )

    def _weak(self, clues: Sequence[tuple[Found, float]], seen: _Contexts) -> tuple[Signal, ...]:
        """What the clues may mean together."""
        reached = [points for points in self.points if any(points.reached(found) for found, _ in clues)]
        return tuple(points.signal() for points in reached if not seen.any(points.unless))

    def _found(self, text: str, anchors: set[str]) -> Iterator[int]:
        """The numbers of the rules of which a pattern matches."""
        last = -1
        for number, pattern in self._rules_at.candidates(anchors):
            if number != last and pattern.regex.search(text):
                last = number
                yield number

    def _clues_in(self, text: str) -> list[tuple[Found, float]]:
        """The clues of every reading, and how far apart is near in it."""
        if not self._clues.names:
            return []
        return [(self._clues.find(line), reach(line)) for line in text.split("\n")]

    def _chained(self, clues: Iterable[tuple[Found, float]]) -> Iterator[int]:
        """The numbers of the rules of which a chain holds in one of the readings."""
        for found, near in clues:
            for name in self._chains_at.keys() & found.keys():
                yield from (number for number, chain in self._chains_at[name] if chain.holds(found, near))

    def _without_harmless(self, text: str, anchors: set[str]) -> tuple[str, tuple[Harmless, ...]]:
        found: dict[int, Harmless] = {}
        for number, pattern in self._harmless_at.candidates(anchors):
            text, count = pattern.regex.subn(_BLANK, text)
            if count:
                found[number] = self.harmless[number]
        return text, tuple(found.values())


def _chains_at(rules: Sequence[Rule]) -> Mapping[str, list[tuple[int, Chain]]]:
    """The chains by the clues that may be their first."""
    at: defaultdict[str, list[tuple[int, Chain]]] = defaultdict(list)
    for number, rule in enumerate(rules):
        for chain in rule.chains:
            for name in chain.steps[0][1]:
                at[name].append((number, chain))
    return dict(at)


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
    """The contexts of one message, looked for only when a rule asks. ``answers`` begins with its clues."""

    known: Mapping[str, Context]
    text: str
    answers: dict[str, bool]

    def allow(self, rule: Rule) -> bool:
        return not self.any(rule.unless) and all(self._holds(name) for name in rule.needs)

    def any(self, names: Iterable[str]) -> bool:
        return any(self._holds(name) for name in names)

    def _holds(self, name: str) -> bool:
        if name not in self.answers:
            self.answers[name] = name in self.known and self.known[name].holds(self.text)
        return self.answers[name]


def _any(patterns: Iterable[Pattern], text: str) -> bool:
    return any(pattern.regex.search(text) for pattern in patterns)
