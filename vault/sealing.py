"""Sealing to a public key (HPKE, RFC 9180): whoever holds only the public half can add, and never read back.

A sealed value is ``0x01 || enc (32) || ciphertext``. The first byte names the suite: DHKEM(X25519,
HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode, no additional data. ``info`` binds the value to its
place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from vault.errors import Forged, Malformed

KEY_BYTES = 32
OVERHEAD = 1 + 32 + 16
"""Bytes that a seal adds: suite, encapsulated key, tag."""

_SUITE_BYTE = b"\x01"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An X25519 key pair, both halves as 32 raw bytes."""

    public: bytes
    private: bytes = field(repr=False)


def new_key_pair() -> KeyPair:
    """A fresh key pair from the operating system's randomness."""
    private = X25519PrivateKey.generate()
    return KeyPair(private.public_key().public_bytes_raw(), private.private_bytes_raw())


def seal(public_key: bytes, plaintext: bytes, info: str) -> bytes:
    """The plaintext, readable only with the private half of the key and the same info.

    Raises ``Malformed`` when the public key is not 32 bytes or is a point nobody may use.
    """
    try:
        recipient = X25519PublicKey.from_public_bytes(public_key)
        return _SUITE_BYTE + _SUITE.encrypt(plaintext, recipient, info=info.encode())
    except ValueError:
        raise Malformed("a public key is not 32 bytes, or cannot be sealed to") from None


def open_sealed(private_key: bytes, sealed: bytes, info: str) -> bytes:
    """What was sealed. Raises ``Forged`` when key, info or bytes differ, ``Malformed`` for no seal at all."""
    if len(sealed) < OVERHEAD or sealed[:1] != _SUITE_BYTE:
        raise Malformed("a sealed value is too short, or of an unknown suite")
    try:
        recipient = X25519PrivateKey.from_private_bytes(private_key)
    except ValueError:
        raise Malformed("a private key is not 32 bytes") from None
    try:
        return _SUITE.decrypt(sealed[1:], recipient, info=info.encode())
    except (InvalidTag, ValueError):
        raise Forged("a sealed value does not open with this key in this place") from None
