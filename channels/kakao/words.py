"""What KakaoTalk visitors are told by the channel itself. The texts are reviewed elsewhere and passed in."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HANGUL = re.compile(r"[ㄱ-ㅣ가-힣]")
_LATIN = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Said:
    """One text in both languages."""

    ko: str
    en: str

    def answering(self, text: str) -> str:
        """The text in the language of ``text``; Korean when in doubt."""
        return self.en if _LATIN.search(text) and not _HANGUL.search(text) else self.ko


@dataclass(frozen=True, slots=True)
class Words:
    """``coming``: the answer will follow by itself. ``ask_again``: it can only be seen after another message.

    ``kept``: the message was kept and nothing is to be said now. ``busy``: nothing was kept, and the visitor
    should send it again. ``unsure``: nobody knows whether it was kept. ``more``: on a button, when an answer
    does not end in three bubbles.
    """

    coming: Said
    ask_again: Said
    kept: Said
    busy: Said
    unsure: Said
    more: Said
