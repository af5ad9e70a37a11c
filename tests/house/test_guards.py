"""Attacks on what guards every house: doors, logs, keys, the database's own settings."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import httpx2
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from bot import logs
from bot.doors import CONSOLE_CSP, PUBLIC_CSP, door
from bot.marks import inbox_place
from bot.serve import _server
from bot.settings import Keys, Settings, Unusable
from channels.port import InboundMessage
from console.gate import Guarded
from handoff.store.engine import open_engine
from handoff.store.sql import SqlStore
from vault.errors import VaultError
from vault.keyring import ServiceKeyRing
from vault.keytext import EXAMPLE_KEY, new_key_text
from vault.secret import SecretText

MARKER = "걔가 사진을 뿌린대요 표식7391"


async def test_a_route_that_forgot_to_ask_answers_403():
    routes = APIRouter(route_class=Guarded)

    @routes.get("/forgot")
    async def forgot() -> str:
        return MARKER

    app = door("door", CONSOLE_CSP, secure=True)
    app.include_router(routes)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://gyeot.test"
    ) as client:
        answer = await client.get("/forgot")
    assert answer.status_code == 403
    assert MARKER not in answer.text


@pytest.mark.parametrize("policy", [PUBLIC_CSP, CONSOLE_CSP])
def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(policy: str):
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'"
    sources = {source for value in parts.values() for source in value.split()}
    allowed = {"'none'", "'self'"} | ({"'wasm-unsafe-eval'"} if policy == CONSOLE_CSP else set())
    assert sources <= allowed


def test_no_access_log_is_kept():
    config = _server(FastAPI(), "127.0.0.1", 0).config
    assert config.access_log is False
    assert config.server_header is False


def test_a_log_line_drops_what_is_no_short_plain_value(monkeypatch: pytest.MonkeyPatch):
    into = io.StringIO()
    monkeypatch.setattr(sys, "stderr", into)
    logs.configure("info", pretty=False)
    structlog.get_logger("t").info(
        "event", message=InboundMessage("web", "event", "t" * 43, MARKER), long=MARKER * 9, id="abc"
    )
    structlog.reset_defaults()
    assert '"id": "abc"' in into.getvalue()
    assert "표식" not in into.getvalue()
    assert "\\ud45c" not in into.getvalue()


@pytest.mark.parametrize("name", ["service_keys", "index_key", "audit_key"])
@pytest.mark.parametrize("value", ["", EXAMPLE_KEY])
def test_the_service_refuses_to_start_without_a_real_key_and_says_which(name: str, value: str):
    given = f"k1:{value}" if name == "service_keys" and value else value
    keys = {"service_keys": f"k1:{new_key_text()}", "index_key": new_key_text(), "audit_key": new_key_text()}
    Keys(Settings(_env_file=None, **keys))
    settings = Settings(_env_file=None, **keys | {name: given})
    with pytest.raises(Unusable) as refused:
        Keys(settings)
    told = str(refused.value)
    assert f"GYEOT_{name.upper()}" in told
    assert EXAMPLE_KEY not in told
    assert EXAMPLE_KEY not in repr(settings)


async def test_sqlite_overwrites_what_is_deleted_and_commits_durably(tmp_path: Path):
    store = SqlStore(open_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}"))
    async with store.begin() as tx:
        connection = tx._connection
        found = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("secure_delete", "synchronous", "journal_mode", "temp_store")
        }
    await store.close()
    assert found == {"secure_delete": 1, "synchronous": 2, "journal_mode": "wal", "temp_store": 2}


def test_a_service_key_ring_of_another_house_opens_nothing():
    one, other = (ServiceKeyRing.parse(f"k1:{new_key_text()}") for _ in range(2))
    sealed = one.seal_text(inbox_place("c1", 1), SecretText(MARKER))
    assert one.open_text(inbox_place("c1", 1), sealed) == SecretText(MARKER)
    for ring, where in ((other, inbox_place("c1", 1)), (one, inbox_place("c1", 2))):
        with pytest.raises(VaultError):
            ring.open_text(where, sealed)
