"""The project's own files, as the house tests see them."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "channels", "console", "handoff", "nlu", "simulators", "vault")


def own_files(*suffixes: str, under: Path = ROOT) -> Iterator[Path]:
    """Files below ``under`` that the repository keeps: nothing that .gitignore names, no vendored file."""
    ignored = _ignored()
    for path in sorted(under.iterdir()):
        if path.name in {".git", "vendor"} or any(fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from own_files(*suffixes, under=path)
        elif not suffixes or path.suffix in suffixes:
            yield path


def shown(path: Path) -> str:
    """The path as a reader of the repository writes it."""
    return path.relative_to(ROOT).as_posix()


def _ignored() -> list[str]:
    lines = (ROOT / ".gitignore").read_text("utf-8").split()
    return [line.strip("/") for line in lines]
