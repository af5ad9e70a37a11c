"""The service as an administrator runs it: the real command in a folder and a process of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil

from bot import first_run
from bot.clock import new_id, now
from bot.settings import Keys, Settings
from bot.staffing import Newcomer, Staffing
from handoff.conversation import Author, Conversation, Entry, Phase
from handoff.ledger import Ledger
from handoff.store.engine import open_engine
from handoff.store.sql import SqlStore
from vault.desk import DeskKey, open_conversation_key
from vault.entries import open_entry, open_note
from vault.places import EntryPlace
from vault.staffkeys import derive

COMMAND = Path(sys.executable).with_name("gyeot")
STARTS_WITHIN = 30.0
MODEL_WITHIN = 240.0
FORM = {"X-Gyeot": "1"}
_KEPT = ("GYEOT_CACHE", "GYEOT_PYTHON310", "GYEOT_EMBEDDINGS")


@dataclass(slots=True)
class Service:
    """One installation in ``folder`` and the process that serves it, if it runs."""

    folder: Path
    public: str
    console: str
    settings: Settings = field(repr=False)
    staff: dict[str, Newcomer] = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def stderr(self) -> str:
        """Everything the process ever wrote to its standard output and error, all starts of it."""
        return (self.folder / "stderr.txt").read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it and wait until both applications answer."""
        with (self.folder / "stderr.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [str(COMMAND), "serve", "all"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait(self.process)

    def wait(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """Wait until both applications answer."""
        deadline = time.monotonic() + STARTS_WITHIN
        with httpx2.Client(timeout=2, verify=False, trust_env=False) as client:
            for url in (self.public, self.console):
                while not _up(client, url):
                    ended = process.poll() if process else None
                    if ended is not None or time.monotonic() > deadline:
                        raise AssertionError(f"it did not start (code {ended}):\n{self.stderr[-2000:]}")
                    time.sleep(0.03)

    def kill(self) -> None:
        """SIGKILL: nothing of it gets to run any more."""
        self._end(signal.SIGKILL)

    def stop(self, within: float = 15.0) -> int:
        """SIGINT, as Ctrl-C does; the exit code. Killed, and an error, when it takes longer."""
        return self._end(signal.SIGINT, within)

    def _end(self, number: int, within: float = 10.0) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"it did not end within {within} s:\n{self.stderr[-2000:]}") from None

    def files(self) -> list[Path]:
        """All files it may have written to: its folder and temporary folder, and whatever it holds open."""
        found = {path for path in self.folder.rglob("*") if path.is_file()}
        if self.process is not None:
            root = psutil.Process(self.process.pid)
            for process in (root, *root.children(recursive=True)):
                found |= {Path(file.path) for file in process.open_files() if file.mode != "r"}
        return sorted(path for path in found if path.is_file())

    def model_pid(self) -> int:
        """The process of the model server that this service started. Waits until it answers."""
        deadline = time.monotonic() + MODEL_WITHIN
        while time.monotonic() < deadline:
            ready = [json.loads(line) for line in self.stderr.splitlines() if '"model_server.ready"' in line]
            if ready and psutil.pid_exists(ready[-1]["pid"]):
                return int(ready[-1]["pid"])
            time.sleep(0.1)
        raise AssertionError(f"the model server did not become ready:\n{self.stderr[-2000:]}")


def _up(client: httpx2.Client, url: str) -> bool:
    try:
        return bool(client.get(f"{url}/healthz").is_success)
    except httpx2.TransportError:
        return False


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def installed(folder: Path, nlu: str = "rules", **environment: str) -> Service:
    """Fresh keys, database and staff in a folder; nothing runs yet. ``environment``: more ``GYEOT_…``."""
    state = folder / "var" / "gyeot.env"
    (folder / "tmp").mkdir(parents=True)
    first_run.make_keys(state)
    public = int(environment.get("GYEOT_PUBLIC_PORT") or free_port())
    console = free_port()
    ours = {
        "GYEOT_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'var' / 'gyeot.db'}",
        "GYEOT_PUBLIC_PORT": str(public),
        "GYEOT_CONSOLE_PORT": str(console),
        "GYEOT_NLU": nlu,
        "GYEOT_MESSAGES_PER_MINUTE": "100000",
        "TMPDIR": str(folder / "tmp"),
        **environment,
    }
    settings = Settings(
        _env_file=state,
        database_url=ours["GYEOT_DATABASE_URL"],
        redis_url=ours.get("GYEOT_REDIS_URL"),
        nlu="rules",
    )
    theirs = {
        name: value for name, value in os.environ.items() if not name.startswith("GYEOT_") or name in _KEPT
    }
    return Service(
        folder=folder,
        public=f"http://127.0.0.1:{public}",
        console=f"http://127.0.0.1:{console}",
        settings=settings,
        staff={newcomer.staff.name: newcomer for newcomer in apart(first_run.make_staff(settings))},
        environment=theirs | ours,
    )


@contextmanager
def running(folder: Path, nlu: str = "rules", **environment: str) -> Iterator[Service]:
    """A service that runs until the block ends."""
    service = installed(folder, nlu, **environment)
    service.start()
    try:
        yield service
    finally:
        if service.process is not None:
            service.kill()


def apart(coroutine: Any) -> Any:
    """Run a coroutine to its end on a loop and thread of its own, whether or not a loop runs here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


# ── a counselor without a browser ────────────────────────────────────────────────────────────────────────


@contextmanager
def sign_in(service: Service, name: str) -> Iterator[httpx2.Client]:
    """A console session, with the proof derived here as the browser derives it."""
    newcomer = service.staff[name]
    proof = base64.b64encode(derive(newcomer.passphrase, newcomer.staff.salt).proof).decode()
    with httpx2.Client(base_url=service.console, timeout=10) as client:
        answer = client.post("/api/sign-in", json={"name": name, "proof": proof})
        assert answer.status_code == 200, answer.text
        client.headers["X-Gyeot-Token"] = answer.json()["token"]
        yield client


# ── what is kept, opened with the desk's key ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Kept:
    """One conversation with everything that is kept of it, opened."""

    conversation: Conversation
    entries: list[tuple[Entry, str]]
    assessed: list[int]
    undecided: int

    def said(self, author: Author) -> list[str]:
        """The texts of one author, in order."""
        return [text for entry, text in self.entries if entry.author is author]


def kept(service: Service) -> list[Kept]:
    """Every conversation, opened with the supervisor's passphrase. The service need not run."""
    found: list[Kept] = apart(_kept(service))
    return found


async def _kept(service: Service) -> list[Kept]:
    store = SqlStore(open_engine(service.settings.database_url))
    try:
        staffing = Staffing(store, Ledger(Keys(service.settings).audit), now, new_id)
        supervisor = service.staff["seoyeon"]
        desk = {
            key.epoch: key for key in await staffing.unlock_desk(supervisor.staff.name, supervisor.passphrase)
        }
        async with store.read() as tx:
            conversations = await tx.conversations.in_phase(list(Phase))
            return [await _opened(tx, value, desk[value.desk_epoch]) for value in conversations]
    finally:
        await store.close()


async def _opened(tx: Any, value: Conversation, desk: DeskKey) -> Kept:
    entries = await tx.entries.of(value.id)
    private = open_conversation_key(desk, value.sealed_key, value.id) if value.sealed_key else b""
    return Kept(
        conversation=value,
        entries=[(entry, _text(private, entry)) for entry in entries],
        assessed=[record.seq for record in await tx.entries.assessments(value.id)],
        undecided=len(await tx.inbox.of([value.id])),
    )


def _text(private: bytes, entry: Entry) -> str:
    if entry.note_id is not None:
        return open_note(private, entry.sealed, entry.conversation, entry.note_id)
    place = EntryPlace(entry.conversation, entry.seq, entry.author)
    return "\n".join(open_entry(private, entry.sealed, place).texts)
