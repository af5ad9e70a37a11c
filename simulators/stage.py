"""What all simulators share: the phone's screen, a page to type into, and a script that types by itself."""

from __future__ import annotations

import asyncio
import html
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.telemetry import TelemetryConfig

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "logs": False,
    "metrics": False,
    "operation_spans": False,
    "auto_configure": False,
}
PHONE = Path(__file__).parent / "phone.html"
WAITS_FOR_A_LINE = 15.0
LOOKS_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line on the visitor's screen. ``who``: ``me``, ``gyeot``, or ``provider`` for what the provider says.

    ``buttons``: what may be tapped. ``gone``: deleted again.
    """

    n: int
    who: str
    text: str = field(repr=False)
    buttons: tuple[str, ...] = ()
    gone: bool = False


class Stage:
    """The visitor's screen. ``type_in(text)`` is called for what is typed on the page or by a script."""

    def __init__(self, title: str, type_in: Callable[[str], Awaitable[None]]) -> None:
        self.title = title
        self._type_in = type_in
        self._numbers = itertools.count(1)
        self._lines: list[Spoken] = []
        self._changed = asyncio.Condition()

    @property
    def lines(self) -> Sequence[Spoken]:
        """The screen from top to bottom."""
        return tuple(self._lines)

    async def show(self, who: str, text: str, buttons: Sequence[str] = ()) -> Spoken:
        """Put a line on the screen."""
        line = Spoken(next(self._numbers), who, text, tuple(buttons))
        async with self._changed:
            self._lines.append(line)
            self._changed.notify_all()
        return line

    async def remove(self, n: int) -> None:
        """Delete a line, as a provider does when it is asked to."""
        async with self._changed:
            self._lines = [
                line if line.n != n else Spoken(line.n, line.who, "", (), gone=True) for line in self._lines
            ]
            self._changed.notify_all()

    async def type(self, text: str) -> None:
        """What the visitor sends."""
        await self.show("me", text)
        await self._type_in(text)

    async def after(self, n: int, within: float = LOOKS_WITHIN) -> Sequence[Spoken]:
        """Lines that came after line ``n``; waits for one, and gives none when none comes in time."""
        try:
            async with asyncio.timeout(within), self._changed:
                while not (new := [line for line in self._lines if line.n > n]):
                    await self._changed.wait()
                return new
        except TimeoutError:
            return []

    async def expect(self, fragment: str, after: int = 0, within: float = WAITS_FOR_A_LINE) -> Spoken:
        """The first line after ``n``, not the visitor's, that contains ``fragment``. Raises ``Missing``."""
        try:
            async with asyncio.timeout(within), self._changed:
                while True:
                    for line in self._lines:
                        if line.n > after and line.who != "me" and fragment in line.text:
                            return line
                    await self._changed.wait()
        except TimeoutError:
            raise Missing(f"no line with «{fragment}» within {within:.0f} s") from None


@dataclass(frozen=True, slots=True)
class Built:
    """A provider ready to be shown: its pages and endpoints, the screen, what else a visitor can do."""

    app: FastAPI
    stage: Stage
    deeds: Mapping[str, Callable[[], Awaitable[None]]]


class Missing(Exception):
    """A script waited for a line that did not come."""


async def play(stage: Stage, script: str, deeds: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Play a script. Raises ``Missing`` when an expected line does not come, ``ValueError`` for a bad line.

    One step a line: ``> text`` types it; ``< fragment`` waits for a new line that contains it;
    ``* name`` does one of ``deeds`` (what else a visitor can do with this provider: ``* block``);
    ``wait 1.5`` lets seconds pass; ``#`` is a remark.
    """
    seen = 0
    for number, raw in enumerate(script.splitlines(), start=1):
        step = raw.strip()
        mark, _, rest = step.partition(" ")
        if not step or mark.startswith("#"):
            continue
        if mark == ">":
            await stage.type(rest)
        elif mark == "<":
            seen = (await stage.expect(rest.strip(), seen)).n
        elif mark == "*" and rest.strip() in deeds:
            await deeds[rest.strip()]()
        elif mark == "wait":
            await asyncio.sleep(float(rest))
        else:
            raise ValueError(f"line {number} of the script is no step: {step[:40]}")


def application(title: str) -> FastAPI:
    """An application without telemetry and without pages of its own."""
    return FastAPI(title=title, telemetry=NO_TELEMETRY, openapi_url=None, docs_url=None, redoc_url=None)


def page(stage: Stage, deeds: Mapping[str, Callable[[], Awaitable[None]]]) -> APIRouter:
    """``GET /`` the visitor's phone, ``POST /type``, ``POST /do/<deed>``, ``GET /lines?after=``."""
    routes = APIRouter()

    @routes.get("/")
    async def phone() -> HTMLResponse:
        buttons = "".join(
            f'<button type="button" data-do="{html.escape(deed)}">{html.escape(deed)}</button>'
            for deed in deeds
        )
        return HTMLResponse(
            PHONE.read_text(encoding="utf-8")
            .replace("$TITLE", html.escape(stage.title))
            .replace("$DEEDS", buttons)
        )

    @routes.post("/type")
    async def typed(text: Annotated[str, Body(embed=True, max_length=5000)]) -> dict[str, str]:
        await stage.type(text)
        return {"status": "sent"}

    @routes.post("/do/{deed}")
    async def do(deed: str) -> dict[str, str]:
        if deed not in deeds:
            return {"status": "unknown"}
        await deeds[deed]()
        return {"status": "done"}

    @routes.get("/lines")
    async def lines(after: int = 0) -> list[dict[str, object]]:
        return [asdict(line) for line in await stage.after(after)]

    return routes
