"""Storms over all channels: nothing is lost, nothing is doubled without an excuse, nothing stays under way.

``python -m tests.chaos.storm --messages 100000`` is the same for longer; its figures stand in
``docs/channels/README.md``.
"""

from __future__ import annotations

import dataclasses
import os

import pytest

from handoff.conversation import Author
from tests.chaos.storm import Plan, storm
from tests.chaos.storm_books import Accept, Books, Kept, check, doubles

SEED = int(os.environ.get("GYEOT_TEST_SEED") or 1)
PLANS = (Plan(700, SEED, "twilio", 2), Plan(400, SEED, "solapi", 2))


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.sms)
def test_a_storm_loses_nothing_and_doubles_nothing(plan: Plan) -> None:
    figures = storm(plan)
    print(figures)
    assert figures["faults"] == []
    assert figures["distinct messages"] >= plan.messages
    assert figures["lives"] > plan.lives
    for happened in ("repeated by the provider", "requests cut off by a crash", "provider unreached"):
        assert figures[happened] > 0, f"{happened}: the storm was too calm"
    assert figures["answers given in responses"] > 0
    assert figures["dead letters"] <= figures["failures told late"]  # what a crash sent again has another id


class TestTheBooks:
    """The check itself finds what it is there to find."""

    @pytest.fixture
    def books(self) -> Books:
        books = Books(life=1, said={"1": "무서워요 [1]"})
        books.accepts["a1"] = [Accept(1, ("안녕하세요", "저는 곁이에요"), lost=False)]
        books.letters["a1"] = ("안녕하세요", "저는 곁이에요")
        return books

    @pytest.fixture
    def kept(self) -> Kept:
        return Kept(1, {"1": 1}, {"a1": "telegram"}, frozenset({"a1"}), (), 0, 0)

    def test_good_books_agree(self, books: Books, kept: Kept) -> None:
        check(books, kept)
        assert (doubles(books), books.faults) == ((0, 0), [])

    @pytest.mark.parametrize(
        "changes",
        [
            {"visitor_lines": 2},
            {"tags": {}},
            {"tags": {"1": 2}},
            {"undecided": 1},
            {"left": [("a1", "held", "Blocked")]},
            {"left": [("x", "failed", "Unreachable")]},
            {"settled": frozenset()},
            {"decided": {"a1": "telegram", "a2": "sms"}, "settled": frozenset({"a1", "a2"})},
        ],
        ids=lambda change: "-".join(sorted(change)),
    )
    def test_what_is_lost_or_doubled_is_a_fault(
        self, books: Books, kept: Kept, changes: dict[str, object]
    ) -> None:
        check(books, dataclasses.replace(kept, **changes))
        assert len(books.faults) == 1

    def test_other_words_and_a_second_way_are_faults(self, books: Books, kept: Kept) -> None:
        books.letters["a1"] = ("안녕하세요", "저는 사람이에요")
        books.given["a1"] = [1]
        check(books, kept)
        assert len(books.faults) == 2

    def test_a_repetition_needs_an_excuse(self, books: Books) -> None:
        [first] = books.accepts["a1"]
        books.accepts["a1"] = [first, first]
        assert doubles(books) == (0, 0)
        assert len(books.faults) == 1
        books.accepts["a2"] = [dataclasses.replace(first, lost=True), first]
        books.accepts["a3"] = [first, dataclasses.replace(first, life=2)]
        assert doubles(books) == (1, 1)

    def test_only_visitors_lines_are_counted(self) -> None:
        assert Author.VISITOR == "visitor", "what the query in the books asks for"
