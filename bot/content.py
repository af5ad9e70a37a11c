"""Everything the bot may say, read once from the reviewed YAML files of ``bot/guidance``.

``directory.yaml`` holds organisations and numbers, ``page.yaml`` the sentences of the visitor's page,
``quick.yaml`` the answers to tap, ``signs.yaml`` small signs in a line, ``wording.yaml`` the linter's rules;
every other one holds ``texts``, and ``lessons.yaml`` also says which of them make a lesson or a self-check.
A number stands in a text only as ``{dir:ID}`` (also ``{dir:ID:text}``, ``:web``, ``:name``, ``:hours``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from bot import courses
from bot.content_source import LANGS, ContentError, Item, Place, both, items, read
from bot.lessons import Courses
from bot.signs import Signs, load_signs
from handoff.conversation import Speaker
from handoff.risk import Risk, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Resolve: TypeAlias = Callable[[str, str, Place], str]

__all__ = ["LANGS", "Content", "ContentError", "Organisation", "QuickReply", "Text", "load"]

_NOT_TEXTS: Final = frozenset({"directory.yaml", "page.yaml", "quick.yaml", "signs.yaml", "wording.yaml"})
_FILLED_BY_PAGE: Final = re.compile(r"\{[a-z]+\}")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_REFERENCE: Final = re.compile(r"dir:([a-z0-9_]+)(?::([a-z]+))?")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One entry of the directory. ``serves`` says what for; ``verified_on`` when its sources were read."""

    id: str
    name: Mapping[str, str]
    number: str
    text_number: str
    web: str
    hours: Mapping[str, str]
    languages: tuple[str, ...]
    serves: Mapping[str, str]
    source: str
    verified_on: date


@dataclass(frozen=True, slots=True)
class Text:
    """One answer of the bot, one to three short messages a language; ``written`` still has references."""

    id: str
    file: str
    when: Mapping[str, str]
    written: Mapping[str, tuple[str, ...]] = field(repr=False)
    rendered: Mapping[str, tuple[str, ...]] = field(repr=False)
    reviewed_by: str
    reviewed_on: str


@dataclass(frozen=True, slots=True)
class QuickReply:
    """An answer to tap: ``label`` is shown, ``say`` is sent as the visitor's own message."""

    label: str
    say: str


@dataclass(frozen=True, slots=True)
class Content:
    """All words of the service. Made by ``load``; never changes while the service runs.

    ``lang`` is ``ko`` or ``en`` everywhere; another raises ``KeyError``, as an unknown id does.
    """

    directory: Mapping[str, Organisation]
    texts: Mapping[str, Text]
    quick_replies: Mapping[str, Mapping[str, QuickReply]] = field(repr=False)
    written_page: Mapping[str, Mapping[str, str]] = field(repr=False)
    rendered_page: Mapping[str, Mapping[str, str]] = field(repr=False)
    signs: Signs = field(repr=False)
    courses: Courses = field(default_factory=Courses)
    unreviewed_files: tuple[str, ...] = ()

    def render(self, text: str, lang: str) -> tuple[str, ...]:
        """The messages of one text, numbers filled in. Raises ``KeyError`` for an unknown id."""
        return self.texts[text].rendered[lang]

    def quick(self, ids: Iterable[str], lang: str) -> tuple[QuickReply, ...]:
        """The answers to tap, in the order asked for. Raises ``KeyError`` for an unknown id."""
        return tuple(self.quick_replies[reply][lang] for reply in ids)

    def page(self, lang: str) -> Mapping[str, str]:
        """Sentences of the visitor's page by key; ``{ahead}`` and the like are left for the page to fill."""
        return self.rendered_page[lang]

    def unreviewed(self) -> tuple[str, ...]:
        """Ids of texts, then names of files, that no person at the deploying centre has reviewed."""
        texts = (text.id for text in self.texts.values() if not (text.reviewed_by and text.reviewed_on))
        return (*texts, *self.unreviewed_files)

    def stale(self, today: date, days: int) -> tuple[str, ...]:
        """Ids of directory entries verified more than ``days`` days before ``today``."""
        return tuple(entry.id for entry in self.directory.values() if (today - entry.verified_on).days > days)


def load(folder: Path) -> Content:
    """Read and check every file of ``folder``.

    Raises ``ContentError`` for a missing file, language or field, for an unknown topic, risk or reference,
    and for an id used twice.
    """
    directory = _by_id(_organisation(item) for item in items(folder / "directory.yaml", "directory"))
    resolve = _resolver(directory)
    files = sorted(path for path in folder.glob("*.yaml") if path.name not in _NOT_TEXTS)
    page = _page(folder / "page.yaml")
    texts = _by_id(_text(item, resolve) for path in files for item in items(path, "texts"))
    return Content(
        directory=directory,
        texts=texts,
        signs=load_signs(folder / "signs.yaml"),
        courses=courses.load(folder / "lessons.yaml", frozenset(texts)),
        quick_replies=_quick_replies(folder / "quick.yaml"),
        written_page=page,
        rendered_page=MappingProxyType({lang: _rendered(page, lang, resolve) for lang in LANGS}),
        unreviewed_files=tuple(
            name for name in ("page.yaml", "quick.yaml") if not _reviewed(read(folder / name))
        ),
    )


_Entry = TypeVar("_Entry", Organisation, Text)


def _by_id(found: Iterable[_Entry]) -> Mapping[str, _Entry]:
    kept: dict[str, _Entry] = {}
    for entry in found:
        if entry.id in kept:
            raise Place("guidance", entry.id, "id").error("is used twice")
        kept[entry.id] = entry
    return MappingProxyType(kept)


def _reviewed(fields: Mapping[str, object]) -> bool:
    return bool(fields.get("reviewed_by")) and bool(fields.get("reviewed_on"))


def _organisation(item: Item) -> Organisation:
    number, web = item.line("number", empty=True), item.line("web", empty=True)
    if not (number or web):
        raise item.at("number").error("a number or a web address is needed")
    verified_on = item.fields.get("verified_on")
    if not isinstance(verified_on, date):
        raise item.at("verified_on").error("a date (YYYY-MM-DD) is needed")
    return Organisation(
        id=item.place.id,
        name=item.both("name"),
        number=number,
        text_number=item.line("text_number", empty=True),
        web=web,
        hours=item.both("hours"),
        languages=item.lines("languages"),
        serves=item.both("for"),
        source=item.line("source"),
        verified_on=verified_on,
    )


def _text(item: Item, resolve: Resolve) -> Text:
    written = {lang: item.lines(lang) for lang in LANGS}
    if len(written["ko"]) != len(written["en"]):
        raise item.at("en").error("ko and en need the same number of messages")
    rendered = {
        lang: tuple(resolve(line, lang, item.at(lang)) for line in lines) for lang, lines in written.items()
    }
    return Text(
        id=item.place.id,
        file=item.place.file,
        when=_when(item),
        written=MappingProxyType(written),
        rendered=MappingProxyType(rendered),
        reviewed_by=item.line("reviewed_by", empty=True),
        reviewed_on=str(item.fields.get("reviewed_on", "")),
    )


def _when(item: Item) -> Mapping[str, str]:
    when, place = item.fields.get("when"), item.at("when")
    if not isinstance(when, dict) or len({"topic", "purpose"} & set(when)) != 1:
        raise place.error("needs a topic (with risk or intent where it differs) or a purpose")
    if set(when) - {"topic", "risk", "intent", "speaker", "purpose"}:
        raise place.error("knows only topic, risk, intent, speaker and purpose")
    if when.get("speaker", "self") not in set(Speaker):
        raise place.error(f"no speaker {when['speaker']}")
    if when.get("topic", Topic.HUMAN) not in set(Topic):
        raise place.error(f"no topic {when['topic']}")
    if when.get("risk", "low") not in {risk.word for risk in Risk}:
        raise place.error(f"no risk {when['risk']}")
    return MappingProxyType({key: str(value) for key, value in when.items()})


def _quick_replies(path: Path) -> Mapping[str, Mapping[str, QuickReply]]:
    found: dict[str, Mapping[str, QuickReply]] = {}
    for item in items(path, "quick"):
        if item.place.id in found:
            raise item.at("id").error("is used twice")
        label, say = item.both("label"), item.both("say")
        found[item.place.id] = MappingProxyType({lang: QuickReply(label[lang], say[lang]) for lang in LANGS})
    return MappingProxyType(found)


def _page(path: Path) -> Mapping[str, Mapping[str, str]]:
    listed = read(path).get("page")
    if not isinstance(listed, dict) or not listed:
        raise Place(path.name, field="page").error("a mapping is needed")
    page = {key: both(words, Place(path.name, key)) for key, words in listed.items()}
    for key, words in page.items():
        if sorted(_FILLED_BY_PAGE.findall(words["ko"])) != sorted(_FILLED_BY_PAGE.findall(words["en"])):
            raise Place(path.name, key).error("ko and en need the same fields for the page")
    return MappingProxyType(page)


def _rendered(page: Mapping[str, Mapping[str, str]], lang: str, resolve: Resolve) -> Mapping[str, str]:
    return MappingProxyType(
        {key: resolve(words[lang], lang, Place("page.yaml", key, lang)) for key, words in page.items()}
    )


def _resolver(directory: Mapping[str, Organisation]) -> Resolve:
    def resolve(line: str, lang: str, place: Place) -> str:
        def filled(found: re.Match[str]) -> str:
            if place.file == "page.yaml" and _FILLED_BY_PAGE.fullmatch(found[0]):
                return found[0]
            reference = _REFERENCE.fullmatch(found[1])
            if reference is None:
                raise place.error(f"unknown reference {found[0]}")
            return _looked_up(directory, reference, lang, place)

        return _PLACEHOLDER.sub(filled, line)

    return resolve


def _looked_up(
    directory: Mapping[str, Organisation], reference: re.Match[str], lang: str, place: Place
) -> str:
    entry, part = directory.get(reference[1]), reference[2] or "number"
    if entry is None:
        raise place.error(f"no directory entry {reference[1]}")
    parts = {
        "number": entry.number,
        "text": entry.text_number,
        "web": entry.web,
        "name": entry.name[lang],
        "hours": entry.hours[lang],
    }
    if not parts.get(part):
        raise place.error(f"directory entry {reference[1]} has no {part}")
    return parts[part]
