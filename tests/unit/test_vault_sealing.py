"""HPKE seals open with the right key in the right place only, and as another implementation reads them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from vault.errors import Forged, Malformed
from vault.sealing import OVERHEAD, new_key_pair, open_sealed, seal

PAIR = new_key_pair()
PEER = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)


@given(st.binary(max_size=300), st.text(st.characters(codec="utf-8"), max_size=50))
def test_opens_what_was_sealed(plaintext, info):
    sealed = seal(PAIR.public, plaintext, info)
    assert open_sealed(PAIR.private, sealed, info) == plaintext
    assert len(sealed) == len(plaintext) + OVERHEAD


def test_equal_plaintexts_seal_differently():
    assert seal(PAIR.public, b"same", "info") != seal(PAIR.public, b"same", "info")


def test_another_info_or_key_does_not_open():
    sealed = seal(PAIR.public, b"text", "here")
    with pytest.raises(Forged):
        open_sealed(PAIR.private, sealed, "there")
    with pytest.raises(Forged):
        open_sealed(new_key_pair().private, sealed, "here")


def test_any_changed_byte_does_not_open():
    sealed = seal(PAIR.public, b"a text of some length", "here")
    for position in range(1, len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Forged):
            open_sealed(PAIR.private, bytes(changed), "here")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(47), b"\x02" + bytes(80)])
def test_what_is_no_seal_is_malformed(sealed):
    with pytest.raises(Malformed):
        open_sealed(PAIR.private, sealed, "here")


def test_cut_short_does_not_open():
    sealed = seal(PAIR.public, b"a text of some length", "here")
    with pytest.raises(Forged):
        open_sealed(PAIR.private, sealed[:-1], "here")


def test_the_zero_point_cannot_be_sealed_from():
    with pytest.raises(Forged):
        open_sealed(PAIR.private, b"\x01" + bytes(80), "here")


@pytest.mark.parametrize("public_key", [b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31)])
def test_public_keys_that_nobody_may_use_are_refused(public_key):
    with pytest.raises(Malformed):
        seal(public_key, b"text", "here")


def test_a_private_key_of_another_length_is_malformed():
    with pytest.raises(Malformed):
        open_sealed(PAIR.private[:-1], seal(PAIR.public, b"text", "here"), "here")


def test_pyhpke_opens_our_seal():
    sealed = seal(PAIR.public, "안녕".encode(), "gyeot/entry/v1|c|1|visitor")
    key = KEMKey.from_pyca_cryptography_key(_private())
    context = PEER.create_recipient_context(sealed[1:33], key, info=b"gyeot/entry/v1|c|1|visitor")
    assert sealed[:1] == b"\x01"
    assert context.open(sealed[33:]).decode() == "안녕"


def test_we_open_a_seal_of_pyhpke():
    key = KEMKey.from_pyca_cryptography_key(_private().public_key())
    enc, context = PEER.create_sender_context(key, info=b"here")
    assert open_sealed(PAIR.private, b"\x01" + enc + context.seal(b"text"), "here") == b"text"


def test_private_key_is_not_printed():
    assert repr(PAIR.private) not in repr(PAIR)
    assert repr(PAIR.public) in repr(PAIR)


def _private():
    return X25519PrivateKey.from_private_bytes(PAIR.private)
