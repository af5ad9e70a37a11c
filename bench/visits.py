"""What a simulated visitor does at each kind of server, and when a message counts as answered."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from bench.client import Answer, Wire

Kind = Literal["gyeot", "rest", "parse", "empty"]
Say = Callable[[str, str], Awaitable[bool]]

ANSWERED_WITHIN: Final = 10.0
LOOK_AGAIN: Final = 0.05
PATIENT: Final = 60
OK: Final = 200


class Visitor:
    """One visitor after another on one connection. ``say`` is true when an answer could be read."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.notes: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Be somebody new."""

    async def say(self, text: str, lang: str) -> bool:
        """Send one message and wait until its answer can be read."""
        raise NotImplementedError

    def note(self, what: str) -> None:
        self.notes[what] = self.notes.get(what, 0) + 1


class GyeotVisitor(Visitor):
    """The visitor's page: a cookie, message ids, and what was shown is acknowledged with the next message."""

    def begin(self) -> None:
        self._cookie = ""
        self._seen = 0

    async def say(self, text: str, lang: str) -> bool:
        body = {"id": str(uuid.uuid4()), "text": text, "lang": lang, "seen": self._seen}
        answer = await self._wire.ask("POST", "/api/messages", _json(body), self._headers())
        self._cookie = answer.cookie or self._cookie
        if answer.status != OK:
            self.note(f"status {answer.status}")
            return False
        said = json.loads(answer.body)
        return self._read(said) or await self._later(said["seq"])

    async def _later(self, seq: int) -> bool:
        self.note("answer not in the response")
        until = asyncio.get_running_loop().time() + ANSWERED_WITHIN
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(LOOK_AGAIN)
            answer = await self._wire.ask("GET", f"/api/thread?after={seq}", headers=self._headers())
            if answer.status == OK and self._read(json.loads(answer.body)):
                return True
        return False

    def _read(self, said: dict[str, Any]) -> bool:
        entries = said["entries"]
        self._seen = max([self._seen, *(entry["seq"] for entry in entries)])
        return any(entry["who"] == "bot" and any(entry["texts"]) for entry in entries)

    def _headers(self) -> str:
        cookie = f"cookie: {self._cookie}\r\n" if self._cookie else ""
        return f"x-gyeot: 1\r\nsec-fetch-site: same-origin\r\n{cookie}"


class RestVisitor(Visitor):
    """Rasa's ``rest`` channel: a sender, and a list of responses."""

    def begin(self) -> None:
        self._sender = uuid.uuid4().hex

    async def say(self, text: str, lang: str) -> bool:
        body = _json({"sender": self._sender, "message": text})
        answer = await self._wire.ask("POST", "/webhooks/rest/webhook", body)
        found = _loaded(answer)
        if answer.status != OK:
            self.note(f"status {answer.status}")
        return isinstance(found, list) and any(one.get("text") for one in found)


class ParseVisitor(Visitor):
    """``/model/parse`` alone, with time for the second reader. Notes how often it was asked, or left out."""

    async def say(self, text: str, lang: str) -> bool:
        answer = await self._wire.ask("POST", "/model/parse", _json({"text": text, "deadline": PATIENT}))
        found = _loaded(answer)
        if answer.status != OK:
            self.note(f"status {answer.status}")
            return False
        if found.get("reader") == "cascade":
            self.note("second reader asked")
        if found.get("hurried"):
            self.note("hurried")
        return bool((found.get("intent") or {}).get("name"))


class EmptyVisitor(Visitor):
    """An endpoint that validates the message and does nothing."""

    async def say(self, text: str, lang: str) -> bool:
        body = {"id": str(uuid.uuid4()), "text": text, "lang": lang, "seen": 0}
        answer = await self._wire.ask("POST", "/api/messages", _json(body), "x-gyeot: 1\r\n")
        return answer.status == OK


VISITORS: Final[dict[str, type[Visitor]]] = {
    "gyeot": GyeotVisitor,
    "rest": RestVisitor,
    "parse": ParseVisitor,
    "empty": EmptyVisitor,
}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _loaded(answer: Answer) -> Any:
    return json.loads(answer.body) if answer.body else None
