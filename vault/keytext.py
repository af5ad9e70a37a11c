"""Keys as an operator writes them: base64 of 32 random bytes. Refused when they look made up."""

from __future__ import annotations

import base64
import binascii
import secrets
from itertools import pairwise

from vault.errors import Malformed, WeakKey

KEY_BYTES = 32
EXAMPLE_KEY = "RVhBTVBMRS1FWEFNUExFLUVYQU1QTEUtRVhBTVBMRS0="
"""For example settings. Always refused."""

_FEWEST_DISTINCT = 20  # 32 random bytes hold fewer distinct values once in 10**12 keys


def new_key_text() -> str:
    """A fresh key for a settings file."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_key(text: str, name: str) -> bytes:
    """The 32 bytes of a key. ``name`` is the setting's name, for the message.

    Raises ``Malformed`` when it is not base64 of 32 bytes, ``WeakKey`` when somebody could guess it.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{name} is not base64") from None
    check_key(key, name)
    return key


def check_key(key: bytes, name: str) -> None:
    """Raise ``WeakKey`` with the name and the reason when the key must not be used."""
    reason = _weakness(key)
    if reason:
        raise WeakKey(f"{name} {reason}")


def _weakness(key: bytes) -> str | None:
    if len(key) != KEY_BYTES:
        return f"is {len(key)} bytes long, not {KEY_BYTES}"
    if key == base64.b64decode(EXAMPLE_KEY):
        return "is the example value: make a new one"
    if key.isascii() and key.decode("ascii").isprintable():
        return "is readable text, not random bytes"
    if len({(after - before) % 256 for before, after in pairwise(key)}) == 1:
        return "is one byte repeated or counted up"
    if len(set(key)) < _FEWEST_DISTINCT:
        return "repeats itself too much to be random"
    return None
