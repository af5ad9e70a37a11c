"""What the Telegram channel is told when it is built."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CHANNEL = "telegram"
_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{32,}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """The same words in both languages."""

    ko: str
    en: str

    def in_(self, lang: str | None) -> str:
        """English for ``en``, else Korean."""
        return self.en if lang == "en" else self.ko


@dataclass(frozen=True, slots=True)
class Phrases:
    """What Telegram's own commands mean in plain words, and the few words that this channel says itself.

    ``stop`` and ``wipe`` must be words that the house knows as such. ``alone`` is said in a group before we
    leave it, ``worn`` for a moment on a button that nobody knows any more.
    """

    start: Phrase = Phrase("안녕하세요", "hello")
    help: Phrase = Phrase("여기는 뭐 하는 곳이에요?", "what is this service?")
    stop: Phrase = Phrase("나가기", "exit")
    wipe: Phrase = Phrase("지워줘", "wipe")
    alone: Phrase = Phrase(
        "이곳에서는 1:1로만 이야기할 수 있어요. 여기 쓴 글은 받지 않았어요.",
        "I only talk one to one. Nothing written here was kept.",
    )
    worn: Phrase = Phrase(
        "이 버튼은 이제 쓸 수 없어요. 글로 써 줘요.",
        "This button no longer works. Please write it.",
    )


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """Raises ``ValueError`` for a token or a secret that Telegram could not have or that can be guessed.

    ``secret``: value of the webhook's secret header; without it the webhook is closed.
    ``says``: what all reviewed buttons say, in all languages. A button's data then is a short digest, which
    every process can read and which tells nobody anything.
    """

    token: str = field(repr=False)
    secret: str = field(default="", repr=False)
    api_url: str = "https://api.telegram.org"
    says: tuple[str, ...] = field(default=(), repr=False)
    phrases: Phrases = Phrases()

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token):
            raise ValueError("the Telegram token is not of BotFather's form")
        if self.secret and not _SECRET.fullmatch(self.secret):
            raise ValueError("the Telegram secret must be 32 to 256 of A-Z a-z 0-9 _ -")
