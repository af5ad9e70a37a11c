"""The books of a storm: what was brought, what was decided, what arrived, and how they must agree."""

from __future__ import annotations

import collections
import contextvars
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handoff.conversation import Author
from vault.desk import DeskKey, open_conversation_key
from vault.entries import EntryBody, open_entry
from vault.places import EntryPlace

UNDER_WAY: contextvars.ContextVar[str] = contextvars.ContextVar("under_way", default="")
"""Key of the parcel that a sender has in hand: whatever reaches a provider meanwhile belongs to it."""

GIVEN: contextvars.ContextVar[list[tuple[list[str], tuple[str, ...]]] | None] = contextvars.ContextVar(
    "given", default=None
)
"""Where answers are noted that are given in the response under way: their ids, and all their texts."""

NOTICE = "n"
"""Ends the key of a notice, which says that an answer waits and is no answer itself."""

_TAG = re.compile(r"\[([0-9a-z.]+)\]")
_PART = re.compile(r"^\(\d+/\d+\) ")

# Kept in the same transaction as the answer itself, so that no crash parts them.
WITNESSES = """
CREATE TABLE storm_decided (id TEXT PRIMARY KEY, conversation TEXT, channel TEXT);
CREATE TABLE storm_settled (id TEXT);
CREATE TRIGGER storm_put AFTER INSERT ON outbox WHEN NEW.state = 'pending'
BEGIN INSERT INTO storm_decided VALUES (NEW.id, NEW.conversation, NEW.channel); END;
CREATE TRIGGER storm_gone AFTER DELETE ON outbox
BEGIN INSERT INTO storm_settled VALUES (OLD.id); END;
"""


@dataclass(frozen=True, slots=True)
class Accept:
    """A provider took something under this key. ``lost``: its answer to us never came."""

    life: int
    texts: tuple[str, ...] = field(repr=False)
    lost: bool


@dataclass(slots=True)
class Books:
    """What the world outside saw. ``life``: number of the process, counted from 1."""

    life: int = 0
    said: dict[str, str] = field(default_factory=dict, repr=False)
    silent: int = 0
    accepts: dict[str, list[Accept]] = field(default_factory=lambda: collections.defaultdict(list))
    letters: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    given: dict[str, list[int]] = field(default_factory=lambda: collections.defaultdict(list))
    unsaid: set[str] = field(default_factory=set)
    cut_off: set[str] = field(default_factory=set)
    failed_receipts: set[str] = field(default_factory=set)
    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)

    def accept(self, texts: Sequence[str], *, lost: bool) -> None:
        """A provider took these texts."""
        key = UNDER_WAY.get()
        if not key:
            self.faults.append("something was sent outside of any parcel")
        self.accepts[key].append(Accept(self.life, tuple(texts), lost))


def doubles(books: Books) -> tuple[int, int]:
    """Sends that were repeated and why: (the provider's answer was lost, the process died in between).

    Adds a fault for every repetition that has neither excuse.
    """
    lost_answer = died = 0
    for key, accepts in books.accepts.items():
        seen: dict[tuple[str, ...], Accept] = {}
        for accept in accepts:
            before = seen.get(accept.texts)
            seen[accept.texts] = accept
            if before is None:
                continue
            if before.life != accept.life:
                died += 1
            elif before.lost:
                lost_answer += 1
            else:
                books.faults.append(f"{key} was sent twice by one process, whose provider had answered")
    return lost_answer, died


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database holds at the end."""

    visitor_lines: int
    tags: Mapping[str, int]
    decided: Mapping[str, str]
    settled: frozenset[str]
    left: Sequence[tuple[str, str, str]]
    undecided: int
    failed_sent: int


def kept(path: Path, desk: DeskKey) -> Kept:
    """Read it all, as a counselor would."""
    with sqlite3.connect(path) as rows:
        tags: collections.Counter[str] = collections.Counter()
        lines = 0
        for body in _visitor_entries(rows, desk):
            lines += 1
            tags.update(_TAG.findall(" ".join(body.texts)))
        found = Kept(
            lines,
            tags,
            dict(rows.execute("SELECT id, channel FROM storm_decided")),
            frozenset(id for (id,) in rows.execute("SELECT id FROM storm_settled")),
            rows.execute("SELECT id, state, coalesce(error, '') FROM outbox").fetchall(),
            rows.execute("SELECT count(*) FROM inbox").fetchone()[0],
            rows.execute("SELECT count(*) FROM sent WHERE state = 'failed'").fetchone()[0],
        )
    rows.close()
    return found


def _visitor_entries(rows: sqlite3.Connection, desk: DeskKey) -> Iterator[EntryBody]:
    keys = {
        id: open_conversation_key(desk, sealed, id)
        for id, sealed in rows.execute("SELECT id, sealed_key FROM conversation WHERE channel != 'voice'")
    }
    query = "SELECT conversation, seq, sealed FROM entry WHERE author = 'visitor'"
    for conversation, seq, sealed in rows.execute(query):
        yield open_entry(keys[conversation], sealed, EntryPlace(conversation, seq, Author.VISITOR))


def call_lines(path: Path, desk: DeskKey) -> list[tuple[str, ...]]:
    """What stands in the conversation of each call, in order."""
    found: dict[str, list[str]] = {}
    with sqlite3.connect(path) as rows:
        for id, sealed_key in rows.execute("SELECT id, sealed_key FROM conversation WHERE channel = 'voice'"):
            key = open_conversation_key(desk, sealed_key, id)
            query = "SELECT seq, sealed FROM entry WHERE conversation = ? ORDER BY seq"
            found[id] = [
                text
                for seq, sealed in rows.execute(query, (id,))
                for text in open_entry(key, sealed, EntryPlace(id, seq, Author.SYSTEM)).texts
            ]
    rows.close()
    return [tuple(lines) for lines in found.values()]


def check(books: Books, found: Kept) -> None:
    """Add a fault for everything that is lost, doubled, altered or left undone."""
    wanted = len(books.said) + books.silent
    if found.visitor_lines != wanted:
        books.faults.append(f"{wanted} distinct messages, {found.visitor_lines} entries")
    for tag in books.said:
        if found.tags.get(tag, 0) != 1:
            books.faults.append(f"message {tag} stands {found.tags.get(tag, 0)} times")
    if found.undecided:
        books.faults.append(f"{found.undecided} messages are undecided")
    dead = [error for _, state, error in found.left if state == "failed"]
    if len(dead) != len(found.left):
        books.faults.append(f"{len(found.left) - len(dead)} answers are still under way: {found.left[:3]}")
    if len(dead) != found.failed_sent:
        books.faults.append(f"{len(dead)} dead letters for {found.failed_sent} texts that the carrier lost")
    for id, channel in found.decided.items():
        _check_answer(books, found, id, channel)


def _check_answer(books: Books, found: Kept, id: str, channel: str) -> None:
    """One answer that was decided: it reached the visitor once, whole, and by one way."""
    given = books.given.get(id, [])
    arrived = (id in books.accepts) + len(given)
    again = [*given, *(accept.life for accept in books.accepts.get(id, ()))]
    excused = len(set(again)) > 1 or any(accept.lost for accept in books.accepts.get(id, ()))
    if id not in found.settled:
        books.faults.append(f"{channel} {id} was never settled")
    elif arrived == 0 and id in books.cut_off:
        books.counts["settled in a response that the crash cut off"] += 1
    elif arrived == 0 and id in books.unsaid:
        books.faults.append(f"{channel} {id} was settled, but its response said something else")
    elif arrived == 0:
        books.faults.append(f"{channel} {id} was settled and never arrived")
    elif arrived > 1 and excused:
        books.counts["given in a response besides, after a crash or a lost answer"] += 1
    elif arrived > 1:
        books.faults.append(f"{channel} {id} arrived by {arrived} ways")
    if id in books.accepts and id in books.letters:
        _check_words(books, id, channel)


def _check_words(books: Books, id: str, channel: str) -> None:
    """What was to be said arrived in one piece; what was sent again may stand before or behind it.

    A part whose yes was lost stands twice; what a dying process still had on the wire may come between the
    parts that its successor sends.
    """
    accepts = books.accepts[id]
    known = [accept for accept in accepts if not accept.lost]  # a part whose yes was lost is sent again
    lives = [[accept for accept in known if accept.life == life] for life in {one.life for one in known}]
    pieces = [[text for accept in taken for text in accept.texts] for taken in (accepts, known, *lives)]
    if not any(_bare(books.letters[id]) in _bare(arrived) for arrived in pieces):
        books.faults.append(f"{channel} {id} arrived with other words")


def _bare(texts: Sequence[str]) -> str:
    return "".join("".join(_PART.sub("", text).split()) for text in texts)
