"""A staff member's keys. Of a passphrase come two values: one signs in, the other unwraps the private key.

In daily use this happens in the browser (``console/static/js/staffkeys.js``); the server sees the proof and
the wrapped key only. The functions here enrol from the command line, run in a terminal, and are the
browser's counterpart in tests.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import unicodedata
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.blindindex import BlindIndex
from vault.errors import Forged, Malformed, WeakKey
from vault.places import joined
from vault.sealing import new_key_pair
from vault.secret import SecretText
from vault.words import words

T = 3
"""Argon2id passes."""
M = 65536
"""Argon2id memory in KiB."""
P = 1
"""Argon2id lanes: the browser has one thread for it."""

SALT_BYTES = 16
FEWEST_CHARACTERS = 16
_PASSPHRASE_WORDS = 6
_NONCE_BYTES = 12
_PROOF_BYTES = 32


@dataclass(frozen=True, slots=True)
class StaffKeys:
    """What the server keeps of a staff member: nothing in it opens anything without the passphrase."""

    staff: str
    salt: bytes
    proof_hash: bytes = field(repr=False)
    public_key: bytes
    wrapped_private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Derived:
    """The two 32-byte values a passphrase makes."""

    proof: bytes = field(repr=False)
    wrap: bytes = field(repr=False)


def enrol(passphrase: SecretText, staff: str) -> StaffKeys:
    """New keys under a passphrase. Takes some 0.3 s and 64 MiB: call it in a thread.

    Raises ``WeakKey`` for a passphrase shorter than 16 characters.
    """
    if len(passphrase) < FEWEST_CHARACTERS:
        raise WeakKey(f"a passphrase has at least {FEWEST_CHARACTERS} characters")
    salt = secrets.token_bytes(SALT_BYTES)
    derived = derive(passphrase, salt)
    pair = new_key_pair()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    plain = X25519PrivateKey.from_private_bytes(pair.private).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    wrapped = nonce + AESGCM(derived.wrap).encrypt(nonce, plain, _bound(staff))
    return StaffKeys(staff, salt, proof_hash(derived.proof), pair.public, wrapped)


def derive(passphrase: SecretText, salt: bytes) -> Derived:
    """What a passphrase makes with its salt of 16 bytes. As slow as :func:`enrol`."""
    if len(salt) != SALT_BYTES:
        raise Malformed(f"a passphrase's salt is {SALT_BYTES} bytes")
    typed = unicodedata.normalize("NFKC", passphrase.reveal()).encode("utf-8", "surrogatepass")
    root = Argon2id(salt=salt, length=32, iterations=T, lanes=P, memory_cost=M).derive(typed)
    return Derived(proof=_expand(root, b"gyeot/sign-in/v1"), wrap=_expand(root, b"gyeot/wrap/v1"))


def unlock(passphrase: SecretText, keys: StaffKeys) -> bytes:
    """The raw private key. Raises ``Forged`` for a wrong passphrase or somebody else's keys. Slow."""
    derived = derive(passphrase, keys.salt)
    nonce, ciphertext = keys.wrapped_private_key[:_NONCE_BYTES], keys.wrapped_private_key[_NONCE_BYTES:]
    try:
        plain = AESGCM(derived.wrap).decrypt(nonce, ciphertext, _bound(keys.staff))
    except (InvalidTag, ValueError):
        raise Forged("a staff key does not open with this passphrase") from None
    private = serialization.load_der_private_key(plain, password=None)
    if not isinstance(private, X25519PrivateKey):
        raise Malformed("a staff key is of another kind")
    return private.private_bytes_raw()


def proof_hash(proof: bytes) -> bytes:
    """What the server keeps of a proof. A plain hash is enough: the proof is 256 bits out of Argon2id."""
    return hashlib.sha256(b"gyeot/proof/v1" + proof).digest()


def proof_matches(proof: bytes, stored: bytes) -> bool:
    """Whether the proof is the one whose hash is stored, in constant time."""
    return len(proof) == _PROOF_BYTES and hmac.compare_digest(proof_hash(proof), stored)


def false_salt(index: BlindIndex, name: str) -> bytes:
    """The salt for a name nobody has: the same each time, so that asking does not tell who works here."""
    return index.of("false-salt", name)[:SALT_BYTES]


def fingerprint(public_key: bytes) -> str:
    """A public key for two people to compare aloud: 80 bits of its SHA-256 in groups of four digits."""
    digits = hashlib.sha256(public_key).hexdigest()[:20]
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def make_passphrase() -> SecretText:
    """Six words drawn at random, about 74 bits."""
    return SecretText(" ".join(secrets.choice(words("en")) for _ in range(_PASSPHRASE_WORDS)))


def passphrase_bits() -> float:
    """The strength of :func:`make_passphrase`, for documents and tests."""
    return _PASSPHRASE_WORDS * math.log2(len(words("en")))


def _expand(root: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(root)


def _bound(staff: str) -> bytes:
    return joined("gyeot/staff-key/v1", staff).encode()
