"""One keep-alive HTTP/1.1 connection to 127.0.0.1, light: the load must not cost what is measured."""

from __future__ import annotations

import asyncio
from typing import Self

import httptools

HOST = "127.0.0.1"


class Broken(Exception):
    """The server closed the connection or sent no HTTP."""


class Answer:
    """A response as it comes in. ``cookie``: the first pair of a ``Set-Cookie`` header, or empty."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.cookie = ""
        self.whole = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, received: bytes) -> None:
        self._parser.feed_data(received)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"set-cookie" and not self.cookie:
            self.cookie = value.split(b";", 1)[0].decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.whole = True


class Wire:
    """A connection that is opened when it is needed and opened again when the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def ask(self, method: str, path: str, body: bytes = b"", headers: str = "") -> Answer:
        """The whole answer. Raises ``Broken`` or ``OSError``."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(HOST, self._port, limit=2**20)
        head = f"{method} {path} HTTP/1.1\r\nhost: {HOST}:{self._port}\r\n{headers}"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        answer = Answer()
        while not answer.whole:
            received = await self._reader.read(65536)
            if not received:
                self.close()
                raise Broken
            answer.feed(received)
        return answer
