"""Telephone numbers: one spelling for one number (ITU-T E.164), and which of them can be answered."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s().-]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DOMESTIC = re.compile(r"0[1-9][0-9]{7,9}")  # 010-…, 02-…, 070-… as they are dialled inside Korea
_SHORT = re.compile(r"\+?[0-9]{3,8}")
KOREA = "+82"


def normalised(raw: str) -> str | None:
    """The number as E.164; a number without a country is Korean. ``None``: nobody can be answered there.

    Short codes, representative numbers (1588-…) and names instead of numbers take no answer.
    """
    number = _SEPARATORS.sub("", raw)
    if _DOMESTIC.fullmatch(number):
        number = KOREA + number[1:]
    elif number.startswith("0082"):
        number = f"+{number[2:]}"
    elif number.startswith("82") and len(number) >= len("82212345678"):
        number = f"+{number}"
    if number.startswith(f"{KOREA}0"):  # the trunk zero was left in
        number = KOREA + number[4:]
    return number if _E164.fullmatch(number) and not _representative(number) else None


def kind(raw: str) -> str:
    """What a sender that cannot be answered is, for the log: never the sender itself."""
    number = _SEPARATORS.sub("", raw)
    if not number:
        return "hidden"
    if _SHORT.fullmatch(number) or _representative(number):
        return "short_code"
    return "alphanumeric" if re.search(r"[^\W\d_]", number) else "unknown"


def domestic(address: str) -> str | None:
    """The number as it is dialled inside Korea; ``None`` for a number of another country."""
    return f"0{address[len(KOREA) :]}" if address.startswith(KOREA) else None


def _representative(number: str) -> bool:
    return re.fullmatch(r"(?:\+82)?1[5-8][0-9]{6}", number) is not None
