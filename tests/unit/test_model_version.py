"""Which trained model read a message: learned from the server, kept with the assessment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.decide import Decider
from handoff.store.memory import MemoryStore
from nlu.rasa import Circuit, RasaReader, _version
from nlu.understanding import ModelReading
from tests.journey.indoors import desked, some_tools
from tests.unit.test_decide import kept


@asynccontextmanager
async def serving(status: Any, answers: list[bool]) -> AsyncIterator[str]:
    """A model server; it answers while ``answers[0]``, and says this of itself."""

    async def parse(_: web.Request) -> web.Response:
        if not answers[0]:
            return web.Response(status=500)
        return web.json_response({"intent": {"name": "greet", "confidence": 0.9}})

    async def told(_: web.Request) -> web.Response:
        return web.json_response(status) if not isinstance(status, str) else web.Response(text=status)

    app = web.Application()
    app.router.add_post("/model/parse", parse)
    app.router.add_get("/status", told)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def _read(reader: RasaReader) -> ModelReading | None:
    reading = await reader.read("음")
    await asyncio.gather(*reader._sending)
    return reading


async def test_the_version_is_learned_beside_the_first_answer() -> None:
    status = {"model_file": "/var/models/nlu-35ef1b.tar.gz"}
    async with serving(status, [True]) as url, RasaReader(url, deadline=5) as reader:
        first, second = await _read(reader), await _read(reader)
    assert first is not None
    assert second is not None
    assert (first.version, second.version) == (None, "nlu-35ef1b")


async def test_a_server_that_was_away_is_asked_again() -> None:
    status, answers = {"model_file": "nlu-1.tar.gz"}, [True]
    circuit = Circuit(failures=1, pause=0.0)
    async with serving(status, answers) as url, RasaReader(url, deadline=5, circuit=circuit) as reader:
        await _read(reader)
        answers[0] = False
        assert await _read(reader) is None
        assert reader._version is None
        answers[0], status["model_file"] = True, "nlu-2.tar.gz"
        await _read(reader)
        again = await _read(reader)
    assert again is not None
    assert again.version == "nlu-2"


async def test_half_a_surrogate_is_sent_as_a_question_mark() -> None:
    heard: list[str] = []

    async def parse(request: web.Request) -> web.Response:
        heard.append((await request.json())["text"])
        return web.json_response({"intent": {"name": "greet", "confidence": 0.9}})

    app = web.Application()
    app.router.add_post("/model/parse", parse)
    async with TestServer(app) as server, RasaReader(str(server.make_url("/")), deadline=5) as reader:
        assert await reader.read("살려\ud83d줘 🙏") is not None
    assert heard == ["살려?줘 🙏"]


@pytest.mark.parametrize("status", [{}, [], "no JSON", {"model_file": 7}, {"model_file": None}])
async def test_a_server_that_tells_nothing_is_read_all_the_same(status: Any) -> None:
    async with serving(status, [True]) as url, RasaReader(url, deadline=5) as reader:
        await _read(reader)
        reading = await _read(reader)
    assert reading is not None
    assert (reading.intent, reading.version) == ("greet", None)


@pytest.mark.parametrize(
    ("file", "name"),
    [("nlu-1.tar.gz", "nlu-1"), ("a/b/nlu-1", "nlu-1"), ("x" * 90, "x" * 40), ("", None), (".tar.gz", None)],
)
def test_the_version_is_the_files_name(file: str, name: str | None) -> None:
    assert _version({"model_file": file}) == name


async def test_the_version_is_kept_with_the_assessment() -> None:
    reading = ModelReading("spread_threat", 0.97, (("spread_threat", 0.97),), version="nlu-1")
    tools = some_tools(await desked(MemoryStore()), lambda _text: reading)
    [item] = await kept(tools, "음")
    await Decider(tools).decide(item)
    async with tools.store.read() as tx:
        [record] = await tx.entries.assessments(item.conversation)
    assert (record.intent, record.version) == ("spread_threat", "nlu-1")
