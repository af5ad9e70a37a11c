"""The desk's keys, one pair per epoch, and the keys of conversations sealed to it.

The desk's private key exists only sealed to staff members, and in the browsers that opened their share. A
new epoch begins when somebody leaves; old epochs stay, so that older conversations open.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from vault.errors import Malformed
from vault.places import conversation_key_info, desk_share_info
from vault.sealing import KeyPair, new_key_pair, open_sealed, seal


@dataclass(frozen=True, slots=True)
class DeskKey:
    """The desk's key pair of one epoch."""

    epoch: int
    pair: KeyPair


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """A new conversation's keys. Keep the first two; let go of ``private`` once the session is sealed."""

    public_key: bytes
    sealed_private: bytes
    private: bytes = field(repr=False)


def new_desk_key(epoch: int) -> DeskKey:
    """A fresh key pair for an epoch, from 1."""
    return DeskKey(epoch, new_key_pair())


def seal_share(desk: DeskKey, staff: str, staff_public: bytes) -> bytes:
    """The desk's private key, readable only by this staff member."""
    return seal(staff_public, desk.pair.private, desk_share_info(desk.epoch, staff))


def open_share(staff_private: bytes, sealed: bytes, epoch: int, staff: str) -> DeskKey:
    """The desk's key pair out of a staff member's share. Raises ``Forged`` or ``Malformed``."""
    return DeskKey(epoch, _pair(open_sealed(staff_private, sealed, desk_share_info(epoch, staff))))


def new_conversation_key(desk_public: bytes, epoch: int, conversation: str) -> ConversationKey:
    """A fresh key pair for a conversation, its private half sealed to the desk.

    Destroying ``sealed_private``, and the copies sealed for a session or a code, shreds the conversation.
    """
    pair = new_key_pair()
    sealed = seal(desk_public, pair.private, conversation_key_info(epoch, conversation))
    return ConversationKey(pair.public, sealed, pair.private)


def open_conversation_key(desk: DeskKey, sealed: bytes, conversation: str) -> bytes:
    """A conversation's private key. Raises ``Forged`` or ``Malformed``."""
    opened = open_sealed(desk.pair.private, sealed, conversation_key_info(desk.epoch, conversation))
    return _pair(opened).private


def _pair(private: bytes) -> KeyPair:
    try:
        public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    except ValueError:
        raise Malformed("a sealed key is not 32 bytes") from None
    return KeyPair(public, private)
