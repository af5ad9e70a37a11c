"""The evasions do what they are named after."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evasions import EVASIONS, evade

KOREAN = "나 지금 자살 생각해"
ENGLISH = "help me right now"


def test_there_are_twelve() -> None:
    assert len(EVASIONS) == 12


@pytest.mark.parametrize(
    ("name", "text", "typed"),
    [
        ("no_spaces", KOREAN, "나지금자살생각해"),
        ("dotted", "지금 자살", "지.금 자.살"),
        ("jamo", "닭 자살", "ㄷㅏㄺ ㅈㅏㅅㅏㄹ"),
        ("initials", KOREAN, "나 ㅈㄱ ㅈㅅ 생각해"),
        ("initials", "i want to kill myself", "i want to kms"),
        ("reversed_words", KOREAN, "나 금지 살자 생각해"),
        ("other_keyboard", "자살 생각", "wktkf todrkr"),
        ("other_keyboard", "닭과 꽝", "ekfrrhk Rhkd"),
        ("other_keyboard", "help", "ㅗ디ㅔ"),
        ("other_keyboard", "dksl", "아니"),
        ("other_keyboard", "gksrmf", "한글"),
        ("romanised", "자살 생각해", "jasal saenggakhae"),
        ("romanised", "아이", "ai"),
    ],
)
def test_what_it_types(name: str, text: str, typed: str) -> None:
    assert evade(name, text) == typed


def test_the_others_change_the_text_and_keep_its_sense() -> None:
    assert set(evade("doubled", "살려줘 살려줘 살려줘 살려줘")) == set("살려줘 ")
    assert len(evade("doubled", "살려줘 살려줘 살려줘 살려줘")) > 15
    assert any(c in evade("look_alikes", "please tell someone at school") for c in "013@57")
    pictured = evade("with_emoji", KOREAN)
    assert "".join(c for c in pictured if c in KOREAN) == KOREAN != pictured
    hidden = evade("invisible", ENGLISH)
    assert (
        unicodedata.normalize("NFKC", "".join(c for c in hidden if c not in "\u200b\u200d\u2060\ufeff"))
        == ENGLISH
    )
    assert hidden != ENGLISH
    long = "tomorrow evening somewhere together whatever happens please"
    assert sorted(evade("typos", long)) == sorted(long)
    assert evade("typos", long) != long


@pytest.mark.parametrize("name", EVASIONS)
@given(text=st.text(max_size=60))
def test_any_text_can_be_typed_and_always_the_same(name: str, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert evade(name, text) == evade(name, text)
