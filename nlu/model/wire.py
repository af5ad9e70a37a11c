"""HTTP/1.1 on one connection: parse with httptools, answer in order, keep alive."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Awaitable, Callable, Union

import httptools

LARGEST_BODY = 4 * 1024 * 1024
MOST_WAITING = 16  # pipelined requests of one connection


@dataclass(frozen=True)
class Reply:
    """A whole answer. `retry`: seconds for a Retry-After header."""

    status: int
    body: bytes
    retry: int | None = None

    @classmethod
    def json(cls, value: Any) -> Reply:
        """200 with a JSON body."""
        return cls(200, json.dumps(value, ensure_ascii=False).encode())

    @classmethod
    def refusal(cls, status: int, why: str, retry: int | None = None) -> Reply:
        """An error in the shape of Rasa's own."""
        said = {"status": "failure", "code": status, "reason": HTTPStatus(status).phrase, "message": why}
        return cls(status, json.dumps(said).encode(), retry)

    def bytes(self, keep_alive: bool) -> bytes:
        """The answer as it goes over the wire."""
        head = f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
        head += f"content-length: {len(self.body)}\r\n"
        if self.body:
            head += "content-type: application/json\r\n"
        if self.retry is not None:
            head += f"retry-after: {self.retry}\r\n"
        if not keep_alive:
            head += "connection: close\r\n"
        return head.encode() + b"\r\n" + self.body


Answering = Callable[[str, str, bytes], Union[Reply, Awaitable[Reply]]]


class Connection(asyncio.Protocol):
    """One client. `busy` while an answer is owed."""

    def __init__(self, answer: Answering, all_connections: set[Connection]) -> None:
        """`answer` gives a reply or an awaitable of one; it must not block."""
        self._answer = answer
        self._all = all_connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._asked: deque[tuple[str, str, bytes, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._start()

    @property
    def busy(self) -> bool:
        """Whether an answer is owed."""
        return self._task is not None or bool(self._asked)

    def end(self) -> None:
        """Close, now."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """From asyncio."""
        self._transport = transport
        self._all.add(self)

    def connection_lost(self, _problem: Exception | None) -> None:
        """From asyncio. What was asked is no longer wanted."""
        self._all.discard(self)
        self._asked.clear()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, received: bytes) -> None:
        """From asyncio."""
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserUpgrade:
            self._refuse(400, "Upgrades are not offered.")
        except httptools.HttpParserError:
            self._refuse(400, "That is not HTTP.")

    def on_message_begin(self) -> None:
        """From httptools."""
        self._start()

    def on_url(self, url: bytes) -> None:
        """From httptools."""
        self._url += url

    def on_body(self, body: bytes) -> None:
        """From httptools."""
        self._size += len(body)
        if self._size > LARGEST_BODY:
            self._refuse(413, "The body is too large.")
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        """From httptools. Answers at once when it can."""
        if self._size > LARGEST_BODY:
            return
        method = self._parser.get_method().decode("ascii", "replace")
        path = self._url.split(b"?", 1)[0].decode("ascii", "replace")
        self._asked.append((method, path, b"".join(self._body), self._parser.should_keep_alive()))
        if self._task is None:
            self._advance()
        elif len(self._asked) > MOST_WAITING:
            self._transport.pause_reading()

    def _start(self) -> None:
        self._url = b""
        self._body: list[bytes] = []
        self._size = 0

    def _advance(self) -> None:
        while self._asked:
            method, path, body, keep_alive = self._asked.popleft()
            answered = self._answer(method, path, body)
            if not isinstance(answered, Reply):
                self._task = asyncio.ensure_future(self._later(answered, keep_alive))
                return
            self._write(answered, keep_alive)

    async def _later(self, answered: Awaitable[Reply], keep_alive: bool) -> None:
        try:
            reply = await answered
        except Exception as problem:  # noqa: BLE001 - the client must get an answer; a text must not reach a log
            reply = Reply.refusal(500, f"The reader failed ({type(problem).__name__}).")
        self._task = None
        self._write(reply, keep_alive)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._advance()

    def _write(self, reply: Reply, keep_alive: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(reply.bytes(keep_alive))
        if not keep_alive:
            self._asked.clear()
            self._transport.close()

    def _refuse(self, status: int, why: str) -> None:
        self._write(Reply.refusal(status, why), keep_alive=False)
