"""Every request to the console passes here: whose session, which form token, which permission.

Routes deny by default: a route of the class ``Guarded`` that depends neither on ``Gate.may`` nor on
``Gate.anybody`` answers 403 to everyone.
"""

import hmac
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

from fastapi import Cookie, Depends, HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from console.sign_in import FrontDesk, Seat
from handoff.permissions import Action, Relation, allowed
from vault.secret import SecretText

SAFE_METHODS = {"GET", "HEAD"}
_ASKED = "_gyeot_permission_asked"


class Gate:
    """Turns a cookie into a seat, or refuses."""

    def __init__(self, front_desk: FrontDesk, secure: bool) -> None:
        self.front_desk = front_desk
        self.secure = secure
        self.cookie = "__Host-gyeot-staff" if secure else "gyeot-staff"

    def seated(self) -> Callable[..., Awaitable[Seat]]:
        """A dependency: somebody is signed in, and unsafe requests come from our own page."""

        async def seat(
            request: Request, token: Annotated[str | None, Cookie(alias=self.cookie)] = None
        ) -> Seat:
            found = await self.front_desk.seat(SecretText(token)) if token else None
            if found is None:
                raise refused(401, "signed_out", "다시 로그인해 주세요. / Please sign in again.")
            if request.method not in SAFE_METHODS:
                _check_form(request, found)
                await self.front_desk.touch(found)
            return found

        return seat

    def may(self, action: Action) -> Any:
        """A dependency: somebody is signed in whose role may do this to some conversation at least.

        How they stand to the one conversation is asked again where it is locked, in ``handoff/desk.py``.
        """

        async def permitted(seat: Annotated[Seat, Depends(self.seated())]) -> Seat:
            if not any(allowed(action, seat.staff.role, standing) for standing in (None, *Relation)):
                raise refused(403, "forbidden", "권한이 없어요. / Your role may not do this.")
            return seat

        setattr(permitted, _ASKED, True)
        return Depends(permitted)


class Guarded(APIRoute):
    """A route that refuses everyone unless it asked who may use it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, or a refusal."""
        return super().get_route_handler() if _asks(self.dependant) else _refuse_everyone


def anybody() -> None:
    """A dependency that says: this route is open to those who are not signed in."""


async def _refuse_everyone(_request: Request) -> Response:
    raise refused(403, "forbidden", "권한이 없어요. / Your role may not do this.")


def _asks(dependant: Dependant) -> bool:
    return any(
        dependency.call is anybody or hasattr(dependency.call, _ASKED) or _asks(dependency)
        for dependency in dependant.dependencies
    )


def refused(status: int, error: str, message: str, **headers: str) -> HTTPException:
    """An error in words for the person at the console."""
    return HTTPException(status, {"error": error, "message": message}, headers or None)


def from_our_page(request: Request) -> None:
    """Refuse what another site sent."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise refused(403, "not_from_page", "이 요청은 콘솔에서 온 것이 아니에요. / Not sent by the console.")


def _check_form(request: Request, seat: Seat) -> None:
    from_our_page(request)
    sent = request.headers.get("x-gyeot-token", "")
    if not hmac.compare_digest(sent.encode(), seat.session.form_token.encode()):
        words = "다른 창에서 다시 로그인했어요. / You signed in again in another window."
        raise refused(401, "signed_out", words)
