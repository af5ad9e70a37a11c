"""Names say what a thing is, nothing is left half done, and no file tells about the machine it was made on."""

from __future__ import annotations

import re

from tests.house.tree import own_files, shown

EMPTY_NAMES = {"utils", "util", "common", "helper", "helpers", "manager", "managers", "base", "misc"}
OPEN_MARK = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work/|root/|home/\w|Users/\w|tmp/[a-z])")
REGISTRY = re.compile(
    r"(?:pypi|pythonhosted)\.org|registry\.npmjs|npmmirror\.|--(?:extra-)?index-url|/simple/?\"",
    re.IGNORECASE,
)


def _texts():
    for path in own_files():
        try:
            yield shown(path), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def _hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in _texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_or_folder_has_an_empty_name():
    parts = {(part.split(".")[0].lower(), shown(path)) for path in own_files() for part in path.parts[-3:]}
    assert [where for name, where in parts if name in EMPTY_NAMES] == []


def test_nothing_is_left_open():
    assert _hits(OPEN_MARK) == []


def test_no_path_of_a_machine():
    assert _hits(MACHINE_PATH) == []


def test_no_registry_is_named():
    assert _hits(REGISTRY) == []


def test_the_patterns_bite():
    assert OPEN_MARK.search("# TO" + "DO later")
    assert MACHINE_PATH.search("open('/ho" + "me/somebody/x')")
    assert MACHINE_PATH.search("cd /wo" + "rk/main")
    assert REGISTRY.search("https://pyp" + "i.org/project")
    assert not MACHINE_PATH.search("https://example.org/work/")
