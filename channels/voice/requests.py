"""Twilio's requests: verified over the address and all fields, then read strictly.

What we must remember between two steps of a call stands in the addresses we give Twilio. They come back
signed like everything else: nobody but Twilio can send us one, and it only asks for those we gave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it ships no types

from channels.errors import Forged, Malformed
from channels.voice.port import GROUP, Lang
from channels.webhooks import Call

MOST_FIELDS = 200
SIGNATURE = "x-twilio-signature"

_SID = re.compile(r"CA[0-9a-f]{32}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_INSTEAD_OF_A_NUMBER = (
    "anonymous",
    "blocked",
    "private",
    "restricted",
    "unavailable",
    "unknown",
)
_KEYPAD = {
    letter: key
    for key, letters in enumerate(("", "", "abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"))
    for letter in letters
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a call stands.

    ``again``: how often the question was repeated. ``round``: of ringing. ``since``: Unix seconds when
    waiting began. ``call``, ``who``: on a phone that is rung, the caller's call and whose phone it is.
    """

    lang: Lang = "ko"
    again: int = 0
    round: int = 0
    since: int = 0
    window: str = ""
    call: str = field(default="", repr=False)
    who: str = ""

    def moved(self, **changes: Any) -> Where:
        """A place further on."""
        return replace(self, **changes)

    def query(self) -> str:
        """As it stands in an address: only what differs from the beginning."""
        known = {each.name: getattr(self, each.name) for each in fields(self)}
        start = {each.name: each.default for each in fields(self)}
        return urlencode({name: value for name, value in known.items() if value != start[name]})

    @classmethod
    def read(cls, query: str) -> Where:
        """From an address. Raises ``Malformed``."""
        found = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name in _FORMS}
        if not all(_FORMS[name].fullmatch(value) for name, value in found.items()):
            raise Malformed("the address is none of ours")
        values: dict[str, Any] = {
            name: int(value) if name in _NUMBERS else value for name, value in found.items()
        }
        return cls(**values)


_NUMBERS = frozenset({"again", "round", "since"})
_FORMS = {
    "lang": re.compile(r"ko|en"),
    "again": re.compile(r"[0-9]"),
    "round": re.compile(r"[0-9]{1,3}"),
    "since": re.compile(r"[0-9]{1,11}"),
    "window": re.compile(r"hour|evening|tomorrow"),
    "call": _SID,
    "who": re.compile(r"[A-Za-z0-9_-]{1,32}"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One verified request. ``digits``: the keys pressed, if any. ``fields``: everything Twilio sent."""

    name: str
    where: Where
    call: str = field(repr=False)
    digits: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def number(self) -> str | None:
        """The caller's number; ``None`` when it is hidden."""
        written = self.fields.get("From", "")
        return written if _E164.fullmatch(written) and written[1:] not in HIDDEN else None

    @property
    def group(self) -> bool:
        """Whether the fallback numbers were rung."""
        return self.where.who == GROUP

    @property
    def bridged(self) -> bool | None:
        """Whether a phone that was rung was connected, if Twilio says so.

        ``DialCallStatus`` alone does not: a machine that picked up also counts as answered.
        """
        said = self.fields.get("DialBridged")
        if said in {"true", "false"}:
            return said == "true"
        return None if self.fields.get("DialCallStatus") in {"completed", "answered"} else False


def _on_keypad(word: str) -> str:
    return "".join(str(_KEYPAD[letter]) for letter in word)


HIDDEN = frozenset(_on_keypad(word) for word in _INSTEAD_OF_A_NUMBER) | {"86282452253"}
"""Numbers that spell a word on a keypad: how Twilio shows callers without a number (266696687: anonymous)."""


class _Form:
    """A form's fields, repeated ones as well, as Twilio's validator asks for them."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Any:
        return iter({name: None for name, _ in self._pairs})

    def __len__(self) -> int:
        return len(self._pairs)

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]


class Reader:
    """Verifies and reads. ``token``: the account's auth token, at least 32 characters."""

    def __init__(self, account: str, token: str) -> None:
        if len(token) < 32:  # noqa: PLR2004  a Twilio token has 32
            raise ValueError("the Twilio auth token has at least 32 characters")
        if not account:
            raise ValueError("the Twilio account SID is missing")
        self._account = account
        self._validator = RequestValidator(token)

    def read(self, call: Call) -> Step:
        """The step that a request asks for. Raises ``Forged`` or ``Malformed``."""
        pairs = self._verified(call)
        found = dict(pairs)
        if found.get("AccountSid") != self._account:
            raise Forged("another account")
        sid, digits = found.get("CallSid", ""), found.get("Digits", "")
        if not _SID.fullmatch(sid):
            raise Malformed("no call")
        where = Where.read(urlsplit(call.url).query)
        return Step(call.rest, where, sid, digits[:1], found)

    def _verified(self, call: Call) -> list[tuple[str, str]]:
        signature = call.headers.get(SIGNATURE, "")
        try:
            body = call.body.decode("utf-8")
            pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
            genuine = signature.isascii() and self._validator.validate(call.url, _Form(pairs), signature)
        except ValueError:  # not UTF-8, too many fields, or no address at all
            raise Forged("not a form that Twilio sends") from None
        if not genuine:
            raise Forged("the signature is wrong")
        return pairs
