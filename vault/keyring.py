"""What the server must read back for a moment, sealed under keys that the database does not hold.

A blob is ``0x01 || length of the key id (1) || key id || nonce (12) || AES-256-GCM ciphertext``, with the
place ``table|row|column`` as additional data, so that a blob copied to another row does not open. Nonces
are random: one key is good for 2**32 blobs, which at 50 a second is 2.7 years; put a new key in front well
before that.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import Forged, Malformed, UnknownKey, WeakKey
from vault.keytext import check_key, read_key
from vault.places import joined
from vault.secret import SecretText

_SUITE_BYTE = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """One column of one row. ``row`` is the primary key in text."""

    table: str
    row: str
    column: str


class ServiceKeyRing:
    """AES-256-GCM keys by id. The newest seals, all of them open."""

    __slots__ = ("_ciphers", "_newest")

    def __init__(self, keys: dict[str, bytes]) -> None:
        """Keys of 32 bytes by id, newest first. Raises ``WeakKey`` or ``Malformed`` and names the key."""
        if not keys:
            raise Malformed("the service key ring is empty")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise Malformed("a service key's id is 1 to 32 of a-z, 0-9 and hyphen")
            check_key(key, f"service key {key_id}")
        if len(set(keys.values())) != len(keys):
            raise WeakKey("two service keys are the same key")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._newest = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> Self:
        """A ring from ``id:base64,id:base64``, newest first. Raises ``WeakKey`` or ``Malformed``."""
        keys: dict[str, bytes] = {}
        for number, item in enumerate(text.split(","), start=1):
            key_id, colon, key_text = item.strip().partition(":")
            if not colon or not _KEY_ID.fullmatch(key_id):
                # The item is not repeated in the message: a key without its id would be printed.
                raise Malformed(f"service key number {number} is not written as id:base64")
            if key_id in keys:
                raise Malformed(f"service key {key_id} is given twice")
            keys[key_id] = read_key(key_text, f"service key {key_id}")
        return cls(keys)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the keys, newest first."""
        return tuple(self._ciphers)

    def seal(self, place: Place, plaintext: bytes) -> bytes:
        """The plaintext under the newest key, bound to its place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = self._ciphers[self._newest].encrypt(nonce, plaintext, _bound(place))
        key_id = self._newest.encode()
        return _SUITE_BYTE + bytes([len(key_id)]) + key_id + nonce + ciphertext

    def open(self, place: Place, blob: bytes) -> bytes:
        """What was sealed in this place. Raises ``Forged``, ``UnknownKey`` or ``Malformed``."""
        key_id, body = _parts(blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(f"sealed under a service key that is not in the ring: {key_id}")
        try:
            return cipher.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], _bound(place))
        except InvalidTag:
            raise Forged(f"a value of {place.table}.{place.column} does not open in its place") from None

    def seal_text(self, place: Place, text: SecretText) -> bytes:
        """A text under the newest key, bound to its place."""
        return self.seal(place, text.reveal().encode("utf-8", "surrogatepass"))

    def open_text(self, place: Place, blob: bytes) -> SecretText:
        """The text that was sealed in this place. Raises as :meth:`open` does."""
        return SecretText(self.open(place, blob).decode("utf-8", "surrogatepass"))

    def is_current(self, blob: bytes) -> bool:
        """Whether the newest key sealed this. If not, seal it again before the old key is taken away."""
        return _parts(blob)[0] == self._newest

    def __repr__(self) -> str:
        return f"ServiceKeyRing({', '.join(self._ciphers)})"


def _bound(place: Place) -> bytes:
    return joined(place.table, place.row, place.column).encode()


def _parts(blob: bytes) -> tuple[str, bytes]:
    if len(blob) < len(_SUITE_BYTE) + 1 or blob[:1] != _SUITE_BYTE:
        raise Malformed("a service blob is too short, or of an unknown suite")
    start = 2 + blob[1]
    try:
        key_id = blob[2:start].decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("a service blob's key id is not ASCII") from None
    if not _KEY_ID.fullmatch(key_id) or len(blob) < start + _NONCE_BYTES + _TAG_BYTES:
        raise Malformed("a service blob is cut short, or its key id is none")
    return key_id, blob[start:]
