"""Channels are built as the settings want them, and only those."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channel_settings import ChannelSettings
from bot.doorways import _until_told, open_doorways
from bot.settings import Unusable
from bot.simulate import PORTS, credentials, own_url
from channels.errors import Unreachable
from tests.journey.indoors import a_house, some_settings

LONG = "s" * 40


async def test_without_settings_there_is_no_door_but_the_web() -> None:
    async with a_house() as house, open_doorways(house) as doorways:
        assert (doorways.hooks, doorways.senders, doorways.duties) == ({}, {}, [])


@pytest.mark.parametrize(
    ("name", "hook", "sender", "duties"),
    [
        ("telegram", "telegram", "telegram", 1),
        ("kakao", "kakao", "kakao", 0),
        ("bot-api", "kakao", "kakao", 0),
        ("consult", "kakao", "kakao", 0),
        ("sms", "sms", "sms", 0),
        ("voice", "voice", "voice", 0),
    ],
)
async def test_each_channel_opens_with_its_own_settings(
    name: str, hook: str, sender: str, duties: int
) -> None:
    async with a_house(**given(name)) as house, open_doorways(house) as doorways:
        assert (list(doorways.hooks), list(doorways.senders)) == ([hook], [sender])
        assert len(doorways.duties) == duties


async def test_all_together() -> None:
    async with a_house(**given(*PORTS)) as house, open_doorways(house) as doorways:
        assert sorted(doorways.hooks) == sorted(doorways.senders) == ["kakao", "sms", "telegram", "voice"]


async def test_polling_opens_no_hook() -> None:
    async with (
        a_house(**given("telegram"), telegram_mode="polling") as house,
        open_doorways(house) as doorways,
    ):
        assert doorways.hooks == {}
        assert len(doorways.duties) == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"telegram_token": "short"}, "telegram"),
        ({"telegram_token": f"123456:{LONG}"}, "telegram"),
        (
            {"telegram_token": f"123456:{LONG}", "telegram_secret": "weak", "public_url": "https://x"},
            "telegram",
        ),
        ({"kakao_skill_secret": "weak", "kakao_bot_id": "b"}, "kakao"),
        ({"sms_provider": "twilio", "twilio_account": "AC1", "twilio_token": "weak"}, "sms"),
        ({"sms_provider": "solapi", "solapi_webhook_secret": "weak"}, "sms"),
        ({"voice_number": "+8221234567"}, "voice"),
    ],
)
async def test_what_cannot_be_built_is_named_and_nothing_opens(settings: dict[str, Any], named: str) -> None:
    async with a_house(**settings) as house:
        with pytest.raises(Unusable, match=named):
            async with open_doorways(house):
                pass


async def test_a_provider_is_told_again_until_it_took_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doorways.FIRST_PAUSE", 0.001)
    tries = 0

    async def tell() -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Unreachable

    await _until_told(tell)
    assert tries == 4


def test_simulated_providers_are_on_this_machine_only_and_have_fresh_secrets() -> None:
    one, other = credentials(list(PORTS), some_settings()), credentials(list(PORTS), some_settings())
    assert all(own_url(name).startswith("http://127.0.0.1:") for name in PORTS)
    fields = {f"GYEOT_{name.upper()}" for name in ChannelSettings.model_fields}
    assert set(one) <= fields
    assert one["GYEOT_TELEGRAM_TOKEN"] != other["GYEOT_TELEGRAM_TOKEN"]
    assert all(value for value in one.values())


def given(*names: str) -> dict[str, Any]:
    """Settings that a simulated provider would be given."""
    found = credentials(names, some_settings())
    return {key.removeprefix("GYEOT_").lower(): value for key, value in found.items()}
