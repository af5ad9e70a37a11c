"""Twilio's error codes, as what the caller can do (https://www.twilio.com/docs/api/errors)."""

from __future__ import annotations

from channels.errors import Blocked, ChannelError, Refused, Throttled, Unreachable
from channels.sms.wire import Answered

_BLOCKED = frozenset({21610, 30004})  # opted out; the number takes nothing from us
_REFUSED = frozenset(
    {
        21211,  # not a number
        21214,  # cannot be reached
        21217,  # not a valid number
        21408,  # the country is not switched on
        21602,  # no body
        21612,  # no route from our number
        21614,  # not a mobile number
        21617,  # body too long
        21635,  # a landline
        30005,  # unknown or switched-off handset
        30006,  # landline or carrier without a route
        30007,  # filtered by the carrier
        30034,  # our number is not registered there
    }
)
_OURS = frozenset(
    {
        20003,  # wrong or withdrawn credentials
        20005,  # account not active
        20404,  # no such account
        21212,  # our own number is wrong
        21603,  # no sender given
        21606,  # the number is not ours
        21659,  # the sender is no number of this country
        21660,  # the sender belongs to another account
        30002,  # account suspended
    }
)
_STILL_MOVING = 20009  # for a minute or so
_TOO_FAST = frozenset({14107, 20429, 21611, 30001, 30022, 63018})
_LOST_CONNECTION = 504
_TOO_MANY = 429
_CREDENTIALS = frozenset({401, 403})
_SERVER = 500


def number_of(value: object) -> int:
    """An error code as JSON or a form writes it; 0 when there is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("00000") else 0


def ambiguous(answered: Answered) -> bool:
    """Whether a gateway lost the answer, so that the text may be out."""
    return answered.status == _LOST_CONNECTION


def ours(answered: Answered) -> bool:
    """Whether only the centre's administrator can mend it: credentials, account, our own number."""
    return answered.status in _CREDENTIALS or number_of(answered.body.get("code")) in _OURS


def refusal(answered: Answered) -> ChannelError:
    """The error for an answer that is not good."""
    code = number_of(answered.body.get("code"))
    if code in _BLOCKED:
        return Blocked("the carrier lets nothing through to this number")
    if answered.status == _TOO_MANY or code in _TOO_FAST:
        return Throttled(answered.retry_after or 1.0)
    if answered.status >= _SERVER or ours(answered):
        return Unreachable("Twilio takes nothing at this moment")
    return Refused("Twilio refuses this text")


def undone(answered: Answered) -> bool:
    """Whether a deletion is worth another try: Twilio is away, or the text is still on its way."""
    if number_of(answered.body.get("code")) == _STILL_MOVING:
        return True
    return answered.status >= _SERVER or answered.status == _TOO_MANY or answered.status in _CREDENTIALS


def told(code: int) -> str:
    """The name of the error behind a status callback; an unknown code may be tried again."""
    if code in _BLOCKED:
        return Blocked.__name__
    return Refused.__name__ if code in _REFUSED else Unreachable.__name__
