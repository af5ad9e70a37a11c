"""Lock files pin everything by hash, name no index, and never bring a stranger under one of our names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, shown

LOCKS = (*sorted((ROOT / "locks").glob("*.txt")), ROOT / "nlu/model/requirements.txt")
PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==[^\s;]+")


def _requirements(text: str) -> dict[str, str]:
    """Normalised name to the whole requirement, hashes included. Raises ``ValueError`` for another form."""
    found = {}
    for requirement in text.replace("\\\n", " ").splitlines():
        line = requirement.split(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        pinned = PINNED.match(line)
        if pinned is None:
            raise ValueError(line)
        name = re.sub(r"[-_.]+", "-", pinned[1]).lower()
        found[f"{name} {line.partition(';')[2][:60]}"] = line
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=shown)
def test_everything_is_pinned_with_hashes(lock: Path):
    requirements = _requirements(lock.read_text("utf-8"))
    assert requirements
    assert [name for name, line in requirements.items() if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("lock", LOCKS, ids=shown)
def test_no_address_stands_in_it(lock: Path):
    text = lock.read_text("utf-8")
    assert not re.search(r"https?:|--index|--find-links|--trusted-host|git\+|file:", text)


@pytest.mark.parametrize("lock", LOCKS, ids=shown)
def test_no_package_has_the_name_of_one_of_ours(lock: Path):
    names = {name.split(" ")[0] for name in _requirements(lock.read_text("utf-8"))}
    assert names.isdisjoint({*PACKAGES, "gyeot"})


def test_a_line_without_a_version_is_refused():
    with pytest.raises(ValueError, match="channels"):
        _requirements("channels>=4 --hash=sha256:00\n")


def test_the_file_for_tests_holds_the_file_for_running():
    app, dev = (
        set(_requirements((ROOT / "locks" / name).read_text("utf-8")).values())
        for name in ("app.txt", "dev.txt")
    )
    assert app <= dev
