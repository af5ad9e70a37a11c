"""Ask a Rasa-shaped server what a message means: in time, never too many at once, and never a word in a log.

    ReaderError              the model did not answer usefully; callers of ``read`` get None instead
    ├── Unreachable          refused, broken off, or not in time
    ├── Overloaded           the server said 429 or 503; it lives, so the circuit stays closed
    └── Misspoken            an answer that is not the JSON of ``/model/parse``

Texts that arrive while requests are under way travel together to ``POST /model/parse/batch`` where the server
has it; a stock Rasa server gets them one by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Self

import aiohttp
import structlog

from nlu.intents import ENTITIES
from nlu.understanding import ModelReading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OF_DEADLINE: Final = 0.75
_BATCH: Final = 16
_REQUESTS: Final = 8
_RANKED: Final = 10
_GONE: Final = frozenset({404, 405, 501})
_FULL: Final = frozenset({429, 503})
_STATE_WITHIN: Final = 0.5
_LONGEST_VERSION: Final = 40
_SURE: Final = 1.001  # sums of floats may come out a little above one

_log = structlog.get_logger("nlu.rasa")


class ReaderError(Exception):
    """The model did not answer usefully."""


class Unreachable(ReaderError):
    """Refused, broken off, or not in time."""


class Overloaded(ReaderError):
    """The server has too much to do."""


class Misspoken(ReaderError):
    """The answer is not a parse."""


@dataclass(slots=True)
class Circuit:
    """Opens after ``failures`` failures in a row, for ``pause`` seconds; then one request may try."""

    failures: int = 5
    pause: float = 2.0
    _failed: int = 0
    _until: float = 0.0
    _probing: bool = False

    @property
    def open(self) -> bool:
        """Whether the server is taken for absent."""
        return self._failed >= self.failures

    def lets(self, now: float) -> bool:
        """Whether a request may go out at ``now`` (seconds, any steady clock)."""
        if not self.open:
            return True
        if self._probing or now < self._until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """An answer came."""
        if self.open:
            _log.info("model back")
        self._failed, self._probing = 0, False

    def failed(self, now: float) -> None:
        """No answer came."""
        self._failed += 1
        self._probing = False
        self._until = now + self.pause
        if self._failed == self.failures:
            _log.warning("model away")

    def undecided(self) -> None:
        """The trial ended without telling anything."""
        self._probing = False


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str = field(repr=False)
    answer: asyncio.Future[ModelReading | None]


class RasaReader:
    """A client of one server, used as an async context manager."""

    def __init__(
        self, url: str, *, deadline: float = 0.8, bound: int = 256, circuit: Circuit | None = None
    ) -> None:
        """``deadline``: seconds for one text, waiting included. ``bound``: texts waiting or under way."""
        self._url = url.rstrip("/")
        self._deadline = deadline
        self._bound = bound
        # Our own server answers with its first reading in time; stock Rasa passes over this.
        self._hurry = {"deadline": round(deadline * _OF_DEADLINE, 3)}
        self._circuit = circuit or Circuit()
        self._waiting: deque[_Asked] = deque()
        self._open = 0
        self._batches = True
        self._sending: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._version: str | None = None
        self._introduced = False

    async def __aenter__(self) -> Self:
        """Open the connections' pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_REQUESTS + 1),
            timeout=aiohttp.ClientTimeout(total=self._deadline),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Drop what is under way and close the connections."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def read(self, text: str) -> ModelReading | None:
        """The model's reading of ``text``, or None: away, too late, too busy, or not understood."""
        loop = asyncio.get_running_loop()
        if self._open >= self._bound or not self._circuit.lets(loop.time()):
            return None
        whole = text.encode(
            "utf-8", "replace"
        ).decode()  # half a surrogate is no text; servers stumble over it
        asked = _Asked(whole, loop.create_future())
        self._waiting.append(asked)
        self._open += 1
        try:
            self._send()
            async with asyncio.timeout(self._deadline):
                return await asked.answer
        except TimeoutError:
            return None
        finally:
            self._open -= 1
            asked.answer.cancel()

    async def state(self) -> Literal["up", "away"]:
        """Whether the server answers and has a model. Notes which one."""
        if self._session is None:
            return "away"
        limit = aiohttp.ClientTimeout(total=_STATE_WITHIN)
        try:
            async with self._session.get(f"{self._url}/status", timeout=limit) as response:
                if response.ok:
                    self._version = _version(await response.json(content_type=None))
                return "up" if response.ok else "away"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return "away"

    # -- sending --------------------------------------------------------------------------------------------

    def _send(self) -> None:
        """Start requests for what waits, as long as there are requests to spare."""
        while self._waiting and len(self._sending) < _REQUESTS:
            batch = self._next()
            if not batch:
                return
            task = asyncio.get_running_loop().create_task(self._settle(batch))
            self._sending.add(task)
            task.add_done_callback(self._sent)

    def _next(self) -> list[_Asked]:
        batch: list[_Asked] = []
        while self._waiting and len(batch) < (_BATCH if self._batches else 1):
            asked = self._waiting.popleft()
            if not asked.answer.done():
                batch.append(asked)
        return batch

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            self._send()

    async def _settle(self, batch: list[_Asked]) -> None:
        """Ask, tell the circuit how it went, and answer everyone in the batch."""
        loop = asyncio.get_running_loop()
        readings: list[ModelReading | None] = [None] * len(batch)
        try:
            readings = await self._ask([asked.text for asked in batch])
            self._circuit.succeeded()
        except Overloaded:
            self._circuit.undecided()
        except ReaderError:
            self._circuit.failed(loop.time())
            self._introduced, self._version = False, None  # what comes back may be another model
        finally:
            for asked, reading in zip(batch, readings, strict=True):
                if not asked.answer.done():
                    asked.answer.set_result(reading and replace(reading, version=self._version))
        if any(readings) and not self._introduced:
            self._introduced = True  # asked once, and never while a message waits
            await self.state()

    async def _ask(self, texts: list[str]) -> list[ModelReading | None]:
        if len(texts) > 1 and self._batches:
            found = await self._post("/model/parse/batch", {"texts": texts, **self._hurry})
            if found is not None:
                if not isinstance(found, list) or len(found) != len(texts):
                    raise Misspoken
                return [_reading_or_none(item) for item in found]
            self._batches = False
        return [_reading(await self._post("/model/parse", {"text": text, **self._hurry})) for text in texts]

    async def _post(self, path: str, body: Mapping[str, object]) -> object:
        """The JSON of the answer; None when the server does not know the path. Raises ``ReaderError``."""
        if self._session is None:
            raise Unreachable
        try:
            async with self._session.post(self._url + path, json=body) as response:
                if response.status in _GONE:
                    return None
                if response.status in _FULL:
                    raise Overloaded
                if not response.ok:
                    raise Misspoken
                return await response.json(content_type=None)
        except ValueError:
            raise Misspoken from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Unreachable from None


def _reading_or_none(item: object) -> ModelReading | None:
    try:
        return _reading(item)
    except Misspoken:
        return None


def _reading(item: object) -> ModelReading:
    """The reading in Rasa's JSON. Raises ``Misspoken``."""
    intent = item.get("intent") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(intent, dict):
        raise Misspoken
    listed = item.get("intent_ranking")
    ranking = [_named(entry) for entry in (listed if isinstance(listed, list) else [])[:_RANKED]]
    name, confidence = _named(intent)
    kinds = _kinds(item.get("entities"))
    return ModelReading(name, confidence, tuple(ranking) or ((name, confidence),), entities=kinds)


def _kinds(marked: object) -> tuple[str, ...]:
    """The kinds of the marked entities that are known here; their words stay behind."""
    entries = [entry for entry in marked if isinstance(entry, dict)] if isinstance(marked, list) else []
    found = [entry.get("entity") for entry in entries]
    return tuple(kind for kind in ENTITIES if kind in found)


def _version(status: object) -> str | None:
    """The name of the model's file in the JSON of ``/status``, without folders and ending."""
    named = status.get("model_file") if isinstance(status, dict) else None
    if not isinstance(named, str):
        return None
    return named.rsplit("/", 1)[-1].removesuffix(".tar.gz")[:_LONGEST_VERSION] or None


def _named(entry: object) -> tuple[str, float]:
    if not isinstance(entry, dict):
        raise Misspoken
    name, confidence = entry.get("name"), entry.get("confidence")
    if not isinstance(name, str) or not isinstance(confidence, int | float) or not 0 <= confidence <= _SURE:
        raise Misspoken
    return name, float(confidence)


class ScriptedReader:
    """The twin in memory: reads by a function of the text; away while ``away`` is true."""

    def __init__(self, script: Callable[[str], ModelReading | None]) -> None:
        """``script`` gives the reading of a text."""
        self._script = script
        self.away = False

    async def read(self, text: str) -> ModelReading | None:
        """What the script says; None while away."""
        return None if self.away else self._script(text)

    async def state(self) -> Literal["up", "away"]:
        """As set."""
        return "away" if self.away else "up"
