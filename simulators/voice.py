"""Twilio Voice for one caller: a keypad, counselors' phones, TwiML followed verb by verb, all offline.

It keeps the published rules that matter to a hotline: requests signed over the address and all fields; an
answer within 15 seconds or the fallback document; one key for a ``<Gather>``; at most ten phones rung
together, each hearing its own document before it is connected; status callbacks that come when they like.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import aiohttp
from fastapi import FastAPI

from simulators.stage import Built, Stage, application, page
from simulators.voice_rules import Account, Fields, Leg, Refused, check, signature

ANSWERS_WITHIN = 15.0
FALLBACK = Path(__file__).parents[1] / "channels" / "voice" / "fallback.xml"
Post: TypeAlias = Callable[[str, bytes, Fields], Awaitable[tuple[int, bytes]]]
Next: TypeAlias = tuple[str, Fields] | None


class Provider:
    """One phone in a young person's hand, the telephone network, and the counselors' phones."""

    def __init__(self, account: Account, post: Post | None = None) -> None:
        self.account = account
        self.stage = Stage("Twilio Voice", self._typed)
        self.rung: list[str] = []
        self._post = post or _over_http
        self._numbers = itertools.count(1)
        self._call: Leg | None = None
        self._running: asyncio.Task[None] | None = None
        self._phones: asyncio.Queue[str] = asyncio.Queue()
        self._parted = asyncio.Event()
        self._fallback = FALLBACK.read_text("utf-8")

    @property
    def deeds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What the caller and the counselors can do."""
        keys = {key: self._presser(key) for key in "12390"}
        ways = (
            "counselor answers and presses 1",
            "two counselors press 1",
            "voicemail answers",
            "nobody answers",
        )
        return {
            "call": self.call,
            "call with a hidden number": self._call_hidden,
            **keys,
            "say nothing": self._presser(""),
            **{way: self._answerer(way) for way in ways},
            "counselor hangs up": self._counselor_hangs_up,
            "hang up": self.hang_up,
            "press 1 and hang up, told in the wrong order": self._press_and_leave,
        }

    async def call(self, number: str | None = None) -> None:
        """Dial the hotline."""
        await self.hang_up()
        self._phones, self._parted = asyncio.Queue(), asyncio.Event()
        self._call = Leg(self._sid(), number or self.account.caller, self.account.number)
        await self.stage.show("provider", "📞 전화를 걸어요")
        self._running = asyncio.create_task(self._from_beginning(self._call))

    async def hang_up(self) -> None:
        """End the call on the caller's side."""
        leg, running = self._call, self._running
        if leg is None or running is None or running.done():
            return
        running.cancel()
        await asyncio.wait([running])
        await self._over(leg)

    async def press(self, key: str) -> None:
        """Press a key; an empty one lets the time for pressing run out."""
        if self._call is not None:
            self._call.keys.put_nowait(key)

    async def finished(self) -> None:
        """Wait until the call is over."""
        if self._running is not None:
            await asyncio.wait([self._running])

    async def _typed(self, text: str) -> None:
        running = self._running is not None and not self._running.done()
        if not running:
            await self.call()
        else:
            for key in text.strip():
                await self.press(key)

    async def _call_hidden(self) -> None:
        await self.call("+266696687")

    def _presser(self, key: str) -> Callable[[], Awaitable[None]]:
        async def press() -> None:
            await self.press(key)

        return press

    def _answerer(self, way: str) -> Callable[[], Awaitable[None]]:
        async def answer() -> None:
            self._phones.put_nowait(way)

        return answer

    async def _counselor_hangs_up(self) -> None:
        self._parted.set()

    async def _press_and_leave(self) -> None:
        """The end is told before the key that was pressed."""
        leg, running = self._call, self._running
        if leg is None or running is None:
            return
        running.cancel()
        await asyncio.wait([running])
        await self._over(leg)
        await self._fetch(leg, f"{self.account.service}/menu", {"Digits": "1"})

    # ── one call ────────────────────────────────────────────────────────

    async def _from_beginning(self, leg: Leg) -> None:
        try:
            await self._follow(leg, (self.account.service, {}))
        except Refused:
            await self.stage.show("provider", "⚠ 서버가 답하지 않아 비상 안내를 틀어요")
            await self._perform(leg, ET.fromstring(self._fallback), may_ring=False)  # noqa: S314  a file of ours
        await self._over(leg)

    async def _follow(self, leg: Leg, next: Next) -> bool:
        """Play documents until one ends. Returns whether the last ended without ``<Hangup>``."""
        hung_up = False
        while next is not None:
            document = await self._fetch(leg, *next)
            next, hung_up = await self._perform(leg, document, may_ring=not leg.parent)
        return not hung_up

    async def _over(self, leg: Leg) -> None:
        await self.stage.show("provider", "☎ 전화가 끝났어요")
        await self._request(leg, f"{self.account.service}/status", {"CallStatus": "completed"})

    async def _perform(self, leg: Leg, document: ET.Element, *, may_ring: bool) -> tuple[Next, bool]:
        check(document, may_ring=may_ring)
        for verb in document:
            if verb.tag == "Hangup":
                return None, True
            if verb.tag == "Redirect":
                return (str(verb.text), {}), False
            if verb.tag == "Gather":
                gathered = await self._gather(leg, verb)
                if gathered is not None:
                    return gathered, False
            elif verb.tag == "Dial":
                return (verb.attrib["action"], await self._dial(leg, verb)), False
            else:
                await self._say(leg, verb)
        return None, False

    async def _say(self, leg: Leg, verb: ET.Element) -> None:
        if verb.tag == "Pause":
            await self._wait(float(verb.get("length", "1")))
        elif verb.tag == "Say":
            who = "provider" if leg.parent else "gyeot"
            before = "(상담원 전화) " if leg.parent else ""
            await self.stage.show(who, before + "".join(verb.itertext()))

    async def _gather(self, leg: Leg, gather: ET.Element) -> Next:
        while not leg.keys.empty() and not leg.parent:
            leg.keys.get_nowait()
        for verb in gather:
            await self._say(leg, verb)
        try:
            key = await asyncio.wait_for(
                leg.keys.get(), float(gather.get("timeout", "5")) * self.account.pace
            )
        except TimeoutError:
            key = ""
        if key or gather.get("actionOnEmptyResult") == "true":
            return gather.attrib["action"], {"Digits": key}
        return None

    # ── counselors' phones ──────────────────────────────────────────────

    async def _dial(self, leg: Leg, dial: ET.Element) -> Fields:
        numbers = list(dial)
        if dial.get("callerId") != self.account.number:
            await self.stage.show("provider", "⚠ 허락되지 않은 발신 번호예요")
            return {"DialCallStatus": "failed"}
        self.rung = [str(number.text) for number in numbers]
        await self.stage.show("provider", f"🔔 전화 {len(numbers)}대가 울려요")
        status = "no-answer"
        try:
            async with asyncio.timeout(float(dial.get("timeout", "30")) * self.account.pace):
                while numbers:
                    way = await self._phones.get()
                    if way == "nobody answers":
                        break
                    if await self._answered(leg, dial, numbers, way):
                        return await self._talk()
                    numbers, status = numbers[1:], "completed"
        except TimeoutError:
            pass
        return {"DialCallStatus": status}

    async def _answered(self, leg: Leg, dial: ET.Element, numbers: Sequence[ET.Element], way: str) -> bool:
        """Whether one of the phones that picked up is connected now."""
        legs = numbers[: 2 if way == "two counselors press 1" else 1]
        presses = "" if way == "voicemail answers" else "1"
        ends = await asyncio.gather(*(self._screened(leg, dial, number, presses) for number in legs))
        await self.stage.show("provider", f"{sum(ends)}명이 전화를 받았어요")
        return any(ends)

    async def _screened(self, leg: Leg, dial: ET.Element, number: ET.Element, key: str) -> bool:
        phone = Leg(self._sid(), dial.get("callerId", ""), str(number.text), parent=leg.sid)
        phone.keys.put_nowait(key)
        if number.get("url") is None:
            return True
        try:
            return await self._follow(phone, (number.attrib["url"], {}))
        except Refused:
            return False

    async def _talk(self) -> Fields:
        await self.stage.show("provider", "🗣 연결됐어요")
        await self._parted.wait()
        return {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "60"}

    # ── requests ────────────────────────────────────────────────────────

    async def _fetch(self, leg: Leg, url: str, more: Fields) -> ET.Element:
        """The document at an address. Raises ``Refused`` when there is none in time."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN * self.account.pace):
                status, body = await self._request(leg, url, more)
            document = ET.fromstring(body)  # noqa: S314  what our own service wrote
        except (TimeoutError, OSError, aiohttp.ClientError, ET.ParseError):
            raise Refused("no document") from None
        if status >= 400:  # noqa: PLR2004  as HTTP has it
            raise Refused("the service refused")
        return document

    async def _request(self, leg: Leg, url: str, more: Fields) -> tuple[int, bytes]:
        fields = {
            "AccountSid": self.account.account,
            "ApiVersion": "2010-04-01",
            "CallSid": leg.sid,
            "CallStatus": "in-progress",
            "Direction": "outbound-dial" if leg.parent else "inbound",
            "From": leg.caller,
            "To": leg.called,
            **({"ParentCallSid": leg.parent} if leg.parent else {}),
            **more,
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": signature(self.account.token, url, fields),
        }
        try:
            return await self._post(url, urlencode(fields).encode(), headers)
        except (OSError, aiohttp.ClientError):
            return 502, b""

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.account.pace)

    def _sid(self) -> str:
        return "CA" + hashlib.sha256(f"{id(self)}/{next(self._numbers)}".encode()).hexdigest()[:32]


async def _over_http(url: str, body: bytes, headers: Fields) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.read()


def build(settings: Mapping[str, str], own_url: str) -> Built:  # noqa: ARG001  the service sends nothing here
    """The simulator as ``gyeot simulate voice`` runs it."""
    known = Account(service="")
    provider = Provider(
        Account(
            service=settings.get("public", "http://127.0.0.1:8700").rstrip("/") + "/hooks/voice",
            account=settings.get("GYEOT_TWILIO_ACCOUNT") or known.account,
            token=settings.get("GYEOT_TWILIO_TOKEN") or known.token,
            number=settings.get("GYEOT_VOICE_NUMBER") or known.number,
        )
    )
    return Built(app(provider), provider.stage, provider.deeds)


def app(provider: Provider) -> FastAPI:
    """The phone's page."""
    found = application("Twilio Voice")
    found.include_router(page(provider.stage, provider.deeds))
    return found
