"""Blind index marks: steady, apart by purpose, worthless without the key."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pytest

from vault.blindindex import BlindIndex
from vault.errors import Malformed, WeakKey
from vault.keytext import new_key_text

KEY = secrets.token_bytes(32)


def test_equal_values_of_one_purpose_give_equal_marks():
    assert BlindIndex(KEY).of("address", "+821012345678") == BlindIndex(KEY).of("address", "+821012345678")


def test_mark_is_the_agreed_hmac():
    expected = hmac.new(KEY, b"address\x00" + "값".encode(), hashlib.sha256).digest()
    assert BlindIndex(KEY).of("address", "값") == expected


def test_purpose_value_and_key_each_matter():
    index = BlindIndex(KEY)
    marks = {
        index.of("address", "x"),
        index.of("recovery", "x"),
        index.of("address", "y"),
        BlindIndex.parse(new_key_text()).of("address", "x"),
    }
    assert len(marks) == 4


@pytest.mark.parametrize("purpose", ["", "a\0b"])
def test_purposes_that_could_read_as_two_are_refused(purpose):
    with pytest.raises(Malformed):
        BlindIndex(KEY).of(purpose, "x")


def test_weak_keys_are_refused():
    with pytest.raises(WeakKey, match="blind index key"):
        BlindIndex(bytes(32))


def test_key_is_not_printed():
    assert repr(BlindIndex(KEY)) == "BlindIndex()"
