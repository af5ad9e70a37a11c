"""Every setting of the service, read once, from ``GYEOT_…`` variables or ``.env`` (see ``.env.example``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from bot.channel_settings import ChannelSettings
from vault.blindindex import BlindIndex
from vault.errors import VaultError
from vault.keyring import ServiceKeyRing
from vault.keytext import read_key

STATE = Path("var")
STATE_FILE = STATE / "gyeot.env"


class Unusable(Exception):
    """The settings cannot be used. The message says which and why, never a value."""


class Settings(ChannelSettings):
    """What an administrator decides. Secrets do not print."""

    model_config = SettingsConfigDict(
        env_prefix="GYEOT_",
        env_file=(STATE_FILE, ".env"),
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        frozen=True,
    )

    database_url: str = Field(
        "sqlite+aiosqlite:///var/gyeot.db",
        description="Where conversations are kept: sqlite+aiosqlite:///… or postgresql+asyncpg://…",
    )
    redis_url: str | None = Field(
        None, description="Rings the bell between processes (redis://…). Empty: one process, no Redis."
    )
    service_keys: SecretStr = Field(
        SecretStr(""), description="Service key ring, newest first: id:base64,id:base64 (32 bytes each)."
    )
    index_key: SecretStr = Field(SecretStr(""), description="Key of the blind index, base64 of 32 bytes.")
    audit_key: SecretStr = Field(SecretStr(""), description="Key of the audit chain, base64 of 32 bytes.")

    nlu: Literal["model", "rules"] = Field(
        "model", description="«model»: Rasa and the rules. «rules»: the rule floor alone."
    )
    nlu_url: str | None = Field(
        None, description="A running model server. Empty: `gyeot serve all` starts one itself."
    )
    nlu_workers: Annotated[int, Field(ge=1, le=16)] = Field(
        1, description="Processes of the model server that the service starts itself."
    )
    nlu_deadline: Annotated[float, Field(gt=0, le=4)] = Field(
        0.8, description="Seconds to wait for the model before the rules decide alone."
    )

    public_host: str = Field("127.0.0.1", description="Address that the visitor's application listens on.")
    public_port: Annotated[int, Field(ge=0, le=65535)] = Field(8700, description="Its port.")
    console_host: str = Field("127.0.0.1", description="Address that the staff's application listens on.")
    console_port: Annotated[int, Field(ge=0, le=65535)] = Field(8701, description="Its port.")
    secure_cookies: bool = Field(
        False, description="True behind TLS (always in production): cookies get Secure and __Host-."
    )
    exit_url: str = Field(
        "https://www.weather.go.kr/", description="The harmless page that the quick exit leads to."
    )
    messages_per_minute: Annotated[int, Field(ge=1)] = Field(
        40, description="How many messages one visitor may send in a minute (half of them at once)."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")


def read() -> Settings:
    """Settings from the environment. Raises ``Unusable`` naming every field that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"GYEOT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors() if e["loc"])
        raise Unusable(wrong or "the settings could not be read") from None


class Keys:
    """The service's keys, checked. Raises ``Unusable`` naming the first that is missing or weak."""

    def __init__(self, settings: Settings) -> None:
        self.ring = self._ring(settings)
        self.index = BlindIndex(self._key(settings.index_key, "GYEOT_INDEX_KEY"))
        self.audit = self._key(settings.audit_key, "GYEOT_AUDIT_KEY")

    @staticmethod
    def _ring(settings: Settings) -> ServiceKeyRing:
        text = settings.service_keys.get_secret_value()
        if not text:
            raise Unusable("GYEOT_SERVICE_KEYS is missing. Make one with: gyeot keys")
        try:
            return ServiceKeyRing.parse(text)
        except VaultError as error:
            raise Unusable(f"GYEOT_SERVICE_KEYS: {error}") from None

    @staticmethod
    def _key(secret: SecretStr, name: str) -> bytes:
        text = secret.get_secret_value()
        if not text:
            raise Unusable(f"{name} is missing. Make one with: gyeot keys")
        try:
            return read_key(text, name)
        except VaultError as error:
            raise Unusable(str(error)) from None
