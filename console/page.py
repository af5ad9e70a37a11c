"""The console's single page: a shell with the interface words in it. It holds nothing about anybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

Texts: TypeAlias = Mapping[str, Mapping[str, str]]
"""``section.key`` -> language -> words."""

LANGUAGES = ("ko", "en")

_HERE = Path(__file__).parent


class UnusableTexts(Exception):
    """The file of interface words is not of the right shape; the message names the key."""


def texts_path() -> Path:
    """The packaged file of interface words."""
    return _HERE / "texts.yaml"


def static_path() -> Path:
    """The folder that is served under ``/static``."""
    return _HERE / "static"


def load_texts(path: Path) -> Texts:
    """Interface words, flat: ``{"queue.mine": {"ko": ..., "en": ...}}``.

    Raises ``UnusableTexts`` for a file of another shape, and ``OSError``.
    """
    sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(sections, dict):
        raise UnusableTexts("the texts are not a mapping of sections")
    if not all(isinstance(key, str) for keys in sections.values() for key in keys):
        raise UnusableTexts("a key reads as another kind than text: put it in quotes")
    return MappingProxyType(
        {
            f"{section}.{key}": _both(f"{section}.{key}", words)
            for section, keys in sections.items()
            for key, words in keys.items()
        }
    )


def render(texts: Texts) -> str:
    """The page as HTML. The words stand in it as JSON; every ``<`` and ``&`` in them is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    words = {key: dict(both) for key, both in texts.items()}
    return environment.get_template("console.html").render(texts=words)


def _both(key: str, words: object) -> Mapping[str, str]:
    if not isinstance(words, dict) or set(words) != set(LANGUAGES):
        raise UnusableTexts(f"{key} must have exactly the languages ko and en")
    if not all(isinstance(word, str) and word.strip() for word in words.values()):
        raise UnusableTexts(f"{key} has an empty language")
    return MappingProxyType(dict(words))
