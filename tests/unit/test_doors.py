from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from bot import doors
from bot.doors import CONSOLE_CSP, PUBLIC_CSP, door
from handoff.errors import StoreBusy

MARKER = "표식짙은밤73915"


class Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = Field(max_length=10)
    inner: dict[str, int] = {}


@pytest.fixture
def app() -> FastAPI:
    app = door("test", PUBLIC_CSP, secure=False)

    @app.post("/say")
    async def say(sent: Sent) -> dict[str, str]:
        return {"text": sent.text}

    @app.get("/number/{n}")
    async def number(n: int) -> int:
        return n

    @app.get("/fail/{kind}")
    async def fail(kind: str) -> None:
        raise {
            "ours": HTTPException(409, {"error": "taken", "message": "말"}),
            "theirs": HTTPException(418, MARKER),
            "busy": StoreBusy(MARKER),
            "fault": RuntimeError(MARKER),
        }[kind]

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app)  # raises what the application raises: nothing may come through
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("ours", 409, {"error": "taken", "message": "말"}),
        ("theirs", 418, {"error": "refused"}),
        ("busy", 503, {"error": "busy"}),
        ("fault", 500, {"error": "broken"}),
    ],
)
async def test_errors_are_told_in_our_words(
    client: httpx2.AsyncClient, capfd: pytest.CaptureFixture[str], kind: str, status: int, body: Any
) -> None:
    answer = await client.get(f"/fail/{kind}")
    assert (answer.status_code, answer.json()) == (status, body)
    assert (kind == "busy") == ("retry-after" in answer.headers)
    logged = "".join(capfd.readouterr())
    assert MARKER not in logged
    assert ("door.broken" in logged) == (kind == "fault")
    assert kind != "fault" or ("RuntimeError" in logged and "/fail/{kind}" in logged)


async def test_what_is_wrong_is_named_without_what_was_sent(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/say", json={"text": 7, "inner": {"a": MARKER}, MARKER: MARKER})
    assert answer.status_code == 422
    assert answer.json() == {
        "error": "malformed",
        "fields": [
            {"field": "text", "problem": "string_type"},
            {"field": "inner.a", "problem": "int_type"},
            {"field": "", "problem": "extra_forbidden"},
        ],
    }


async def test_too_long_and_a_wrong_path(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/say", json={"text": "x" * 11})
    assert (answer.status_code, answer.json()["error"]) == (413, "too_long")
    answer = await client.get(f"/number/{MARKER}")
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_at_the_limit_passes_and_one_over_it_is_read_to_its_end_and_refused(
    client: httpx2.AsyncClient, told: bool
) -> None:
    for size, status in ((doors.BODY_LIMIT, 422), (doors.BODY_LIMIT + 1, 413), (5_000_000, 413)):
        taken = 0

        async def pieces(size: int = size) -> AsyncIterator[bytes]:
            nonlocal taken
            for start in range(0, size, 8192):
                taken += min(8192, size - start)
                yield b"x" * min(8192, size - start)

        headers = {"Content-Type": "application/json"} | ({"Content-Length": str(size)} if told else {})
        answer = await client.post("/say", content=pieces(), headers=headers)
        assert answer.status_code in {status, 400 if status == 422 else status}
        assert taken == size
        assert answer.json()["error"] == ("too_large" if status == 413 else "malformed")


async def test_a_body_that_never_ends_is_not_read_for_ever(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "MOST_THROWN_AWAY", 1_000_000)
    sent: list[Any] = []
    received = 0

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/say", "raw_path": b"/say", "query_string": b"",
        "headers": [(b"content-length", b"99999999999")], "root_path": "", "scheme": "http",
        "http_version": "1.1", "client": None, "server": None,
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["status"] == 413
    assert received <= 1_000_000 // 65_536 + 1


def test_the_consoles_policy_lets_argon2_run_and_the_publics_does_not() -> None:
    assert "'wasm-unsafe-eval'" in CONSOLE_CSP
    assert "unsafe" not in PUBLIC_CSP
    for policy in (PUBLIC_CSP, CONSOLE_CSP):
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy


@pytest.mark.parametrize("secure", [True, False])
async def test_headers(secure: bool) -> None:
    transport = httpx2.ASGITransport(app=door("test", CONSOLE_CSP, secure))
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/healthz")
        assert answer.json() == {"status": "up"}
        assert answer.headers["content-security-policy"] == CONSOLE_CSP
        assert ("strict-transport-security" in answer.headers) is secure
        assert answer.headers["cache-control"] == "no-store"
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert (await client.get(path)).status_code == 404
