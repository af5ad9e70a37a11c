"""Labelled lines of JSON: a text, its risk, and where they are given its topic and language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.settings import Unusable
from handoff.risk import Risk, Topic
from nlu.normalise import language
from nlu.understanding import Lang

_MOST_TOLD = 10


class Malformed(Unusable):
    """A file of lines cannot be used. The message names file and lines, and repeats no text of them."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One line and where it stands. ``topic`` None: only the risk is labelled."""

    text: str = field(repr=False)
    risk: Risk
    topic: Topic | None
    lang: Lang
    place: str


def read_lines(path: Path, otherwise: Risk | None = None) -> Sequence[Labelled]:
    """All lines of a file; empty ones are passed over. Raises ``Malformed`` with the number of each bad line.

    ``otherwise``: the risk of lines that name none.
    """
    found, wrong = [], []
    for number, line in _numbered(path):
        try:
            found.append(_labelled(line, otherwise, f"{path.name}:{number}"))
        except ValueError as error:
            wrong.append(f"{path}:{number}: {error}")
    if wrong:
        more = [f"and {len(wrong) - _MOST_TOLD} more"] if len(wrong) > _MOST_TOLD else []
        raise Malformed("\n".join(wrong[:_MOST_TOLD] + more))
    if not found:
        raise Malformed(f"{path}: no lines")
    return found


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Malformed(f"{path}: cannot be read ({type(error).__name__})") from None
    yield from ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _labelled(line: bytes, otherwise: Risk | None, place: str) -> Labelled:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("the line is not JSON") from None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise ValueError('the line is not an object with a "text"')  # noqa: TRY004  one kind of error a line
    lang = item.get("lang")
    if lang not in (None, "ko", "en"):  # no set: it may be of any type
        raise ValueError('"lang" is "ko", "en" or absent')
    text: str = item["text"]
    return Labelled(
        text, _risk(item.get("risk"), otherwise), _topic(item.get("topic")), lang or language(text), place
    )


def _risk(word: Any, otherwise: Risk | None) -> Risk:
    if word is None and otherwise is not None:
        return otherwise
    if not isinstance(word, str):
        raise ValueError('"risk" is missing (lines without one: --risk low)')  # noqa: TRY004
    return Risk.of(word)


def _topic(word: Any) -> Topic | None:
    if word is None:
        return None
    try:
        return Topic(word)
    except ValueError:
        raise ValueError('"topic" is no topic of the service') from None
