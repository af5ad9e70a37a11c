"""Rules for every text a visitor may read: wording, length, reading level, numbers, the directory.

Used by the build and by ``gyeot doctor``. The rules are data (``bot/guidance/wording.yaml``). A finding names
the place and the rule, so that a person who edits a text knows what to change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.content_source import LANGS, Item, Place, read
from bot.reading_level import SENTENCE_END, grade, korean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bot.content import Content, Organisation

NEEDED: Final = ("112", "119", "109", "1388", "1366", "d4u")

_REFERENCE: Final = re.compile(r"\{[^{}]*\}")
# Three or more digits, also with blanks or hyphens between them; "19" or "24" is an age or an hour.
_NUMBER: Final = re.compile(r"#\s*\d+|\d(?:[\s\-.·()]*\d){2,}")
_ADDRESS: Final = re.compile(
    r"https?:|www\.|\S+@\S+|[a-z0-9]\.(?:kr|com|org|net|me|gg)\b", re.IGNORECASE | re.ASCII
)
_DIALLED: Final = re.compile(r"#?\d[\d-]*\d")


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule. ``where`` is a file, id and language."""

    where: str
    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Banned:
    """Wording that no text may have, and why."""

    rule: str
    patterns: Mapping[str, tuple[re.Pattern[str], ...]]


@dataclass(frozen=True, slots=True)
class Limits:
    """``message``: characters. ``sentence``: characters (ko), words (en). ``messages``: in one text.

    ``grade``: the school grade of an English message. ``words``: in a Korean sentence; ``syllables``: in the
    average Korean word.
    """

    message: Mapping[str, int]
    sentence: Mapping[str, int]
    messages: int
    grade: float
    words: int
    syllables: float


@dataclass(frozen=True, slots=True)
class Wording:
    """The rules, as ``wording.yaml`` lists them."""

    banned: tuple[Banned, ...]
    limits: Limits


@dataclass(frozen=True, slots=True)
class _Line:
    where: str
    lang: str
    written: str
    rendered: str
    from_bot: bool


def load_wording(path: Path) -> Wording:
    """Read the rules. Raises ``ContentError`` for a missing field or a pattern that is no expression."""
    found = read(path)
    banned = tuple(_banned(Item(Place(path.name, str(rule.get("rule"))), rule)) for rule in found["banned"])
    limits = found["limits"]
    return Wording(
        banned,
        Limits(
            message={lang: int(limits[lang]["message"]) for lang in LANGS},
            sentence={lang: int(limits[lang]["sentence"]) for lang in LANGS},
            messages=int(limits["messages"]),
            grade=float(limits["en"]["grade"]),
            words=int(limits["ko"]["words"]),
            syllables=float(limits["ko"]["syllables"]),
        ),
    )


def lint(content: Content, wording: Wording) -> tuple[Finding, ...]:
    """Every broken rule, in the order of the files. Empty: the texts may go to a person for review."""
    of_lines = (finding for line in _lines(content) for finding in _lint_line(line, wording))
    of_texts = (
        Finding(f"{text.file}: {text.id}", "messages", f"{len(text.written['ko'])} messages in one text")
        for text in content.texts.values()
        if len(text.written["ko"]) > wording.limits.messages
    )
    return (*of_lines, *of_texts, *_lint_directory(content.directory))


def _banned(item: Item) -> Banned:
    item.line("rule")
    item.line("why")
    patterns = {}
    for lang in LANGS:
        try:
            patterns[lang] = tuple(re.compile(line, re.IGNORECASE) for line in item.lines(lang))
        except re.error as error:
            raise item.at(lang).error(f"is no expression: {error}") from error
    return Banned(item.place.id, patterns)


def _lines(content: Content) -> Iterator[_Line]:
    for text in content.texts.values():
        for lang in LANGS:
            for written, rendered in zip(text.written[lang], text.rendered[lang], strict=True):
                yield _Line(f"{text.file}: {text.id}: {lang}", lang, written, rendered, from_bot=True)
    for lang in LANGS:
        for key, rendered in content.page(lang).items():
            written = content.written_page[key][lang]
            yield _Line(f"page.yaml: {key}: {lang}", lang, written, rendered, from_bot=False)
        for key, replies in content.quick_replies.items():
            label = replies[lang].label
            yield _Line(f"quick.yaml: {key}: {lang}", lang, label, label, from_bot=False)


def _lint_line(line: _Line, wording: Wording) -> Iterator[Finding]:
    for banned in wording.banned:
        # A text may quote the other language, so that both lists are held against it.
        for pattern in (pattern for patterns in banned.patterns.values() for pattern in patterns):
            if found := pattern.search(line.rendered):
                yield Finding(line.where, banned.rule, found[0])
    bare = _REFERENCE.sub(" ", line.written)
    for found in _NUMBER.finditer(bare):
        yield Finding(line.where, "number", f"{found[0]} stands outside the directory")
    for found in _ADDRESS.finditer(bare):
        yield Finding(line.where, "address", f"{found[0]} stands outside the directory")
    yield from _lint_length(line, wording.limits)
    if line.from_bot:
        yield from _lint_level(line, wording.limits)


def _lint_length(line: _Line, limits: Limits) -> Iterator[Finding]:
    most = limits.message[line.lang]
    if line.from_bot and len(line.rendered) > most:
        yield Finding(line.where, "length", f"{len(line.rendered)} characters, at most {most}")
    for sentence in SENTENCE_END.split(line.rendered):
        size = len(sentence) if line.lang == "ko" else len(sentence.split())
        if size > limits.sentence[line.lang]:
            yield Finding(line.where, "sentence", f"{size}, at most {limits.sentence[line.lang]}: {sentence}")


def _lint_level(line: _Line, limits: Limits) -> Iterator[Finding]:
    if line.lang == "en":
        if (found := grade(line.written)) > limits.grade:
            yield Finding(line.where, "level", f"school grade {found:.1f}, at most {limits.grade:g}")
        return
    level = korean(line.written)
    if level.words > limits.words or level.syllables > limits.syllables:
        told = f"{level.words} words in a sentence, {level.syllables:.1f} syllables a word"
        yield Finding(line.where, "level", f"{told}; at most {limits.words} and {limits.syllables:g}")


def _lint_directory(directory: Mapping[str, Organisation]) -> Iterator[Finding]:
    for missing in (needed for needed in NEEDED if needed not in directory):
        yield Finding("directory.yaml", "directory", f"{missing} is missing")
    for entry in directory.values():
        for dialled in (entry.number, entry.text_number):
            if dialled and not _DIALLED.fullmatch(dialled):
                yield Finding(f"directory.yaml: {entry.id}", "directory", f"{dialled} cannot be dialled")
    yield from _twice(directory.values())


def _twice(entries: Iterable[Organisation]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.number and entry.number in seen:
            yield Finding(f"directory.yaml: {entry.id}", "directory", f"same number as {seen[entry.number]}")
        seen[entry.number] = entry.id
