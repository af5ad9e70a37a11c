"""A text that came in, as events for the house."""

from __future__ import annotations

from dataclasses import dataclass, field

from channels.port import TEXT_LIMIT, Event, Gone, InboundMessage
from channels.sms import CHANNEL


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came: words, or a kind of media that nobody fetched, or both.

    ``opted_out``: the carrier will let nothing of ours through to this number until they ask for it again.
    ``own_id``: under which the carrier keeps a copy that we may delete.
    """

    event_id: str = field(repr=False)
    address: str = field(repr=False)
    text: str = field(repr=False)
    media: str | None = None
    opted_out: bool = False
    own_id: str = field(default="", repr=False)


def events(arrival: Arrival) -> list[Event]:
    """Media first, then the words under an id of their own, then that they are gone. Never empty.

    A text without a character is still somebody who wrote: it comes as media of the kind ``other``.
    """
    text = arrival.text.encode(errors="replace").decode().strip()  # half a surrogate pair is no character
    media = arrival.media or (None if text else "other")
    found: list[Event] = []
    if media is not None:
        found.append(_message(arrival, arrival.event_id, "", media))
    for number, start in enumerate(range(0, len(text), TEXT_LIMIT)):
        piece = text[start : start + TEXT_LIMIT]
        found.append(_message(arrival, _id(arrival.event_id, number, beside=media is not None), piece, None))
    if arrival.opted_out:
        found.append(Gone(CHANNEL, f"{arrival.event_id}/gone", arrival.address))
    return found


def _id(event_id: str, number: int, *, beside: bool) -> str:
    if number:
        return f"{event_id}/text{number + 1}"
    return f"{event_id}/text" if beside else event_id


def _message(arrival: Arrival, event_id: str, text: str, media: str | None) -> InboundMessage:
    own_id = arrival.own_id if event_id == arrival.event_id else ""
    return InboundMessage(CHANNEL, event_id, arrival.address, text, media=media, own_id=own_id)


def media_kind(content_type: str) -> str:
    """``image``, ``video``, ``audio``, ``contact``, ``file`` or ``other``, by the media type alone."""
    family, _, rest = content_type.lower().partition("/")
    if "vcard" in rest:
        return "contact"
    if family in {"image", "video", "audio"}:
        return family
    return "file" if family in {"application", "text"} else "other"
