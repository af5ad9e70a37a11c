"""Finding a row by a value the database must not hold: HMAC-SHA-256 under a key kept outside of it."""

from __future__ import annotations

import hmac
from typing import Self

from vault.errors import Malformed
from vault.keytext import check_key, read_key


class BlindIndex:
    """Equal values of one purpose give equal marks; without the key, marks say nothing about values."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """A key of 32 bytes. Raises ``WeakKey``. A changed key finds nothing that is already stored."""
        check_key(key, "the blind index key")
        self._key = key

    @classmethod
    def parse(cls, text: str) -> Self:
        """From base64 of 32 bytes. Raises ``WeakKey`` or ``Malformed``."""
        return cls(read_key(text, "the blind index key"))

    def of(self, purpose: str, value: str) -> bytes:
        """The 32-byte mark of a value. The purpose keeps equal values of two columns apart."""
        if not purpose or "\0" in purpose:
            raise Malformed("a blind index needs a purpose without zero characters")
        message = purpose.encode() + b"\0" + value.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256")

    def __repr__(self) -> str:
        return "BlindIndex()"
