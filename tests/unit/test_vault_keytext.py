"""Keys that somebody could guess are refused, and the refusal says which and why but never what."""

from __future__ import annotations

import base64

import pytest

from vault.errors import Malformed, WeakKey
from vault.keytext import EXAMPLE_KEY, check_key, new_key_text, read_key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (b"", "0 bytes long"),
        (bytes.fromhex("8f3a61c09be45d172acd0e7765b1f298"), "16 bytes long"),
        (b"\x07" + bytes.fromhex("8f3a61c09be45d172acd0e7765b1f298") * 2, "33 bytes long"),
        (bytes(32), "one byte repeated"),
        (b"\xff" * 32, "one byte repeated"),
        (bytes(range(32)), "counted up"),
        (bytes(range(255, 223, -1)), "counted up"),
        (b"correct horse battery staple 123", "readable text"),
        (bytes.fromhex("8f3a61c09be45d17") * 4, "repeats itself"),
        (base64.b64decode(EXAMPLE_KEY), "example value"),
    ],
)
def test_weak_keys_are_refused_by_name_and_reason(key, reason):
    with pytest.raises(WeakKey, match=f"the audit key .*{reason}") as caught:
        check_key(key, "the audit key")
    assert key == b"" or repr(key)[2:-1] not in str(caught.value)


@pytest.mark.parametrize("text", ["한글", "not base64!", "YWJj*"])
def test_what_is_not_base64_is_malformed_and_not_repeated(text):
    with pytest.raises(Malformed) as caught:
        read_key(text, "the audit key")
    assert str(caught.value) == "the audit key is not base64"
    assert caught.value.__cause__ is None


def test_new_keys_are_accepted_and_differ():
    texts = {new_key_text() for _ in range(200)}
    assert len(texts) == 200
    assert {len(read_key(text, "a key")) for text in texts} == {32}


def test_blanks_around_a_key_do_not_matter():
    text = new_key_text()
    assert read_key(f" {text}\n", "a key") == base64.b64decode(text)
