"""Small attacks on what ``docs/threat-model.md`` promises, each on a whole house over SQLite."""

from __future__ import annotations

import asyncio
import functools
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from bot import content, first_run
from bot.compose import House, console_app, open_house, public_app
from bot.intake import receive
from bot.settings import Settings
from bot.staffing import Staffing
from channels.port import InboundMessage
from handoff.risk import Risk
from handoff.store.ports import Store
from nlu import rulebook
from vault.entries import open_entry
from vault.errors import VaultError
from vault.keytext import new_key_text
from vault.places import EntryPlace
from vault.secret import SecretText
from vault.session import open_for_session

MARKER = "걔가 사진을 뿌린대요 표식7391"
OTHER = "다음 줄 표식8264"
FORM = {"X-Gyeot": "1"}


@dataclass(frozen=True, slots=True)
class Place:
    """A house, and the folder its database is in."""

    house: House
    folder: Path

    @property
    def store(self) -> Store:
        return self.house.tools.store

    def bytes(self) -> bytes:
        """Every byte of the database, its log and its index."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.iterdir()))


KEYS = {name: new_key_text() for name in ("service_keys", "index_key", "audit_key")}


def _settings(folder: Path, **more: object) -> Settings:
    keys = KEYS | {"service_keys": f"k1:{KEYS['service_keys']}"}
    url = f"sqlite+aiosqlite:///{folder / 'gyeot.db'}"
    return Settings(_env_file=None, database_url=url, nlu="rules", **keys, **more)


@pytest.fixture(scope="module", autouse=True)
def read_once() -> Iterator[None]:
    """Guidance and rules are read once for all houses of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "load", functools.cache(content.load))
        patch.setattr(rulebook, "load", functools.cache(rulebook.load))
        yield


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with staff, made once: enrolling is slow on purpose."""
    folder = tmp_path_factory.mktemp("staffed")
    asyncio.run(first_run.make_staff(_settings(folder)))
    return folder / "gyeot.db"


@pytest.fixture
async def place(staffed: Path, tmp_path: Path) -> AsyncIterator[Place]:
    shutil.copy(staffed, tmp_path)
    async with open_house(_settings(tmp_path)) as house:
        yield Place(house, tmp_path)


def _client(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://gyeot.test")


def _message(text: str, token: str, event: str | None = None) -> InboundMessage:
    return InboundMessage("web", event or secrets.token_hex(16), token, text, "ko", token=True)


async def test_a_thief_of_the_database_finds_no_word_and_no_token(place: Place):
    token = secrets.token_urlsafe(32)
    view = await place.house.threads.say(_message(MARKER, token), 0)
    code = await place.house.threads.new_code(token, "ko")
    answer = view.lines[0].texts[0]
    found = place.bytes()
    assert len(found) > 50_000
    for secret in (MARKER, "사진", answer, token, code, *code.split(" ")):
        assert secret.encode() not in found
        assert secret.encode("utf-16-le") not in found


async def test_the_servers_own_keys_do_not_open_a_transcript(place: Place):
    token = secrets.token_urlsafe(32)
    await place.house.threads.say(_message(MARKER, token), 0)
    keys = place.house.keys
    async with place.store.read() as tx:
        address = next(iter((await tx.addresses.find([keys.index.of("address/web", token)])).values()))
        entry = (await tx.entries.of(address.conversation))[0]
    where = EntryPlace(entry.conversation, entry.seq, entry.author)
    for key in (keys.audit, secrets.token_bytes(32)):
        with pytest.raises(VaultError):
            open_entry(key, entry.sealed, where)
    with pytest.raises(VaultError):
        open_for_session(SecretText(secrets.token_urlsafe(32)), entry.conversation, address.sealed_key)
    private = open_for_session(SecretText(token), entry.conversation, address.sealed_key)
    assert open_entry(private, entry.sealed, where).texts == (MARKER,)


async def test_what_is_decided_leaves_the_inbox_and_what_is_shown_leaves_the_outbox(place: Place):
    token = secrets.token_urlsafe(32)
    view = await place.house.threads.say(_message(MARKER, token), 0)
    conversation = (await _only(place)).id
    async with place.store.read() as tx:
        assert await tx.inbox.of([conversation]) == []
        waiting = await tx.outbox.of(conversation)
    assert [item.seq for item in waiting] == [line.seq for line in view.lines]
    await place.house.threads.thread(token, view.lines[-1].seq)
    async with place.store.read() as tx:
        assert await tx.outbox.of(conversation) == []


async def _only(place: Place):
    async with place.store.read() as tx:
        found = await tx.conversations.in_phase(["with_bot", "waiting", "claimed", "closed"])
    assert len(found) == 1
    return found[0]


async def test_what_is_remembered_of_earlier_lines_is_constant_words(place: Place):
    token = secrets.token_urlsafe(32)
    for line in ("오늘", "죽고싶어 표식7391", "저 초5예요 텔레그램에 표식8264 올라왔어요"):
        await place.house.threads.say(_message(line, token), 0)
    talk = (await _only(place)).talk
    known = place.house.tools.content
    assert {hint.word for hint in talk.hints} <= known.signs.ids
    assert set(talk.notes) <= known.signs.ids
    assert set(talk.said) <= set(known.texts)
    assert talk.hints
    found = place.bytes()
    for word in ("표식7391", "표식8264", "초5", "죽고싶어"):
        assert word.encode() not in found


async def test_the_same_event_any_number_of_times_is_one_entry_and_one_answer(place: Place):
    token, event = secrets.token_urlsafe(32), secrets.token_hex(16)
    views = [await place.house.threads.say(_message(MARKER, token, event), 0) for _ in range(5)]
    assert {view.seq for view in views} == {1}
    async with place.store.read() as tx:
        entries = await tx.entries.of((await _only(place)).id)
    assert [entry.author for entry in entries] == ["visitor", "bot"]


async def test_a_recovery_code_shows_only_what_was_not_shown(place: Place):
    threads, token = place.house.threads, secrets.token_urlsafe(32)
    first = await threads.say(_message(MARKER, token), 0)
    code = await threads.new_code(token, "ko")
    second = await threads.say(_message(OTHER, token), first.lines[-1].seq)
    returned = secrets.token_urlsafe(32)
    view = await threads.enter(code, returned)
    assert [line.seq for line in view.lines] == [line.seq for line in second.lines]
    for shown in (view, await threads.thread(returned, 0)):
        texts = " ".join(text for line in shown.lines for text in line.texts)
        assert MARKER not in texts
        assert OTHER not in texts
        assert not {line.who for line in shown.lines} & {"visitor"}


async def test_codes_cannot_be_guessed_for_long_and_a_new_one_ends_the_old(place: Place):
    threads, token = place.house.threads, secrets.token_urlsafe(32)
    await threads.say(_message(MARKER, token), 0)
    old = await threads.new_code(token, "ko")
    await threads.new_code(token, "ko")
    assert await threads.enter(old, secrets.token_urlsafe(32)) is None
    wrong = {"code": "one two three four five six"}
    async with _client(public_app(place.house)) as client:
        tries = [await client.post("/api/recover", json=wrong, headers=FORM) for _ in range(12)]
    assert [answer.status_code for answer in tries] == [404] * 10 + [429] * 2
    assert int(tries[-1].headers["retry-after"]) >= 1
    assert not any("set-cookie" in answer.headers for answer in tries)


async def test_leaving_forgets_the_session_on_the_server(place: Place):
    token = secrets.token_urlsafe(32)
    await place.house.threads.say(_message(MARKER, token), 0)
    async with _client(public_app(place.house)) as client:
        client.cookies.set("gyeot", token)
        answer = await client.post("/api/leave", headers=FORM)
    assert answer.status_code == 204
    assert "cookies" in answer.headers["clear-site-data"]
    assert await place.house.threads.thread(token, 0) is None


async def test_the_cookie_is_for_this_host_this_session_and_no_script(place: Place):
    sent = {"id": secrets.token_hex(16), "text": MARKER}
    async with _client(public_app(place.house)) as client:
        loose = (await client.post("/api/messages", json=sent, headers=FORM)).headers["set-cookie"]
    assert {"httponly", "samesite=strict"} <= {part.strip().lower() for part in loose.split(";")}
    assert "expires" not in loose.lower()
    assert "max-age" not in loose.lower()


async def test_another_site_cannot_write(place: Place):
    sent = {"id": secrets.token_hex(16), "text": MARKER}
    async with _client(public_app(place.house)) as client:
        assert (await client.post("/api/messages", json=sent)).status_code == 403
        across = FORM | {"Sec-Fetch-Site": "cross-site"}
        assert (await client.post("/api/messages", json=sent, headers=across)).status_code == 403
    async with place.store.read() as tx:
        assert await tx.conversations.in_phase(["with_bot", "waiting"]) == []


async def test_a_flood_of_one_visitor_is_slowed_and_a_large_body_refused(staffed: Path, tmp_path: Path):
    shutil.copy(staffed, tmp_path)
    async with (
        open_house(_settings(tmp_path, messages_per_minute=4)) as house,
        _client(public_app(house)) as client,
    ):
        statuses = [
            (
                await client.post(
                    "/api/messages", json={"id": secrets.token_hex(16), "text": "네"}, headers=FORM
                )
            ).status_code
            for _ in range(6)
        ]
        large = await client.post("/api/messages", content=b"x" * 100_000, headers=FORM)
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert large.status_code == 413


async def test_the_two_applications_share_no_route(place: Place):
    async with _client(public_app(place.house)) as public, _client(console_app(place.house)) as console:
        for path in ("/api/queue", "/api/staff", "/api/conversations/x"):
            assert (await public.get(path)).status_code == 404
            assert (await console.get(path)).status_code == 401
        for path in ("/api/thread", "/kept"):
            assert (await console.get(path)).status_code == 404


async def test_unknown_names_cannot_be_told_from_staff(place: Place):
    async with _client(console_app(place.house)) as client:
        known, unknown, again = [
            (await client.post("/api/sign-in/start", json={"name": name})).json()
            for name in ("minjun", "nobody", "nobody")
        ]
    assert unknown == again
    assert {key: type(value) for key, value in known.items()} == {
        key: type(value) for key, value in unknown.items()
    }
    assert [len(known[key]) for key in ("staff", "salt")] == [len(unknown[key]) for key in ("staff", "salt")]


async def test_every_deed_of_staff_and_bot_holds_ids_only(place: Place):
    await place.house.threads.say(_message(MARKER, secrets.token_urlsafe(32)), 0)
    async with place.store.read() as tx:
        records = [record for record, _ in await tx.audit.read()]
        assert await place.house.tools.ledger.first_broken(tx) is None
    assert {"staff_added", "queued"} <= {record.action for record in records}
    assert MARKER not in repr(records)


async def test_a_changed_record_breaks_the_audit_chain(place: Place):
    await place.house.threads.say(_message(MARKER, secrets.token_urlsafe(32)), 0)
    async with place.store.begin() as tx:
        await tx._connection.execute(text("UPDATE audit SET actor = 'somebody' WHERE n = 2"))
    async with place.store.read() as tx:
        assert await place.house.tools.ledger.first_broken(tx) == 2


async def test_behind_tls_cookies_are_bound_to_this_very_host(staffed: Path, tmp_path: Path):
    shutil.copy(staffed, tmp_path)
    sent = {"id": secrets.token_hex(16), "text": "네"}
    async with (
        open_house(_settings(tmp_path, secure_cookies=True)) as house,
        _client(public_app(house)) as client,
    ):
        answer = await client.post("/api/messages", json=sent, headers=FORM)
    name, _, rest = answer.headers["set-cookie"].partition("=")
    parts = {part.strip().lower() for part in rest.split(";")}
    assert name == "__Host-gyeot"
    assert {"secure", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    assert "max-age=" in answer.headers["strict-transport-security"]


async def test_what_was_kept_and_not_decided_is_found_and_answered_once(place: Place):
    message = _message(MARKER, secrets.token_urlsafe(32))
    arrival = place.house.listener._arrival(message, 0, None)
    await receive(place.house.tools, [arrival])  # and here the process dies
    assert [await place.house.watch.look(0) for _ in range(3)] == [1, 0, 0]
    conversation = await _only(place)
    async with place.store.read() as tx:
        entries = await tx.entries.of(conversation.id)
    assert [entry.author for entry in entries] == ["visitor", "bot"]
    assert conversation.phase == "waiting"


async def test_what_cannot_be_read_goes_to_a_person(place: Place):
    arrival = place.house.listener._arrival(_message(MARKER, secrets.token_urlsafe(32)), 0, None)
    await receive(place.house.tools, [arrival])
    async with place.store.begin() as tx:
        await tx._connection.execute(text("UPDATE inbox SET sealed_text = x'0102'"))
    await place.house.watch.look(0)
    conversation = await _only(place)
    assert conversation.phase == "waiting"
    assert conversation.risk >= Risk.MEDIUM


async def test_who_left_has_no_share_of_what_comes_later(place: Place):
    staffing = Staffing(
        place.store, place.house.tools.ledger, place.house.tools.now, place.house.tools.new_id
    )
    await staffing.disable("minjun")
    await place.house.threads.say(_message(MARKER, secrets.token_urlsafe(32)), 0)
    later = (await _only(place)).desk_epoch
    async with place.store.read() as tx:
        names = {person.id: person.name for person in await tx.staff.all()}
        holders = {names[share.staff] for share in await tx.desk_keys.shares() if share.epoch == later}
        left = [share for share in await tx.desk_keys.shares() if names[share.staff] == "minjun"]
    assert later == 2
    assert holders == {"seoyeon", "haeun"}
    assert left == []
