"""What a line of a thread holds, padded so that its length says little, and sealed to its conversation.

The plaintext is UTF-8 JSON, ``{"t": [text, ...]}`` with ``"g": [guidance id, ...]`` on lines of the bot,
then 0x80 and zeros up to a multiple of 64 bytes (ISO/IEC 7816-4).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from vault.errors import Malformed
from vault.places import EntryPlace, entry_info, note_info
from vault.sealing import open_sealed, seal

BLOCK = 64


@dataclass(frozen=True, slots=True)
class EntryBody:
    """The texts of one entry in order and, when the bot wrote it, the ids of the guidance it gave."""

    texts: tuple[str, ...] = field(repr=False)
    guidance: tuple[str, ...] = ()


def seal_entry(public_key: bytes, body: EntryBody, place: EntryPlace) -> bytes:
    """The entry, readable only with the conversation's private key and in this place."""
    return seal(public_key, pad(_written(body)), entry_info(place))


def open_entry(private_key: bytes, sealed: bytes, place: EntryPlace) -> EntryBody:
    """The entry of this place. Raises ``Forged`` or ``Malformed``."""
    return _read(unpad(open_sealed(private_key, sealed, entry_info(place))))


def seal_note(public_key: bytes, text: str, conversation: str, note_id: str) -> bytes:
    """A counselor's note, readable only with the conversation's private key."""
    return seal(public_key, pad(_written(EntryBody((text,)))), note_info(conversation, note_id))


def open_note(private_key: bytes, sealed: bytes, conversation: str, note_id: str) -> str:
    """The note's text. Raises ``Forged`` or ``Malformed``."""
    body = _read(unpad(open_sealed(private_key, sealed, note_info(conversation, note_id))))
    return "\n".join(body.texts)


def pad(plaintext: bytes) -> bytes:
    """The plaintext made a multiple of 64 bytes long; at least one byte is added."""
    return plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % BLOCK)


def unpad(padded: bytes) -> bytes:
    """What was padded. Raises ``Malformed`` when it was not padded by :func:`pad`."""
    bare = padded.rstrip(b"\0")
    plaintext = bare[:-1]
    if bare[-1:] != b"\x80" or pad(plaintext) != padded:
        raise Malformed("a sealed value is not padded as it should be")
    return plaintext


def _written(body: EntryBody) -> bytes:
    content: dict[str, tuple[str, ...]] = {"t": tuple(_sound(text) for text in body.texts)}
    if body.guidance:
        content["g"] = body.guidance
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _sound(text: str) -> str:
    # Half of a surrogate pair has no UTF-8. The rest of what the visitor wrote must not be lost for it, and
    # the error that encoding would raise holds the whole text.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read(plaintext: bytes) -> EntryBody:
    try:
        content = json.loads(plaintext)
    except ValueError:
        raise Malformed("an entry is not JSON") from None
    if not isinstance(content, dict):
        raise Malformed("an entry is not a JSON object")
    return EntryBody(_strings(content.get("t")), _strings(content.get("g", [])))


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed("an entry's texts are not a list of strings")
    return tuple(value)
