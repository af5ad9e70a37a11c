"""Reading the guidance files: YAML in, typed fields out, or an error that says file, id and field.

``ContentError``: a file is broken; nothing starts until a person mends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

LANGS: Final = ("ko", "en")


class ContentError(ValueError):
    """A guidance file cannot be used. The message names the file, the id and the field."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the files something stands."""

    file: str
    id: str = "-"
    field: str = "-"

    def error(self, what: str) -> ContentError:
        """An error that starts with this place."""
        return ContentError(f"{self.file}: {self.id}: {self.field}: {what}")


@dataclass(frozen=True, slots=True)
class Item:
    """One mapping of a file, with typed ways to read its fields. Each raises ``ContentError``."""

    place: Place
    fields: Mapping[str, Any]

    def at(self, field: str) -> Place:
        """The place of one field."""
        return Place(self.place.file, self.place.id, field)

    def line(self, field: str, *, empty: bool = False) -> str:
        """A text; with ``empty`` it may be empty or absent."""
        value = self.fields.get(field, "" if empty else None)
        if not isinstance(value, str) or not (value.strip() or empty):
            raise self.at(field).error("a text is needed (in quotes)")
        return value

    def both(self, field: str) -> Mapping[str, str]:
        """A text in each language."""
        return both(self.fields.get(field), self.at(field))

    def lines(self, field: str) -> tuple[str, ...]:
        """A list of at least one text."""
        value = self.fields.get(field)
        if not isinstance(value, list) or not value:
            raise self.at(field).error("a list with at least one text is needed")
        if not all(isinstance(line, str) and line.strip() for line in value):
            raise self.at(field).error("every line is a text, none is empty")
        return tuple(value)


def both(value: object, place: Place) -> Mapping[str, str]:
    """A text in each language, and in no other. Raises ``ContentError``."""
    if not isinstance(value, dict):
        raise place.error("needs ko and en")
    for lang in LANGS:
        if not isinstance(value.get(lang), str) or not value[lang].strip():
            raise place.error(f"language {lang} is missing")
    if set(value) != set(LANGS):
        raise place.error("only ko and en are known")
    return MappingProxyType({lang: value[lang] for lang in LANGS})


def read(path: Path) -> dict[str, Any]:
    """The mapping at the top of one file. Raises ``ContentError``."""
    try:
        found = yaml.load(path.read_text("utf-8"), Loader=_NoKeyTwice)  # noqa: S506 - it is a SafeLoader
    except OSError as error:
        raise Place(path.name).error("cannot be read") from error
    except yaml.YAMLError as error:
        raise Place(path.name).error(f"is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise Place(path.name).error("a mapping is needed at the top")
    return found


def items(path: Path, key: str) -> tuple[Item, ...]:
    """The entries with an id that one file lists under ``key``. Raises ``ContentError``."""
    listed = read(path).get(key)
    if not isinstance(listed, list) or not listed:
        raise Place(path.name, field=key).error("a list is needed")
    return tuple(_item(path.name, fields) for fields in listed)


def _item(file: str, fields: object) -> Item:
    if not isinstance(fields, dict):
        raise Place(file).error("an entry with an id is needed")
    item = Item(Place(file, str(fields.get("id", "-"))), fields)
    item.line("id")
    return item


class _NoKeyTwice(yaml.SafeLoader):
    """A reader that refuses the same key twice: the second would silently replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)
