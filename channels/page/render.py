"""Render the visitor's two documents.

Nothing on them depends on who asks, so both languages are rendered once, when a `Page` is made.
The documents carry no inline script, style or handler and live under `CONTENT_POLICY`; the sentences
of both languages travel in a JSON data block, so that switching the language needs no request.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
"""Folder to serve as `/static`."""

LANGUAGES: Final = ("ko", "en")
EMERGENCY: Final = ("112", "119", "109", "1388")
"""Lines of the emergency strip: each needs the texts `emergency_<line>` and `emergency_<line>_tel`."""

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Page:
    """The chat and the "what is kept" document, in Korean and English.

    `texts` maps a key to `{"ko": text, "en": text}`, plain strings with every directory reference
    already resolved; `{ahead}`, `{low}`, `{high}` and `{left}` are filled in by the browser.
    `exit_url` is the neutral site that the quick exit leaves for (http or https).

    Raises `ValueError` for a text that lacks a language or an exit address that is not a web
    address, and `jinja2.UndefinedError` for a text that a document needs and that is missing.
    """

    def __init__(self, texts: Mapping[str, Mapping[str, str]], exit_url: str) -> None:
        _check(texts, exit_url)
        documents = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        documents.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
        self._rendered = {
            (name, lang): documents.get_template(f"{name}.html").render(
                lang=lang,
                other="en" if lang == "ko" else "ko",
                t={key: text[lang] for key, text in texts.items()},
                texts={key: {each: text[each] for each in LANGUAGES} for key, text in texts.items()},
                emergency=EMERGENCY,
                exit_url=exit_url,
            )
            for name in ("chat", "kept")
            for lang in LANGUAGES
        }

    def chat(self, lang: str) -> str:
        """Return the chat as HTML; a language that is not spoken here gives Korean."""
        return self._rendered["chat", _spoken(lang)]

    def kept(self, lang: str) -> str:
        """Return "what is kept" as HTML; a language that is not spoken here gives Korean."""
        return self._rendered["kept", _spoken(lang)]


def _spoken(lang: str) -> str:
    return lang if lang in LANGUAGES else "ko"


def _check(texts: Mapping[str, Mapping[str, str]], exit_url: str) -> None:
    for key, text in texts.items():
        for lang in LANGUAGES:
            if not text.get(lang, "").strip():
                raise ValueError(f"page text {key!r} has no {lang!r}")
    where = urlsplit(exit_url)
    if where.scheme not in {"http", "https"} or not where.netloc:
        raise ValueError("the exit address must start with http:// or https://")
