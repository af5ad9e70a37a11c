"""Deny by default: who is let through, and that no route forgot to ask."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI

import console.api
import console.app
from bot.doors import CONSOLE_CSP, door
from console.gate import Gate, Guarded, _asks, anybody
from console.sign_in import IDLE, FrontDesk, Seat
from handoff.people import Role
from handoff.permissions import Action
from tests.builders import Room, index, person, room
from tests.console_room import Browser, browser, form, model_up

A, S, X = person("a"), person("s", Role.SUPERVISOR), person("x", Role.ADMINISTRATOR)

UNSAFE = [
    "/api/conversations/c1/claim",
    "/api/conversations/c1/release",
    "/api/conversations/c1/close",
    "/api/conversations/c1/reply",
    "/api/conversations/c1/note",
    "/api/conversations/c1/risk",
    "/api/staff/id-a/admit",
    "/api/here",
]
SAFE = ["/api/queue", "/api/events", "/api/conversations/c1", "/api/staff"]


@pytest.fixture
async def here() -> Room:
    found = await room()
    await found.seat(A, S, X)
    await found.open("c1")
    return found


@pytest.fixture
async def a(here: Room) -> AsyncIterator[Browser]:
    async with browser(here, A) as found:
        yield found


def gate_of(here: Room) -> Gate:
    return Gate(FrontDesk(here.store, index(), here.ledger, here.clock), secure=False)


def routes_of(here: Room) -> list[Guarded]:
    gate = gate_of(here)
    office = console.api.Office(here.store, here.bell, here.desk, gate, model_up, here.clock)
    routers = (console.api.router(office), console.app.router(gate, ""))
    routes = [route for found in routers for route in found.routes]
    assert all(isinstance(route, Guarded) for route in routes)
    return [route for route in routes if isinstance(route, Guarded)]


async def test_every_route_asks(here: Room) -> None:
    routes = routes_of(here)
    assert {route.path.replace("{id}", "c1") for route in routes} >= {*SAFE, *UNSAFE[:-2]}
    assert [route.path for route in routes if not _asks(route.dependant)] == []


async def test_only_the_way_in_is_open_to_everybody(here: Room) -> None:
    opened = {
        route.path
        for route in routes_of(here)
        if any(dependency.call is anybody for dependency in route.dependant.dependencies)
    }
    assert opened == {"/", "/api/sign-in/start", "/api/sign-in", "/api/sign-out"}


def app_with(here: Room) -> FastAPI:
    gate = gate_of(here)
    routes = APIRouter(route_class=Guarded)

    @routes.get("/forgot")
    async def forgot() -> str:
        return "private"

    @routes.get("/seated")
    async def seated(_seat: Annotated[Seat, Depends(gate.seated())]) -> str:
        return "private"

    @routes.get("/asked")
    async def asked(_seat: Annotated[Seat, gate.may(Action.SEE_STAFF)]) -> str:
        return "private"

    app = door("test", CONSOLE_CSP, secure=False)
    app.include_router(console.app.router(gate, ""))
    app.include_router(routes)
    return app


async def test_a_route_that_forgot_to_ask_refuses_even_a_supervisor(here: Room) -> None:
    transport = httpx2.ASGITransport(app=app_with(here))
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.test") as client:
        await Browser(client).sign_in(S)
        for path in ("/forgot", "/seated"):
            answer = await client.get(path)
            assert answer.status_code == 403, path
            assert "private" not in answer.text
        assert (await client.get("/asked")).status_code == 200


@pytest.mark.parametrize("path", [*SAFE, *UNSAFE])
async def test_nobody_is_let_in_without_a_session(here: Room, path: str) -> None:
    async with browser(here) as stranger:
        answer = await (stranger.get(path) if path in SAFE else stranger.post(path))
    # A body that is not right may be refused first; it never gets further.
    assert answer.status_code in {401, 422}
    assert (await here.find("c1")).holder is None


@pytest.mark.parametrize("path", ["/api/queue", "/api/conversations/c1", "/api/staff"])
async def test_a_role_without_permission_is_forbidden(here: Room, path: str) -> None:
    async with browser(here, X) as administrator:
        assert (await administrator.get(path)).status_code == 403
        assert (await administrator.post("/api/conversations/c1/claim")).status_code == 403
    async with browser(here, A) as counselor:
        assert (await counselor.get("/api/staff")).status_code == 403


async def test_a_session_that_is_over_answers_401(here: Room, a: Browser) -> None:
    here.clock.pass_by(IDLE + 1)
    answer = await a.get("/api/queue")
    assert answer.status_code == 401
    assert answer.json()["error"] == "signed_out"


async def test_looking_does_not_keep_a_session_but_working_does(here: Room, a: Browser) -> None:
    here.clock.pass_by(IDLE - 1)
    assert (await a.get("/api/queue")).status_code == 200
    here.clock.pass_by(2)
    assert (await a.get("/api/queue")).status_code == 401
    await a.sign_in(A)
    here.clock.pass_by(IDLE - 1)
    assert (await a.post("/api/conversations/c1/claim")).status_code == 200
    here.clock.pass_by(IDLE - 1)
    assert (await a.get("/api/queue")).status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", "é"])
async def test_a_form_needs_its_token(here: Room, a: Browser, token: str) -> None:
    answer = await a.client.post(
        "/api/conversations/c1/claim",
        json={"request_id": form()},
        headers={b"X-Gyeot-Token": token.encode()},
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "signed_out")
    assert (await here.find("c1")).holder is None


async def test_another_sessions_form_token_does_not_do(here: Room, a: Browser) -> None:
    async with browser(here, S) as other:
        answer = await a.post("/api/conversations/c1/claim", headers={"X-Gyeot-Token": other.token})
    assert answer.status_code == 401
    assert (await here.find("c1")).holder is None


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
)
async def test_another_site_cannot_send_forms(here: Room, a: Browser, site: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": site}
    assert (await a.post("/api/conversations/c1/claim", headers=headers)).status_code == status
    signing_in = await a.client.post("/api/sign-in/start", json={"name": "a"}, headers=headers)
    assert signing_in.status_code == status


async def test_the_cookie_is_for_this_page_only(here: Room) -> None:
    async with browser(here, A) as found:
        kept = found.client.cookies.jar
        (cookie,) = list(kept)
    assert cookie.name == "gyeot-staff"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert str(cookie.get_nonstandard_attr("SameSite")).lower() == "strict"
    assert Gate(gate_of(here).front_desk, secure=True).cookie == "__Host-gyeot-staff"
