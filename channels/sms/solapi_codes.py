"""SOLAPI's status and error codes, as what the caller can do.

Sources: api-reference/message-status-codes.md and authentication/api-key.md in
https://github.com/solapi/documents.
"""

from __future__ import annotations

from channels.errors import Blocked, ChannelError, Refused, Throttled, Unreachable
from channels.sms.wire import Answered

_STATUS = {"2000": "accepted", "3000": "sent", "4000": "delivered"}
_BLOCKED = frozenset(
    {
        "1060",
        "1061",
        "2060",
        "2061",
        "3047",
        "3055",
    }  # blocked, 080 opt-out, refused by the phone, nospam.or.kr
)
_OURS = frozenset(
    {
        "1020",  # no such account
        "1030",  # out of money
        "1062",  # our number is not registered (발신번호 미등록)
        "1064",  # blocked after a report to KISA
        "2062",
        "2063",  # account blocked
        "2064",
        "2230",  # out of money
        "3013",  # our number is of a wrong form
        "3059",  # our number counts as forged
    }
)
_AGAIN = frozenset(
    {
        *("1024", "1058", "2024", "3012", "3014", "3024", "3048", "3053", "3058"),  # servers and routes
        *(
            "3040",
            "3041",
            "3042",
            "3043",
            "3044",
            "3045",
            "3046",
            "3051",
            "3056",
            "3057",
        ),  # the phone is away
    }
)
_LOST_CONNECTION = 504
_TOO_MANY = 429
_CREDENTIALS = frozenset({401, 402, 403})
_SERVER = 500


def status(code: str) -> str:
    """The status of ``channels.sms.status`` for a code; what is not known as good has failed."""
    return _STATUS.get(code, "failed")


def good(code: str) -> bool:
    """Whether a message with this code is on its way."""
    return code in _STATUS


def ambiguous(answered: Answered) -> bool:
    """Whether a gateway lost the answer, so that the text may be out."""
    return answered.status == _LOST_CONNECTION


def ours(answered: Answered, code: str) -> bool:
    """Whether only the centre's administrator can mend it: key, money, our own number."""
    return answered.status in _CREDENTIALS or code in _OURS


def refusal(answered: Answered, code: str) -> ChannelError:
    """The error for an answer that is not good. ``code``: of the failed message, or empty."""
    if code in _BLOCKED:
        return Blocked("the carrier lets nothing through to this number")
    if answered.status == _TOO_MANY:
        return Throttled(answered.retry_after or 1.0)
    if answered.status >= _SERVER or ours(answered, code) or code in _AGAIN:
        return Unreachable("SOLAPI takes nothing at this moment")
    return Refused("SOLAPI refuses this text")


def told(code: str) -> str:
    """The name of the error behind a delivery report."""
    if code in _BLOCKED:
        return Blocked.__name__
    return Unreachable.__name__ if code in _AGAIN | _OURS else Refused.__name__
