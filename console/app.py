"""The staff's routes that need nobody to be signed in: the page, signing in, signing out."""

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from console import wire
from console.gate import Gate, Guarded, anybody, from_our_page, refused
from console.sign_in import SignInRefused, TooManyTries
from vault.secret import SecretText
from vault.staffkeys import M, P, T

PROOF_BYTES = 32


def router(gate: Gate, page: str) -> APIRouter:
    """``page`` is the rendered shell: it holds no data of anybody."""
    routes = APIRouter(route_class=Guarded, dependencies=[Depends(anybody)])

    @routes.get("/", response_class=HTMLResponse)
    async def shell() -> str:
        return page

    @routes.post("/api/sign-in/start", dependencies=[Depends(from_our_page)])
    async def start(who: wire.Name) -> dict[str, Any]:
        staff, salt = await gate.front_desk.salt_of(who.name)
        return {"staff": staff, "salt": wire.b64(salt), "t": T, "m": M, "p": P}

    @routes.post("/api/sign-in", dependencies=[Depends(from_our_page)])
    async def sign_in(who: wire.Proof) -> Response:
        try:
            signed_in = await gate.front_desk.sign_in(who.name, wire.binary(who.proof, PROOF_BYTES))
        except SignInRefused:
            raise refused(401, "wrong", "이름이나 암호가 맞지 않아요. / Wrong name or passphrase.") from None
        except TooManyTries as pause:
            words = "너무 여러 번 틀렸어요. 잠시 뒤에 다시 해 주세요. / Too many tries, wait a little."
            raise refused(429, "too_many", words, **{"Retry-After": str(pause.seconds)}) from None
        response = JSONResponse(wire.signed_in_json(signed_in))
        response.set_cookie(
            gate.cookie,
            signed_in.token.reveal(),
            path="/",
            secure=gate.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    @routes.post("/api/sign-out", dependencies=[Depends(from_our_page)], status_code=204)
    async def sign_out(
        _request: Request, token: Annotated[str | None, Cookie(alias=gate.cookie)] = None
    ) -> Response:
        if token:
            await gate.front_desk.sign_out(SecretText(token))
        response = Response(status_code=204, headers={"Clear-Site-Data": '"cache", "cookies", "storage"'})
        response.delete_cookie(gate.cookie, path="/", secure=gate.secure, httponly=True, samesite="strict")
        return response

    return routes
