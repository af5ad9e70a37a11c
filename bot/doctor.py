"""Examining an installation: what is good, what deserves a look, what is broken, and what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import aiohttp
from sqlalchemy.exc import SQLAlchemyError

from bot import content
from bot.compose import GUIDANCE
from bot.settings import Keys, Settings, Unusable, read
from handoff.errors import HandoffError
from handoff.ledger import Ledger
from handoff.people import Role
from handoff.store.engine import open_engine
from handoff.store.migrate import is_current
from handoff.store.sql import SqlStore
from nlu import prepare, rulebook

State = Literal["good", "warning", "bad"]
STALE_DAYS = 180
BUILT = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    state: State
    words: str


async def examine() -> list[Finding]:
    """Look at everything that can be looked at; a failed check never hides the next."""
    try:
        settings = read()
    except Unusable as error:
        return [Finding("settings", "bad", str(error)), *_content(), _clock()]
    findings = [Finding("settings", "good", "read"), *_keys(settings)]
    findings += [finding async for finding in _database(settings)]
    findings += [await _model(settings), *_content(), _clock(), _door(settings)]
    return findings


def _keys(settings: Settings) -> list[Finding]:
    try:
        Keys(settings)
    except Unusable as error:
        return [Finding("keys", "bad", str(error))]
    return [Finding("keys", "good", "present and strong")]


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        if not await is_current(settings.database_url):
            yield Finding("database", "bad", "not up to date. Run: gyeot db upgrade")
            return
    except (SQLAlchemyError, HandoffError, OSError, ValueError) as error:
        yield Finding("database", "bad", f"cannot be opened ({type(error).__name__}); see GYEOT_DATABASE_URL")
        return
    yield Finding("database", "good", "reachable and up to date")
    store = SqlStore(open_engine(settings.database_url))
    try:
        async with store.read() as tx:
            people = await tx.staff.all()
            broken = await Ledger(Keys(settings).audit).first_broken(tx)
            newest = await tx.audit.read(after=(await tx.audit.head())[0] - 1)
    except Unusable:
        return
    finally:
        await store.close()
    if not any(p.role is Role.SUPERVISOR and p.disabled_at is None for p in people):
        yield Finding("staff", "bad", "no supervisor. Run: gyeot staff add NAME --role supervisor")
    else:
        yield Finding("staff", "good", f"{len(people)} member(s)")
    if newest:
        yield _clock(round(newest[-1][0].at.timestamp() * 1000))
    if broken is None:
        yield Finding("audit chain", "good", "whole")
    else:
        yield Finding("audit chain", "bad", f"record {broken} was changed, dropped or added outside")


async def _model(settings: Settings) -> Finding:
    if settings.nlu == "rules":
        return Finding("model", "warning", "switched off (GYEOT_NLU=rules): the rules decide alone")
    if settings.nlu_url is None:
        missing = [words for _, words in prepare.doctor() if words.startswith(("missing", "not made"))]
        words = "; ".join(missing) or "trained; `gyeot serve all` starts its server"
        return Finding("model", "warning" if missing else "good", words)
    try:
        timeout = aiohttp.ClientTimeout(total=3)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{settings.nlu_url}/status") as answer,
        ):
            answer.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        return Finding("model", "bad", f"does not answer ({type(error).__name__}); the rules decide alone")
    return Finding("model", "good", "answers")


def _content() -> list[Finding]:
    findings = []
    try:
        words = content.load(GUIDANCE)
    except content.ContentError as error:
        return [Finding("guidance", "bad", str(error))]
    unreviewed = words.unreviewed()
    if unreviewed:
        many = f"{len(unreviewed)} text(s) have no reviewed_by: a person of the centre must read them"
        findings.append(Finding("guidance", "warning", many))
    else:
        findings.append(Finding("guidance", "good", "reviewed"))
    stale = words.stale(datetime.now(UTC).date(), STALE_DAYS)
    if stale:
        many = f"older than {STALE_DAYS} days, verify again: {', '.join(stale)}"
        findings.append(Finding("directory", "warning", many))
    else:
        findings.append(Finding("directory", "good", f"verified within {STALE_DAYS} days"))
    try:
        rulebook.load()
    except rulebook.RulebookError as error:
        findings.append(Finding("rules", "bad", str(error)))
    else:
        findings.append(Finding("rules", "good", "loaded"))
    return findings


def _clock(newest: int = BUILT) -> Finding:
    """The clock must not be behind what was recorded already, nor behind the day this was built."""
    here = datetime.now(UTC)
    if here.timestamp() * 1000 < newest:
        return Finding("clock", "bad", f"{here:%Y-%m-%d %H:%M} UTC is before the newest record: set it (NTP)")
    return Finding("clock", "good", here.isoformat(timespec="seconds"))


def _door(settings: Settings) -> Finding:
    if settings.secure_cookies or settings.public_host in {"127.0.0.1", "localhost", "::1"}:
        return Finding("door", "good", "cookies are safe here")
    return Finding("door", "bad", "GYEOT_SECURE_COOKIES must be true on any address but this machine's own")
