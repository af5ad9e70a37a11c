"""No telemetry, whatever the surroundings configure: nothing of a request reaches a span, a metric or a log."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import FastAPI
from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import Logger, LoggerProvider
from opentelemetry.metrics import MeterProvider, NoOpMeter
from opentelemetry.trace import NoOpTracer, TracerProvider
from pydantic import BaseModel

from bot import logs
from bot.doors import CONSOLE_CSP, PUBLIC_CSP, door

MARKER = "표식문장7391 do not leak me"


class Recorder:
    """Everything that anyone asked a provider to keep."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def tracer(self) -> TracerProvider:
        recorder = self

        class Tracer(NoOpTracer):
            def start_span(self, *args: Any, **kwargs: Any) -> Any:
                recorder.heard.append(f"span {args} {kwargs}")
                return super().start_span(*args, **kwargs)

            def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
                recorder.heard.append(f"span {args} {kwargs}")
                return super().start_as_current_span(*args, **kwargs)

        class Provider(TracerProvider):
            def get_tracer(self, *_args: Any, **_kwargs: Any) -> Tracer:
                return Tracer()

        return Provider()

    def logger(self) -> LoggerProvider:
        recorder = self

        class OneLogger(Logger):
            def emit(self, *args: Any, **kwargs: Any) -> None:
                recorder.heard.append(f"log {args} {kwargs}")

            def enabled(self, *_args: Any, **_kwargs: Any) -> bool:
                return True

        class Provider(LoggerProvider):
            def get_logger(self, name: str, *_args: Any, **_kwargs: Any) -> OneLogger:
                return OneLogger(name)

        return Provider()

    def meter(self) -> MeterProvider:
        recorder = self

        class Provider(MeterProvider):
            def get_meter(self, name: str, *_args: Any, **_kwargs: Any) -> NoOpMeter:
                recorder.heard.append(f"meter {name}")
                return NoOpMeter(name)

        return Provider()


class Sent(BaseModel):
    """A body with one number."""

    number: int


def _with_routes(app: FastAPI) -> FastAPI:
    @app.post("/take")
    async def take(sent: Sent) -> dict[str, int]:
        return {"number": sent.number}

    @app.post("/break")
    async def broken() -> None:
        raise RuntimeError(MARKER)

    return app


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Providers such as a machine that collects telemetry from every process would have set."""
    found = Recorder()
    tracer, logger, meter = found.tracer(), found.logger(), found.meter()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracer)
    monkeypatch.setattr(_logs, "get_logger_provider", lambda: logger)
    monkeypatch.setattr(_logs, "get_logger", lambda name, *_args, **_kwargs: logger.get_logger(name))
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: meter)
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    return found


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    """All that is printed or logged while a request is handled."""
    into = io.StringIO()
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    with redirect_stdout(into), redirect_stderr(into):
        logs.configure("debug", pretty=False)
        root.addHandler(logging.StreamHandler(into))
        root.setLevel(logging.DEBUG)
        yield into
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def _attack(app: FastAPI) -> list[httpx2.Response]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gyeot.test") as client:
        return [
            await client.post("/take", json={"number": MARKER}),
            await client.post("/take", content=f'{{"number": "{MARKER}'.encode()),
            await client.post("/break"),
            await client.post("/healthz", json={"text": MARKER}),
        ]


@pytest.mark.parametrize("csp", [PUBLIC_CSP, CONSOLE_CSP])
async def test_a_refused_or_broken_request_leaves_nothing_anywhere(
    csp: str, recorder: Recorder, printed: io.StringIO
):
    answers = await _attack(_with_routes(door("door", csp, secure=True)))
    assert [answer.status_code for answer in answers] == [422, 422, 500, 405]
    assert recorder.heard == []
    assert MARKER not in printed.getvalue()
    assert "door.broken" in printed.getvalue()
    assert not any(MARKER in answer.text or MARKER in str(answer.headers) for answer in answers)


async def test_the_framework_alone_would_have_told(recorder: Recorder, printed: io.StringIO):
    await _attack(_with_routes(FastAPI()))
    assert any(heard.startswith("span") for heard in recorder.heard)
    assert any("fastapi.validation.failed" in heard for heard in recorder.heard)
    assert any(MARKER in heard for heard in recorder.heard)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
async def test_no_route_describes_the_others(path: str):
    transport = httpx2.ASGITransport(app=door("door", PUBLIC_CSP, secure=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gyeot.test") as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "not_found"}
