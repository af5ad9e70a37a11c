"""Staff keys: the right passphrase opens them, the server's half does not."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import pytest

from vault.blindindex import BlindIndex
from vault.errors import Forged, Malformed, WeakKey
from vault.sealing import open_sealed, seal
from vault.secret import SecretText
from vault.staffkeys import (
    Derived,
    StaffKeys,
    derive,
    enrol,
    false_salt,
    fingerprint,
    make_passphrase,
    passphrase_bits,
    proof_hash,
    proof_matches,
    unlock,
)
from vault.words import words

PASSPHRASE = SecretText("가을 하늘 anchor ＡＢＣ banner")


@pytest.fixture(scope="module")
def keys() -> StaffKeys:
    return enrol(PASSPHRASE, "s-1")


def test_the_passphrase_opens_the_private_key(keys):
    private = unlock(PASSPHRASE, keys)
    assert open_sealed(private, seal(keys.public_key, b"text", "here"), "here") == b"text"


def test_the_passphrase_may_be_typed_in_another_form(keys):
    assert len(unlock(SecretText("\u1100\u1161을 하늘 anchor ABC banner"), keys)) == 32


def test_a_wrong_passphrase_does_not_open(keys):
    with pytest.raises(Forged):
        unlock(SecretText("가을 하늘 anchor ABC banne"), keys)


def test_keys_of_another_member_do_not_open(keys):
    with pytest.raises(Forged):
        unlock(PASSPHRASE, replace(keys, staff="s-2"))


def test_cut_keys_do_not_open(keys):
    with pytest.raises(Forged):
        unlock(PASSPHRASE, replace(keys, wrapped_private_key=keys.wrapped_private_key[:8]))


def test_the_proof_matches_its_hash_only(keys):
    derived = derive(PASSPHRASE, keys.salt)
    assert keys.proof_hash == hashlib.sha256(b"gyeot/proof/v1" + derived.proof).digest()
    assert proof_matches(derived.proof, keys.proof_hash)
    assert not proof_matches(derived.wrap, keys.proof_hash)
    assert not proof_matches(b"", proof_hash(b""))


def test_every_enrolment_has_its_own_salt_and_keys(keys):
    again = enrol(PASSPHRASE, "s-1")
    assert again.salt != keys.salt
    assert again.public_key != keys.public_key
    assert again.proof_hash != keys.proof_hash


def test_short_passphrases_are_refused_without_being_repeated():
    with pytest.raises(WeakKey) as caught:
        enrol(SecretText("zebra-7"), "s-1")
    assert "zebra" not in str(caught.value)


def test_a_salt_of_another_length_is_malformed():
    with pytest.raises(Malformed):
        derive(PASSPHRASE, b"short")


def test_unknown_names_get_a_steady_salt():
    index = BlindIndex(secrets.token_bytes(32))
    assert false_salt(index, "nobody") == false_salt(index, "nobody")
    assert false_salt(index, "nobody") != false_salt(index, "someone")
    assert len(false_salt(index, "nobody")) == 16


def test_made_passphrases_are_strong_enough_to_enrol_with():
    made = [make_passphrase() for _ in range(50)]
    assert len(set(made)) == 50
    assert all(len(passphrase) >= 16 for passphrase in made)
    assert all(set(passphrase.reveal().split(" ")) <= set(words("en")) for passphrase in made)
    assert passphrase_bits() > 73


def test_fingerprint_is_eighty_bits_in_groups():
    assert fingerprint(bytes(32)) == "6668 7aad f862 bd77 6c8f"


def test_secrets_are_not_printed(keys):
    shown = repr(keys) + repr(Derived(b"proof-bytes", b"wrap-bytes"))
    assert repr(keys.wrapped_private_key) not in shown
    assert repr(keys.proof_hash) not in shown
    assert "proof-bytes" not in shown
    assert "wrap-bytes" not in shown
