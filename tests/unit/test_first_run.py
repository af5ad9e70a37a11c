from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.first_run import DEMO, KeyLines, make_keys, make_staff
from bot.settings import Keys, Settings
from tests.journey.indoors import some_settings


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "var" / "gyeot.env"
    assert make_keys(path)
    written = path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not make_keys(path)
    assert path.read_text("utf-8") == written


def test_fresh_keys_are_good_and_never_the_same(tmp_path: Path) -> None:
    assert KeyLines.new().text != KeyLines.new().text
    path = tmp_path / "gyeot.env"
    make_keys(path)
    Keys(Settings(_env_file=path))


async def test_the_first_run_makes_three_and_the_second_nobody(tmp_path: Path) -> None:
    settings = some_settings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'gyeot.db'}")
    newcomers = await make_staff(settings)
    assert [(it.staff.name, it.staff.role) for it in newcomers] == list(DEMO)
    assert all(newcomer.admitted for newcomer in newcomers)
    phrases = [newcomer.passphrase.reveal() for newcomer in newcomers]
    assert len({*phrases}) == 3
    assert {len(phrase.split()) for phrase in phrases} == {6}
    assert await make_staff(settings) == []
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [phrase for phrase in phrases if phrase.encode() in held]


def test_an_owner_who_cannot_write_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OSError):
        make_keys(tmp_path / "file" / "gyeot.env")
