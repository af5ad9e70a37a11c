from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot import settings
from bot.settings import Keys, Settings, Unusable, read
from vault.keytext import EXAMPLE_KEY, new_key_text

SECRETS = ("service_keys", "index_key", "audit_key")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and none of this machine's settings."""
    import os

    for name in [name for name in os.environ if name.startswith("GYEOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def good() -> dict[str, str]:
    return {
        "service_keys": f"k1:{new_key_text()}",
        "index_key": new_key_text(),
        "audit_key": new_key_text(),
    }


def test_defaults_are_for_one_machine() -> None:
    found = read()
    assert (found.public_host, found.public_port) == ("127.0.0.1", 8700)
    assert (found.console_host, found.console_port) == ("127.0.0.1", 8701)
    assert found.database_url.startswith("sqlite+aiosqlite:///var/")
    assert (found.redis_url, found.nlu, found.secure_cookies) == (None, "model", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GYEOT_PUBLIC_PORT", "seventy"),
        ("GYEOT_PUBLIC_PORT", "70000"),
        ("GYEOT_CONSOLE_PORT", "-1"),
        ("GYEOT_NLU", "magic"),
        ("GYEOT_NLU_WORKERS", "0"),
        ("GYEOT_NLU_DEADLINE", "0"),
        ("GYEOT_NLU_DEADLINE", "9"),
        ("GYEOT_SECURE_COOKIES", "perhaps"),
        ("GYEOT_MESSAGES_PER_MINUTE", "0"),
        ("GYEOT_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Unusable) as caught:
        read()
    assert re.search(rf"\b{name}: \w", str(caught.value))
    if len(value) > 2:
        assert value not in str(caught.value)


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYEOT_PUBLIC_PORT", "x")
    monkeypatch.setenv("GYEOT_NLU", "x")
    with pytest.raises(Unusable, match=r"GYEOT_NLU:.*GYEOT_PUBLIC_PORT:"):
        read()


def test_the_environment_wins_over_the_file_and_the_file_over_the_demonstrations(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "var").mkdir()
    (elsewhere / "var" / "gyeot.env").write_text(
        "GYEOT_NLU=rules\nGYEOT_PUBLIC_PORT=1\nGYEOT_CONSOLE_PORT=1\n", "utf-8"
    )
    (elsewhere / ".env").write_text("GYEOT_PUBLIC_PORT=2\nGYEOT_CONSOLE_PORT=2\nOTHER=x\n", "utf-8")
    monkeypatch.setenv("GYEOT_CONSOLE_PORT", "3")
    found = read()
    assert (found.nlu, found.public_port, found.console_port) == ("rules", 2, 3)


def test_an_empty_value_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYEOT_REDIS_URL", "")
    assert read().redis_url is None


def test_good_keys_are_good() -> None:
    keys = Keys(Settings(_env_file=None, **good()))
    assert len(keys.audit) == 32


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "value",
    ["", "short", "k1:short", "AAAA", EXAMPLE_KEY, f"k1:{EXAMPLE_KEY}", "A" * 43 + "=", f"k1:{'A' * 43}="],
)
def test_a_missing_or_weak_key_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(Unusable) as caught:
        Keys(Settings(_env_file=None, **(good() | {name: value})))
    assert f"GYEOT_{name.upper()}" in str(caught.value)
    assert len(value) < 6 or value.removeprefix("k1:") not in str(caught.value)
    if not value:
        assert "gyeot keys" in str(caught.value)


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_prints_itself(name: str) -> None:
    keys = good()
    found = Settings(_env_file=None, **keys)
    assert keys[name] not in f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    assert settings.STATE_FILE.parent == settings.STATE
