"""The rules of Twilio Voice that its simulator keeps: how requests are signed, what a document may hold."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.etree import ElementTree as ET

MOST_PHONES = 10
NESTED: Mapping[str, frozenset[str]] = {
    "Response": frozenset(
        {"Say", "Play", "Pause", "Gather", "Dial", "Redirect", "Record", "Hangup", "Reject"}
    ),
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Dial": frozenset({"Number", "Client", "Sip", "Queue", "Conference"}),
    "Say": frozenset({"say-as", "break", "p", "s", "emphasis", "phoneme", "prosody", "sub", "w", "lang"}),
}

Fields: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """What Twilio and the service share. ``service``: where the hotline is reached (no slash at its end)."""

    service: str
    account: str = "AC" + "0" * 32
    token: str = field(default="demo-token-of-32-characters-long", repr=False)
    number: str = "+82212345678"
    caller: str = "+821055550000"
    pace: float = 1.0


@dataclass(slots=True)
class Leg:
    """One end of a call."""

    sid: str
    caller: str
    called: str
    parent: str = ""
    keys: asyncio.Queue[str] = field(default_factory=asyncio.Queue)


class Refused(Exception):
    """The document is none that Twilio would play, or there was none."""


def signature(token: str, url: str, fields: Fields) -> str:
    """How Twilio signs: HMAC-SHA1 over the address and every field, sorted by name."""
    text = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def check(document: ET.Element, *, may_ring: bool) -> None:
    """Raises ``Refused`` for a document that breaks the rules of nesting, or rings where it may not."""
    if document.tag != "Response":
        raise Refused("no Response")
    for element in document.iter():
        inside = {child.tag for child in element}
        if inside - NESTED.get(element.tag, frozenset()):
            raise Refused("a verb stands where it may not")
        if element.tag == "Dial" and (not may_ring or not 1 <= len(element) <= MOST_PHONES):
            raise Refused("it rings where it may not, nobody, or too many")
