"""Searching bytes for a text, in whatever form it may have been left behind."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote


def forms(text: str) -> dict[str, bytes]:
    """The text as programs leave it behind: encodings, escapes, base64 at each of its three alignments."""
    plain = text.encode()
    found = {
        "UTF-8": plain,
        "UTF-16 LE": text.encode("utf-16-le"),
        "UTF-16 BE": text.encode("utf-16-be"),
        "JSON": json.dumps(text)[1:-1].encode(),
        "JSON, capital": json.dumps(text)[1:-1].upper().replace("\\U", "\\u").encode(),
        "hex": plain.hex().encode(),
        "bytes": repr(plain)[2:-1].encode(),
        "URL": quote(text).encode(),
    }
    for shift in range(
        3
    ):  # whatever stands before moves the text by so many bytes within its groups of three
        inner = base64.b64encode(bytes(shift) + plain)[4:-4]
        if len(inner) > 12:
            found[f"base64 at {shift}"] = inner
            found[f"base64url at {shift}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    return found


def traces(texts: Iterable[str], places: Mapping[str, bytes]) -> list[str]:
    """Where any of the texts stands in clear: which text (by its number), in which form, in which place."""
    found = []
    for number, text in enumerate(texts):
        for form, needle in forms(text).items():
            found += [f"text {number} as {form} in {name}" for name, held in places.items() if needle in held]
    return found


def contents(paths: Iterable[Path]) -> dict[str, bytes]:
    """The bytes of these files, by name."""
    return {str(path): path.read_bytes() for path in paths if path.is_file()}
