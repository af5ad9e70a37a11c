"""The client of the model server, against a real HTTP server that misbehaves in every way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from nlu.rasa import Circuit, RasaReader
from nlu.understanding import ModelReading

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECRET = "표식이-되는-문장"
PARSE = {
    "intent": {"name": "greet", "confidence": 0.9},
    "entities": [],
    "intent_ranking": [{"name": "greet", "confidence": 0.9}, {"name": "chitchat", "confidence": 0.1}],
}
GREETING = ModelReading("greet", 0.9, (("greet", 0.9), ("chitchat", 0.1)))


async def parse(request: web.Request) -> web.Response:
    await request.json()
    return web.json_response(PARSE)


async def parse_batch(request: web.Request) -> web.Response:
    return web.json_response([PARSE for _ in (await request.json())["texts"]])


async def status(_: web.Request) -> web.Response:
    return web.json_response({"model_id": "x"})


@asynccontextmanager
async def serving(
    one: Handler = parse, many: Handler | None = parse_batch, port: int = 0
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/model/parse", one)
    app.router.add_get("/status", status)
    if many is not None:
        app.router.add_post("/model/parse/batch", many)
    async with TestServer(app, port=port or None) as server:
        yield str(server.make_url("/"))


async def test_a_reading_comes_back_whole() -> None:
    async with serving() as url, RasaReader(url) as reader:
        assert await reader.read(SECRET) == GREETING
        assert await reader.state() == "up"


async def test_of_entities_only_the_known_kinds_come_back() -> None:
    marked = [
        {"entity": "platform", "value": SECRET},
        {"entity": "deadline", "value": SECRET},
        {"entity": "platform"},
        {"entity": SECRET},
        {"entity": ["deadline"]},
        SECRET,
    ]

    async def parse_marked(_: web.Request) -> web.Response:
        return web.json_response({**PARSE, "entities": marked})

    async with serving(parse_marked) as url, RasaReader(url) as reader:
        reading = await reader.read("글")
    assert reading is not None
    assert reading.entities == ("deadline", "platform")


async def test_messages_that_come_together_travel_together() -> None:
    sizes: list[int] = []

    async def many(request: web.Request) -> web.Response:
        texts = (await request.json())["texts"]
        sizes.append(len(texts))
        return web.json_response(
            [{**PARSE, "intent": {"name": text, "confidence": 0.5}, "intent_ranking": []} for text in texts]
        )

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        name = (await request.json())["text"]
        return web.json_response({"intent": {"name": name, "confidence": 0.5}})

    async with serving(slow, many) as url, RasaReader(url, deadline=5) as reader:
        readings = await asyncio.gather(*(reader.read(f"n{at}") for at in range(60)))
    assert [reading and reading.intent for reading in readings] == [f"n{at}" for at in range(60)]
    assert sum(sizes) > 30
    assert max(sizes) > 8


async def test_a_stock_server_gets_them_one_by_one() -> None:
    async with serving(many=None) as url, RasaReader(url, deadline=5) as reader:
        assert await asyncio.gather(*(reader.read(f"{at}") for at in range(40))) == [GREETING] * 40


async def test_one_broken_item_spoils_only_itself() -> None:
    async def many(request: web.Request) -> web.Response:
        texts = (await request.json())["texts"]
        return web.json_response([PARSE if text != "bad" else {"intent": None} for text in texts])

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.json_response(PARSE)

    async with serving(slow, many) as url, RasaReader(url, deadline=5) as reader:
        readings = await asyncio.gather(*(reader.read("ok" if at != 20 else "bad") for at in range(30)))
    assert readings.count(None) == 1
    assert readings[20] is None


def answering(body: str | bytes, code: int = 200) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=code, content_type="application/json")

    return answer


@pytest.mark.parametrize(
    "handler",
    [
        answering("{}", 500),
        answering("not json"),
        answering(b"\xff\xfe"),
        answering("[]"),
        answering("null"),
        answering('{"intent": "greet"}'),
        answering('{"intent": {"name": null, "confidence": 0}}'),
        answering('{"intent": {"name": "greet", "confidence": "high"}}'),
        answering('{"intent": {"name": "greet", "confidence": 7}}'),
        answering('{"intent": {"name": "greet", "confidence": NaN}}'),
        answering('{"intent": {"name": "greet", "confidence": 0.5}, "intent_ranking": [3]}'),
        answering("{}", 404),
        answering("{}", 503),
    ],
)
async def test_bad_answers_are_silence(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(handler) as url, RasaReader(url) as reader:
        assert await reader.read(SECRET) is None
    assert SECRET not in caplog.text


async def test_a_slow_server_is_left_at_the_deadline() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.7)
        return web.json_response(PARSE)

    async with serving(slow) as url, RasaReader(url, deadline=0.1) as reader:
        start = asyncio.get_running_loop().time()
        assert await reader.read(SECRET) is None
        assert asyncio.get_running_loop().time() - start < 0.4


async def test_a_refused_connection_is_silence_and_the_state_says_so() -> None:
    async with RasaReader(f"http://127.0.0.1:{unused_port()}") as reader:
        assert await reader.read(SECRET) is None
        assert await reader.state() == "away"


async def test_over_the_bound_the_answer_is_silence_at_once() -> None:
    hold = asyncio.Event()

    async def held(_: web.Request) -> web.Response:
        await hold.wait()
        return web.json_response(PARSE)

    async with serving(held) as url, RasaReader(url, deadline=5, bound=3) as reader:
        waiting = [asyncio.create_task(reader.read("x")) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(reader.read("one too many"), 0.1) is None
        hold.set()
        assert await asyncio.gather(*waiting) == [GREETING] * 3


async def test_the_circuit_opens_and_recovers_when_the_server_is_back() -> None:
    port = unused_port()
    circuit = Circuit(failures=2, pause=0.1)
    async with RasaReader(f"http://127.0.0.1:{port}", circuit=circuit) as reader:
        assert [await reader.read("x") for _ in range(2)] == [None, None]
        assert circuit.open
        async with serving(port=port):
            assert await reader.read("too early") is None
            await asyncio.sleep(0.15)
            assert await reader.read("x") == GREETING
            assert not circuit.open


async def test_while_open_nothing_is_sent() -> None:
    asked = 0

    async def failing(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=500)

    async with serving(failing) as url, RasaReader(url, circuit=Circuit(failures=3, pause=60)) as reader:
        for _ in range(10):
            assert await reader.read("x") is None
    assert asked == 3


def test_half_open_lets_one_through() -> None:
    circuit = Circuit(failures=1, pause=2)
    circuit.failed(now=10)
    assert not circuit.lets(now=11)
    assert circuit.lets(now=12.5)
    assert not circuit.lets(now=12.6)
    circuit.failed(now=13)
    assert not circuit.lets(now=14.9)
    assert circuit.lets(now=15.1)
    circuit.succeeded()
    assert circuit.lets(now=15.2)


async def test_an_overloaded_server_does_not_open_the_circuit() -> None:
    circuit = Circuit(failures=1)
    async with serving(answering("{}", 503)) as url, RasaReader(url, circuit=circuit) as reader:
        assert await reader.read("x") is None
    assert not circuit.open


async def test_a_reader_that_gives_up_leaves_nothing_behind() -> None:
    async with serving() as url:
        async with RasaReader(url, deadline=5) as reader:
            task = asyncio.create_task(reader.read("x"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await reader.read("y") == GREETING
        assert await reader.read("closed") is None
