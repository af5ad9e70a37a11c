from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import web

from bot import content, doctor, first_run
from bot.doctor import examine
from bot.settings import STATE_FILE, read
from nlu import prepare, rulebook
from tests.journey import indoors


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good installation on the rules alone, with nobody in it yet."""
    import os

    for name in [name for name in os.environ if name.startswith("GYEOT_") and name != "GYEOT_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GYEOT_NLU", "rules")
    monkeypatch.setattr(content, "load", indoors._read_content)
    monkeypatch.setattr(rulebook, "load", indoors._read_rules)
    first_run.make_keys()
    return tmp_path


async def staffed() -> None:
    await first_run.make_staff(read())


async def findings() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for finding in await examine():
        worse = found.get(finding.check, ("good", ""))[0] != "good"
        if not worse:
            found[finding.check] = (finding.state, finding.words)
    return found


async def test_a_good_installation(installed: Path) -> None:
    await staffed()
    found = await findings()
    assert [check for check, (state, _) in found.items() if state == "bad"] == []
    for check in ("settings", "keys", "database", "staff", "audit chain", "rules", "clock", "door"):
        assert found[check][0] == "good", check
    assert found["model"][0] == "warning"


async def test_wrong_settings_hide_neither_content_nor_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYEOT_PUBLIC_PORT", "x")
    found = await findings()
    assert found["settings"][0] == "bad"
    assert "GYEOT_PUBLIC_PORT" in found["settings"][1]
    assert {"guidance", "rules", "clock"} <= set(found)


async def test_a_missing_key_is_named_and_the_rest_is_looked_at(installed: Path) -> None:
    await staffed()
    kept = [line for line in STATE_FILE.read_text("utf-8").splitlines() if "AUDIT" not in line]
    STATE_FILE.write_text("\n".join(kept), "utf-8")
    found = await findings()
    assert found["keys"][0] == "bad"
    assert "GYEOT_AUDIT_KEY" in found["keys"][1]
    assert {"database", "model", "guidance", "clock", "door"} <= set(found)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (None, "db upgrade"),
        ("sqlite+aiosqlite:////nowhere/at/all/gyeot.db", "GYEOT_DATABASE_URL"),
        ("postgresql+asyncpg://gyeot@127.0.0.1:9/gyeot", "GYEOT_DATABASE_URL"),
        ("mysql://x", "GYEOT_DATABASE_URL"),
        ("nonsense", "GYEOT_DATABASE_URL"),
    ],
)
async def test_a_database_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, url: str | None, word: str
) -> None:
    if url:
        monkeypatch.setenv("GYEOT_DATABASE_URL", url)
    state, words = (await findings())["database"]
    assert state == "bad"
    assert word in words
    assert url is None or url not in words


async def test_nobody_to_admit_anyone(installed: Path) -> None:
    await staffed()
    _sql(installed, "UPDATE staff SET disabled_at = 1 WHERE role = 'supervisor'")
    state, words = (await findings())["staff"]
    assert state == "bad"
    assert "gyeot staff add" in words


async def test_a_changed_audit_chain(installed: Path) -> None:
    await staffed()
    _sql(installed, "UPDATE audit SET action = 'something else' WHERE n = 2")
    state, words = (await findings())["audit chain"]
    assert state == "bad"
    assert "2" in words


def _sql(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "var" / "gyeot.db")
    connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_clock_behind_the_newest_record_or_behind_the_build(installed: Path) -> None:
    await staffed()
    assert (await findings())["clock"][0] == "good"
    with time_machine.travel(datetime(2026, 10, 1, tzinfo=UTC), tick=False):
        state, words = doctor._clock().state, doctor._clock().words
    assert state == "bad"
    assert "NTP" in words
    _sql(installed, "UPDATE audit SET at = at + 86400000 WHERE n = (SELECT max(n) FROM audit)")
    assert (await findings())["clock"][0] == "bad"


@pytest.mark.parametrize(
    ("host", "secure", "state"),
    [("127.0.0.1", "false", "good"), ("0.0.0.0", "false", "bad"), ("0.0.0.0", "true", "good")],
)
async def test_the_door(monkeypatch: pytest.MonkeyPatch, host: str, secure: str, state: str) -> None:
    monkeypatch.setenv("GYEOT_PUBLIC_HOST", host)
    monkeypatch.setenv("GYEOT_SECURE_COOKIES", secure)
    assert (await findings())["door"][0] == state


@pytest.fixture
async def model() -> AsyncIterator[dict[str, Any]]:
    """A model server that answers with the status that a test sets."""
    said = {"status": 200}

    async def status(_request: web.Request) -> web.Response:
        return web.json_response({}, status=said["status"])

    app = web.Application()
    app.router.add_get("/status", status)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    said["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}"  # type: ignore[assignment]
    yield said
    await runner.cleanup()


async def test_a_model_elsewhere(monkeypatch: pytest.MonkeyPatch, model: dict[str, Any]) -> None:
    monkeypatch.setenv("GYEOT_NLU", "model")
    monkeypatch.setenv("GYEOT_NLU_URL", model["url"])
    assert (await findings())["model"] == ("good", "answers")
    model["status"] = 503
    assert (await findings())["model"][0] == "bad"
    monkeypatch.setenv("GYEOT_NLU_URL", "http://127.0.0.1:9")
    assert (await findings())["model"][0] == "bad"


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ([("model", "/a/b")], "good"),
        ([("model", "not made yet (/a/b)")], "warning"),
        ([("python 3.10", "missing: get one"), ("model", "/a/b")], "warning"),
    ],
)
async def test_a_model_here(
    monkeypatch: pytest.MonkeyPatch, found: list[tuple[str, str]], state: str
) -> None:
    monkeypatch.setenv("GYEOT_NLU", "model")
    monkeypatch.setattr(prepare, "doctor", lambda: found)
    assert (await findings())["model"][0] == state


async def test_broken_guidance_and_broken_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_content(_path: Path) -> None:
        raise content.ContentError("harm.yaml: no such text")

    def broken_rules() -> None:
        raise rulebook.RulebookError("harm.yaml: no such family")

    monkeypatch.setattr(content, "load", broken_content)
    assert (await findings())["guidance"] == ("bad", "harm.yaml: no such text")
    monkeypatch.setattr(content, "load", indoors._read_content)
    monkeypatch.setattr(rulebook, "load", broken_rules)
    assert (await findings())["rules"] == ("bad", "harm.yaml: no such family")


async def test_unreviewed_texts_and_old_numbers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    words = content.load(doctor.GUIDANCE)
    assert await asyncio.to_thread(words.stale, date(2030, 1, 1), doctor.STALE_DAYS)
    monkeypatch.setattr(doctor, "STALE_DAYS", -36500)
    found = await findings()
    assert found["directory"][0] == "warning"
    monkeypatch.setattr(type(words), "unreviewed", lambda _self: ["harm.x"])
    assert (await findings())["guidance"][0] == "warning"
    monkeypatch.setattr(type(words), "unreviewed", lambda _self: [])
    assert (await findings())["guidance"][0] == "good"
