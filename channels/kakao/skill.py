"""The skill door: OpenBuilder asks, and the answer goes into the response, within Kakao's five seconds.

Kakao signs nothing. A request is believed when it shows the secret header set in the skill's screen and names
our bot. Sources (kakaobusiness.gitbook.io): "스킬 만들기", "응답 타입별 JSON 포맷",
"AI 챗봇 콜백 개발 가이드".
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field, ValidationError

from channels.errors import Forged, Malformed, Throttled
from channels.kakao import arrivals
from channels.kakao.answers import OUTPUTS, encoded, laid_out, on_its_way, template
from channels.kakao.arrivals import Envelope, Utterance
from channels.kakao.callback import GOOD_FOR, Trusted
from channels.kakao.doorkey import DoorKey
from channels.kakao.form import Form, UserKey
from channels.kakao.words import Words
from channels.port import Answer, Busy, InboundMessage, Intake, QuickReply
from channels.webhooks import JSON, Call, Reply

BUDGET = 4.0
"""Seconds for everything, of Kakao's five."""

UNSAID = 1000
"""Visitors for whom what did not fit is remembered, in this process.

More than 3,000 characters are due at once only when a counselor wrote several long answers to somebody who
could not be reached.
"""

_FOR_DECIDING = 0.85
"""The part of what is left that deciding may take; the rest is for the disk and the way out."""


@dataclass(frozen=True, slots=True)
class SkillDoor:
    """How this door is set up. Without a secret or a bot id it is closed."""

    secret: str = field(repr=False)
    header: str
    bot_id: str
    words: Words
    trusted: Trusted = field(default_factory=Trusted)
    budget: float = BUDGET


class _Visitor(Form):
    id: UserKey


class _UserRequest(Form):
    utterance: str | None = None
    user: _Visitor
    params: Any = None
    offered: Any = Field(None, alias="callbackUrl")

    @property
    def callback(self) -> str | None:
        return self.offered if isinstance(self.offered, str) else None


class _Bot(Form):
    id: str


class SkillRequest(Form):
    """What OpenBuilder sends. What is not needed to take the message in may be anything."""

    request: _UserRequest = Field(alias="userRequest")
    bot: _Bot
    action: Any = None

    @property
    def said(self) -> Utterance:
        """Words and media.

        Pictures come as an address in the words, in ``params.media``, or, by the plug-in for secure pictures,
        as ``secureUrls`` in a parameter of the block.
        """
        params = self.request.params
        sent = params.get("media") if isinstance(params, dict) else None
        media = arrivals.kind_of(str(sent.get("type", ""))) if isinstance(sent, dict) else None
        secured = "image" if "secureUrls" in str(self.action) else None
        return arrivals.understood(self.request.utterance or "", media or secured)


class Skill:
    """Takes skill requests."""

    def __init__(self, door: SkillDoor, intake: Intake) -> None:
        self._door = door
        self._key = DoorKey(door.secret)
        self._intake = intake
        self._unsaid: OrderedDict[str, list[str]] = OrderedDict()

    async def take(self, call: Call) -> Reply:
        """Answer in time, whatever happens. Raises ``Forged`` or ``Malformed``.

        A house that is busy is told in words: Kakao does not send a request again, and shows an error to the
        visitor for any other status.
        """
        until = asyncio.get_running_loop().time() + self._door.budget
        request = self._verified(call)
        messages = arrivals.messages(request.said, self._envelope(call, request))
        try:
            async with asyncio.timeout_at(until):
                return await self._answered(messages, until)
        except (Busy, Throttled):
            return _reply(template([self._door.words.busy.answering(messages[-1].text)]))
        except TimeoutError:
            return _reply(template([self._door.words.unsure.answering(messages[-1].text)]))

    def _verified(self, call: Call) -> SkillRequest:
        if not self._door.bot_id or not self._key.fits(call.headers.get(self._door.header.lower())):
            raise Forged("a skill request without our secret")
        try:
            request = SkillRequest.model_validate_json(call.body)
        except ValidationError:
            raise Malformed("not a skill request") from None
        if request.bot.id.removesuffix("!") != self._door.bot_id.removesuffix("!"):
            raise Forged("a skill request of another bot")
        return request

    def _envelope(self, call: Call, request: SkillRequest) -> Envelope:
        callback = request.request.callback
        ticket = callback if callback and self._door.trusted.allows(callback) else None
        key = request.request.user.id
        return Envelope(
            event_id(call, key, request.request.utterance or ""), f"skill:{key}", ticket, GOOD_FOR
        )

    async def _answered(self, messages: list[InboundMessage], until: float) -> Reply:
        *first, last = messages
        for message in first:
            await self._intake.keep(message)
        within = max(0.0, until - asyncio.get_running_loop().time()) * _FOR_DECIDING
        async with self._intake.answer(last, within) as answer:
            return _reply(self._worded(answer, last))

    def _worded(self, answer: Answer | None, message: InboundMessage) -> dict[str, Any]:
        words = self._door.words
        if answer is None and message.ticket:
            return on_its_way(words.coming.answering(message.text))
        if answer is None:
            return template([words.ask_again.answering(message.text)])
        bubbles = [*self._unsaid.pop(message.address, ()), *laid_out(answer.texts)]
        if len(bubbles) > OUTPUTS:
            bubbles = laid_out(bubbles)
        now, later = bubbles[:OUTPUTS], bubbles[OUTPUTS:]
        if not later:
            return template(now or [words.kept.answering(message.text)], answer.quick)
        self._unsaid[message.address] = later
        if len(self._unsaid) > UNSAID:
            self._unsaid.popitem(last=False)
        more = words.more.answering(message.text)
        return template(now, [QuickReply(more, more)])


def event_id(call: Call, key: str, utterance: str) -> str:
    """``X-Request-Id``, bound to who said what.

    Kakao does not document the header as stable over a retry, nor that it retries at all. Bound to visitor
    and words, a header that some proxy repeats cannot make one message swallow a different one. Without the
    header nothing tells a repeated request from a child who says «네» twice, so each request is a message:
    one too many can be read, one too few cannot.
    """
    given = call.headers.get("x-request-id", "") or uuid.uuid4().hex
    seed = f"{given}\0{key}\0{utterance}"
    return f"skill/{hashlib.sha256(seed.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _reply(answer: dict[str, Any]) -> Reply:
    return Reply(200, encoded(answer), JSON)
