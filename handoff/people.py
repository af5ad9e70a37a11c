"""Staff, their keys and their sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is. An administrator installs; only the other two open conversations."""

    COUNSELOR = "counselor"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff, with what the server keeps of their keys: nothing that opens anything.

    ``sealed_phone``: where they are rung when they are on call, under the service key.
    """

    id: str
    name: str
    role: Role
    salt: bytes = field(repr=False)
    proof_hash: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    wrapped_private_key: bytes = field(repr=False)
    created_at: int
    disabled_at: int | None = None
    sealed_phone: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A signed-in browser, known by the SHA-256 of its cookie.

    ``seen_at``: somebody last did something there. ``heard_at``: the open page was last heard of, which
    counts as being on duty but keeps nobody signed in.
    """

    token_hash: bytes = field(repr=False)
    form_token: str = field(repr=False)
    staff: str
    created_at: int
    seen_at: int
    heard_at: int = 0


@dataclass(frozen=True, slots=True)
class DeskKey:
    """One epoch of the desk: the public key that new conversations are sealed to."""

    epoch: int
    public_key: bytes = field(repr=False)
    created_at: int


@dataclass(frozen=True, slots=True)
class DeskShare:
    """The private key of one epoch, sealed to one admitted member of staff."""

    epoch: int
    staff: str
    sealed: bytes = field(repr=False)
