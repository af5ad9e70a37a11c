"""Who may do what: one table of action × role × relation to the conversation. Pure.

A relation says how a member of staff stands to a conversation: ``holder`` claimed it, ``other`` means
somebody else did, ``free`` means nobody has, ``walled`` the same for a conversation of the offenders' track,
``past`` that it is closed. What the table does not name is refused.
"""

from __future__ import annotations

from enum import StrEnum

from handoff.conversation import Conversation, Phase, Track
from handoff.people import Role


class Action(StrEnum):
    """What staff can do."""

    SEE_QUEUE = "see_queue"
    OPEN = "open"
    CLAIM = "claim"
    REPLY = "reply"
    NOTE = "note"
    RELEASE = "release"
    CLOSE = "close"
    CORRECT = "risk"
    SEE_STAFF = "see_staff"
    ADMIT = "admit"


class Relation(StrEnum):
    """How somebody stands to a conversation."""

    HOLDER = "holder"
    OTHER = "other"
    FREE = "free"
    WALLED = "walled"
    PAST = "past"


_C, _S = Role.COUNSELOR, Role.SUPERVISOR
_HOLDER, _OTHER, _FREE, _PAST = Relation.HOLDER, Relation.OTHER, Relation.FREE, Relation.PAST
_WALLED = Relation.WALLED

TABLE: frozenset[tuple[Action, Role, Relation | None]] = frozenset(
    {
        (Action.SEE_QUEUE, _C, None),
        (Action.SEE_QUEUE, _S, None),
        (Action.SEE_STAFF, _S, None),
        (Action.ADMIT, _S, None),
        # A counselor reads what waits and what they hold; a supervisor reviews everything.
        (Action.OPEN, _C, _FREE),
        (Action.OPEN, _C, _HOLDER),
        (Action.OPEN, _S, _FREE),
        (Action.OPEN, _S, _HOLDER),
        (Action.OPEN, _S, _OTHER),
        (Action.OPEN, _S, _PAST),
        # Who did harm waits apart: a supervisor reads, takes or moves it.
        (Action.OPEN, _S, _WALLED),
        (Action.CLAIM, _S, _WALLED),
        (Action.NOTE, _S, _WALLED),
        (Action.CORRECT, _S, _WALLED),
        (Action.CLAIM, _C, _FREE),
        (Action.CLAIM, _S, _FREE),
        (Action.REPLY, _C, _HOLDER),
        (Action.REPLY, _S, _HOLDER),
        (Action.NOTE, _C, _HOLDER),
        (Action.NOTE, _S, _FREE),
        (Action.NOTE, _S, _HOLDER),
        (Action.NOTE, _S, _OTHER),
        (Action.NOTE, _S, _PAST),
        (Action.RELEASE, _C, _HOLDER),
        (Action.RELEASE, _S, _HOLDER),
        (Action.RELEASE, _S, _OTHER),
        (Action.CLOSE, _C, _HOLDER),
        (Action.CLOSE, _S, _HOLDER),
        (Action.CORRECT, _C, _HOLDER),
        (Action.CORRECT, _S, _HOLDER),
        (Action.CORRECT, _S, _OTHER),
        (Action.CORRECT, _S, _FREE),
    }
)

_PHASES: dict[Action, set[Phase]] = {
    Action.CLAIM: {Phase.WAITING, Phase.WITH_BOT},
    Action.REPLY: {Phase.CLAIMED},
    Action.RELEASE: {Phase.CLAIMED},
    Action.CLOSE: {Phase.CLAIMED},
    Action.CORRECT: {Phase.WITH_BOT, Phase.WAITING, Phase.CLAIMED},
}


def relation(staff: str, conversation: Conversation) -> Relation:
    """How this member of staff stands to this conversation."""
    if conversation.phase is Phase.CLOSED:
        return Relation.PAST
    if conversation.holder is None:
        return Relation.WALLED if conversation.track is Track.OFFENDER else Relation.FREE
    return Relation.HOLDER if conversation.holder == staff else Relation.OTHER


def allowed(action: Action, role: Role, standing: Relation | None = None) -> bool:
    """Whether the table says yes."""
    return (action, role, standing) in TABLE


def may(staff: str, role: Role, conversation: Conversation) -> list[Action]:
    """What this member of staff may do with this conversation as it stands now."""
    standing = relation(staff, conversation)
    return [
        action
        for action in Action
        if allowed(action, role, standing) and conversation.phase in _PHASES.get(action, set(Phase))
    ]
