"""A visitor's session: only who holds the cookie lets the server open that visitor's own thread again.

The conversation's private key is kept as ``0x01 || nonce (12) || AES-256-GCM ciphertext`` under a key
derived from the cookie's token. The database holds a hash of the token, so a stolen database opens no
thread.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.aead import open_under, seal_under
from vault.errors import Malformed, WeakKey
from vault.secret import SecretText

_SUITE_BYTE = b"\x01"
_TOKEN_BYTES = 32
_FEWEST_CHARACTERS = 43  # 32 bytes in base64url


def new_token() -> SecretText:
    """256 random bits as url-safe text: the cookie's value."""
    return SecretText(secrets.token_urlsafe(_TOKEN_BYTES))


def token_hash(token: SecretText) -> bytes:
    """The 32 bytes by which the database finds a session."""
    return hashlib.sha256(b"gyeot/visitor-token/v1" + _written(token)).digest()


def seal_for_session(token: SecretText, conversation: str, private_key: bytes) -> bytes:
    """The conversation's private key, for whoever brings the token.

    Raises ``WeakKey`` for a token shorter than :func:`new_token` makes.
    """
    if len(token) < _FEWEST_CHARACTERS:
        raise WeakKey("a session token is shorter than 256 bits")
    return _SUITE_BYTE + seal_under(_key(token), private_key, conversation)


def open_for_session(token: SecretText, conversation: str, blob: bytes) -> bytes:
    """The conversation's private key. Raises ``Forged`` for another token, or ``Malformed``."""
    if blob[:1] != _SUITE_BYTE:
        raise Malformed("a key sealed for a session is of an unknown suite")
    return open_under(_key(token), blob[1:], conversation)


def _key(token: SecretText) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"gyeot/visitor-session/v1")
    return kdf.derive(_written(token))


def _written(token: SecretText) -> bytes:
    # A cookie may bring any characters at all; none of them may raise an error that holds it.
    return token.reveal().encode("utf-8", "surrogatepass")
