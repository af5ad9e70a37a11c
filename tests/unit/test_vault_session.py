"""A visitor's session: the cookie opens that visitor's thread, and nothing else does."""

from __future__ import annotations

import secrets

import pytest

from vault.errors import Forged, Malformed, WeakKey
from vault.secret import SecretText
from vault.session import new_token, open_for_session, seal_for_session, token_hash

PRIVATE = secrets.token_bytes(32)


def test_the_token_opens_the_conversations_key():
    token = new_token()
    blob = seal_for_session(token, "c-1", PRIVATE)
    assert open_for_session(token, "c-1", blob) == PRIVATE
    assert PRIVATE not in blob


@pytest.mark.parametrize("token", [new_token(), SecretText(""), SecretText("\ud800")])
def test_another_token_does_not_open(token):
    blob = seal_for_session(new_token(), "c-1", PRIVATE)
    with pytest.raises(Forged):
        open_for_session(token, "c-1", blob)


def test_another_conversation_does_not_open():
    token = new_token()
    with pytest.raises(Forged):
        open_for_session(token, "c-2", seal_for_session(token, "c-1", PRIVATE))


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x02" + bytes(60), b"\x01" + bytes(27)])
def test_what_is_no_blob_is_malformed(blob):
    with pytest.raises(Malformed):
        open_for_session(new_token(), "c-1", blob)


def test_the_hash_in_the_database_is_not_the_key():
    token = new_token()
    assert len(token_hash(token)) == 32
    assert token_hash(token) != token_hash(new_token())
    with pytest.raises(Forged):
        open_for_session(SecretText(token_hash(token).hex()), "c-1", seal_for_session(token, "c-1", PRIVATE))


def test_a_short_token_is_refused():
    with pytest.raises(WeakKey):
        seal_for_session(SecretText("short"), "c-1", PRIVATE)
