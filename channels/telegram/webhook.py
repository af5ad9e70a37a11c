"""Updates as Telegram sends them. Those of one chat come one after the other.

Telegram repeats what is not answered 2xx, for up to a day, so an update that nobody can read is answered 200
and named in the log by its kind.
"""

from __future__ import annotations

import secrets

from channels.errors import Forged
from channels.telegram.client import Client
from channels.telegram.config import TelegramConfig
from channels.telegram.forms import read
from channels.telegram.receive import Receiver
from channels.webhooks import Call, Reply

HEADER = "x-telegram-bot-api-secret-token"


class TelegramHook:
    """Implements ``Hook``. Without a secret it refuses everything."""

    def __init__(self, config: TelegramConfig, receiver: Receiver) -> None:
        self._secret = config.secret.encode()
        self._receiver = receiver

    async def take(self, call: Call) -> Reply:
        """See ``Hook.take``."""
        shown = call.headers.get(HEADER, "").encode(errors="replace")
        if not secrets.compare_digest(shown, self._secret) or not self._secret:
            raise Forged("the secret header is wrong")
        await self._receiver.take(read(call.body))
        return Reply()


async def prepare(client: Client, config: TelegramConfig, public_url: str) -> None:
    """Tell Telegram where to send updates; what waits there comes too. Raises a ``ChannelError``."""
    await client.set_webhook(f"{public_url.rstrip('/')}/hooks/telegram", config.secret)
