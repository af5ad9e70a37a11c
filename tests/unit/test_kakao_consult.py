from __future__ import annotations

from typing import Any

import pytest

from channels.errors import Forged, Malformed
from channels.kakao.consult import Consult, ConsultDoor, serial_number
from channels.port import Gone
from tests.fake_intake import FakeIntake
from tests.kakao_line import PATH_SECRET, call, consult_call, hook

RELAY = {
    "uuid": "u_1",
    "room_id": "r1",
    "type": "text",
    "msgid": "m1",
    "content": "무서워요",
    "auto_end": "N",
}
DIRECT = {
    "user_key": "Xj1bW5wlE5SR",
    "session_id": "163755146",
    "sender_key": "s" * 40,
    "time": 1_654_738_690_219,
    "type": "text",
    "contents": "무서워요",
}


@pytest.mark.parametrize(
    ("path", "body", "address"),
    [
        ("message", RELAY, "consult:u_1"),
        ("message/0f8f-uuid", RELAY, "consult:u_1"),
        ("", DIRECT, "consult:Xj1bW5wlE5SR"),
        ("message", DIRECT | {"serial_number": "n1"}, "consult:Xj1bW5wlE5SR"),
    ],
)
async def test_a_message_is_kept(path: str, body: dict[str, Any], address: str):
    intake = FakeIntake()
    reply = await hook(intake).take(consult_call(body, path))
    assert (reply.status, reply.body) == (200, b'{"code":0}')
    [message] = intake.messages
    assert (message.channel, message.address, message.text) == ("kakao", address, "무서워요")
    assert (message.media, message.ticket) == (None, None)


async def test_the_event_is_the_message_id_or_the_moment():
    async def id_of(body: dict[str, Any]) -> str:
        intake = FakeIntake()
        await hook(intake).take(consult_call(body))
        return intake.messages[0].event_id

    assert await id_of(RELAY) == "consult/u_1/m1"
    first = await id_of(DIRECT)
    assert first == await id_of(DIRECT)
    without = {name: value for name, value in DIRECT.items() if name != "time"}
    others = [
        await id_of(DIRECT | {"time": 5}),
        await id_of(DIRECT | {"contents": "네"}),
        await id_of(DIRECT | {"session_id": 2}),
        await id_of(without),
        await id_of(without),
    ]
    assert len({first, *others}) == 6


@pytest.mark.parametrize("secret", ["", "x", PATH_SECRET[:-1], PATH_SECRET + "x"])
async def test_the_path_holds_the_secret(secret: str):
    intake = FakeIntake()
    with pytest.raises(Forged):
        await hook(intake).take(consult_call(RELAY, secret=secret))
    assert intake.kept == []


async def test_no_secret_means_closed():
    for rest in ("", "/message", "x/message"):
        with pytest.raises(Forged):
            await Consult(ConsultDoor(""), FakeIntake()).take(call(rest, RELAY, {}))


async def test_another_channel_is_refused():
    intake = FakeIntake()
    with pytest.raises(Forged):
        await hook(intake).take(consult_call(DIRECT | {"sender_key": "t" * 40}))
    assert intake.kept == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("expired_session", {"user_key": "k1", "session_id": "s1", "time": 7}),
        ("message", {"user_key": "k1", "type": "end", "msgid": "m2"}),
        ("message", {"uuid": "k1", "type": "block", "msgid": "m2"}),
    ],
)
async def test_the_end_of_a_session_means_nothing_more_can_be_sent(path: str, body: dict[str, Any]):
    intake = FakeIntake()
    await hook(intake).take(consult_call(body, path))
    [gone] = intake.kept
    assert isinstance(gone, Gone)
    assert gone.address == "consult:k1"
    assert gone.event_id.endswith("/end")


async def test_meta_data_is_taken_and_forgotten():
    intake = FakeIntake()
    assert (await hook(intake).take(consult_call({"reference": {"extra": "x"}}, "reference"))).status == 200
    assert intake.kept == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("message", b"{"),
        ("message", {}),
        ("message", {"msgid": "m1", "content": "x"}),
        ("message", RELAY | {"uuid": "with space"}),
        ("message", RELAY | {"content": ["x"]}),
        ("mesage", RELAY),
    ],
)
async def test_what_is_no_event_is_malformed(path: str, body: Any):
    intake = FakeIntake()
    with pytest.raises(Malformed):
        await hook(intake).take(consult_call(body, path))
    assert intake.kept == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "image", "content": "", "image": {"url": "https://x.example/a"}}, [("image", "")]),
        ({"type": "photo", "content": None}, [("image", "")]),
        ({"type": "audio", "content": {"url": "https://x.example/a"}}, [("audio", "")]),
        ({"type": "file", "content": {"text": "보세요", "link": {}}}, [("file", ""), (None, "보세요")]),
        ({"type": "link", "content": {"text": "보세요", "link": {}}}, [(None, "보세요")]),
        ({"type": "hologram", "content": "말"}, [("other", ""), (None, "말")]),
    ],
)
async def test_media_is_named_by_its_type(change: dict[str, Any], expected: list[tuple[str | None, str]]):
    intake = FakeIntake()
    await hook(intake).take(consult_call(RELAY | change))
    assert [(message.media, message.text) for message in intake.messages] == expected


def test_serial_numbers_fit_and_repeat():
    assert serial_number("p1/0") == serial_number("p1/0") != serial_number("p1/1")
    assert len(serial_number("p" * 500)) == 30
