"""A marker is written wherever anybody can write anything, and then looked for wherever anything is kept.

On both kinds of installation: SQLite alone, and PostgreSQL with the bell over Redis. The service is the real command.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import io
import json
import sqlite3
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import httpx2
import pytest
import redis
from sqlalchemy.engine import make_url

from bot.assess_lines import _parsed
from bot.batch import Batcher
from bot.decide import Decided, Undecided
from bot.intake import Arrival
from bot.marks import inbox_place
from channels import port
from channels.web import Code, Message
from handoff.conversation import Author, Claim, ClaimKey
from handoff.letter import Letter, opened, posted
from nlu.normalise import normalise
from nlu.understanding import Signal, Understanding, Worry
from tests.builders import KEY_RING, conversation, index
from tests.journey.running import FORM, Service, apart, kept, running, sign_in
from tests.journey.traces import contents, traces
from vault.entries import EntryBody, open_entry, seal_entry, seal_note
from vault.errors import VaultError
from vault.keyring import ServiceKeyRing
from vault.places import EntryPlace
from vault.recovery import code_index
from vault.sealing import new_key_pair
from vault.secret import SecretText
from vault.session import open_for_session

MARKER = "표식짙은밤73915"
SAID = f"걔가 사진을 퍼뜨린대요 {MARKER} 도와주세요"
REPLY = f"여기 있어요 {MARKER} 같이 해요"
NOTE = f"마감은 오늘 {MARKER} 밤"
LOOKED_FOR = [MARKER, "짙은밤7391", SAID, REPLY, NOTE]


# ── two kinds of installation ────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Ear:
    """Everything that passes through Redis while it listens."""

    url: str
    heard: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def listen(self, ready: threading.Event) -> None:
        with redis.Redis.from_url(self.url, socket_timeout=None) as client, client.monitor() as monitor:
            ready.set()
            for command in monitor.listen():
                self.heard.append(str(command))
                if self._over.is_set():
                    return

    def end(self) -> None:
        self._over.set()
        with redis.Redis.from_url(self.url) as client:
            client.ping()


@pytest.fixture
def ear(redis_url: str) -> Iterator[Ear]:
    ear, ready = Ear(redis_url), threading.Event()
    thread = threading.Thread(target=ear.listen, args=(ready,))
    thread.start()
    assert ready.wait(5)
    yield ear
    ear.end()
    thread.join()


@dataclass(frozen=True, slots=True)
class Home:
    """A running service, everything that it keeps, and how its tables can be taken away for a while."""

    service: Service
    rows: Callable[[], dict[str, bytes]]
    run: Callable[[str], None]
    ear: Ear | None = None


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    if request.param == "sqlite":
        with running(tmp_path / "gyeot") as service:
            yield Home(service, dict, lambda statement: _on_sqlite(service, statement))
        return
    url, ear = request.getfixturevalue("own_postgres_url"), request.getfixturevalue("ear")
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    more = {"GYEOT_DATABASE_URL": url, "GYEOT_REDIS_URL": ear.url}
    with running(tmp_path / "gyeot", **more) as service:
        yield Home(service, lambda: apart(_dump(plain)), lambda it: apart(_on_postgresql(plain, it)), ear)


def _on_sqlite(service: Service, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(service.folder / "var" / "gyeot.db", timeout=10)) as connection:
        connection.execute(statement)
        connection.commit()


async def _on_postgresql(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _dump(url: str) -> dict[str, bytes]:
    """Every row of every table as text; bytes in it are hexadecimal, and once more as they are."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (name,) in names:
            rows = await connection.fetch(f'SELECT t::text AS row, t.* FROM "{name}" t')
            text = "\n".join(row["row"] for row in rows).encode()
            raw = b"".join(value for row in rows for value in row.values() if isinstance(value, bytes))
            found[f"table {name}"] = text + raw
        return found
    finally:
        await connection.close()


# ── every journey ────────────────────────────────────────────────────────────────────────────────────────


def test_the_marker_is_nowhere(home: Home) -> None:
    service = home.service
    with httpx2.Client(base_url=service.public, headers=FORM, timeout=15) as visitor:
        ids = _talk(service, visitor)
        code = visitor.post("/api/recovery", json={}).json()["code"]
        _misuse_public(visitor)
        tokens = [visitor.cookies["gyeot"]]
    with sign_in(service, "haeun") as counselor:
        _misuse_console(counselor, ids[0])
        tokens.append(counselor.cookies["gyeot-staff"])
    _break_the_store(home)

    secret = [*LOOKED_FOR, *tokens, code]
    for ended in (False, True):
        if ended:
            assert service.stop() == 0
        held = contents(service.files()) | home.rows()
        assert len(held) >= 3
        assert traces(secret, held) == []
    after_the_banner = service.stderr.partition("Ctrl-C")[2]
    assert "door.broken" in after_the_banner, "nothing was broken"
    assert "127.0.0.1" not in after_the_banner
    if home.ear is not None:
        _check_redis(home.ear, ids, secret)
    said = [text for talk in kept(service) for _, text in talk.entries]
    assert {SAID, REPLY, NOTE} <= set(said), "the marker was not even written"


def _talk(service: Service, visitor: httpx2.Client) -> list[str]:
    """Message, claim, reply, note, close, and writing again."""
    assert visitor.post("/api/messages", json=_message()).status_code == 200
    with sign_in(service, "minjun") as counselor:
        [row] = counselor.get("/api/queue").json()["waiting"]
        path = f"/api/conversations/{row['id']}"
        found = counselor.get(path).json()
        note_id = str(uuid.uuid4())
        sealed = seal_note(base64.b64decode(found["public_key"]), NOTE, row["id"], note_id)
        note = {"note_id": note_id, "sealed": base64.b64encode(sealed).decode()}
        for action, body in (("claim", {}), ("reply", {"text": REPLY}), ("note", note), ("close", {})):
            answer = counselor.post(f"{path}/{action}", json={"request_id": str(uuid.uuid4())} | body)
            assert answer.status_code == 200, (action, answer.text)
    assert REPLY in visitor.get("/api/thread").text
    assert visitor.post("/api/messages", json=_message()).status_code == 200
    return [row["id"]]


def _message(**more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "text": SAID} | more


def _misuse_public(visitor: httpx2.Client) -> None:
    json_headers = {"Content-Type": "application/json"}
    raw = json.dumps(_message(), ensure_ascii=False).encode()
    refused = [
        visitor.post("/api/messages", content=raw[:-1], headers=json_headers),
        visitor.post("/api/messages", content=raw.replace(b"text", b"te\xffxt"), headers=json_headers),
        visitor.post("/api/messages", content=b"\x00" + raw, headers=json_headers),
        visitor.post("/api/messages", content=raw, headers={"Content-Type": f"text/plain; x={_ascii()}"}),
        visitor.post("/api/messages", data={"text": SAID}),
        visitor.post("/api/messages", files={"text": ("a.png", SAID.encode())}),
        visitor.post("/api/messages", json=_message(text=SAID * 200)),
        visitor.post("/api/messages", json=_message(text=SAID * 150_000)),
        visitor.post("/api/messages", json=_message(text=[SAID])),
        visitor.post("/api/messages", json=_message(text={SAID: SAID})),
        visitor.post("/api/messages", json=_message(id=MARKER)),
        visitor.post("/api/messages", json=_message(lang=MARKER)),
        visitor.post("/api/messages", json=_message(seen=MARKER)),
        visitor.post("/api/messages", json=_message() | {MARKER: MARKER}),
        visitor.post("/api/messages", json=[SAID]),
        visitor.post("/api/messages", json=SAID),
        visitor.post("/api/messages", json=_message(), headers={"X-Gyeot": _ascii()}),
        visitor.post("/api/recover", json={"code": SAID}),
        visitor.post("/api/recover", json={"code": SAID * 20}),
        visitor.post("/api/recovery", json={"lang": MARKER}),
        visitor.get(f"/{MARKER}"),
        visitor.get(f"/static/{MARKER}"),
        visitor.get("/api/thread", params={"after": MARKER}),
        visitor.request("PROPFIND", f"/api/messages?{MARKER}"),
    ]
    assert [answer.status_code for answer in refused if not 400 <= answer.status_code < 500] == []
    assert not [number for number, answer in enumerate(refused) if MARKER in answer.text]
    assert visitor.get("/", params={"lang": MARKER}).status_code == 200
    visitor.get("/api/thread", headers={"Cookie": f"gyeot={_ascii()}", "Accept-Language": _ascii()})


def _ascii() -> str:
    """The marker in what a header may hold."""
    return MARKER.encode().hex()


def _misuse_console(counselor: httpx2.Client, id: str) -> None:
    path = f"/api/conversations/{id}"
    form = {"request_id": str(uuid.uuid4())}
    refused = [
        counselor.post("/api/sign-in", json={"name": MARKER, "proof": base64.b64encode(bytes(32)).decode()}),
        counselor.post("/api/sign-in", json={"name": "minjun", "proof": MARKER}),
        counselor.post("/api/sign-in/start", json={"name": MARKER * 20}),
        counselor.post("/api/sign-in/start", json={"name": f"\0{MARKER}", "more": MARKER}),
        counselor.post(f"{path}/reply", json=form | {"text": SAID}),
        counselor.post(f"{path}/reply", json=form | {"text": SAID * 200}),
        counselor.post(f"{path}/reply", json={"request_id": MARKER, "text": SAID}),
        counselor.post(f"{path}/note", json=form | {"note_id": str(uuid.uuid4()), "sealed": NOTE}),
        counselor.post(f"{path}/note", json=form | {"note_id": MARKER, "sealed": "AAAA"}),
        counselor.post(f"{path}/risk", json=form | {"risk": MARKER, "topic": MARKER}),
        counselor.post(f"/api/conversations/{MARKER}/claim", json=form),
        counselor.get(f"/api/conversations/{MARKER}"),
        counselor.get("/api/conversations/%00"),
        counselor.post(f"/api/staff/{MARKER}/admit", json=form | {"shares": [{"epoch": 1, "sealed": NOTE}]}),
    ]
    assert [answer.status_code for answer in refused if not 400 <= answer.status_code < 500] == []
    assert not [number for number, answer in enumerate(refused) if MARKER in answer.text]
    assert counselor.post("/api/sign-in/start", json={"name": MARKER}).status_code == 200


def _break_the_store(home: Home) -> None:
    """Tables go away under the running service; a message that was not kept is refused, and kept later."""
    with httpx2.Client(base_url=home.service.public, headers=FORM, timeout=15) as visitor:
        assert visitor.post("/api/messages", json=_message()).status_code == 200
        sent = _message()
        for table in ("entry", "claim", "outbox", "assessment"):
            home.run(f"ALTER TABLE {table} RENAME TO gone")
            answer = visitor.post("/api/messages", json=sent)
            looked = visitor.get("/api/thread")
            home.run(f"ALTER TABLE gone RENAME TO {table}")
            refused = [each for each in (answer, looked) if each.status_code in {500, 503}]
            assert bool(refused) == (table != "assessment"), "without it a message is kept, and decided later"
            assert not [each for each in refused if MARKER in each.text]
        assert visitor.post("/api/messages", json=sent).status_code == 200
        thread = visitor.get("/api/thread").json()["entries"]
        assert [entry["texts"] for entry in thread if entry["who"] == "visitor"] == [[SAID]] * 2


def _check_redis(ear: Ear, ids: list[str], secret: list[str]) -> None:
    passed = "\n".join(ear.heard)
    assert ids[0] in passed, "no bell was heard"
    with redis.Redis.from_url(ear.url) as client:
        held = {f"key {name!r}": name + (client.dump(name) or b"") for name in client.scan_iter()}
    assert traces(secret, {"what passed": passed.encode()} | held) == []


# ── values and errors that print themselves ──────────────────────────────────────────────────────────────


def _values() -> list[object]:
    """Every value of ours that can hold what somebody wrote."""
    place = EntryPlace("c1", 1, Author.VISITOR)
    pair, ring = new_key_pair(), ServiceKeyRing.parse(KEY_RING)
    message = port.InboundMessage("web", MARKER, MARKER, SAID, "ko", token=True)
    line = port.Line(1, "visitor", dataclasses.MISSING, (SAID,))  # type: ignore[arg-type]
    letter = Letter("l1", "c1", 2, "web", (REPLY,), ())
    key = ClaimKey("web", index().of("event/web", MARKER))
    return [
        message,
        line,
        port.View((line,), port.Standing("waiting"), 1),
        Message(id="0" * 32, text=SAID).id,
        Arrival(message, key, b"index", "ko", 0),
        Claim(key, "c1", 1, 0),
        Undecided("c1", 1, SecretText(SAID), "ko"),
        Decided(conversation(), letter),
        letter,
        posted(ring, letter, 0),
        EntryBody((SAID,)),
        seal_entry(pair.public, EntryBody((SAID,)), place),
        SecretText(SAID),
        normalise(SAID),
        Understanding("ko", None, 0.0, (Signal("human", Worry.CARE, "rules", "unread", 1.0),), "off"),
        ring.seal_text(inbox_place("c1", 1), SecretText(SAID)),
    ]


@pytest.mark.parametrize("value", _values(), ids=lambda value: type(value).__name__)
def test_no_value_prints_what_somebody_wrote(value: object) -> None:
    shown = f"{value!r} {value} {value:}" if not isinstance(value, bytes) else repr(value)
    assert traces(LOOKED_FOR, {"repr": shown.encode()}) == []


async def _fails(_batch: object) -> list[object]:
    raise ValueError


@pytest.mark.parametrize(
    "act",
    [
        lambda: _parsed(SAID.encode()),
        lambda: _parsed(json.dumps({"text": SAID, "lang": SAID}).encode()),
        lambda: _parsed(json.dumps([SAID]).encode()),
        lambda: _parsed(SAID.encode("utf-16")),
        lambda: Message.model_validate({"id": MARKER, "text": SAID, "lang": SAID}),
        lambda: Message.model_validate({"id": SAID, "text": SAID * 200}),
        lambda: Code.model_validate({"code": [SAID]}),
        lambda: ServiceKeyRing.parse(SAID),
        lambda: ServiceKeyRing.parse(KEY_RING).open_text(inbox_place("c1", 1), SAID.encode()),
        lambda: opened(ServiceKeyRing.parse(KEY_RING), _strange_row()),
        lambda: open_entry(new_key_pair().private, SAID.encode(), EntryPlace("c1", 1, Author.VISITOR)),
        lambda: open_for_session(SecretText(SAID), "c1", b"\x01" + SAID.encode() * 3),
        lambda: json.dumps(SecretText(SAID)),
        lambda: "".join([SecretText(SAID)]),  # type: ignore[list-item]
        lambda: asyncio.run(Batcher(_fails).submit(SAID)),
    ],
    ids=range(15),
)
def test_no_error_tells_what_somebody_wrote(act: Callable[[], object]) -> None:
    with pytest.raises((ValueError, TypeError, VaultError)) as caught:
        act()
    told = io.StringIO()
    traceback.print_exception(caught.value, file=told)
    shown = "\n".join(line for line in told.getvalue().splitlines() if "SAID" not in line)
    assert traces(LOOKED_FOR, {"error": f"{shown} {caught.value!r} {caught.value}".encode()}) == []


def _strange_row() -> Any:
    ring = ServiceKeyRing.parse(KEY_RING)
    row = posted(ring, Letter("l1", "c1", 2, "web", (REPLY,), ()), 0)
    return dataclasses.replace(row, id="l2")


def test_a_code_that_nobody_has_raises_nothing() -> None:
    assert len(code_index(index(), SecretText(SAID))) == 32


@pytest.mark.parametrize("before", ["", "a", "ab", "가"])
def test_what_was_left_behind_is_found_in_every_form(before: str) -> None:
    """The search itself: without this, finding nothing would say nothing."""
    text = f"{before}{MARKER} 끝"
    left = {
        "plain": text.encode(),
        "wide": text.encode("utf-16"),
        "escaped": json.dumps({"t": [text]}).encode(),
        "hex": text.encode().hex().encode(),
        "base64": base64.b64encode(text.encode()),
        "base64url": base64.urlsafe_b64encode(text.encode()),
        "repr": repr(text.encode()).encode(),
    }
    found = traces([MARKER], left)
    assert [name for name in left if not any(trace.endswith(f" in {name}") for trace in found)] == []
