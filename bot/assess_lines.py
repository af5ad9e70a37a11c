"""Assessing lines of JSON, each the first message of a conversation of its own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, BinaryIO

from bot.compose import GUIDANCE
from bot.context import Before, in_context, seen_in
from bot.model_server import ModelServer, command
from bot.settings import Settings, Unusable
from bot.signs import Signs, load_signs
from bot.triage import Assessment, Situation, assess
from nlu import rulebook
from nlu.ensemble import Ensemble
from nlu.rasa import RasaReader
from nlu.understanding import Lang, Understanding

AT_ONCE = 128
PATIENCE = 30.0
LONGEST_LINE = 1_000_000
FIRST_MESSAGE = Situation(risk=None, topic=None, asked=None, turn=0)


async def assess_lines(source: BinaryIO, sink: BinaryIO, rules_only: bool) -> int:
    """Write one JSON line for each line of ``source``, in order; return how many could not be assessed."""
    failures = 0
    async with open_ensemble(rules_only) as ensemble:
        for chunk in _chunks(source):
            answers = await asyncio.gather(*(_answer(ensemble, line) for line in chunk))
            for answer in answers:
                failures += "error" in answer
                sink.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            sink.flush()
    return failures


def _chunks(source: BinaryIO) -> Iterable[list[bytes]]:
    chunk: list[bytes] = []
    while line := source.readline(LONGEST_LINE):
        chunk.append(line)
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):  # its rest is no line of its own
            line = source.readline(LONGEST_LINE)
        if len(chunk) == AT_ONCE:
            yield chunk
            chunk = []
    yield chunk


class FirstLines:
    """Understands each text as the service understands the first line of a conversation."""

    def __init__(self, ensemble: Ensemble, signs: Signs) -> None:
        self._ensemble = ensemble
        self._signs = signs

    async def understand(self, text: str, lang: Lang | None = None) -> Understanding:
        """What the text means with nothing before it."""
        understanding = await self._ensemble.understand(text, lang)
        signs = seen_in(understanding, self._signs.read(text))
        return in_context(understanding, signs, Before(), self._signs.joined)


@asynccontextmanager
async def open_ensemble(rules_only: bool) -> AsyncIterator[FirstLines]:
    """Rules, and the model unless ``rules_only``: its server is started once, or found where settings say.

    Raises ``Unusable`` when it does not start and ``PrepareError`` when it cannot be made.
    """
    lexicon, signs = rulebook.load(), load_signs(GUIDANCE / "signs.yaml")
    if rules_only:
        yield FirstLines(Ensemble(lexicon, None), signs)
        return
    settings = Settings()
    async with AsyncExitStack() as stack:
        url = settings.nlu_url
        if url is None:
            wanted = command(max(settings.nlu_workers, min(4, os.cpu_count() or 1)))
            server = await stack.enter_async_context(ModelServer(wanted))
            if not await server.ready():
                raise Unusable("the model server did not start; try --rules-only, or: gyeot doctor")
            url = wanted.url
        reader = await stack.enter_async_context(RasaReader(url, deadline=PATIENCE, bound=2 * AT_ONCE))
        yield FirstLines(Ensemble(lexicon, reader), signs)


async def _answer(ensemble: FirstLines, line: bytes) -> dict[str, Any]:
    try:
        text, lang = _parsed(line)
    except ValueError as error:
        return {"error": str(error)}
    return _json(assess(await ensemble.understand(text, lang), FIRST_MESSAGE))


def _parsed(line: bytes) -> tuple[str, Any]:
    if len(line) >= LONGEST_LINE:
        raise ValueError("the line is too long")
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):  # includes bytes that are not UTF-8
        raise ValueError("the line is not JSON") from None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise ValueError('the line is not an object with a "text"')  # noqa: TRY004  one kind of error a line
    lang = item.get("lang")
    if lang not in (None, "ko", "en"):  # no set: it may be of any type
        raise ValueError('"lang" is "ko", "en" or absent')
    return item["text"], lang


def _json(assessment: Assessment) -> dict[str, Any]:
    return {
        "risk": assessment.risk.word,
        "topic": str(assessment.topic),
        "intent": assessment.intent,
        "confidence": round(assessment.confidence, 4),
        "handoff": assessment.handoff,
        "reasons": list(assessment.reasons),
    }
