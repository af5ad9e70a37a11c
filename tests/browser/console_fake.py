"""A small server with the console's HTTP interface: real keys and real sealing, no store and no bot."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from console_cast import EPOCH, Json, Person, Talk, b64, people, when
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from console.page import load_texts, render, static_path, texts_path
from vault.desk import DeskKey, new_conversation_key, new_desk_key
from vault.staffkeys import M, P, T, proof_matches

CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
RISKS = ("imminent", "high", "medium", "low")


class FakeConsole:
    """What the tests set up, look into, and turn wrong."""

    def __init__(self, desk: DeskKey, people: list[Person]) -> None:
        self.desk = desk
        self.people = {person.id: person for person in people}
        self.streams: list[asyncio.Queue[str]] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.url = ""
        self.clear()

    def clear(self) -> None:
        """Forget everything but the staff and the desk, as after a start."""
        self.talks: dict[str, Talk] = {}
        self.sessions: dict[str, Json] = {}
        self.model = "up"
        self.unreviewed = 0
        self.idle_seconds = 900
        self.epoch_shown = EPOCH
        self.shown_key: bytes | None = None
        self.refuse: dict[str, tuple[int, str]] = {}
        self.break_off: set[str] = set()
        self.gets: list[str] = []
        self.bodies: list[tuple[str, Json]] = []
        self.answers: dict[str, Json] = {}
        self.people["s4"].shares = []

    def talk(self, risk: str, topic: str, *, waited: float = 60, **facts: Any) -> Talk:
        """A new waiting conversation."""
        identity = str(uuid.uuid4())
        row = {
            "id": identity,
            "risk": risk,
            "topic": topic,
            "lang": "ko",
            "channel": "web",
            "phase": "waiting",
            "waiting_since": when(waited),
            "last_at": when(waited),
            "holder": None,
            "model": "answered",
            "failed": 0,
            "track": "harmed",
            "danger": None,
            "silent": False,
            **facts,
        }
        key = new_conversation_key(self.desk.pair.public, EPOCH, identity)
        self.talks[identity] = Talk(identity, key, row)
        return self.talks[identity]

    def ring(self, identity: str = "") -> None:
        """Tell every open page that something changed."""
        assert self.loop is not None
        for stream in list(self.streams):
            self.loop.call_soon_threadsafe(stream.put_nowait, json.dumps({"id": identity}))

    def drop_streams(self) -> None:
        """End every open event stream, as a lost connection does."""
        assert self.loop is not None
        for stream in list(self.streams):
            self.loop.call_soon_threadsafe(stream.put_nowait, "end")

    def queue(self, person: Person) -> Json:
        """The queue as this person sees it."""
        rows = [talk.row for talk in self.talks.values()]
        held = [row for row in rows if row["phase"] == "claimed"]
        waiting = [row for row in rows if row["phase"] == "waiting"]
        waiting.sort(key=lambda row: (RISKS.index(row["risk"]), row["waiting_since"]))
        walled = [row for row in waiting if row["track"] == "offender"]
        return {
            "waiting": [row for row in waiting if row not in walled],
            "walled": walled if person.role == "supervisor" else [],
            "unreviewed": self.unreviewed,
            "mine": [row for row in held if row["holder"] == person.name],
            "held": held if person.role == "supervisor" else [],
            "with_bot": 2,
            "model": self.model,
            "now": when(0),
        }

    def view(self, talk: Talk, person: Person) -> Json:
        """A conversation without its entries."""
        return {
            **self.after(talk, person),
            "key": {"epoch": self.epoch_shown, "sealed": b64(talk.key.sealed_private)},
            "public_key": b64(talk.key.public_key),
            "assessments": talk.assessments,
            "deliveries": talk.deliveries,
        }

    def after(self, talk: Talk, person: Person) -> Json:
        """What an action answers."""
        return {"conversation": {**talk.row, "intent": "spread_threat"}, "may": self._may(talk, person)}

    def act(self, talk: Talk, person: Person, action: str, body: Json) -> None:
        """Do what the page asked for."""
        if action == "claim":
            talk.row.update(phase="claimed", holder=person.name)
        elif action == "release":
            talk.row.update(phase="waiting", holder=None)
        elif action == "close":
            talk.row.update(phase="closed", holder=None)
        elif action == "risk":
            talk.row.update(risk=body["risk"], topic=body["topic"])
        elif action == "note":
            talk.keep_note(body["note_id"], b64decode(body["sealed"]))
        elif action == "reply":
            seq = talk.add("counselor", body["text"])
            talk.deliveries.append({"seq": seq, "state": "pending", "error": None})

    def _may(self, talk: Talk, person: Person) -> list[str]:
        if talk.row["phase"] == "closed":
            return []
        if talk.row["holder"] == person.name:
            return ["reply", "note", "release", "close", "risk"]
        if person.role == "supervisor":
            return ["claim", "note", "risk"] if talk.row["holder"] is None else ["note", "release", "risk"]
        return ["claim"] if talk.row["holder"] is None else []


def application(fake: FakeConsole) -> FastAPI:
    """The interface over the fake."""
    app = FastAPI(openapi_url=None)
    _page(app, fake)
    _sign_in(app, fake)
    _desk(app, fake)
    _staff(app, fake)
    return app


def _page(app: FastAPI, fake: FakeConsole) -> None:
    app.mount("/static", StaticFiles(directory=static_path()))

    @app.middleware("http")
    async def policy(request: Request, call_next: Any) -> Response:
        path = request.url.path
        session = fake.sessions.get(request.cookies.get("console", ""))
        if path.startswith("/api/") and not path.startswith("/api/sign-in") and session is None:
            return JSONResponse({"error": "signed_out", "message": ""}, 401)
        if session is not None and request.method == "POST" and not path.startswith("/api/sign-in"):
            assert request.headers["X-Gyeot-Token"] == session["token"]
        if path.startswith("/api/"):
            request.state.person = session and session["person"]
            fake.gets.append(f"{request.method} {path}")
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = CSP
        return response

    @app.get("/")
    async def shell() -> HTMLResponse:
        return HTMLResponse(render(load_texts(texts_path())))

    @app.get("/api/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(_stream(fake), media_type="text/event-stream")


async def _stream(fake: FakeConsole) -> AsyncIterator[str]:
    stream: asyncio.Queue[str] = asyncio.Queue()
    fake.streams.append(stream)
    try:
        yield "retry: 200\n\n"
        while (said := await stream.get()) != "end":
            yield f"event: changed\ndata: {said}\n\n"
    finally:
        fake.streams.remove(stream)


def _sign_in(app: FastAPI, fake: FakeConsole) -> None:
    @app.post("/api/sign-in/start")
    async def start(body: Json) -> Json:
        fake.bodies.append(("start", body))
        person = next((one for one in fake.people.values() if one.name == body["name"]), None)
        salt = bytes(16) if person is None else person.keys.salt
        return {"staff": person.id if person else "s0", "salt": b64(salt), "t": T, "m": M, "p": P}

    @app.post("/api/sign-in")
    async def sign_in(body: Json) -> Response:
        fake.bodies.append(("sign-in", body))
        person = next((one for one in fake.people.values() if one.name == body["name"]), None)
        if person is None or not proof_matches(b64decode(body["proof"]), person.keys.proof_hash):
            return JSONResponse({"error": "wrong", "message": "아니에요"}, 401)
        cookie, token = str(uuid.uuid4()), str(uuid.uuid4())
        fake.sessions[cookie] = {"token": token, "person": person}
        answer = JSONResponse(
            {
                "staff": {"id": person.id, "name": person.name, "role": person.role},
                "token": token,
                "public_key": b64(fake.shown_key or person.keys.public_key),
                "wrapped_private_key": b64(person.keys.wrapped_private_key),
                "shares": person.shares,
                "idle_seconds": fake.idle_seconds,
            }
        )
        answer.set_cookie("console", cookie, httponly=True, samesite="strict")
        return answer

    @app.post("/api/sign-out")
    async def sign_out(request: Request) -> Response:
        fake.sessions.pop(request.cookies.get("console", ""), None)
        return Response(status_code=204)


def _desk(app: FastAPI, fake: FakeConsole) -> None:
    @app.get("/api/queue")
    async def queue(request: Request) -> Json:
        return fake.queue(request.state.person)

    @app.post("/api/here", status_code=204)
    async def here(body: Json) -> None:
        fake.bodies.append(("here", body))

    @app.get("/api/conversations/{identity}")
    async def conversation(identity: str, request: Request) -> Response:
        talk, person = fake.talks[identity], request.state.person
        if talk.row["holder"] not in {None, person.name} and person.role != "supervisor":
            return JSONResponse({"error": "forbidden", "message": ""}, 403)
        return JSONResponse({**fake.view(talk, person), "entries": talk.entries})

    @app.post("/api/conversations/{identity}/{action}")
    async def act(identity: str, action: str, request: Request) -> Response:
        body, talk, person = await request.json(), fake.talks[identity], request.state.person
        fake.bodies.append((action, body))
        if action in fake.refuse:
            status, code = fake.refuse.pop(action)
            return JSONResponse({"error": code, "message": code}, status)
        if body["request_id"] not in fake.answers:
            fake.act(talk, person, action, body)
            fake.answers[body["request_id"]] = fake.after(talk, person)
            fake.ring(identity)
        if action in fake.break_off:
            fake.break_off.discard(action)
            return Response("not json", media_type="text/plain")
        return JSONResponse(fake.answers[body["request_id"]])


def _staff(app: FastAPI, fake: FakeConsole) -> None:
    @app.get("/api/staff")
    async def staff() -> Json:
        return {
            "staff": [
                {
                    "id": one.id,
                    "name": one.name,
                    "role": one.role,
                    "admitted": bool(one.shares),
                    "disabled": False,
                    "public_key": b64(one.keys.public_key),
                }
                for one in fake.people.values()
            ]
        }

    @app.post("/api/staff/{identity}/admit")
    async def admit(identity: str, body: Json) -> Response:
        fake.bodies.append(("admit", body))
        public = b64(fake.desk.pair.public)
        fake.people[identity].shares = [{**share, "public_key": public} for share in body["shares"]]
        return Response(status_code=204)


@contextmanager
def running(fake: FakeConsole) -> Iterator[FakeConsole]:
    """Serve the fake on a free port, in a thread."""
    config = uvicorn.Config(application(fake), port=0, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)

    def serve() -> None:
        fake.loop = asyncio.new_event_loop()
        fake.loop.run_until_complete(server.serve())
        fake.loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    fake.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        fake.drop_streams()
        server.should_exit = True
        thread.join()


def new_console() -> FakeConsole:
    """A console with staff and no conversations. Slow, for the keys: make one per run and ``clear`` it."""
    desk = new_desk_key(EPOCH)
    return FakeConsole(desk, people(desk))
