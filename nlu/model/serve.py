"""Serve a trained Rasa archive over HTTP, thin and quiet.

    python serve.py --model nlu-….tar.gz --port 5005 --workers 2 [--with-parent]

    POST /model/parse        {"text": "…"}         the JSON of Rasa's own /model/parse
    POST /model/parse/batch  {"texts": ["…", …]}   a list of the same, in order
    GET  /status             model file and id, as Rasa; also workers and load
    GET  /health             204 when this worker answers

The archive is loaded once and shared by forked workers. Nothing is logged per request and no text is ever
written anywhere. A message that only the slow reader could decide waits in a bounded queue beside the loop, so
quick messages do not stand behind it; when its deadline passes, the first reading is the answer, with
`"hurried": true`. A body may name its own `"deadline"` in seconds. When a worker has too much to do it says 503 and
when to come again.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Awaitable, Sequence

# Before numpy and the embedding are loaded: with more threads the slowest answers become much slower.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["RASA_TELEMETRY_ENABLED"] = "false"

import archive  # noqa: E402
from wire import Connection, Reply  # noqa: E402

WARMING = ("안녕하세요 거기 누구 있어요?", "hello is anyone there, i need to talk")
BATCH = 256
LONGEST_WAIT = 120.0  # seconds that a body may ask for
PRESSED = 0.2  # share of the deadline that the waiting texts may take before fewer are read twice
GRACE = 3.0  # seconds for answers under way when the server ends


@dataclass(frozen=True)
class Limits:
    """`queue`: texts waiting for the slow reader in one worker. `deadline`: seconds for a request."""

    queue: int
    deadline: float
    workers: int


class Service:
    """The routes of one worker."""

    def __init__(self, pipeline: archive.Pipeline, limits: Limits) -> None:
        """One thread beside the loop runs the slow reader."""
        self._pipeline = pipeline
        self._limits = limits
        self._beside = ThreadPoolExecutor(max_workers=1)
        self._waiting = 0
        self._pace = 0.05  # seconds that a slow text takes, lately; a guess until the first

    def quick(self, method: str, path: str, body: bytes) -> Reply | Awaitable[Reply]:
        """A reply at once, or an awaitable for one."""
        if path == "/model/parse" and method == "POST":
            asked = _asked(body, self._limits.deadline)
            if asked is None or not isinstance(asked.text, str):
                return Reply.refusal(400, 'The body must be JSON with a "text".')
            message = self._pipeline.begin(asked.text)
            if self._pipeline.quick(message, self._is_pressed(asked.deadline)):
                return Reply.json(self._pipeline.answer(message))
            if self._waiting >= self._limits.queue:
                return Reply.refusal(503, "Too many texts are waiting.", retry=1)
            return self._one(message, asked.deadline)
        if path == "/model/parse/batch" and method == "POST":
            asked = _asked(body, self._limits.deadline)
            if asked is None or not _are_texts(asked.texts):
                return Reply.refusal(400, f'The body must be JSON with "texts", at most {BATCH}.')
            return self._batch(asked.texts, asked.deadline)
        if path == "/health":
            return Reply(204, b"")
        if path in {"/", "/status"}:
            return Reply.json(self._status())
        return Reply.refusal(404, "There is no such address.")

    async def _one(self, message: Any, deadline: float) -> Reply:
        return Reply.json(await self._within(message, deadline))

    async def _within(self, message: Any, deadline: float) -> dict[str, Any]:
        """The second reading, or the first when there is no time or no room for another."""
        first = dict(self._pipeline.answer(message))
        if not self._has_time(deadline):
            return {**first, "hurried": True}
        under_way = asyncio.ensure_future(self._slowly(message))
        done, _ = await asyncio.wait({under_way}, timeout=deadline)
        if done:
            return under_way.result()
        under_way.cancel()
        return {**first, "hurried": True}

    def _has_time(self, deadline: float) -> bool:
        """Whether a text that joins the queue can expect to be read in time.

        Without this every text would wait, and when more come than can be read, all of them would be too late.
        """
        if self._waiting >= self._limits.queue or deadline <= 0:
            return False
        return self._waiting == 0 or (self._waiting + 1) * self._pace < 0.8 * deadline

    def _is_pressed(self, deadline: float, more: int = 0) -> bool:
        """Whether so many texts wait, and `more` will, that only those that need it should be read twice."""
        return (self._waiting + more) * self._pace > PRESSED * deadline

    async def _slowly(self, message: Any) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        under_way = self._beside.submit(self._timed, message)
        self._waiting += 1
        # Counted until it is really over: one that nobody waits for any more still keeps the thread busy.
        under_way.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        await asyncio.wrap_future(under_way)
        return self._pipeline.answer(message)

    def _done(self) -> None:
        self._waiting -= 1

    def _timed(self, message: Any) -> None:
        started = time.monotonic()
        self._pipeline.slow(message)
        self._pace += (time.monotonic() - started - self._pace) / 8

    async def _batch(self, texts: Sequence[str], deadline: float) -> Reply:
        # The slow ones of a batch go one after the other, so that a batch takes one place in the queue.
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline
        messages = [self._pipeline.begin(text) for text in texts]
        slow: list[bool] = []
        for message in messages:
            slow.append(not self._pipeline.quick(message, self._is_pressed(deadline, sum(slow))))
            await asyncio.sleep(0)
        answers = []
        for message, is_slow in zip(messages, slow):
            if is_slow:
                answers.append(await self._within(message, until - loop.time()))
            else:
                answers.append(self._pipeline.answer(message))
        return Reply.json(answers)

    def _status(self) -> dict[str, Any]:
        return {
            "model_file": self._pipeline.model_file,
            "model_id": self._pipeline.model_id,
            "trained_at": self._pipeline.trained_at,
            "num_active_training_jobs": 0,
            "workers": self._limits.workers,
            "waiting": self._waiting,
        }


@dataclass(frozen=True)
class Asked:
    """A body. `text` and `texts` are not checked yet; `deadline` is in seconds, for all of it together."""

    text: Any = field(repr=False)
    texts: Any = field(repr=False)
    deadline: float


def _asked(body: bytes, deadline: float) -> Asked | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    wanted = said.get("deadline", deadline)
    if not isinstance(wanted, (int, float)) or not 0 <= wanted <= LONGEST_WAIT:
        return None
    return Asked(said.get("text"), said.get("texts"), float(wanted))


def _are_texts(texts: Any) -> bool:
    return isinstance(texts, list) and len(texts) <= BATCH and all(isinstance(one, str) for one in texts)


async def work(service: Service, listening: socket.socket, parent: int) -> None:
    """Answer until SIGTERM, or until the process that started us is gone."""
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    connections: set[Connection] = set()
    accepting = asyncio.ensure_future(_accept(loop, service, listening, connections))
    while not ending.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(ending.wait(), timeout=0.5)
        except asyncio.TimeoutError:
            continue
    accepting.cancel()
    until = loop.time() + GRACE
    while any(one.busy for one in connections) and loop.time() < until:
        await asyncio.sleep(0.02)
    for one in list(connections):
        one.end()


async def _accept(
    loop: asyncio.AbstractEventLoop, service: Service, listening: socket.socket, connections: set[Connection]
) -> None:
    # One at a time: asyncio's own server takes all that wait at once, and one worker would get every connection.
    while True:
        try:
            taken, _ = await loop.sock_accept(listening)
        except OSError:
            await asyncio.sleep(0.05)  # out of file descriptors; some will come free
            continue
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.connect_accepted_socket(lambda: Connection(service.quick, connections), taken)
        await asyncio.sleep(0)


def child(service: Service, listening: socket.socket, parent: int) -> None:
    """One worker process; does not return."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent()
    code = 1
    try:
        _install_uvloop()
        asyncio.run(work(service, listening, parent))
        code = 0
    finally:
        os._exit(code)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG; elsewhere the loop watches getppid


def _install_uvloop() -> None:
    try:
        import uvloop
    except ImportError:
        return
    uvloop.install()


def listen(host: str, port: int, patience: float = 3.0) -> socket.socket:
    """A listening socket. A server before us may need a moment to let go of the port."""
    until = time.monotonic() + patience
    while True:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(1024)
        except OSError:
            listening.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            listening.setblocking(False)
            return listening


class Crew:
    """The worker processes: started, started again when one falls, ended together."""

    def __init__(self, service: Service, listening: socket.socket, size: int) -> None:
        """Nothing runs before `run`."""
        self._service = service
        self._listening = listening
        self._size = size
        self._alive: set[int] = set()
        self._ending = False

    def run(self, starter: int | None) -> int:
        """Keep the workers running until told to end or until the process `starter` is gone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        while not self._ending and (starter is None or os.getppid() == starter):
            while len(self._alive) < self._size and not self._ending:
                self._start()
            self._bury()
            time.sleep(0.2)
        self._ending = True
        self._close()
        return 0

    def _end(self, _number: int, _frame: object) -> None:
        self._ending = True

    def _start(self) -> None:
        us = os.getpid()
        pid = os.fork()
        if pid == 0:
            child(self._service, self._listening, us)
        self._alive.add(pid)

    def _bury(self) -> None:
        for pid in list(self._alive):
            gone, _ = os.waitpid(pid, os.WNOHANG)
            if gone:
                self._alive.discard(pid)
                if not self._ending:
                    say("a worker of the language model ended; starting another")
                    time.sleep(0.5)

    def _close(self) -> None:
        for pid in self._alive:
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + GRACE + 1
        while self._alive and time.monotonic() < until:
            self._bury()
            time.sleep(0.02)
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def say(line: str) -> None:
    """A line for the administrator. Never a text."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main() -> int:
    """Load, fork, serve. Prints one JSON line on standard output when it answers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5005)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--queue", type=int, default=64, help="texts waiting for the slow reader, per worker")
    parser.add_argument("--deadline", type=float, default=0.5, help="seconds for one request")
    parser.add_argument("--with-parent", action="store_true", help="end when the starting process ends")
    asked = parser.parse_args()
    starter = os.getppid() if asked.with_parent else None
    try:
        listening = listen(asked.host, asked.port)
        pipeline = archive.load(asked.model)
    except (OSError, ValueError, KeyError, ImportError) as problem:
        say(f"The language model cannot be served: {type(problem).__name__}: {problem}")
        return 1
    for text in WARMING:
        pipeline.parse(text)
    host, port = listening.getsockname()
    ready = {"ready": True, "host": host, "port": port, "model": asked.model.name}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    limits = Limits(asked.queue, asked.deadline, asked.workers)
    return Crew(Service(pipeline, limits), listening, asked.workers).run(starter)


if __name__ == "__main__":
    sys.exit(main())
