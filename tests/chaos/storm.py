"""A storm: many visitors on all channels at once, providers that fail, a service that dies again and again.

``python -m tests.chaos.storm --messages 100000 --seed 1``

Webhooks go through the public application to the house on a SQLite file; answers go through ``Delivery`` and the
real adapters to providers in this process (``storm_town``). Messages come twice, late and out of order; a process
dies by losing its store and all its tasks at once, in the middle of whatever it does, and another one opens the
same database. At the end the books (``storm_books``) must agree: every distinct message is one entry, every
answer that was decided arrived, nothing is under way.

What is at-least-once, and is counted apart: a part of an answer is sent again when the process died between the
provider's yes and our note of it, or when the provider's yes got lost. It then carries the same key.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp

from bot import compose, logs
from bot.compose import public_app
from bot.doorways import open_doorways
from channels.telegram import sender as telegram
from handoff.store.engine import open_engine
from handoff.store.migrate import upgrade
from handoff.store.sql import SqlStore
from tests.chaos.storm_books import (
    GIVEN,
    WITNESSES,
    Books,
    call_lines,
    check,
    doubles,
    kept,
)
from tests.chaos.storm_life import Clock, Life, Mortal, given_noted
from tests.chaos.storm_town import CALM, Person, Town, Wire, bubbles
from tests.contract.channel_requests import SETTINGS, Brought
from tests.journey.indoors import a_house, desked
from vault.desk import new_desk_key
from vault.keytext import new_key_text

CHANNELS = {"telegram": "telegram", "skill": "kakao", "bot": "kakao", "consult": "kakao", "sms": "sms"}
DOORS = tuple(CHANNELS)
LINES = (
    "사진을 퍼뜨린다고 협박해요",
    "무서워서 잠이 안 와요",
    "상담원이랑 얘기하고 싶어요",
    "배고파 죽겠다",
    "이름 말 안 해도 되나요?",
    "what should i do",
    "경찰에 신고하면 부모님이 아나요?",
    "네",
)
DOWN = 61_000  # milliseconds between two lives, by the service's clock: longer than any lease
ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Plan:
    """How much weather. ``lives``: processes, one after the other. ``at_once``: visitors writing at a time."""

    messages: int
    seed: int
    sms: str = "twilio"
    lives: int = 6
    at_once: int = 60

    @property
    def people(self) -> int:
        return max(25, self.messages // 40)


class Storm:
    """One run."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.chance = random.Random(f"{plan.seed}/{plan.sms}")
        self.books = Books()
        self.town = Town(self.chance, self.books, plan.sms)
        self.clock = Clock()
        self.desk = new_desk_key(1)
        self.path = folder / f"storm-{plan.sms}.db"
        self.calls: list[int] = []
        self._keys = {name: new_key_text() for name in ("index_key", "audit_key")}
        self._keys["service_keys"] = f"k1:{new_key_text()}"
        self._life: Life | None = None
        self._up = asyncio.Event()
        self._world: set[asyncio.Task[None]] = set()
        self._moved = 0
        self._buried = AsyncExitStack()

    async def run(self) -> dict[str, Any]:
        """Let it blow, drain, and give the figures. ``faults`` must be empty."""
        me = asyncio.current_task()
        assert me is not None
        self._world.add(me)
        began = time.monotonic()
        url = f"sqlite+aiosqlite:///{self.path}"
        await upgrade(url)
        store = SqlStore(open_engine(url))
        await desked(store, self.desk)
        await store.close()
        with closing(sqlite3.connect(self.path)) as rows:
            rows.executescript(WITNESSES)
        async with self._buried:
            with given_noted():
                await self._blow()
                await self._drain()
            await self._die()
        return self._figures(time.monotonic() - began)

    # -- outside --------------------------------------------------------------------------------------------

    def soon(self, errand: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Something that happens outside of the service, and survives it."""
        task = asyncio.create_task(errand)
        self._world.add(task)
        task.add_done_callback(self._world.discard)
        return task

    async def _blow(self) -> None:
        people = [
            Person(DOORS[number % len(DOORS)], number, friend=self.chance.random() < 0.7)
            for number in range(self.plan.people)
        ]
        self.town.people = {person.name: person for person in people}
        await self._begin(pushing=True)
        postman = self.soon(self._carry_receipts())
        reaper = self.soon(self._reap())
        callers = self.soon(self._callers(self.plan.messages // 300))
        await asyncio.gather(*(self.soon(self._writers(people)) for _ in range(self.plan.at_once)), callers)
        reaper.cancel()
        await asyncio.wait([reaper])
        while rest := self._world - {postman, asyncio.current_task()}:
            await asyncio.wait(rest)
        postman.cancel()
        await asyncio.wait([postman])

    async def _writers(self, people: Sequence[Person]) -> None:
        while self._moved < self.plan.messages:
            self._moved += 1
            await self._write(self.chance.choice(people))

    async def _write(self, person: Person) -> None:
        """Somebody writes, perhaps twice by the provider's doing, and perhaps goes away after it."""
        person.shut, dice = False, self.chance.random()
        if dice < 0.03:
            self.books.silent += 1
            brought = self.town.message(person, "", media=True)
        elif dice < 0.06:
            self.books.silent += 1
            brought = self.town.message(person, "1" if person.door == "sms" else "나가기")
        else:
            brought = self._words(person)
        await self.bring(brought)
        while self.chance.random() < 0.12:
            self.books.counts["repeated by the provider"] += 1
            self.soon(self._again(brought))
        if self.chance.random() < 0.03:
            person.shut = True
            gone = self.town.ended(person)
            if gone is not None:
                await self.bring(gone)

    def _words(self, person: Person) -> Brought:
        tag = f"{len(self.books.said):x}"
        self.books.said[tag] = text = f"{self.chance.choice(LINES)} [{tag}]"
        return self.town.message(person, text)

    async def _again(self, brought: Brought) -> None:
        await asyncio.sleep(self.chance.random() * 2)
        await self.bring(brought)

    async def _callers(self, calls: int) -> None:
        """One call after the other, each step perhaps twice."""
        for number in range(1, calls + 1):
            self.calls.append(number)
            for step in self.town.call(number):
                await self.bring(step)
                if self.chance.random() < 0.2 and not step.path.endswith("/status"):
                    await self.bring(step)

    async def _carry_receipts(self) -> None:
        while True:
            receipt = await self.town.receipts.get()
            await asyncio.sleep(0.01)
            self.soon(self._again(receipt))

    async def bring(self, brought: Brought) -> None:
        """Bring it until it is taken, as providers do that repeat."""
        while True:
            await self._up.wait()
            self.books.counts["deliveries"] += 1
            taken = await self._taken(brought)
            if taken is None:
                self.books.counts["requests cut off by a crash"] += 1
            elif taken // 100 == 2:
                skill = brought.path == "kakao/skill"
                if skill or self.chance.random() > 0.01:
                    return
                self.books.counts["our answer lost"] += 1
            elif taken not in {429, 503}:
                self.books.faults.append(f"{taken} for {brought.path.split('/')[:2]}")
                return
            await asyncio.sleep(self.chance.random() / 10)

    async def _taken(self, brought: Brought) -> int | None:
        """The status; ``None`` when the process died first. Notes what the response gave."""
        life, given = self._life, []
        assert life is not None
        GIVEN.set(given)
        task = asyncio.create_task(life.take(brought))
        await asyncio.wait([task])
        if task.cancelled():
            self.books.cut_off.update(id for ids, _ in given for id in ids)
            return None
        status, body = task.result()
        for ids, texts in given:
            self._note(ids, texts, body)
        return status

    def _note(self, ids: Sequence[str], texts: Sequence[str], body: bytes) -> None:
        said = "".join("".join(bubbles(json.loads(body))).split())
        if said == "".join("".join(texts).split()):
            for id in ids:
                self.books.given[id].append(self.books.life)
        else:
            self.books.unsaid.update(ids)

    # -- lives ----------------------------------------------------------------------------------------------

    async def _begin(self, *, pushing: bool) -> None:
        """A process starts on the same database."""
        self.books.life += 1
        store = Mortal(SqlStore(open_engine(f"sqlite+aiosqlite:///{self.path}")))
        fast = dict.fromkeys(("CHAT_A_MINUTE", "CHAT_BURST", "ALL_A_MINUTE", "ALL_BURST"), 10**8)
        with (
            mock.patch.object(compose, "now", self.clock),
            mock.patch.object(aiohttp, "ClientSession", mock.Mock(return_value=Wire(self.town))),
            mock.patch.multiple(telegram, **fast),
        ):
            settings = {**SETTINGS, **self._keys, "sms_provider": self.plan.sms}
            house = await self._buried.enter_async_context(a_house(store, **settings))
            doorways = await self._buried.enter_async_context(open_doorways(house))
        self._life = life = Life(house, doorways, store, public_app(house, doorways.hooks))
        if pushing:
            self._running = [
                asyncio.create_task(house.delivery(life.senders(self.books)).run()),
                asyncio.create_task(house.watch.run()),
            ]
        self._up.set()

    async def _die(self) -> None:
        """The process loses its store and everything it was doing."""
        life, self._life = self._life, None
        assert life is not None
        self._up.clear()
        life.store.dead = True
        while own := [task for task in asyncio.all_tasks() if self._is_ours(task)]:
            for task in own:
                task.cancel()
            await asyncio.wait(own, timeout=1)
        await life.store.close()

    def _is_ours(self, task: asyncio.Task[Any]) -> bool:
        """A commit that has begun is the operating system's, not the process's."""
        coroutine: Any = task.get_coro()
        return task not in self._world and coroutine.__name__ != "to_thread"

    async def _reap(self) -> None:
        """Kill it at random moments, the same number of times in all."""
        lives, messages = self.plan.lives, self.plan.messages
        for life in range(1, lives):
            at = messages * (life - self.chance.random() / 2) / lives
            while self._moved < at:
                await asyncio.sleep(0.01)
            await asyncio.sleep(self.chance.random() / 20)
            await self._die()
            self.clock.skip(DOWN)
            await self._begin(pushing=True)

    # -- the end --------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """The weather clears, time passes, and visitors for whom an answer waits write once more."""
        await self._die()
        self.clock.skip(DOWN)
        self.town.weather = CALM
        for person in self.town.people.values():
            person.friend = True
        await self._begin(pushing=False)
        for _ in range(ROUNDS):
            await self._settle_down()
            waiting = self._waiting("held")
            if not waiting:
                return
            people = [person for person in self.town.people.values() if CHANNELS[person.door] in waiting]
            for first in range(0, len(people), self.plan.at_once):
                some = people[first : first + self.plan.at_once]
                await asyncio.gather(*(self.soon(self._come_back(person)) for person in some))

    async def _come_back(self, person: Person) -> None:
        person.shut = False
        await self.bring(self._words(person))

    async def _settle_down(self) -> None:
        life = self._life
        assert life is not None
        delivery = life.house.delivery(life.senders(self.books))
        for _ in range(ROUNDS):
            while not self.town.receipts.empty():
                await self.bring(self.town.receipts.get_nowait())
            await life.house.listener.drain(30)
            while await life.house.watch.look(0):
                pass
            while await delivery.send_due():
                pass
            if not self._waiting("pending") and self.town.receipts.empty():
                return
            self.clock.skip(310_000)

    def _waiting(self, state: str) -> set[str]:
        """Channels with answers in this state."""
        query = "SELECT channel FROM outbox WHERE state = ?"
        with closing(sqlite3.connect(self.path)) as rows:
            return {name for (name,) in rows.execute(query, (state,))}

    def _figures(self, seconds: float) -> dict[str, Any]:
        found = kept(self.path, self.desk)
        check(self.books, found)
        lost_answer, died = doubles(self.books)
        lines = call_lines(self.path, self.desk)
        if len(lines) != len(self.calls) or len(set(lines)) > 1 or any(len(call) != 3 for call in lines):
            self.books.faults.append(f"{len(self.calls)} calls, kept as {sorted(set(map(len, lines)))} lines")
        return {
            "plan": dataclasses.asdict(self.plan),
            "seconds": round(seconds, 1),
            "distinct messages": found.visitor_lines,
            "calls": len(lines),
            "answers decided": len(found.decided),
            "answers given in responses": sum(map(len, self.books.given.values())),
            "requests that providers took": sum(map(len, self.books.accepts.values())),
            "sent again after a provider's answer was lost": lost_answer,
            "sent again after the process died before it noted": died,
            "dead letters": len(found.left),
            "failures told late": len(self.books.failed_receipts),
            "lives": self.books.life,
            **dict(sorted(self.books.counts.items())),
            "faults": self.books.faults,
        }


def storm(plan: Plan) -> dict[str, Any]:
    """Run one storm in its own folder."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(Storm(plan, Path(folder)).run())


def _quietly(plan: Plan) -> dict[str, Any]:
    logs.configure("error", pretty=False)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        return storm(plan)


def main() -> None:
    """Half of the messages with Twilio, half with SOLAPI, each in a process of its own."""
    parser = argparse.ArgumentParser(description="A storm over all channels.")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lives", type=int, default=40)
    given = parser.parse_args()
    plans = [Plan(given.messages // 2, given.seed, sms, given.lives // 2) for sms in ("twilio", "solapi")]
    bad = 0
    with ProcessPoolExecutor(len(plans)) as pool:
        for figures in pool.map(_quietly, plans):
            bad += len(figures["faults"])
            print(json.dumps(figures, ensure_ascii=False, indent=1), flush=True)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
