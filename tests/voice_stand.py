"""A hotline in this process: the simulator's telephone, our hook behind the real router, and a house behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from xml.etree import ElementTree as ET

import httpx2
from fastapi import FastAPI
from twilio.twiml import TwiML, lower_camel
from twilio.twiml.voice_response import Dial, Say, VoiceResponse

from bot.calls import HotlineCalls
from channels.voice.hook import Voice
from channels.voice.table import Config
from channels.webhooks import router
from handoff.conversation import Conversation, Phase
from handoff.oncall import Listed, Phone
from handoff.store.memory import MemoryStore
from simulators.voice import Provider
from simulators.voice_rules import Account
from tests.builders import START, Clock, person
from tests.journey.indoors import desked, some_tools
from vault.desk import DeskKey, new_desk_key, open_conversation_key
from vault.entries import open_entry
from vault.places import EntryPlace
from vault.secret import SecretText

PUBLIC = "https://gyeot.test"
ACCOUNT = Account(f"{PUBLIC}/hooks/voice")
CONFIG = Config(ACCOUNT.account, ACCOUNT.token, ACCOUNT.number, f"{PUBLIC}/hooks/voice", web="gyeot.test")
PHONES = {"id-a": "+821011111111", "id-b": "+821022222222"}


@dataclass
class Stand:
    """Everything that a call passes."""

    provider: Provider
    store: MemoryStore
    desk: DeskKey
    clock: Clock
    on_call: Listed
    words: Mapping[str, str]
    broken: bool = False
    posts: list[tuple[str, int]] = field(default_factory=list)

    async def conversation(self) -> Conversation:
        async with self.store.read() as tx:
            [found] = await tx.conversations.in_phase(list(Phase))
        return found

    async def written(self) -> list[str]:
        """What staff read, line by line."""
        conversation = await self.conversation()
        key = open_conversation_key(self.desk, conversation.sealed_key or b"", conversation.id)
        async with self.store.read() as tx:
            entries = await tx.entries.of(conversation.id)
        return [
            text
            for entry in entries
            for text in open_entry(
                key, entry.sealed, EntryPlace(entry.conversation, entry.seq, "system")
            ).texts
        ]

    async def hears(self, text: str, lang: str = "ko") -> None:
        """Wait until the caller hears this reviewed text."""
        said = self.words[f"{text}/{lang}"]
        await self.provider.stage.expect(said, self.heard)
        self.heard = max(line.n for line in self.provider.stage.lines if said in line.text)

    heard: int = 0

    async def sees(self, fragment: str) -> None:
        """Wait until the simulator shows this."""
        self.heard = (await self.provider.stage.expect(fragment, self.heard)).n

    async def do(self, deed: str) -> None:
        await self.provider.deeds[deed]()


async def a_stand(**config: object) -> Stand:
    """A house with two counselors on call."""
    desk, clock, store = new_desk_key(1), Clock(), MemoryStore()
    await desked(store, desk)
    async with store.begin() as tx:
        for name in ("a", "b"):
            await tx.staff.add(person(name).staff)
    tools = some_tools(store, now=clock)
    on_call = Listed([Phone(staff, SecretText(number)) for staff, number in PHONES.items()])
    hook = Voice(
        replace(CONFIG, **config), HotlineCalls(tools, on_call), tools.content, lambda: clock.at / 1000
    )
    app = FastAPI(openapi_url=None)
    app.include_router(router({"voice": hook}, PUBLIC))
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=PUBLIC)
    posts: list[tuple[str, int]] = []

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if stand.broken:
            raise ConnectionRefusedError
        answer = await client.post(url, content=body, headers=dict(headers))
        posts.append((url, answer.status_code))
        if answer.status_code == 200:
            judge(answer.content)
        return answer.status_code, answer.content

    provider = Provider(ACCOUNT, post)
    words = {
        f"{id}/{lang}": " ".join(_aloud(text.rendered[lang][0]))
        for id, text in tools.content.texts.items()
        if id.startswith("voice.")
        for lang in ("ko", "en")
    }
    stand = Stand(provider, store, desk, clock, on_call, words, posts=posts)
    assert clock.at == START
    return stand


MADE_BY = {
    "Say": VoiceResponse.say,
    "Gather": VoiceResponse.gather,
    "Dial": VoiceResponse.dial,
    "Number": Dial.number,
    "Pause": VoiceResponse.pause,
    "Redirect": VoiceResponse.redirect,
    "Hangup": VoiceResponse.hangup,
    "say-as": Say.say_as,
}


def judge(document: bytes) -> None:
    """Every element and attribute is one that Twilio's own library knows, spelt as it spells it."""
    for element in ET.fromstring(document).iter():
        if element.tag == "Response":
            assert not element.attrib
            continue
        known = {
            lower_camel(TwiML.MAP.get(name, name)) for name in signature(MADE_BY[element.tag]).parameters
        }
        assert set(element.attrib) <= known, element.attrib


def _aloud(text: str) -> list[str]:
    """The part of a sentence before its first number, which is read digit by digit."""
    found = next((n for n, sign in enumerate(text) if text[n : n + 3].isdigit()), len(text))
    return [text[:found].strip()]
