"""Entries: what is written, how it is padded, and that a moved line does not open."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.entries import BLOCK, EntryBody, open_entry, open_note, pad, seal_entry, seal_note, unpad
from vault.errors import Forged, Malformed
from vault.places import EntryPlace, entry_info
from vault.sealing import OVERHEAD, new_key_pair, open_sealed, seal

PAIR = new_key_pair()
PLACE = EntryPlace("9f6b1c3e-1111-4222-8333-444455556666", 4, "visitor")
BODY = EntryBody(("무서워요", "도와주세요 🙏"), ("guidance.spread.first",))


def test_opens_what_was_sealed():
    assert open_entry(PAIR.private, seal_entry(PAIR.public, BODY, PLACE), PLACE) == BODY


def test_plaintext_is_the_agreed_json():
    sealed = seal_entry(PAIR.public, BODY, PLACE)
    plaintext = unpad(open_sealed(PAIR.private, sealed, entry_info(PLACE)))
    assert json.loads(plaintext) == {"t": ["무서워요", "도와주세요 🙏"], "g": ["guidance.spread.first"]}
    only_texts = seal_entry(PAIR.public, EntryBody(("응",)), PLACE)
    assert unpad(open_sealed(PAIR.private, only_texts, entry_info(PLACE))) == '{"t":["응"]}'.encode()


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, conversation="9f6b1c3e-1111-4222-8333-444455556667"),
        replace(PLACE, seq=5),
        replace(PLACE, author="bot"),
    ],
)
def test_a_moved_entry_does_not_open(elsewhere):
    sealed = seal_entry(PAIR.public, BODY, PLACE)
    with pytest.raises(Forged):
        open_entry(PAIR.private, sealed, elsewhere)


def test_length_says_only_the_block():
    lengths = {len(seal_entry(PAIR.public, EntryBody(("가" * count,)), PLACE)) for count in range(18)}
    assert lengths == {OVERHEAD + BLOCK}


@given(st.binary(max_size=200))
def test_padding_comes_off_again(plaintext):
    padded = pad(plaintext)
    assert len(padded) % BLOCK == 0
    assert 1 <= len(padded) - len(plaintext) <= BLOCK
    assert unpad(padded) == plaintext


@pytest.mark.parametrize(
    "padded",
    [b"", bytes(64), b"text", b"text" + bytes(60), b"\x80", b"\x80" + bytes(127), b"\x80" + bytes(64)],
)
def test_other_padding_is_malformed(padded):
    with pytest.raises(Malformed):
        unpad(padded)


def test_half_a_surrogate_pair_loses_only_itself():
    sealed = seal_entry(PAIR.public, EntryBody(("살려줘\ud83d 제발",)), PLACE)
    assert open_entry(PAIR.private, sealed, PLACE).texts == ("살려줘\ufffd 제발",)


@pytest.mark.parametrize(
    "plaintext", [b"no json", b"[]", b"{}", b'{"t":"x"}', b'{"t":[1]}', b'{"t":["x"],"g":1}']
)
def test_other_content_is_malformed_and_not_repeated(plaintext):
    sealed = seal(PAIR.public, pad(plaintext), entry_info(PLACE))
    with pytest.raises(Malformed) as caught:
        open_entry(PAIR.private, sealed, PLACE)
    assert caught.value.__cause__ is None
    assert "x" not in str(caught.value).replace("texts", "")


def test_notes_open_and_are_bound_to_their_place():
    sealed = seal_note(PAIR.public, "약속: 내일 10시", "c-1", "n-1")
    assert open_note(PAIR.private, sealed, "c-1", "n-1") == "약속: 내일 10시"
    for conversation, note_id in (("c-2", "n-1"), ("c-1", "n-2")):
        with pytest.raises(Forged):
            open_note(PAIR.private, sealed, conversation, note_id)


def test_texts_are_not_printed():
    assert "무서워요" not in repr(BODY)
    assert "guidance.spread.first" in repr(BODY)
