"""Plays a scripted conversation through the real house: intake, rules, triage, dialogue, store, desk, watch.

Only the language model is scripted: ``model: [intent, confidence]`` beside a line is what it would say of that
line; without it the model is silent, as it is when its server is away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bot.decide import Decider, Undecided
from bot.intake import receive
from bot.marks import Mark
from bot.tools import Tools
from bot.watch import Watch
from handoff.conversation import AssessmentRecord, Conversation, Phase
from handoff.desk import Desk
from handoff.desk import Tools as DeskTools
from handoff.people import Role
from handoff.store.memory import MemoryStore
from nlu.understanding import ModelReading
from tests.builders import Clock, person, request
from tests.journey.indoors import desked, new_token, some_tools, web_message
from tests.unit.test_intake import arrival
from vault.secret import SecretText

FOLDER = Path(__file__).parent
EXPECTATIONS = frozenset(
    {"risk", "topic", "says", "has", "lacks", "asks", "phase", "why", "speaker", "quick", "deed"}
)
STEPS = frozenset({"say", "burst", "event", "silence", "media"})
SUPERVISOR = person("s", Role.SUPERVISOR)


@dataclass(frozen=True, slots=True)
class Script:
    """One conversation of a file."""

    id: str
    lang: str
    why: str
    steps: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen after a step."""

    conversation: Conversation
    said: tuple[str, ...]
    quick: tuple[str, ...]
    records: tuple[AssessmentRecord, ...]
    deeds: tuple[str, ...]


def scripts(folder: Path = FOLDER) -> Iterator[Script]:
    """Every conversation of every file. An unknown key is an error: a misspelled expectation checks nothing."""
    for path in sorted(folder.glob("*.yaml")):
        for found in yaml.safe_load(path.read_text("utf-8"))["conversations"]:
            steps = tuple(found["lines"])
            for step in steps:
                unknown = set(step) - EXPECTATIONS - STEPS - {"model"}
                assert not unknown, f"{path.name}: {found['id']}: {unknown}"
                assert len(STEPS & set(step)) == 1, f"{path.name}: {found['id']}: one thing a step"
                assert "say" not in step or "risk" in step, (
                    f"{path.name}: {found['id']}: every line needs a risk"
                )
            yield Script(found["id"], found.get("lang", "ko"), found["why"], steps)


@dataclass(slots=True)
class Stage:
    """One visitor and one supervisor, with a clock that moves when the script says so."""

    tools: Tools
    clock: Clock
    lang: str
    token: str = field(default_factory=new_token)
    readings: dict[str, ModelReading] = field(default_factory=dict)
    id: str = ""

    async def play(self, step: Mapping[str, Any]) -> Seen:
        """Do one step and say what can be seen after it."""
        before = await self._counts()
        if "say" in step or "burst" in step:
            await self._say(step)
        elif "media" in step:
            await self._media()
        elif "silence" in step:
            self.clock.pass_by(_milliseconds(step["silence"]))
            await Watch(self.tools, Decider(self.tools)).look(0)
        else:
            await self._event(step["event"])
        return await self._seen(before)

    async def _say(self, step: Mapping[str, Any]) -> None:
        lines = step.get("burst", [step.get("say")])
        for line in lines:
            if "model" in step:
                self.readings[line] = ModelReading(step["model"][0], step["model"][1])
        arrivals = [arrival(self.tools, web_message(line, self.token, lang=self.lang)) for line in lines]
        kept = await receive(self.tools, arrivals)
        decider = Decider(self.tools)
        for one, line in zip(kept, lines, strict=True):
            self.id = one.conversation
            await decider.decide(Undecided(one.conversation, one.seq, SecretText(line), self.lang))
        self.clock.pass_by(5_000)

    async def _media(self) -> None:
        refused = replace(arrival(self.tools, web_message("", self.token, lang=self.lang)), mark=Mark.MEDIA)
        [kept] = await receive(self.tools, [refused])
        self.id = kept.conversation
        self.clock.pass_by(5_000)
        await Watch(self.tools, Decider(self.tools)).look(0)

    async def _event(self, event: str) -> None:
        tools = self.tools
        desk = Desk(
            DeskTools(tools.store, tools.bell, tools.ring, tools.index, tools.ledger, tools.now, tools.new_id)
        )
        deeds = {"claimed": desk.claim, "released": desk.release, "closed": desk.close}
        await deeds[event](request(SUPERVISOR, self.id))
        self.clock.pass_by(5_000)

    async def _counts(self) -> tuple[int, int, int]:
        async with self.tools.store.read() as tx:
            found = await tx.conversations.find(self.id) if self.id else None
            records = await tx.entries.assessments(self.id) if self.id else []
            return len(found.talk.said) if found else 0, len(records), len(await tx.audit.read())

    async def _seen(self, before: tuple[int, int, int]) -> Seen:
        said, records, deeds = before
        async with self.tools.store.read() as tx:
            found = await tx.conversations.find(self.id)
            assert found is not None
            new = await tx.entries.assessments(self.id)
            done = [record.action for record, _ in await tx.audit.read()]
        decided = found.talk
        return Seen(found, decided.said[said:], (), tuple(new[records:]), tuple(done[deeds:]))


async def stage(script: Script) -> Stage:
    """An empty house for one script."""
    clock = Clock()
    readings: dict[str, ModelReading] = {}
    tools = some_tools(await desked(MemoryStore()), readings.get, now=clock)
    return Stage(tools, clock, script.lang, readings=readings)


def problems(step: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    """Every expectation of a step that does not hold, in words."""
    found = seen.conversation
    talk = found.talk
    facts = {
        "risk": found.risk.word,
        "topic": str(found.topic),
        "asks": talk.asked or "none",
        "phase": str(found.phase),
        "speaker": str(talk.speaker),
    }
    for key, value in facts.items():
        if key in step and step[key] != value:
            yield f"{key}: wanted {step[key]}, is {value}"
    if "says" in step and list(seen.said) != step["says"]:
        yield f"says: wanted {step['says']}, said {list(seen.said)}"
    for text in step.get("has", ()):
        if text not in seen.said:
            yield f"has: {text} is missing among {list(seen.said)}"
    for text in step.get("lacks", ()):
        if any(said.startswith(text) for said in seen.said):
            yield f"lacks: {text} is among {list(seen.said)}"
    reasons = [reason for record in seen.records for reason in record.reasons]
    for reason in step.get("why", ()):
        if not any(reason in one for one in reasons):
            yield f"why: {reason} is missing among {reasons}"
    for deed in step.get("deed", ()):
        if deed not in seen.deeds:
            yield f"deed: {deed} is missing among {list(seen.deeds)}"


def _milliseconds(words: str) -> int:
    number, unit = int(words[:-1]), words[-1]
    return number * {"s": 1_000, "m": 60_000, "h": 3_600_000}[unit]


__all__ = ["Phase", "Script", "Seen", "Stage", "problems", "scripts", "stage"]
