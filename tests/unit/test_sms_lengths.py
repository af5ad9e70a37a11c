"""Numbers, alphabets, lengths and parts: what a text costs and where it may be cut."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms import korean
from channels.sms.numbers import domestic, kind, normalised
from channels.sms.parts import parts
from channels.sms.segments import fits, measure, segments

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("010-1234-5678", "+821012345678"),
        ("01012345678", "+821012345678"),
        (" 010 1234 5678 ", "+821012345678"),
        ("821012345678", "+821012345678"),
        ("+82 10-1234-5678", "+821012345678"),
        ("+82010-1234-5678", "+821012345678"),
        ("0082-10-1234-5678", "+821012345678"),
        ("02-735-8994", "+8227358994"),
        ("+15005550006", "+15005550006"),
        ("+447700900123", "+447700900123"),
        ("1588-1234", None),
        ("+8215881234", None),
        ("12345", None),
        ("#1234", None),
        ("Twilio", None),
        ("여성긴급", None),
        ("whatsapp:+15005550006", None),
        ("+1 (500) 555-0006", "+15005550006"),
        ("٠١٠١٢٣٤٥٦٧٨", None),
        ("+0123456789", None),
        ("", None),
    ],
)
def test_a_number_has_one_spelling(raw: str, number: str | None):
    assert normalised(raw) == number


@given(st.text())
def test_what_is_normalised_stays_as_it_is(raw: str):
    once = normalised(raw)
    assert once is None or normalised(once) == once


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        ("12345", "short_code"),
        ("1588-1234", "short_code"),
        ("GYEOT", "alphanumeric"),
        ("", "hidden"),
        ("#", "unknown"),
    ],
)
def test_a_sender_without_an_answer_is_known_by_kind_only(raw: str, what: str):
    assert kind(raw) == what


def test_a_domestic_number_is_dialled_with_a_zero():
    assert domestic("+821012345678") == "01012345678"
    assert domestic("+15005550006") is None


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "count"),
    [
        ("", "gsm7", 0, 0),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("é@£Δ\n\r", "gsm7", 6, 1),
        ("€" * 80, "gsm7", 160, 1),  # every one an escape and a character
        ("€" * 81, "gsm7", 162, 2),
        ("^{}\\[~]|", "gsm7", 16, 1),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),  # the pair is not torn apart: 152, 153, 1
        ("a" * 151 + "€" + "a" * 153, "gsm7", 306, 2),
        ("`", "ucs2", 1, 1),
        ("가" * 70, "ucs2", 70, 1),
        ("가" * 71, "ucs2", 71, 2),
        ("가" * 134, "ucs2", 134, 2),
        ("가" * 135, "ucs2", 135, 3),
        ("a" * 69 + "가", "ucs2", 70, 1),
        ("😀", "ucs2", 2, 1),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        ("가" * 66 + "😀" + "가" * 66, "ucs2", 134, 3),  # 66, 2 + 65, 1
        (FAMILY, "ucs2", 11, 1),
    ],
)
def test_a_text_on_the_air(text: str, alphabet: str, units: int, count: int):
    found = measure(text)
    assert (found.alphabet, found.units, found.segments) == (alphabet, units, count)
    assert segments(text) == count


@given(st.text(max_size=400), st.text(max_size=5))
def test_more_text_never_takes_less_room(text: str, more: str):
    assert segments(text + more) >= segments(text)


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("괜찮아요?", "괜찮아요?"),
        (unicodedata.normalize("NFD", "괜찮아요"), "괜찮아요"),
        ("뷁 똠방각하", "뷁 똠방각하"),  # in CP949, not in the narrower EUC-KR
        ("고마워요 😀", "고마워요"),
        ("여기 🙂 있어요", "여기 있어요"),
        (FAMILY, ""),
        ("a — b – c", "a - b - c"),
        ("“네” ‘네’…", "“네” ‘네’…"),
        ("café", "cafe"),
        ("❤️ ✓ •", "♥ v ·"),
        ("สวัสดี"[:1], "?"),
        ("줄\n👍\n줄", "줄\n\n줄"),
    ],
)
def test_what_korean_carriers_do_not_have_is_replaced_kindly(text: str, carried: str):
    assert korean.carried(text) == carried


@given(st.text())
def test_what_is_carried_is_cp949_and_counted_in_its_bytes(text: str):
    carried = korean.carried(text)
    assert korean.length(carried) == len(carried.encode("cp949"))
    assert korean.carried(carried) == carried


@pytest.mark.parametrize(
    ("text", "kind", "bytes_"),
    [("가" * 45, "SMS", 90), ("가" * 45 + ".", "LMS", 91), ("a" * 90, "SMS", 90), ("가" * 1000, "LMS", 2000)],
)
def test_ninety_bytes_are_short(text: str, kind: str, bytes_: int):
    assert (korean.kind(text), korean.length(text)) == (kind, bytes_)
    assert korean.fits(text)
    assert not korean.fits(text + "가" * 1000)


def test_a_text_that_fits_is_left_alone():
    assert parts(" 괜찮아요. ", fits(1)) == ["괜찮아요."]
    assert parts(" \n ", fits(1)) == []


def test_a_long_text_is_cut_where_a_reader_pauses():
    text = "첫 문장이에요. " * 6 + "\n\n" + "둘째 문단이에요. " * 6
    first, second, *rest = parts(text, fits(1))
    assert rest == []
    assert first == "(1/2) " + ("첫 문장이에요. " * 6).strip()
    assert second == "(2/2) " + ("둘째 문단이에요. " * 6).strip()


def test_a_word_longer_than_a_part_is_cut_between_characters():
    found = parts(FAMILY * 20, fits(1))
    assert len(found) > 3
    assert all(part.split(") ")[1].count(FAMILY) * len(FAMILY) == len(part.split(") ")[1]) for part in found)


@given(st.text(alphabet=st.sampled_from("가a €😀.\n?é\u0301\u200d"), max_size=700), st.integers(1, 5))
def test_parts_fit_and_lose_nothing(text: str, most: int):
    found = parts(text, fits(most))
    assert all(fits(most)(part) for part in found)
    bare = [part.partition(") ")[2] for part in found] if len(found) > 1 else found
    assert "".join("".join(bare).split()) == "".join(text.split())


def test_korean_parts_fit_as_well():
    found = parts("가나다라 마바사. " * 300, korean.fits)
    assert len(found) == 3
    assert all(korean.length(part) <= korean.LMS_BYTES for part in found)
