"""From what a visitor sent to the house's messages: media out, long texts in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from channels.kakao import CHANNEL
from channels.port import TEXT_LIMIT, InboundMessage

MEDIA_HOSTS = ("kakaocdn.net", "talk.kakao.com")
"""Where KakaoTalk keeps what people send: photos reach a skill as an address on one of these hosts."""

KINDS = {
    "text": None,
    "image": "image",
    "photo": "image",
    "picture": "image",
    "video": "video",
    "movie": "video",
    "audio": "audio",
    "voice": "audio",
    "file": "file",
    "sticker": "sticker",
    "emoticon": "sticker",
    "contact": "contact",
    "profile": "contact",
    "location": "location",
    "map": "location",
}
_ENDINGS = {
    "mp4": "video",
    "mov": "video",
    "avi": "video",
    "m4a": "audio",
    "mp3": "audio",
    "aac": "audio",
    "wav": "audio",
    "pdf": "file",
    "zip": "file",
    "hwp": "file",
    "docx": "file",
}
_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_EMOTICONS = {"(이모티콘)", "(emoticon)"}


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a visitor sent at once: words, the kind of media, or both."""

    text: str = field(repr=False)
    media: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the provider wrote around it."""

    event_id: str = field(repr=False)
    address: str = field(repr=False)
    ticket: str | None = field(default=None, repr=False)
    ticket_for: float = 0.0


def kind_of(name: str) -> str | None:
    """The port's word for a provider's type. ``None`` for text, ``other`` for what is not known."""
    return KINDS.get(name.strip().lower(), "other")


def understood(text: str, media: str | None = None) -> Utterance:
    """Take addresses of media out of the words: Kakao's, and any that comes alone with a medium.

    Nothing is fetched.
    """
    if text.strip().lower() in _EMOTICONS:
        return Utterance("", media or "sticker")
    found = [match[0] for match in _ADDRESS.finditer(text) if is_media_address(match[0])]
    for address in found:
        text = text.replace(address, " ")
    text = text.strip()
    if media and _ADDRESS.fullmatch(text):  # a relay keeps what was sent on hosts of its own
        text = ""
    return Utterance(text, media or (_by_ending(found[0]) if found else None))


def is_media_address(address: str) -> bool:
    """Whether this is an address of something that was sent in KakaoTalk."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return any(host == known or host.endswith(f".{known}") for known in MEDIA_HOSTS)


def messages(utterance: Utterance, envelope: Envelope) -> list[InboundMessage]:
    """The house's messages, in order; media first. At least one, the last one with the ticket."""
    listed = [
        InboundMessage(CHANNEL, event_id, envelope.address, text, media=media)
        for event_id, text, media in _events(utterance, envelope.event_id)
    ]
    last = listed[-1]
    listed[-1] = InboundMessage(
        CHANNEL,
        last.event_id,
        last.address,
        last.text,
        media=last.media,
        ticket=envelope.ticket,
        ticket_for=envelope.ticket_for if envelope.ticket else 0.0,
    )
    return listed


def _events(utterance: Utterance, event_id: str) -> Iterator[tuple[str, str, str | None]]:
    if utterance.media:
        yield event_id, "", utterance.media
        if not utterance.text:
            return
        event_id = f"{event_id}/text"
    for number, part in enumerate(_parts(utterance.text)):
        yield (f"{event_id}/{number}" if number else event_id), part, None


def _parts(text: str) -> Iterator[str]:
    """Parts that the house takes, cut at a space where there is one."""
    while len(text) > TEXT_LIMIT:
        cut = text.rfind(" ", TEXT_LIMIT // 2, TEXT_LIMIT) + 1 or TEXT_LIMIT
        yield text[:cut]
        text = text[cut:]
    yield text


def _by_ending(address: str) -> str:
    path = urlsplit(address).path.rsplit("/", 1)[-1].lower()
    return _ENDINGS.get(path.rpartition(".")[2], "image")
