"""The service is killed twenty times under load: nothing acknowledged is lost, doubled, or left undecided."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from handoff.conversation import Author
from tests.journey.running import FORM, Kept, Service, installed, kept

KILLS = 20
VISITORS = 5
LONGEST_LIFE = 0.8
PAUSE = 0.1
SETTLED_WITHIN = 20.0
NURSERY = Path(__file__).with_name("nursery.py")
LINES = (
    "{} 사진을 퍼뜨린다고 협박해요",
    "{} 무서워서 잠이 안 와요",
    "{} 상담원이랑 얘기하고 싶어요",
    "{} 배고파 죽겠다",
    "{} what should i do",
    "{} 이름 말 안 해도 되나요?",
)


@dataclass(slots=True)
class Visitor:
    """Writes one line after the other, and each again with the same id until it is acknowledged."""

    service: Service
    chance: random.Random
    name: int
    acknowledged: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    sent_again: int = 0

    def write(self, over: threading.Event) -> None:
        with httpx2.Client(base_url=self.service.public, headers=FORM, timeout=5) as client:
            number = 0
            while not over.is_set():
                text = self.chance.choice(LINES).format(f"v{self.name}n{number}")
                time.sleep(self.chance.uniform(0.0, PAUSE))
                number += self._sent(client, over, {"id": self._id(), "text": text, "lang": "ko"})

    def _id(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128)))

    def _sent(self, client: httpx2.Client, over: threading.Event, message: dict[str, str]) -> bool:
        """Send until it is acknowledged; when the time is over, an unacknowledged line stays unknown."""
        while True:
            with contextlib.suppress(httpx2.TransportError):
                answer = client.post("/api/messages", json=message)
                if answer.status_code == 200:
                    self.acknowledged[message["text"]] = answer.json()["seq"]
                    if self.chance.random() < 0.2:
                        self._again(client, message)
                    return True
                if answer.status_code != 503:
                    self.faults.append(f"{answer.status_code} {answer.text[:80]}")
                    return False
            if over.is_set():
                return False
            self.sent_again += 1
            time.sleep(0.05)

    def _again(self, client: httpx2.Client, message: dict[str, str]) -> None:
        """A line that arrived comes once more, as after an answer that got lost."""
        with contextlib.suppress(httpx2.TransportError):
            answer = client.post("/api/messages", json=message)
            if answer.status_code == 200 and answer.json()["seq"] != self.acknowledged[message["text"]]:
                self.faults.append("a replayed line got another number")


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return installed(tmp_path / "gyeot")


@pytest.fixture
def nursery(service: Service) -> Iterator[subprocess.Popen[str]]:
    with (service.folder / "stderr.txt").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, str(NURSERY)],
            cwd=service.folder,
            env=service.environment | {"PYTHONPATH": str(NURSERY.parents[2])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    yield process
    with process:
        process.kill()


def test_twenty_kills_lose_nothing_and_double_nothing(
    service: Service, nursery: subprocess.Popen[str], request: pytest.FixtureRequest
) -> None:
    seed = int(os.environ.get("GYEOT_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"to see it again: GYEOT_TEST_SEED={seed}")
    chance = random.Random(seed)
    visitors = [Visitor(service, random.Random(f"{seed}/{name}"), name) for name in range(VISITORS)]
    over = threading.Event()
    threads = [threading.Thread(target=visitor.write, args=(over,)) for visitor in visitors]
    pid = _born(service, nursery)
    request.addfinalizer(over.set)
    for thread in threads:
        thread.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.0, LONGEST_LIFE))
        _kill(pid)
        pid = _born(service, nursery)
    time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join()
    talks = _settled(service)
    _kill(pid)

    assert [fault for visitor in visitors for fault in visitor.faults] == []
    assert sum(visitor.sent_again for visitor in visitors) > KILLS / 2, "the kills met no request"
    assert all(len(visitor.acknowledged) > 5 for visitor in visitors), "there was hardly any load"
    for visitor in visitors:
        _check(visitor, talks)
    for talk in talks:
        _check_kept(talk)


def _born(service: Service, nursery: subprocess.Popen[str]) -> int:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write("\n")
    nursery.stdin.flush()
    pid = int(nursery.stdout.readline())
    service.wait()
    return pid


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.005)


def _settled(service: Service) -> list[Kept]:
    """What is kept once nothing is undecided any more."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while True:
        talks = kept(service)
        if not any(talk.undecided for talk in talks) or time.monotonic() > deadline:
            return talks
        time.sleep(0.3)


def _check(visitor: Visitor, talks: list[Kept]) -> None:
    """Every acknowledged line is there once, where the acknowledgement said."""
    places = collections.defaultdict(list)
    for talk in talks:
        for entry, text in talk.entries:
            if entry.author is Author.VISITOR:
                places[text].append(entry.seq)
    assert {text: places[text] for text in visitor.acknowledged} == {
        text: [seq] for text, seq in visitor.acknowledged.items()
    }
    mine = [text for text in places if text.startswith(f"v{visitor.name}n")]
    assert [len(places[text]) for text in mine] == [1] * len(mine)


def _check_kept(talk: Kept) -> None:
    """No text waits; each line of the visitor has one decision, in order, and at most one answer."""
    assert talk.undecided == 0
    wrote = [entry.seq for entry, _ in talk.entries if entry.author is Author.VISITOR]
    assert talk.assessed == wrote
    numbers = [entry.seq for entry, _ in talk.entries]
    assert numbers == list(range(1, len(numbers) + 1))
    assert talk.conversation.next_seq == len(numbers) + 1
    assert talk.conversation.talk.turn == len(wrote)
    answers = [entry for entry, _ in talk.entries if entry.author is Author.BOT]
    assert 0 < len(answers) <= len(wrote)
