"""Clues and the chains that join them: what is found, how near is near, and that it stays quick."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.anchors import PatternError
from nlu.clues import Clue, ClueBook, reach, read_chain

BOOK = ClueBook(
    [
        Clue("means", ("수면제|<약(을|도)?>|#알",), ("pills|sleeping pills|# pills",)),
        Clue("hand", ("손에|들고",), ("in my (hand|lap)",)),
        Clue("fun", ("ㅋㅋ",), ("lol|haha*",)),
    ]
)


def found(line: str) -> dict[str, list[str]]:
    dense = line.replace(" ", "")
    return {name: [dense[start:end] for start, end in spans] for name, spans in BOOK.find(line).items()}


def holds(chain: str, line: str) -> bool:
    return read_chain(chain).holds(BOOK.find(line), reach(line))


def test_korean_words_are_found_whatever_the_spacing() -> None:
    assert found("수 면 제 손 에")["means"] == ["수면제"]
    assert found("수면제가 손에") == {"means": ["수면제"], "hand": ["손에"]}


def test_word_edges_count_only_where_there_are_spaces() -> None:
    assert "means" not in found("우리 언약을 해")
    assert "means" in found("나 약을 들고")
    assert "means" in found("지금언약을들고있어요")


def test_a_word_is_not_read_across_two_others() -> None:
    book = ClueBook([Clue("pace", ("서성",))])
    assert book.find("혼나서 성적표 숨겼어") == {}
    assert "pace" in book.find("집 앞에서 서 성")
    assert "pace" in book.find("계 속 서 성")


def test_numbers_of_any_length_are_one_thing() -> None:
    assert found("30알 먹었어")["means"] == ["30알"]
    assert found("5알")["means"] == ["5알"]
    assert found("took 30 pills")["means"] == ["30pills", "pills"]


def test_english_words_are_whole_or_beginnings() -> None:
    assert found("sleeping pills in my lap") == {"means": ["sleepingpills", "pills"], "hand": ["inmylap"]}
    assert "fun" in found("hahahaha")
    assert "means" not in found("spills")


@pytest.mark.parametrize(
    ("chain", "line", "expected"),
    [
        ("means & hand", "손에 수면제", True),
        ("means > hand", "손에 수면제", False),
        ("means > hand", "수면제 손에", True),
        ("means >> hand", "수면제 손에", True),
        ("means >> hand", "수면제 그리고 손에", False),
        ("means & hand", "수면제 " + "가나다라마바사 " * 4 + "손에", False),
        ("means && hand", "수면제 " + "가나다라마바사 " * 4 + "손에", True),
        ("means & hand", "pills, which i counted twice, in my hand", True),
        ("means & hand && !fun", "손에 수면제 ㅋㅋ", False),
        ("means|fun & hand", "손에 ㅋㅋ", True),
        ("means & means", "수면제", False),
    ],
)
def test_chains(chain: str, line: str, expected: bool) -> None:
    assert holds(chain, line) is expected


@pytest.mark.parametrize("source", ["", "a &", "a & B", "!a", "a + b"])
def test_a_broken_chain_is_refused(source: str) -> None:
    with pytest.raises(PatternError):
        read_chain(source)


@pytest.mark.parametrize("source", ["(약", "약)", "<>", "a|", "(" + "|".join("가나다라마") + ")" * 0])
def test_a_broken_word_is_refused(source: str) -> None:
    with pytest.raises(PatternError):
        ClueBook([Clue("a", (source,))])


def test_words_with_too_many_spellings_are_refused() -> None:
    with pytest.raises(PatternError, match="too many"):
        ClueBook([Clue("a", ("[가나다라마바사아자차]" * 5,))])


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_finding_never_raises_and_stays_inside_the_line(line: str) -> None:
    size = len("".join(line.split()))
    for spans in BOOK.find(" ".join(line.split())).values():
        assert all(0 <= start < end <= size for start, end in spans)


@pytest.mark.parametrize("line", ["수면제" * 3_300, "수 면 제 " * 1_700, "pills " * 1_700, "1" * 10_000])
def test_long_lines_take_bounded_time(line: str) -> None:
    start = time.process_time()
    holds("means & hand", line)
    assert time.process_time() - start < 0.5
