"""Bring a message into forms that rules can read, whatever was done to its spelling. Pure and total.

Adolescents split letters, swap keyboards and hide words behind dots and digits, to write faster or to slip
past a filter. Every reading of such a spelling is *added* as one more line; the plain reading always stays.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nlu import jamo, spellings
from nlu.legible import legible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nlu.understanding import Lang

_MOST_PASSES: Final = 8
_KOREAN_FROM: Final = 0.3  # a Korean syllable says as much as two or three Latin letters
_NOTHING: Final = dict.fromkeys(
    [
        *range(0x09), *range(0x0E, 0x20), 0x7F, 0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5,
        *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
        0x3164, 0xFEFF, 0xFFA0, *range(0xFE00, 0xFE10), *range(0x0300, 0x0370), *range(0xE0000, 0xE0080),
    ],
    "",
)  # fmt: skip
_LOOK_ALIKE: Final = str.maketrans("аеорсухіѕԁɡӏһԝαορτυ’‘`´ʼ０ⅼ〜∼～", "aeopcyxisdglhwaoptu'''''0l~~~")
_CONJOINING: Final = str.maketrans(
    {chr(0x1100 + at): letter for at, letter in enumerate(jamo.INITIALS)}
    | {chr(0x1161 + at): letter for at, letter in enumerate(jamo.VOWELS)}
    | {chr(0x11A7 + at): letter for at, letter in enumerate(jamo.FINALS) if at}
)
_EXOTIC: Final = re.compile("[\u1100-\u11ff\u2100-\u214f\u2460-\u24ff\uff01-\uffdc\U0001d400-\U0001d7ff]")
_UNUSUAL: Final = re.compile(r"[^가-힣ㄱ-ㅣ\x20-\x40\x5b-\x7e]")
_LONE: Final = re.compile("[ㄱ-ㅊㅌㅍㅎ]")
_REPEAT: Final = re.compile(r"([^\d\s])\1{2,}")

# Jamo letters that belong together: a lone initial, a vowel (or a Latin look-alike of ㅏ), perhaps a final.
# ㅋ and ㅎ laugh and ㅠㅠ weeps; they are left alone.
_SPLIT: Final = re.compile(
    r"(?<![ㅋㅎ])([ㄱ-ㅊㅌㅍㅎ]) ?(?![ㅠㅜㅡ]{2})([ㅏ-ㅣ]|r(?=[가-힣ㄱ-ㅎ]))"
    r"( ?[ㄱ-ㅊㅌㅍ](?! ?[ㅏ-ㅣr])(?!\1))?"
)
_DANGLING: Final = re.compile(r"([가-힣])([ㄱ-ㅊㅌㅍ])(?=[가-힣])")

_MARK: Final = re.compile(r"[^\w\s\u2190-\U0010ffff]|_")
_INSIDE_HANGUL: Final = re.compile(r"(?<=[가-힣])[^가-힣a-z\s]{1,3}(?=[가-힣])")
_AFTER_SINGLE: Final = re.compile(r"(?<![가-힣])([가-힣])\s?[^가-힣a-z\s]{1,3}\s?(?=[가-힣])")
_SINGLES: Final = re.compile(r"(?<![가-힣])[가-힣](?: [가-힣](?![가-힣]))+")
_SPELLED_OUT: Final = re.compile(r"\b[a-z](?:[ .\-_*/]{1,2}[a-z]\b){2,}")
_LEET: Final = re.compile(r"\b[a-z]+[013457@$!*|][a-z0-9@$!*|]*[a-z]\b")
_LEET_LETTERS: Final = str.maketrans("013457@$!|", "oieastasii", "*")
_LATIN_WORD: Final = re.compile(r"[A-Za-z]{3,}")
_LATIN: Final = re.compile("[a-z]")
_HANGUL: Final = re.compile("[가-힣ㄱ-ㅣ]")
_TYPED_LATIN: Final = re.compile("[ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅛㅣ]")


def _any_of(table: Mapping[str, str], around: str = "") -> re.Pattern[str]:
    body = "|".join(re.escape(wrong) for wrong in sorted(table, key=len, reverse=True))
    return re.compile(rf"(?<!{around})(?:{body})(?!{around})" if around else body)


_PHONETIC: Final = _any_of(spellings.PHONETIC)
_ROMANISED: Final = _any_of(spellings.ROMANISED, around="[a-z]")
_CONTRACTED: Final = _any_of(spellings.CONTRACTED, around="[a-z]")


_HIDDEN: Final = tuple(
    (re.compile(f"(?<![가-힣ㄱ-ㅎ])(?:{hidden})(?![ㄱ-ㅎ])"), word)
    for hidden, word in spellings.HIDDEN.items()
)
_MAY_HIDE: Final = re.compile(
    "[ㄱ-ㅎ]|살자|해자|[고을어이]죽|서유|신투|행폭성|간강|치납|제면수|목손|상옥|금지"
)


@dataclass(frozen=True, slots=True)
class Forms:
    """A message made readable. Each line of ``words`` and ``dense`` is one reading of the same message.

    ``plain``: cleaned, composed, lower case, repeats squeezed; punctuation stays.
    ``legible``: the message as it was probably meant, for a reader that takes one spelling only.
    ``words``: known misspellings mended, punctuation gone, one space between words.
    ``dense``: the same lines without spaces.
    ``hangul``: share of Korean letters among Korean and Latin letters, 0..1.
    """

    plain: str = field(repr=False)
    words: str = field(repr=False)
    dense: str = field(repr=False)
    hangul: float
    legible: str = field(repr=False, default="")


def normalise(text: str) -> Forms:
    """Every form of ``text``. Never raises; time grows linearly with the length."""
    plain = _plain(text)
    clear = legible(_visible(text))
    readings = [plain.replace("'", ""), *_readings(text, plain)]
    if clear != text:
        readings += _readings_of_clear(clear, plain)
    readings += [_found_out(reading) for reading in readings if _MAY_HIDE.search(reading)]
    words = "\n".join(dict.fromkeys(_mend(reading) for reading in readings))
    return Forms(plain, words, words.replace(" ", ""), _share(plain), clear)


def _visible(text: str) -> str:
    """Width and invisible characters mended, case kept."""
    if not _UNUSUAL.search(text):
        return text
    text = unicodedata.normalize("NFC", text.translate(_NOTHING))
    text = _EXOTIC.sub(lambda found: unicodedata.normalize("NFKC", found[0]).translate(_CONJOINING), text)
    return text.translate(_LOOK_ALIKE).translate(_NOTHING)


def _found_out(reading: str) -> str:
    """The reading with words in it that stood there by their first consonants only, or turned round."""
    for hidden, word in _HIDDEN:
        reading = hidden.sub(word, reading)
    return reading


def _readings_of_clear(clear: str, plain: str) -> Iterator[str]:
    spelled = _plain(clear)
    if spelled != plain:
        yield spelled.replace("'", "")


def _plain(text: str) -> str:
    for _ in range(_MOST_PASSES):
        cleaned = _pass(text)
        if cleaned == text:
            break
        text = cleaned
    return text


def _pass(text: str) -> str:
    """One round of cleaning. A round may open the way for another, so rounds go on until nothing changes."""
    if _UNUSUAL.search(text):
        text = unicodedata.normalize("NFC", text.translate(_NOTHING))
        text = _EXOTIC.sub(lambda found: unicodedata.normalize("NFKC", found[0]).translate(_CONJOINING), text)
        text = text.lower().translate(_LOOK_ALIKE).translate(_NOTHING)
    if _LONE.search(text):
        text = _SPLIT.sub(_joined, text)
        text = _DANGLING.sub(lambda found: jamo.close(found[1], found[2]), text)
    text = _REPEAT.sub(_once, text)
    return " ".join(text.split())


def _once(found: re.Match[str]) -> str:
    """Three or more of one character: letters shrink to one; marks, tears and laughter to two."""
    return found[1] if found[1].isalpha() and not "ㄱ" <= found[1] <= "ㅣ" else found[1] * 2


def _joined(found: re.Match[str]) -> str:
    vowel = "ㅏ" if found[2] == "r" else found[2]
    final = (found[3] or "").strip()
    if found[1] == "ㅎ" and vowel in "ㅠㅜㅡ":
        return found[0]
    if final and final not in jamo.FINALS:
        return jamo.syllable(found[1], vowel) + found[3]
    return jamo.syllable(found[1], vowel, final)


def _readings(text: str, plain: str) -> Iterator[str]:
    """Further readings of a disguised or mistyped message."""
    if _HANGUL.search(plain):
        joined = _SINGLES.sub(
            lambda found: found[0].replace(" ", ""), _INSIDE_HANGUL.sub("", _AFTER_SINGLE.sub(r"\1", plain))
        )
        if joined != plain:
            yield joined
        if _TYPED_LATIN.search(plain):
            yield jamo.to_keys(plain).lower()
    if _LATIN.search(plain):
        yield from _latin_readings(text, plain)


def _latin_readings(text: str, plain: str) -> Iterator[str]:
    keyed = _LATIN_WORD.sub(
        lambda found: jamo.from_keys(found[0]) or jamo.from_keys(found[0].lower()) or found[0], text
    )
    if keyed != text:
        yield _plain(keyed)
    korean = _ROMANISED.sub(lambda found: spellings.ROMANISED[found[0]], plain)
    if korean != plain:
        yield korean
    legible = _LEET.sub(lambda found: found[0].translate(_LEET_LETTERS), plain)
    legible = _SPELLED_OUT.sub(lambda found: re.sub("[^a-z]", "", found[0]), legible)
    if legible != plain:
        yield legible


def _mend(line: str) -> str:
    """Punctuation gone, known misspellings mended, single spaces."""
    line = _MARK.sub(" ", line)
    if not line.isascii():
        line = _PHONETIC.sub(lambda found: spellings.PHONETIC[found[0]], line)
    if _LATIN.search(line):
        line = _CONTRACTED.sub(lambda found: spellings.CONTRACTED[found[0]], " ".join(line.split()))
    return " ".join(line.split())


def _share(plain: str) -> float:
    hangul = len(_HANGUL.findall(plain))
    latin = len(_LATIN.findall(plain))
    return hangul / (hangul + latin) if hangul + latin else 1.0


def language(text: str) -> Lang:
    """The language to answer in: Korean unless Latin letters clearly outnumber Korean ones."""
    return "ko" if _share(text.lower()) >= _KOREAN_FROM else "en"
