"""SMS offline: a telephone to text from, with Twilio or SOLAPI between it and the service.

``GYEOT_SMS_PROVIDER`` chooses which. The service must be told this simulator's address as
``GYEOT_TWILIO_API_URL`` or ``GYEOT_SOLAPI_API_URL``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import FastAPI

from simulators import sms_solapi, sms_twilio
from simulators.sms_phone import TROUBLES, Phone
from simulators.stage import Built, Stage, application, page

DEMO_ACCOUNT = "AC" + "0" * 32
DEMO_SECRET = "simulator-secret-for-showing-only-0000"  # noqa: S105  opens nothing
DEMO_TWILIO_TOKEN = "0" * 32
DEMO_NUMBERS = {"twilio": "+15005550006", "solapi": "0312345678"}
VISITORS = {"twilio": "+447700900123", "solapi": "01098765432"}

Deeds = Mapping[str, Callable[[], Awaitable[None]]]


@dataclass(frozen=True, slots=True)
class Provider:
    """What the carrier knows of the service: where it is, and the secrets both have.

    ``account`` and ``secret``: Twilio's account SID and auth token, or SOLAPI's key and secret.
    ``hook_secret``: the last part of SOLAPI's webhook. ``own_url``: the simulator's. ``pause``: seconds
    between two callbacks.
    """

    kind: str
    service_url: str
    account: str
    secret: str = field(repr=False)
    number: str
    hook_secret: str = field(default="", repr=False)
    own_url: str = ""
    pause: float = 0.05


class _Carrier(Protocol):
    async def text(self, body: str) -> None: ...
    async def photo(self) -> None: ...


def simulate(provider: Provider) -> tuple[Built, Phone]:
    """The whole simulator, and the telephone for tests that look inside."""

    async def typed(text: str) -> None:
        await carrier.text(text)

    phone = Phone(VISITORS[provider.kind], Stage(f"문자 ({provider.kind})", typed))
    built = application(phone.stage.title)
    carrier = (
        _twilio(provider, phone, built) if provider.kind == "twilio" else _solapi(provider, phone, built)
    )
    deeds = _deeds(provider, phone, carrier)
    built.include_router(page(phone.stage, deeds))
    return Built(built, phone.stage, deeds), phone


def app(provider: Provider) -> FastAPI:
    """The application alone."""
    return simulate(provider)[0].app


def build(settings: Mapping[str, str], own_url: str) -> Built:
    """The simulator for a service with these settings; ``own_url`` is its address of the carrier's API."""
    kind = settings.get("GYEOT_SMS_PROVIDER") or "twilio"
    if kind not in VISITORS:
        raise ValueError("GYEOT_SMS_PROVIDER is neither twilio nor solapi")
    names = {
        "twilio": ("GYEOT_TWILIO_ACCOUNT", DEMO_ACCOUNT, "GYEOT_TWILIO_TOKEN", DEMO_TWILIO_TOKEN),
        "solapi": ("GYEOT_SOLAPI_KEY", "NCSDEMO", "GYEOT_SOLAPI_SECRET", DEMO_SECRET),
    }
    account, demo_account, secret, demo_secret = names[kind]
    provider = Provider(
        kind=kind,
        service_url=settings.get("public", "http://127.0.0.1:8700").rstrip("/"),
        account=settings.get(account) or demo_account,
        secret=settings.get(secret) or demo_secret,
        number=settings.get("GYEOT_SMS_NUMBER") or DEMO_NUMBERS[kind],
        hook_secret=settings.get("GYEOT_SOLAPI_WEBHOOK_SECRET") or DEMO_SECRET,
        own_url=own_url.rstrip("/"),
    )
    return simulate(provider)[0]


def _twilio(provider: Provider, phone: Phone, app: FastAPI) -> _Carrier:
    hook = f"{provider.service_url}/hooks/sms"
    media = f"{provider.own_url}/media"
    account = sms_twilio.Account(
        hook, provider.account, provider.secret, provider.number, media, provider.pause
    )
    twilio = sms_twilio.Twilio(account, phone)

    async def fetched() -> None:
        await phone.said("누군가 사진을 내려받았어요!")

    app.add_api_route("/media/{sid}", fetched, methods=["GET"])
    app.include_router(sms_twilio.router(twilio))
    return twilio


def _solapi(provider: Provider, phone: Phone, app: FastAPI) -> _Carrier:
    hook = f"{provider.service_url}/hooks/sms/{provider.hook_secret}"
    number = provider.number.replace("-", "").replace("+82", "0")
    solapi = sms_solapi.Solapi(
        sms_solapi.Account(hook, provider.account, provider.secret, number, provider.pause), phone
    )
    app.include_router(sms_solapi.router(solapi, phone))
    return solapi


def _deeds(provider: Provider, phone: Phone, carrier: _Carrier) -> Deeds:
    """``photo``, ``stop``, ``start``, and what goes wrong with the next text of the service.

    At Twilio ``stop`` and ``start`` are the words; in Korea, where no word stops anything, the number is
    blocked on the telephone.
    """

    async def photo() -> None:
        await phone.stage.show("me", "[사진]")
        await carrier.photo()

    def turn(word: str) -> Callable[[], Awaitable[None]]:
        async def turned() -> None:
            if provider.kind == "twilio":
                await phone.stage.type(word)
            else:
                phone.stopped = word == "STOP"
                await phone.said("번호를 차단했어요." if phone.stopped else "차단을 풀었어요.")

        return turned

    def trouble(name: str) -> Callable[[], Awaitable[None]]:
        async def troubled() -> None:
            phone.troubles.append(name)

        return troubled

    return {
        "photo": photo,
        "stop": turn("STOP"),
        "start": turn("START"),
        **{name: trouble(name) for name in TROUBLES},
    }
