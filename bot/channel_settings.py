"""What an administrator decides about channels. A channel whose secret is empty is closed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

NONE = SecretStr("")


class ChannelSettings(BaseSettings):
    """One group of fields a provider. Addresses of providers change only for simulators and tests."""

    public_url: str = Field(
        "",
        description="The address at which providers reach this service (https://…); signatures cover it.",
    )
    exit_words: str = Field(
        "나가기,exit",
        description="Words (comma between) that stop all sending until the visitor writes again.",
    )
    wipe_words: str = Field("지워줘,wipe", description="Words that ask once and then erase the conversation.")

    kakao_skill_secret: SecretStr = Field(
        NONE, description="Value of the secret header of the Kakao skill (at least 32 characters)."
    )
    kakao_skill_header: str = Field("X-Gyeot-Secret", description="Name of that header.")
    kakao_bot_id: str = Field("", description="The chatbot's id; a skill request of another bot is refused.")
    kakao_callback_origins: str = Field(
        "",
        description="Addresses (comma between) that may be called back besides Kakao's own; for simulators.",
    )
    kakao_rest_key: SecretStr = Field(
        NONE, description="REST key for the Event API, which reaches channel friends later. Empty: not used."
    )
    kakao_event: str = Field("gyeot_message", description="Name of the Event API event set in the bot.")
    kakao_event_url: str = Field("https://bot-api.kakao.com", description="Address of the Event API.")
    kakao_bot_token: SecretStr = Field(NONE, description="Token of the KakaoTalk Bot API.")
    kakao_bot_secret: SecretStr = Field(NONE, description="Value of the secret header of its webhook.")
    kakao_bot_header: str = Field("X-Gyeot-Secret", description="Name of that header.")
    kakao_api_url: str = Field("https://kapi.kakao.com", description="Address of the Bot API.")
    happytalk_client_id: str = Field("", description="HappyTalk client id (consult relay).")
    happytalk_client_secret: SecretStr = Field(NONE, description="HappyTalk client secret.")
    happytalk_sender_key: str = Field("", description="Sender key of the Kakao channel (40 characters).")
    happytalk_webhook_secret: SecretStr = Field(
        NONE,
        description="Secret part of the path /hooks/kakao/consult/<secret> (at least 32 letters and digits).",
    )
    happytalk_api_url: str = Field("https://kakao-api.happytalk.io", description="Address of the relay.")

    telegram_token: SecretStr = Field(NONE, description="The bot's token from BotFather.")
    telegram_mode: Literal["webhook", "polling"] = Field(
        "webhook", description="«polling» for a server without a public address."
    )
    telegram_secret: SecretStr = Field(
        NONE, description="Secret token of the webhook (32 to 256 of A-Z a-z 0-9 _ -)."
    )
    telegram_api_url: str = Field("https://api.telegram.org", description="Address of the Bot API.")

    sms_provider: Literal["", "twilio", "solapi"] = Field("", description="Who carries SMS. Empty: nobody.")
    sms_number: str = Field("", description="Number that texts are sent from.")
    twilio_account: str = Field("", description="Twilio account SID (SMS and voice).")
    twilio_token: SecretStr = Field(NONE, description="Twilio auth token.")
    twilio_api_url: str = Field("https://api.twilio.com", description="Address of Twilio's API.")
    twilio_opt_out: bool = Field(
        True, description="False where Twilio was told to leave STOP words to us (else STOP blocks us there)."
    )
    solapi_key: str = Field("", description="SOLAPI API key.")
    solapi_secret: SecretStr = Field(NONE, description="SOLAPI API secret.")
    solapi_webhook_secret: SecretStr = Field(
        NONE, description="Last part of the path of the SOLAPI webhook (at least 32 characters)."
    )
    solapi_api_url: str = Field("https://api.solapi.com", description="Address of SOLAPI.")

    voice_number: str = Field("", description="The hotline's number at Twilio. Empty: no hotline.")
    voice_fallback: str = Field(
        "", description="Numbers (comma between, at most 10) that are rung when nobody on call accepts."
    )
    voice_ring_seconds: Annotated[int, Field(ge=5, le=60)] = Field(
        25, description="How long counselors' phones ring in one round."
    )
    voice_hold_seconds: Annotated[int, Field(ge=30, le=900)] = Field(
        180, description="How long a caller is kept waiting before a callback is offered."
    )
    voice_most_calls: Annotated[int, Field(ge=1, le=500)] = Field(
        20, description="Calls at once that this process takes; more are told the emergency numbers."
    )
    voice_record: bool = Field(False, description="Record calls. Off unless the centre's lawyers agreed.")
