"""Recovery codes are found again however they are typed, and open one conversation's key."""

from __future__ import annotations

import secrets
import unicodedata

import pytest

from vault.blindindex import BlindIndex
from vault.recovery import code_index, new_code, normalise_code
from vault.secret import SecretText
from vault.words import words

INDEX = BlindIndex(secrets.token_bytes(32))
PRIVATE = secrets.token_bytes(32)


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_a_code_is_six_words_of_the_list(lang):
    parts = new_code(lang).reveal().split(" ")
    assert len(parts) == 6
    assert set(parts) <= set(words(lang))


def test_codes_differ():
    assert len({new_code("ko") for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "typed",
    [
        "가방 나무 바다 하늘 구름 연필",
        "  가방  나무\n바다\t하늘 구름 연필 ",
        "가방-나무-바다-하늘-구름-연필",
        "가방, 나무, 바다, 하늘, 구름, 연필.",
        "가방\u3000나무\u00a0바다\u2014하늘\u00b7구름/연필",
        "가방\u200b 나무 바다 하늘 구름 연필\ufeff",
        unicodedata.normalize("NFD", "가방 나무 바다 하늘 구름 연필"),
    ],
)
def test_however_it_is_typed_it_is_the_same_code(typed):
    given = SecretText("가방 나무 바다 하늘 구름 연필")
    assert normalise_code(typed) == given
    assert code_index(INDEX, SecretText(typed)) == code_index(INDEX, given)


def test_letter_case_and_width_do_not_matter():
    assert normalise_code("Apple BANANA cherry") == normalise_code("\uff21pple banana Cherry")


def test_other_words_or_another_order_are_another_code():
    one = code_index(INDEX, SecretText("a b c"))
    assert one != code_index(INDEX, SecretText("a c b"))
    assert one != code_index(INDEX, SecretText("a b"))
    assert one != code_index(INDEX, SecretText("abc"))


@pytest.mark.parametrize("text", ["", "   ", "\ud800", "\0", "x" * 5000])
def test_any_text_can_be_looked_up(text):
    assert len(code_index(INDEX, normalise_code(text))) == 32
