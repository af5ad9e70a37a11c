"""AES-256-GCM under a key that one holder brings: ``nonce (12) || ciphertext``, bound to a conversation."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import Forged, Malformed

NONCE_BYTES = 12
TAG_BYTES = 16


def seal_under(key: bytes, plaintext: bytes, conversation: str) -> bytes:
    """The plaintext under a key of 32 bytes, bound to the conversation."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, conversation.encode())


def open_under(key: bytes, sealed: bytes, conversation: str) -> bytes:
    """What was sealed. Raises ``Forged`` for another key or conversation, ``Malformed`` when cut short."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise Malformed("a conversation's sealed key is cut short")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], conversation.encode())
    except InvalidTag:
        raise Forged("a conversation's key does not open with what was brought") from None
