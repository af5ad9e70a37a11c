"""What SOLAPI's webhook brings: delivery reports, and texts that came in (MO).

Reports come as a JSON array of ``{"messageId", "statusCode", …}`` or of ``{"eventDataId", "data": {…}}``
(https://github.com/solapi/solapi-python, model/webhook/single_report.py).

Unverified, because SOLAPI publishes no form for incoming texts: an entry is one if its sender is not our own
number and it has words, or no status code. Words are looked for under ``text``, ``content``, ``message`` and
``body``, the id under ``messageId``, ``eventDataId``, ``moId`` and ``id``. Whoever connects the real service
must send one text and look.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from channels.errors import Malformed
from channels.sms.arrivals import Arrival
from channels.sms.numbers import kind, normalised
from channels.sms.receipts import Report
from channels.sms.solapi_codes import status, told

ENTRIES = 1000
_SENDERS = ("from", "sender", "fromNumber")
_WORDS = ("text", "content", "message", "body")
_IDS = ("messageId", "eventDataId", "moId", "id")
_TIMES = ("dateReceived", "receivedAt", "dateCreated", "date")
_MEDIA = ("imageId", "fileId", "fileIds", "files", "images", "attachments", "mediaUrl")
_TOKEN = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[!-~]{1,200}")

Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry with nothing for us; ``kind`` says of what kind it is."""

    kind: str


def read(body: bytes, our_number: str) -> list[Report | Arrival | Ignored]:
    """The entries of a webhook in order. Raises ``Malformed`` when it is no list of objects."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("no JSON") from None
    entries = [found] if isinstance(found, dict) else found
    if not isinstance(entries, list) or not 0 < len(entries) <= ENTRIES:
        raise Malformed("no list of entries")
    if not all(isinstance(entry, dict) for entry in entries):
        raise Malformed("an entry is no object")
    return [_one(_flat(entry), our_number) for entry in entries]


def _flat(entry: Entry) -> Entry:
    """The entry without its envelope; the envelope's id stays."""
    data = entry.get("data")
    return {**entry, **data} if isinstance(data, dict) else entry


def _one(entry: Entry, our_number: str) -> Report | Arrival | Ignored:
    sender = _first(entry, _SENDERS)
    words = _first(entry, _WORDS)
    code, sent_id = _first(entry, ("statusCode",)), _first(entry, ("messageId",))
    address = normalised(sender)
    if address is None or address == our_number or (code and not words):
        if code and sent_id:
            to = normalised(_first(entry, ("to",)))
            return Report(sent_id, status(code), told(code), _token(entry), to)
        return Ignored(kind(sender) if sender else "unknown")
    media = "image" if any(entry.get(name) for name in _MEDIA) else None
    return Arrival(_event_id(entry), address, words, media)


def _event_id(entry: Entry) -> str:
    """The entry's own id; without one, a digest of what it says and when. Without a time it is always new."""
    own = _first(entry, _IDS)
    if own:
        return own
    if not _first(entry, _TIMES):
        return uuid.uuid4().hex  # twice is better than never
    said = "\x00".join((_first(entry, _SENDERS), _first(entry, _TIMES), _first(entry, _WORDS)))
    return hashlib.blake2b(said.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _token(entry: Entry) -> str:
    """Our own name of the text, which we sent along as a custom field."""
    fields = entry.get("customFields")
    token = fields.get("token") if isinstance(fields, dict) else None
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else ""


def _first(entry: Entry, names: tuple[str, ...]) -> str:
    return next(_texts(entry, names), "")


def _texts(entry: Entry, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = entry.get(name)
        if isinstance(value, str) and value.strip() and (name not in _IDS or _ID.fullmatch(value)):
            yield value
