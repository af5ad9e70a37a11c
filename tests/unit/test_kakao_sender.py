from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from channels.errors import (
    Blocked,
    ChannelError,
    Refused,
    Throttled,
    Unreachable,
    WindowClosed,
)
from channels.kakao.consult import serial_number
from channels.kakao.doors import kakao_sender
from channels.kakao.event_api import EventApi
from channels.kakao.line import Line, Lost
from channels.kakao.sender import REMEMBERED, KakaoSender
from channels.port import Parcel, QuickReply, Way
from tests.kakao_line import BOT_ID, Provider, doors, provider

TALK = f"/v2/bots/{BOT_ID}/talk"
BY_CALLBACK = "/callback/1"
REPLY = "/v1/bot/callback"
PUSH = "/v1/bot/send_message"
WRITE = "/v1/chat/write"
TASK = "/v1/tasks/t1"
PARCEL = Parcel("p1", ("상담원이에요.", "지금 어디예요?"), (QuickReply("집", "집이에요"),))
LONG = Parcel("p2", ("가" * 2000, "나" * 2000))

Answers = dict[str, tuple[int, Any]]
FINE: Answers = {
    BY_CALLBACK: (200, {"taskId": "t0", "status": "SUCCESS"}),
    REPLY: (200, {"totalCount": 1, "sendCount": 1, "errorCount": 0}),
    PUSH: (200, {"totalCount": 1, "sendCount": 1, "errorCount": 0}),
    TALK: (200, {"taskId": "t1", "status": "SUCCESS"}),
    TASK: (200, {"taskId": "t1", "status": "ALL SUCCESS", "allRequestCount": 1, "successCount": 1}),
    WRITE: (200, {"code": 0}),
}
NO_FRIEND = (200, {"taskId": "t1", "status": "1 FAIL", "fail": {"count": 1, "list": []}})
ENDED = (200, {"code": -1, "message": "NoSessionException(x)"})


def answering(changes: Answers) -> Callable[[str, dict[str, Any]], tuple[int, Any]]:
    return lambda path, _: (FINE | changes)[path]


def every_way(url: str) -> list[Way]:
    return [
        Way("consult:k3"),
        Way("skill:k1", f"{url}{BY_CALLBACK}"),
        Way("bot:k2", "token-1"),
    ]


async def sent(changes: Answers, ways: Callable[[str], Sequence[Way]], parcel: Parcel = PARCEL):
    """The ids that sending gave, and the paths that were asked."""
    async with provider(answering(changes)) as (asked, session):
        ids = await kakao_sender(doors(asked.url), Line(session)).send(ways(asked.url), parcel)
        return ids, [path for path, _, _ in asked.asked], asked


CLOSED: list[tuple[str, tuple[int, Any]]] = [
    (BY_CALLBACK, (400, {"status": "FAIL"})),
    (REPLY, (400, {"code": -881})),
    (PUSH, (400, {"code": -877})),
    (TASK, NO_FRIEND),
]


@pytest.mark.parametrize(
    ("shut", "asked"),
    [
        (0, [BY_CALLBACK]),
        (1, [BY_CALLBACK, REPLY]),
        (2, [BY_CALLBACK, REPLY, PUSH]),
        (3, [BY_CALLBACK, REPLY, PUSH, TALK, TASK]),
        (4, [BY_CALLBACK, REPLY, PUSH, TALK, TASK, WRITE]),
    ],
)
async def test_the_first_open_door_takes_it(shut: int, asked: list[str]):
    _, paths, _ = await sent(dict(CLOSED[:shut]), every_way, Parcel("p0", ("상담원이에요.",)))
    assert paths == asked


async def test_the_newest_ticket_is_used_first():
    _, paths, _ = await sent({}, lambda url: list(reversed(every_way(url))))
    assert paths == [REPLY]


async def test_all_closed_is_the_end_of_the_window():
    with pytest.raises(WindowClosed):
        await sent(dict(CLOSED) | {WRITE: ENDED}, every_way)
    with pytest.raises(WindowClosed):
        await sent({}, lambda _: [])


def body_of(asked: Provider, path: str) -> dict[str, Any]:
    [body] = asked.bodies(path)
    return body


async def test_what_each_provider_is_sent():
    outputs = {"outputs": [{"simpleText": {"text": text}} for text in PARCEL.texts]}
    quick = {"quickReplies": [{"label": "집", "action": "message", "messageText": "집이에요"}]}
    answer = {"version": "2.0", "template": outputs | quick}
    _, _, asked = await sent({}, lambda url: [Way("skill:k1", f"{url}{BY_CALLBACK}")])
    assert body_of(asked, BY_CALLBACK) == answer
    _, _, asked = await sent({}, lambda _: [Way("bot:k2", "token-1")])
    assert body_of(asked, REPLY) == {"skillResponse": answer}
    headers = asked.asked[0][1]
    assert (headers["X-Bot-Callback-Token"], headers["Authorization"]) == ("token-1", "KakaoAK bot-token")
    _, _, asked = await sent({}, lambda _: [Way("bot:k2")])
    assert body_of(asked, PUSH) == {"botUserKey": "k2", "skillResponse": answer}
    ids, _, asked = await sent({}, lambda _: [Way("skill:k1")])
    assert [body["event"]["data"]["text"] for body in asked.bodies(TALK)] == ["\n\n".join(PARCEL.texts)]
    assert asked.bodies(TALK)[0]["user"] == [{"type": "botUserKey", "id": "k1"}]
    assert asked.asked[0][1]["Authorization"] == "KakaoAK rest-key"
    assert ids == ("t1",)
    ids, _, asked = await sent({}, lambda _: [Way("consult:k3")])
    assert [body["message"] for body in asked.bodies(WRITE)] == list(PARCEL.texts)
    assert asked.bodies(WRITE)[0] == {
        "user_key": "k3",
        "sender_key": "s" * 40,
        "serial_number": serial_number("p1/0"),
        "message_type": "TX",
        "message": PARCEL.texts[0],
    }
    assert asked.asked[0][1]["HT-Client-Secret"] == "client-secret"
    assert ids == (serial_number("p1/0"), serial_number("p1/1"))


async def test_events_are_few_and_within_a_bubble():
    _, _, asked = await sent({}, lambda _: [Way("skill:k1")], LONG)
    said = [body["event"]["data"]["text"] for body in asked.bodies(TALK)]
    assert "".join(said) == "".join(LONG.texts)
    assert [len(text) for text in said] == [1000] * 4


async def test_what_one_ticket_cannot_hold_goes_on_through_the_next_door():
    _, paths, asked = await sent({}, lambda _: [Way("bot:k2", "token-1")], LONG)
    assert paths == [REPLY, PUSH]
    said = [
        output["simpleText"]["text"]
        for path in paths
        for output in body_of(asked, path)["skillResponse"]["template"]["outputs"]
    ]
    assert "".join(said) == "".join(LONG.texts)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((400, {"code": -879}), Blocked),
        ((400, {"code": -878}), Refused),
        ((400, {"code": -877}), WindowClosed),
        ((400, {"code": -10}), Throttled),
        ((429, {}), Throttled),
        ((503, {}), Unreachable),
        ((0, {}), Unreachable),
        ((302, {}), Refused),
        ((200, "not an object"), None),
    ],
)
async def test_refusals_of_the_bot_api(answer: tuple[int, Any], expected: type[ChannelError] | None):
    if expected is None:
        await sent({PUSH: answer}, lambda _: [Way("bot:k2")])
        return
    with pytest.raises(expected):
        await sent({PUSH: answer}, lambda _: [Way("bot:k2")])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"code": "-503", "message": "NoSessionException(userKey: k3)"}), WindowClosed),
        ((200, {"code": -1, "message": "BlockedUserException"}), Blocked),
        ((200, {"code": -501, "message": "InvalidSenderException(senderKey: x)"}), Refused),
        ((401, {}), Refused),
        ((200, {}), Refused),
        ((200, {"code": -9, "message": "DuplicatedSerialNumberException"}), None),
        ((200, {"code": "200"}), None),
        ((502, {}), Unreachable),
    ],
)
async def test_refusals_of_the_relay(answer: tuple[int, Any], expected: type[ChannelError] | None):
    if expected is None:
        ids, _, _ = await sent({WRITE: answer}, lambda _: [Way("consult:k3")])
        assert len(ids) == 2
        return
    with pytest.raises(expected) as caught:
        await sent({WRITE: answer}, lambda _: [Way("consult:k3")])
    assert "k3" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({TALK: (401, {})}, Refused),
        ({TALK: (400, {"status": "FAIL"})}, WindowClosed),
        ({TALK: (200, {"status": "FAIL"})}, WindowClosed),
        ({TASK: NO_FRIEND}, WindowClosed),
    ],
)
async def test_refusals_of_events(changes: Answers, expected: type[ChannelError]):
    with pytest.raises(expected):
        await sent(changes, lambda _: [Way("skill:k1")])


@pytest.mark.parametrize("unknown", [(404, {}), (500, {}), (200, {})])
async def test_an_event_of_which_nothing_is_known_counts_as_sent(unknown: tuple[int, Any]):
    async with provider(answering({TASK: unknown})) as (asked, session):
        events = EventApi(Line(session), doors(asked.url).events, looks=(0.0, 0.0))
        assert await events.push(Way("skill:k1"), ["가"], (), "p") == ("t1",)


async def test_a_callback_to_another_machine_is_never_made():
    async with provider(answering({})) as (asked, session), provider(answering({})) as (evil, _):
        sender = kakao_sender(doors(asked.url), Line(session))
        await sender.send([Way("skill:k1", f"{evil.url}{BY_CALLBACK}")], PARCEL)
        assert evil.asked == []
        assert asked.asked[0][0] == TALK


async def test_no_redirect_is_followed():
    async with provider(answering({})) as (evil, _):

        async def elsewhere(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(f"{evil.url}{BY_CALLBACK}")

        app = web.Application()
        app.router.add_route("*", "/{any:.*}", elsewhere)
        async with TestServer(app) as server, ClientSession() as session:
            told = await Line(session).post(str(server.make_url("/x")), {}, {})
        assert told.status == 307
        assert evil.asked == []


async def test_closed_doors_are_not_tried():
    async with provider(answering({})) as (asked, session):
        shut = doors(asked.url)
        empty = type(shut)(
            shut.skill,
            type(shut.events)("", BOT_ID, "e", asked.url),
            type(shut.bot)("", "h", "", asked.url),
            type(shut.consult)("", "", "", "", asked.url),
        )
        with pytest.raises(WindowClosed):
            await kakao_sender(empty, Line(session)).send(
                [Way("bot:k2", "token"), Way("skill:k1"), Way("consult:k3"), Way("odd")], PARCEL
            )
        assert asked.asked == []


async def test_a_provider_that_is_not_there_is_passed_by_and_tried_twice():
    async with provider(answering({})) as (asked, session):
        there = doors(asked.url)
        away = type(there)(
            there.skill, there.events, type(there.bot)("", "h", "t", "http://127.0.0.1:1"), there.consult
        )
        sender = kakao_sender(away, Line(session))
        await sender.send([Way("bot:k2"), Way("consult:k3")], PARCEL)
        with pytest.raises(Unreachable):
            await sender.send([Way("bot:k2")], PARCEL)


async def test_a_silent_provider_does_not_hold_us():
    class Silent:
        def request(self, *_: Any, **__: Any) -> Any:
            return self

        async def __aenter__(self) -> Any:
            await asyncio.sleep(30)

        async def __aexit__(self, *_: object) -> None:
            return None

    with pytest.raises(Lost):
        await Line(Silent(), within=0.05).get("http://x.example", {})  # type: ignore[arg-type]


class Troubled:
    """A door that raises what stands next in ``trouble``."""

    def __init__(self, *trouble: ChannelError | None, single: bool = False) -> None:
        self.trouble = list(trouble)
        self.single = single
        self.sent: list[str] = []

    def reaches(self, way: Way) -> bool:
        return True

    def holds(self, bubbles: Sequence[str]) -> int:
        return min(3, len(bubbles))

    async def push(
        self, way: Way, bubbles: Sequence[str], quick: Sequence[QuickReply], key: str
    ) -> Sequence[str]:
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble is not None:
            raise trouble
        self.sent.extend(bubbles)
        return [key]


async def test_what_may_have_arrived_is_not_sent_by_another_door_at_once():
    first, second = Troubled(Lost(), Lost()), Troubled()
    sender = KakaoSender([[first], [second]])
    with pytest.raises(Unreachable):
        await sender.send([Way("bot:k")], PARCEL)
    assert second.sent == []
    await sender.send([Way("bot:k")], PARCEL)
    assert second.sent == list(PARCEL.texts)


async def test_a_ticket_found_used_after_it_was_lost_has_delivered():
    ticket, other = Troubled(Lost(), WindowClosed(), single=True), Troubled()
    sender = KakaoSender([[ticket], [other]])
    with pytest.raises(Unreachable):
        await sender.send([Way("bot:k", "t")], PARCEL)
    assert await sender.send([Way("bot:k", "t")], PARCEL) == ()
    assert other.sent == []


async def test_a_parcel_goes_on_where_it_stopped():
    door = Troubled(None, Unreachable())
    sender = KakaoSender([[door]])
    with pytest.raises(Unreachable):
        await sender.send([Way("bot:k")], LONG)
    assert await sender.send([Way("bot:k")], LONG) == ("p2/0", "p2/3")
    assert "".join(door.sent) == "".join(LONG.texts)


@pytest.mark.parametrize(
    ("troubles", "expected"),
    [
        ([WindowClosed(), Unreachable()], Unreachable),
        ([Throttled(5), WindowClosed()], Throttled),
        ([Throttled(5), Unreachable()], Unreachable),
        ([Refused(), Blocked()], Blocked),
        ([Refused(), WindowClosed()], WindowClosed),
        ([Refused(), Refused()], Refused),
    ],
)
async def test_of_several_failures_the_most_hopeful_is_told(
    troubles: list[ChannelError], expected: type[ChannelError]
):
    with pytest.raises(expected):
        await KakaoSender([[Troubled(trouble)] for trouble in troubles]).send([Way("bot:k")], PARCEL)


async def test_progress_is_remembered_within_bounds():
    sender = KakaoSender([[Troubled(*[Refused()] * (REMEMBERED + 10))]])
    for number in range(REMEMBERED + 10):
        with pytest.raises(Refused):
            await sender.send([Way("bot:k")], Parcel(str(number), ("가",)))
    assert len(sender._under_way) == REMEMBERED


async def test_nothing_can_be_erased():
    async with provider(answering({})) as (asked, session):
        await kakao_sender(doors(asked.url), Line(session)).erase("bot:k", ["1"])
        assert asked.asked == []
