"""The word lists: long enough, plain, distinct, and nothing in them that hurts."""

from __future__ import annotations

import math
import re
import unicodedata

import pytest

from vault.errors import Malformed
from vault.recovery import CODE_WORDS, normalise_code
from vault.words import words

HURTFUL = {
    "en": (
        "kill",
        "rape",
        "sex",
        "nude",
        "naked",
        "suicid",
        "murder",
        "abus",
        "victim",
        "porn",
        "slut",
        "blood",
    ),
    "ko": (
        "살인",
        "자살",
        "강간",
        "성폭",
        "죽음",
        "폭력",
        "협박",
        "유포",
        "촬영",
        "몸매",
        "속옷",
        "범죄",
        "마약",
    ),
}


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_six_words_are_at_least_66_bits(lang):
    assert CODE_WORDS * math.log2(len(words(lang))) >= 66


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_words_are_distinct_and_sorted(lang):
    assert list(words(lang)) == sorted(set(words(lang)))


def test_korean_words_are_two_or_three_composed_syllables():
    assert all(re.fullmatch(r"[가-힣]{2,3}", word) for word in words("ko"))
    assert all(unicodedata.is_normalized("NFC", word) for word in words("ko"))


def test_english_words_are_short_and_plain():
    assert all(re.fullmatch(r"[a-z]{3,9}", word) for word in words("en"))


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_word_survives_normalising(lang):
    assert all(normalise_code(word).reveal() == word for word in words(lang))


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_no_word_holds_a_hurtful_one(lang):
    # At the start of an English word only: a grape and a skillet hurt nobody.
    patterns = {"en": f"({'|'.join(HURTFUL['en'])})", "ko": f".*({'|'.join(HURTFUL['ko'])})"}
    assert [word for word in words(lang) if re.match(patterns[lang], word)] == []


def test_other_languages_have_no_words():
    with pytest.raises(Malformed):
        words("fr")
