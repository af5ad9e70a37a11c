"""Word lists for passphrases and recovery codes. Where they come from: ``LICENCES.md`` beside them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from vault.errors import Malformed

LANGUAGES = frozenset({"ko", "en"})


@cache
def words(lang: str) -> tuple[str, ...]:
    """The words of a language, ``ko`` or ``en``, in their fixed order. Read once. Raises ``Malformed``."""
    if lang not in LANGUAGES:
        raise Malformed("there are words in ko and en only")
    return tuple(files(__package__).joinpath(f"{lang}.txt").read_text(encoding="utf-8").split())
