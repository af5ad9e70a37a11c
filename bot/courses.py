"""Reading ``lessons.yaml``: which texts make a lesson, and what a self-check counts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.content_source import Item, items
from bot.lessons import Check, Courses, Outcome, Question
from handoff.risk import Risk

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path, texts: frozenset[str]) -> Courses:
    """Read and check the courses; every id must be among ``texts``. Raises ``ContentError``."""
    lessons = {item.place.id: _texts(item, item.lines("pages"), texts) for item in items(path, "lessons")}
    checks = {item.place.id: _check(item, texts) for item in items(path, "checks")}
    return Courses(MappingProxyType(lessons), MappingProxyType(checks))


def _texts(item: Item, ids: tuple[str, ...], texts: frozenset[str]) -> tuple[str, ...]:
    for id in ids:
        if id not in texts:
            raise item.at("pages").error(f"no text {id}")
    return ids


def _check(item: Item, texts: frozenset[str]) -> Check:
    alone = item.lines("alone")
    questions = _texts(item, item.lines("questions"), texts)
    outcomes = item.fields.get("outcomes")
    if not isinstance(outcomes, list) or not outcomes or not set(alone) <= set(questions):
        raise item.at("outcomes").error("needs outcomes, and 'alone' of its own questions")
    graded = sorted((_outcome(item, fields, texts) for fields in outcomes), key=lambda it: it.at_least)
    if graded[0].at_least != 0 or len({it.at_least for it in graded}) != len(graded):
        raise item.at("outcomes").error("one begins at zero, and no two at the same points")
    opening = _texts(item, (item.line("opening"),), texts)[0]
    return Check(opening, tuple(Question(id, id in alone) for id in questions), tuple(graded))


def _outcome(item: Item, fields: object, texts: frozenset[str]) -> Outcome:
    if not isinstance(fields, dict) or not isinstance(fields.get("at_least"), int):
        raise item.at("outcomes").error("needs at_least, text and risk")
    try:
        risk = Risk.of(str(fields.get("risk")))
    except ValueError as error:
        raise item.at("outcomes").error(str(error)) from None
    return Outcome(fields["at_least"], _texts(item, (str(fields.get("text")),), texts)[0], risk)
