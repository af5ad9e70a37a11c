"""The channels as the settings want them: what comes in by webhook, what goes out, and what runs beside.

A channel's libraries load only where the channel is in use. A channel without its secrets stays shut.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr

from bot.compose import House
from bot.hooks import Hooks, Paces, Words
from bot.settings import Settings, Unusable
from channels.errors import ChannelError
from channels.pace import Pace
from channels.port import Sender
from channels.webhooks import Hook

WITHIN = aiohttp.ClientTimeout(total=8, connect=4)
EVERYTHING_A_MINUTE = 60_000
NOTICES_A_MINUTE = 1
CODES_A_MINUTE, CODES_AT_ONCE = 2, 10

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
DRAINS_WITHIN = 2.0

_log = structlog.get_logger("bot.doorways")

Duty = Callable[[], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Doorways:
    """``hooks`` by the name in their path, ``senders`` by channel, ``duties`` that run until cancelled."""

    hooks: dict[str, Hook] = field(default_factory=dict)
    senders: dict[str, Sender] = field(default_factory=dict)
    duties: list[Duty] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every channel is built on."""

    house: House
    intake: Hooks
    session: aiohttp.ClientSession

    @property
    def settings(self) -> Settings:
        return self.house.settings


@asynccontextmanager
async def open_doorways(house: House) -> AsyncIterator[Doorways]:
    """Build every channel that is configured. Raises ``Unusable`` naming the one that cannot be."""
    settings, tools = house.settings, house.tools
    words = Words.of(tools, settings.exit_words, settings.wipe_words)
    intake = Hooks(tools, house.listener, words, _paces(settings.messages_per_minute))
    doorways = Doorways()
    async with aiohttp.ClientSession(timeout=WITHIN, cookie_jar=aiohttp.DummyCookieJar()) as session:
        ground = _Ground(house, intake, session)
        for name, wanted, build in _CHANNELS:
            if wanted(settings):
                try:
                    build(ground, doorways)
                except ValueError as error:
                    raise Unusable(f"{name}: {error}") from None
        try:
            yield doorways
        finally:
            await intake.drain(DRAINS_WITHIN)


def _paces(per_minute: int) -> Paces:
    return Paces(
        messages=Pace(per_minute, max(1, per_minute // 2), time.monotonic),
        codes=Pace(CODES_A_MINUTE, CODES_AT_ONCE, time.monotonic),
        everything=Pace(EVERYTHING_A_MINUTE, EVERYTHING_A_MINUTE // 60, time.monotonic),
        notices=Pace(NOTICES_A_MINUTE, 1, time.monotonic),
    )


async def _until_told(tell: Duty) -> None:
    """Tell a provider where we are, again and again with longer pauses until it took it."""
    pause = FIRST_PAUSE
    while True:
        try:
            await tell()
        except ChannelError as error:
            _log.warning("doorways.not_told", error=type(error).__name__)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, 2 * pause)


def _telegram(ground: _Ground, doorways: Doorways) -> None:
    from channels.telegram.buttons import Buttons  # noqa: PLC0415  aiogram takes seconds to load
    from channels.telegram.client import Client  # noqa: PLC0415
    from channels.telegram.config import Phrase, Phrases, TelegramConfig  # noqa: PLC0415
    from channels.telegram.polling import Polling  # noqa: PLC0415
    from channels.telegram.receive import Errands, Receiver  # noqa: PLC0415
    from channels.telegram.sender import build  # noqa: PLC0415
    from channels.telegram.webhook import TelegramHook, prepare  # noqa: PLC0415

    settings = ground.settings
    words = ground.house.tools.content
    quick = words.quick_replies.values()

    def phrase(id: str) -> Phrase:
        return Phrase(*("\n".join(words.render(id, lang)) for lang in ("ko", "en")))

    def in_both(setting: str) -> Phrase:
        found = _listed(setting)
        return Phrase(found[0], found[-1])

    config = TelegramConfig(
        token=settings.telegram_token.get_secret_value(),
        secret=settings.telegram_secret.get_secret_value(),
        api_url=settings.telegram_api_url,
        says=tuple(sorted({reply.say for both in quick for reply in both.values()})),
        phrases=Phrases(
            stop=in_both(settings.exit_words),
            wipe=in_both(settings.wipe_words),
            alone=phrase("telegram.alone"),
            worn=phrase("telegram.worn"),
        ),
    )
    client = Client(config, ground.session)
    buttons = Buttons(config.says)
    receiver = Receiver(config, ground.intake, Errands(client, config.phrases))
    doorways.senders["telegram"] = build(client, buttons)
    if settings.telegram_mode == "polling":
        doorways.duties.append(Polling(client, receiver).run)
        return
    if not config.secret or not settings.public_url:
        raise ValueError("the webhook needs GYEOT_TELEGRAM_SECRET and GYEOT_PUBLIC_URL")
    doorways.hooks["telegram"] = TelegramHook(config, receiver)
    doorways.duties.append(lambda: _until_told(lambda: prepare(client, config, settings.public_url)))


def _kakao(ground: _Ground, doorways: Doorways) -> None:
    from channels.kakao.bot_api import BotDoor  # noqa: PLC0415
    from channels.kakao.callback import Trusted  # noqa: PLC0415
    from channels.kakao.consult import ConsultDoor  # noqa: PLC0415
    from channels.kakao.doors import KakaoDoors, KakaoHook, kakao_sender  # noqa: PLC0415
    from channels.kakao.event_api import EventDoor  # noqa: PLC0415
    from channels.kakao.line import Line  # noqa: PLC0415
    from channels.kakao.skill import SkillDoor  # noqa: PLC0415
    from channels.kakao.words import Said  # noqa: PLC0415
    from channels.kakao.words import Words as KakaoWords  # noqa: PLC0415

    settings, content = ground.settings, ground.house.tools.content

    def said(id: str) -> Said:
        return Said(*("\n".join(content.render(id, lang)) for lang in ("ko", "en")))

    words = KakaoWords(
        coming=said("kakao.coming"),
        ask_again=said("kakao.ask_again"),
        kept=said("kakao.kept"),
        busy=said("kakao.busy"),
        unsure=said("kakao.unsure"),
        more=said("kakao.more"),
    )
    doors = KakaoDoors(
        skill=SkillDoor(
            secret=settings.kakao_skill_secret.get_secret_value(),
            header=settings.kakao_skill_header,
            bot_id=settings.kakao_bot_id,
            words=words,
            trusted=Trusted(origins=_listed(settings.kakao_callback_origins)),
        ),
        events=EventDoor(
            bot_id=settings.kakao_bot_id,
            rest_key=settings.kakao_rest_key.get_secret_value(),
            event=settings.kakao_event,
            url=settings.kakao_event_url,
        ),
        bot=BotDoor(
            secret=settings.kakao_bot_secret.get_secret_value(),
            header=settings.kakao_bot_header,
            token=settings.kakao_bot_token.get_secret_value(),
            url=settings.kakao_api_url,
        ),
        consult=ConsultDoor(
            secret=settings.happytalk_webhook_secret.get_secret_value(),
            client_id=settings.happytalk_client_id,
            client_secret=settings.happytalk_client_secret.get_secret_value(),
            sender_key=settings.happytalk_sender_key,
            url=settings.happytalk_api_url,
        ),
    )
    doorways.hooks["kakao"] = KakaoHook(doors, ground.intake)
    doorways.senders["kakao"] = kakao_sender(doors, Line(ground.session))


def _sms(ground: _Ground, doorways: Doorways) -> None:
    settings = ground.settings
    if settings.sms_provider == "twilio":
        from channels.sms.twilio import TwilioConfig, TwilioSms  # noqa: PLC0415

        carrier: TwilioSms | SolapiSms = TwilioSms(
            TwilioConfig(
                account=settings.twilio_account,
                token=settings.twilio_token.get_secret_value(),
                number=settings.sms_number,
                public_url=settings.public_url,
                api_url=settings.twilio_api_url,
                opt_out=settings.twilio_opt_out,
            ),
            ground.intake,
            ground.session,
        )
    else:
        from channels.sms.solapi import SolapiConfig, SolapiSms  # noqa: PLC0415

        carrier = SolapiSms(
            SolapiConfig(
                key=settings.solapi_key,
                secret=settings.solapi_secret.get_secret_value(),
                webhook_secret=settings.solapi_webhook_secret.get_secret_value(),
                number=settings.sms_number,
                api_url=settings.solapi_api_url,
            ),
            ground.intake,
            ground.session,
        )
    doorways.hooks["sms"] = doorways.senders["sms"] = carrier


def _voice(ground: _Ground, doorways: Doorways) -> None:
    from bot.calls import HotlineCalls  # noqa: PLC0415
    from channels.voice.hook import Config, Voice  # noqa: PLC0415
    from channels.voice.sender import VoiceSender  # noqa: PLC0415
    from handoff.oncall import SignedIn  # noqa: PLC0415

    settings, tools = ground.settings, ground.house.tools
    config = Config(
        account=settings.twilio_account,
        token=settings.twilio_token.get_secret_value(),
        number=settings.voice_number,
        url=f"{settings.public_url.rstrip('/')}/hooks/voice" if settings.public_url else "",
        ring_seconds=settings.voice_ring_seconds,
        hold_seconds=settings.voice_hold_seconds,
        fallback=_listed(settings.voice_fallback),
        record=settings.voice_record,
        most_calls=settings.voice_most_calls,
        web=settings.public_url,
        sms=settings.sms_number if settings.sms_provider else "",
    )
    doorways.hooks["voice"] = Voice(
        config, HotlineCalls(tools, SignedIn(tools.ring)), tools.content, time.time
    )
    doorways.senders["voice"] = VoiceSender()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _any(*secrets: SecretStr) -> bool:
    return any(secret.get_secret_value() for secret in secrets)


_CHANNELS: Sequence[tuple[str, Callable[[Settings], bool], Callable[[_Ground, Doorways], None]]] = (
    ("telegram", lambda s: _any(s.telegram_token), _telegram),
    ("kakao", lambda s: _any(s.kakao_skill_secret, s.kakao_bot_secret, s.happytalk_webhook_secret), _kakao),
    ("sms", lambda s: bool(s.sms_provider), _sms),
    ("voice", lambda s: bool(s.voice_number), _voice),
)
