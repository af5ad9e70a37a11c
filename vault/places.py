"""Where a sealed value belongs. The place is bound into the seal, so that a moved value does not open."""

from __future__ import annotations

from dataclasses import dataclass

from vault.errors import Malformed

AUTHORS = frozenset({"visitor", "bot", "counselor", "system"})


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """An entry's line in a thread: conversation id, sequence number from 0, and who wrote it."""

    conversation: str
    seq: int
    author: str


def entry_info(place: EntryPlace) -> str:
    """What an entry's seal is bound to. Raises ``Malformed`` for an unknown author."""
    if place.author not in AUTHORS:
        raise Malformed("an entry's author is visitor, bot, counselor or system")
    return joined("gyeot/entry/v1", place.conversation, counted(place.seq), place.author)


def note_info(conversation: str, note_id: str) -> str:
    """What a counselor's private note is bound to."""
    return joined("gyeot/note/v1", conversation, note_id)


def conversation_key_info(epoch: int, conversation: str) -> str:
    """What a conversation's private key, sealed to the desk, is bound to."""
    return joined("gyeot/conversation-key/v1", counted(epoch), conversation)


def desk_share_info(epoch: int, staff: str) -> str:
    """What the desk's private key, sealed to one staff member, is bound to."""
    return joined("gyeot/desk-share/v1", counted(epoch), staff)


def joined(*parts: str) -> str:
    """The parts with bars between. Raises ``Malformed`` where two could read alike, or one is empty."""
    for part in parts:
        if not part or "|" in part or not part.isprintable():
            raise Malformed("an id is empty, or holds a bar or a control character")
    return "|".join(parts)


def counted(number: int) -> str:
    """A number from 0 in its one decimal spelling."""
    if isinstance(number, bool) or number < 0:
        raise Malformed("a sequence number or an epoch is a whole number from 0")
    return str(number)
