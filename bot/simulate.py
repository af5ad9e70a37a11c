"""Simulated providers beside the service: every channel can be shown and tested without an account."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

import uvicorn
from pydantic import SecretStr

from bot.settings import Settings, Unusable

if TYPE_CHECKING:
    from simulators.stage import Built

PORTS: Final = {"telegram": 8711, "kakao": 8712, "bot-api": 8713, "consult": 8714, "sms": 8715, "voice": 8716}
_SPEAKS_TO: Final = {
    "telegram": ("GYEOT_TELEGRAM_API_URL",),
    "kakao": ("GYEOT_KAKAO_EVENT_URL", "GYEOT_KAKAO_CALLBACK_ORIGINS"),
    "bot-api": ("GYEOT_KAKAO_API_URL",),
    "consult": ("GYEOT_HAPPYTALK_API_URL",),
    "sms": ("GYEOT_TWILIO_API_URL", "GYEOT_SOLAPI_API_URL"),
    "voice": (),
}
STARTS_WITHIN = 20.0


def own_url(name: str, port: int | None = None) -> str:
    """Where a simulator listens: this machine only."""
    return f"http://127.0.0.1:{port or PORTS[name]}"


def credentials(
    names: Sequence[str], settings: Settings, ports: Mapping[str, int] = PORTS
) -> Mapping[str, str]:
    """Settings with which the service and these simulators know each other: fresh secrets, nothing real."""
    service = settings.public_url or f"http://{settings.public_host}:{settings.public_port}"
    given = {"GYEOT_PUBLIC_URL": service}
    for name in names:
        given |= {key: own_url(name, ports[name]) for key in _SPEAKS_TO[name]}
        given |= {key: value for key, value in _SECRETS[name]().items() if key not in given}
    return given


@contextmanager
def beside(names: Sequence[str]) -> Iterator[None]:
    """These simulators as processes of their own, ended with the block."""
    running = [
        subprocess.Popen([sys.executable, "-m", "bot.cli", "simulate", name])  # noqa: S603  ourselves
        for name in names
    ]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=10)


async def simulate(name: str, settings: Settings, port: int | None, script: str | None) -> None:
    """Serve one simulator until it is stopped, or until its script has been played.

    Raises ``Unusable`` when the service is not set up for it, and ``simulators.stage.Missing`` when a line
    that the script expects does not come.
    """
    from simulators.stage import play  # noqa: PLC0415  the service knows nothing of simulators

    built = _built(name, settings, own_url(name, port))
    config = uvicorn.Config(
        built.app,
        host="127.0.0.1",
        port=port or PORTS[name],
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(STARTS_WITHIN):
        while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn tells of its start by a flag
            await asyncio.sleep(0.02)
    try:
        if script is None:
            await serving
        else:
            await play(built.stage, script, built.deeds)
    finally:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


def _built(name: str, settings: Settings, url: str) -> Built:
    given = _environment(settings)
    missing = [key for key in _SECRETS[name]() if not given.get(key)]
    strangers = [key for key in _SPEAKS_TO[name] if url not in given.get(key, "")]
    if missing or strangers:
        wanted = ", ".join([*missing, *(f"{key}={url}" for key in strangers)])
        raise Unusable(
            f"the service does not know this simulator. Run: gyeot demo --simulate {name}, or set {wanted}"
        )
    module = import_module(f"simulators.{name.replace('-', '_')}")
    built: Built = module.build(given, url)
    return built


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment names them, secrets revealed: a simulator stands in for a provider."""
    public = settings.public_url or f"http://{settings.public_host}:{settings.public_port}"
    found = {"public": public}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        found[f"GYEOT_{name.upper()}"] = "" if plain is None else str(plain)
    return found


def _telegram() -> dict[str, str]:
    token = f"{secrets.randbelow(10**10):010}:{secrets.token_hex(18)}"
    return {"GYEOT_TELEGRAM_TOKEN": token, "GYEOT_TELEGRAM_SECRET": secrets.token_hex(24)}


def _kakao() -> dict[str, str]:
    return {
        "GYEOT_KAKAO_SKILL_SECRET": secrets.token_hex(24),
        "GYEOT_KAKAO_BOT_ID": secrets.token_hex(12),
        "GYEOT_KAKAO_REST_KEY": secrets.token_hex(16),
    }


def _bot_api() -> dict[str, str]:
    return {
        "GYEOT_KAKAO_BOT_SECRET": secrets.token_hex(24),
        "GYEOT_KAKAO_BOT_TOKEN": secrets.token_hex(24),
    }


def _consult() -> dict[str, str]:
    return {
        "GYEOT_HAPPYTALK_WEBHOOK_SECRET": secrets.token_hex(24),
        "GYEOT_HAPPYTALK_CLIENT_ID": secrets.token_hex(8),
        "GYEOT_HAPPYTALK_CLIENT_SECRET": secrets.token_hex(24),
        "GYEOT_HAPPYTALK_SENDER_KEY": secrets.token_hex(20),
    }


def _twilio() -> dict[str, str]:
    return {
        "GYEOT_TWILIO_ACCOUNT": f"AC{secrets.token_hex(16)}",
        "GYEOT_TWILIO_TOKEN": secrets.token_hex(16),
    }


def _sms() -> dict[str, str]:
    if os.environ.get("GYEOT_SMS_PROVIDER") == "solapi":
        return {
            "GYEOT_SMS_PROVIDER": "solapi",
            "GYEOT_SMS_NUMBER": "0200000000",
            "GYEOT_SOLAPI_KEY": secrets.token_hex(8).upper(),
            "GYEOT_SOLAPI_SECRET": secrets.token_hex(16),
            "GYEOT_SOLAPI_WEBHOOK_SECRET": secrets.token_hex(24),
        }
    return {**_twilio(), "GYEOT_SMS_PROVIDER": "twilio", "GYEOT_SMS_NUMBER": "+15005550006"}


def _voice() -> dict[str, str]:
    return {**_twilio(), "GYEOT_VOICE_NUMBER": "+15005550006"}


_SECRETS: Final = {
    "telegram": _telegram,
    "kakao": _kakao,
    "bot-api": _bot_api,
    "consult": _consult,
    "sms": _sms,
    "voice": _voice,
}
