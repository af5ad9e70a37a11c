"""TwiML, built with Twilio's library: what is said, which keys are waited for, who is rung."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from twilio.twiml.voice_response import (  # type: ignore[import-untyped]  # it ships no types
    Dial,
    Gather,
    Number,
    Say,
    VoiceResponse,
)

from channels.voice.port import Lang, Words

LISTENS = 6
"""Seconds for which a key is waited for after the last word."""

_VOICES: dict[str, tuple[str, str]] = {"ko": ("Polly.Seoyeon", "ko-KR"), "en": ("Polly.Joanna", "en-US")}
_DIGITS = re.compile(r"\+?\d[\d-]{2,}")


@dataclass(frozen=True, slots=True)
class Line:
    """Something to say: the id of a reviewed text, or words as they are (an address, a number)."""

    text: str = ""
    lang: Lang = "ko"
    plain: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A phone to ring, and where it is told who calls."""

    number: str = field(repr=False)
    whisper: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ringing:
    """One round: the phones, for how long, which number they see, what follows."""

    targets: Sequence[Target]
    seconds: int
    caller_id: str = field(repr=False)
    then: str = field(repr=False)
    record: bool = False


class Speech:
    """One answer to Twilio, put together verb by verb."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._response = VoiceResponse()

    def say(self, *lines: Line) -> Speech:
        """Speak."""
        for line in lines:
            for said in self._spoken(line):
                self._response.append(said)
        return self

    def ask(self, then: str, lines: Iterable[Line], *, silence_too: bool, listens: int = LISTENS) -> Speech:
        """Speak and wait for one key, which goes to ``then``; ``silence_too``: silence goes there as well."""
        gather = Gather(
            action=then,
            method="POST",
            input="dtmf",
            num_digits=1,
            timeout=listens,
            action_on_empty_result=silence_too,
        )
        for line in lines:
            for said in self._spoken(line):
                gather.append(said)
        self._response.append(gather)
        return self

    def ring(self, ringing: Ringing) -> Speech:
        """Ring phones together. They see the hotline's number, never the caller's."""
        dial = Dial(
            action=ringing.then,
            method="POST",
            timeout=ringing.seconds,
            caller_id=ringing.caller_id,
            record="record-from-answer-dual" if ringing.record else "do-not-record",
        )
        for target in ringing.targets:
            dial.append(Number(target.number, url=target.whisper, method="POST"))
        self._response.append(dial)
        return self

    def pause(self, seconds: int) -> Speech:
        """Be silent."""
        self._response.pause(length=seconds)
        return self

    def go(self, to: str) -> Speech:
        """Ask us again."""
        self._response.redirect(to, method="POST")
        return self

    def hang_up(self) -> Speech:
        """End the call."""
        self._response.hangup()
        return self

    def xml(self) -> str:
        """The document."""
        return str(self._response)

    def _spoken(self, line: Line) -> Iterable[Say]:
        if line.plain:
            yield _say(line.plain, line.lang)
            return
        for sentence in self._words.render(line.text, line.lang):
            yield _say(sentence, line.lang)


def _say(sentence: str, lang: Lang) -> Say:
    """A sentence, with its numbers read digit by digit."""
    voice, language = _VOICES[lang]
    said, at = Say(voice=voice, language=language), 0
    for found in _DIGITS.finditer(sentence):
        if found.start() > at:
            said.append(sentence[at : found.start()])
        said.say_as(" ".join(found[0].replace("-", "").replace("+", "")), interpret_as="digits")
        at = found.end()
    if at < len(sentence):
        said.append(sentence[at:])
    return said


def fallback(words: Words) -> str:
    """What Twilio plays by itself when the service does not answer: `channels/voice/fallback.xml`."""
    speech = Speech(words)
    for _ in range(2):
        for lang in _VOICES:
            spoken: Lang = "en" if lang == "en" else "ko"
            speech.say(Line("voice.down", spoken), Line("voice.numbers", spoken))
    return speech.hang_up().xml()
