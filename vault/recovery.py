"""Recovery codes: six words with which a visitor finds their thread again, on this device or another.

A code is kept nowhere; the database holds its blind index. It leads back to the conversation but opens
nothing that was said before (docs/decisions/0002).
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from functools import cache

from vault.blindindex import BlindIndex
from vault.secret import SecretText
from vault.words import LANGUAGES, words

CODE_WORDS = 6

_BETWEEN = re.compile(r"[\s\-\u2010-\u2015_,.\u00b7/\u200b\ufeff]+")


def new_code(lang: str) -> SecretText:
    """Six random words of ``ko`` or ``en`` with single spaces: at least 66 bits."""
    return SecretText(" ".join(secrets.choice(words(lang)) for _ in range(CODE_WORDS)))


def normalise_code(text: str) -> SecretText:
    """A code as it was given out, from a code as it was typed: composed, lower case, one space between words.

    Any text is taken; one that is no code simply finds nothing.
    """
    # NFKC also folds full-width letters and the ideographic space that Korean and Japanese keyboards give.
    folded = unicodedata.normalize("NFKC", text).casefold()
    return SecretText(unicodedata.normalize("NFC", _BETWEEN.sub(" ", folded).strip()))


def looks_like_code(text: str) -> bool:
    """Whether this is six words of one of our lists, and nothing else."""
    typed = normalise_code(text).reveal().split(" ")
    return len(typed) == CODE_WORDS and any(set(typed) <= _known(lang) for lang in sorted(LANGUAGES))


@cache
def _known(lang: str) -> frozenset[str]:
    return frozenset(unicodedata.normalize("NFC", word) for word in words(lang))


def code_index(index: BlindIndex, code: SecretText) -> bytes:
    """The 32 bytes by which a code is looked up. Normalises first."""
    return index.of("recovery-code", normalise_code(code.reveal()).reveal())
