"""The simulated carriers keep their rules, and the channel works on both in both directions."""

from __future__ import annotations

import asyncio
import functools

import aiohttp
import pytest

from channels.errors import Blocked, ChannelError, Refused, Throttled, Unreachable
from channels.port import Busy, Gone, Parcel, Receipt, Way
from simulators.sms import DEMO_SECRET, build
from simulators.sms_phone import Phone
from simulators.sms_twilio import signature
from simulators.stage import Stage, play
from tests.carrier_desk import carrier_desk
from tests.sms_room import ACCOUNT, Room, room, until

KINDS = ("twilio", "solapi")


def _receipts(house: Room) -> list[tuple[str, str]]:
    return [(event.state, event.error) for event in house.intake.kept if isinstance(event, Receipt)]


async def _send(house: Room, *texts: str, key: str = "k", to: str = "") -> list[str]:
    return list(await house.channel.send([Way(to or house.address)], Parcel(key, texts)))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_text_goes_in_and_the_answer_comes_out_with_its_receipts(kind: str):
    async with room(kind) as house:
        await house.built.stage.type("도와주세요 & + % 😢")
        await until(lambda: house.intake.messages)
        (message,) = house.intake.messages
        assert (message.channel, message.address, message.text) == (
            "sms",
            house.address,
            "도와주세요 & + % 😢",
        )
        sent = await _send(house, "곁에 있어요.", "지금 안전해요?")
        assert len(sent) == 2
        await until(lambda: len(_receipts(house)) == 8)
        await asyncio.sleep(0.1)
        told = {event.sent_id for event in house.intake.kept if isinstance(event, Receipt)}
        assert set(sent) < told  # and our tokens
        assert _receipts(house).count(("delivered", "")) == 4
        assert [line.text for line in house.built.stage.lines if line.who == "gyeot"] == [
            "곁에 있어요.",
            "지금 안전해요?",
        ]
        assert [line for line in house.built.stage.lines if line.who == "provider"] == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_is_refused_and_never_fetched(kind: str):
    async with carrier_desk() as (shelf, _), room(kind, own_url=shelf.url) as house:
        await house.built.deeds["photo"]()
        await until(lambda: house.intake.messages)
        assert [(message.media, message.text) for message in house.intake.messages] == [("image", "")]
        await asyncio.sleep(0.05)
        assert shelf.heard == []


async def test_a_picture_that_somebody_fetches_shows():
    async with room("twilio") as house, aiohttp.ClientSession() as session:
        await (await session.get(f"{house.api}/media/ME1")).read()
        await house.built.stage.expect("내려받았어요")


@pytest.mark.parametrize(
    ("kind", "module", "says"), [("twilio", "sms_twilio", "11200"), ("solapi", "sms_solapi", "5번")]
)
async def test_a_service_that_is_too_slow_is_given_up(
    kind: str, module: str, says: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(f"simulators.{module}.ANSWERS_WITHIN", 0.05)
    async with room(kind) as house:
        monkeypatch.setattr(house.intake, "keep", functools.partial(asyncio.sleep, 0.3))
        await house.built.stage.type("도와주세요")
        await house.built.stage.expect(says)


async def test_stop_is_heard_then_blocked_and_start_opens_again():
    script = "> STOP\n< 수신거부\nwait 0.1"
    async with room("twilio") as house:
        await play(house.built.stage, script, house.built.deeds)
        assert [type(event).__name__ for event in house.intake.kept] == ["InboundMessage", "Gone"]
        with pytest.raises(Blocked):
            await _send(house, "들려요?")
        await house.built.deeds["start"]()
        assert house.intake.messages[-1].text == "START"
        assert len(await _send(house, "다시 왔네요.", key="k2")) == 1
        await house.built.stage.expect("다시 왔네요.")


async def test_a_number_blocked_on_the_telephone_shows_in_the_report():
    async with room("solapi") as house:
        await house.built.deeds["stop"]()
        await _send(house, "들려요?")
        await until(lambda: any(isinstance(event, Gone) for event in house.intake.kept))
        assert ("failed", "Blocked") in _receipts(house)
        await house.built.deeds["start"]()
        await _send(house, "다시 왔네요.", key="k2")
        await house.built.stage.expect("다시 왔네요.")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("deed", "error"), [("too-fast", Throttled), ("down", Unreachable)])
async def test_trouble_before_anything_was_taken_is_raised_and_the_next_try_goes_through(
    kind: str, deed: str, error: type[ChannelError]
):
    async with room(kind) as house:
        await house.built.deeds[deed]()
        with pytest.raises(error):
            await _send(house, "하나")
        await _send(house, "하나")
        await house.built.stage.expect("하나")
        assert len([line for line in house.built.stage.lines if line.who == "gyeot"]) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_lost_answer_arrives_once_and_is_told_by_our_token(kind: str):
    async with room(kind) as house:
        await house.built.deeds["lost"]()
        (token,) = await _send(house, "하나")
        assert await _send(house, "하나") == [token]
        await until(lambda: Receipt("sms", token, "delivered") in house.intake.kept)
        assert len([line for line in house.built.stage.lines if line.who == "gyeot"]) == 1


@pytest.mark.parametrize(("kind", "error"), [("twilio", "Unreachable"), ("solapi", "Unreachable")])
async def test_a_telephone_that_is_off_is_told_by_receipt(kind: str, error: str):
    async with room(kind) as house:
        await house.built.deeds["phone-off"]()
        await _send(house, "하나")
        await until(lambda: ("failed", error) in _receipts(house))
        await asyncio.sleep(0.1)
        assert ("delivered", "") not in _receipts(house)
        assert [line for line in house.built.stage.lines if line.who == "gyeot"] == []


@pytest.mark.parametrize(
    ("kind", "to", "error"),
    [
        ("twilio", "+15005550001", Refused),
        ("twilio", "+15005550003", Refused),
        ("twilio", "+15005550004", Blocked),
        ("twilio", "+15005550009", Refused),
        ("solapi", "+821000001061", Blocked),
        ("solapi", "+821000001029", Refused),
        ("solapi", "+821000001030", Unreachable),
    ],
)
async def test_numbers_that_always_fail(kind: str, to: str, error: type[Exception]):
    async with room(kind) as house:
        with pytest.raises(error):
            await _send(house, "하나", to=to)


@pytest.mark.parametrize(
    ("code", "error"), [("3032", "Refused"), ("3047", "Blocked"), ("3040", "Unreachable")]
)
async def test_numbers_that_fail_afterwards(code: str, error: str):
    async with room("solapi") as house:
        await _send(house, "하나", to=f"+82100000{code}")
        await until(lambda: ("failed", error) in _receipts(house))


@pytest.mark.parametrize("kind", KINDS)
async def test_wrong_credentials_are_refused(kind: str):
    async with room(kind, secret="z" * 32) as house:
        with pytest.raises(Unreachable):
            await _send(house, "하나")


@pytest.mark.parametrize(("kind", "wrong"), [("twilio", "secret"), ("solapi", "hook_secret")])
async def test_a_carrier_that_signs_wrongly_changes_nothing_and_says_so(kind: str, wrong: str):
    async with room(kind, **{wrong: "z" * 40}) as house:
        await house.built.stage.type("도와주세요")
        await house.built.stage.expect("403")
        assert house.intake.kept == []


async def test_solapi_comes_again_until_it_is_taken():
    async with room("solapi") as house:
        house.intake.failing = Busy()
        await house.built.stage.type("도와주세요")
        await asyncio.sleep(0.05)
        house.intake.failing = None
        await until(lambda: house.intake.messages)


async def test_erasing_takes_twilios_copy():
    async with room("twilio") as house:
        sent = await _send(house, "하나")
        with pytest.raises(Unreachable):
            await house.channel.erase(house.address, sent)  # still on its way
        await asyncio.sleep(0.3)
        await house.channel.erase(house.address, sent)
        await house.built.stage.expect("사본을 지웠어요")
        await house.channel.erase(house.address, sent)  # gone already


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "+447700900123", "From": "+15005550006"}, 21602),
        ({"To": "+447700900123", "From": "+15005550006", "Body": "x" * 1601}, 21617),
        ({"To": "+447700900123", "From": "+15005550007", "Body": "x"}, 21606),
        ({"To": "447700900123", "From": "+15005550006", "Body": "x"}, 21211),
    ],
)
async def test_twilio_refuses_what_twilio_refuses(form: dict[str, str], code: int):
    async with room("twilio") as house, aiohttp.ClientSession() as session:
        url = f"{house.api}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, "b" * 32)}
        async with session.post(url, data=form, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, code)


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("가" * 46, "SMS", "1031"),
        ("가" * 1001, "LMS", "1031"),
        ("😀", "SMS", "1029"),
        ("", "SMS", "1011"),
        ("x", "ATA", "1011"),
    ],
)
async def test_solapi_refuses_what_solapi_refuses(text: str, kind: str, code: str):
    async with room("solapi") as house, aiohttp.ClientSession() as session:
        message = {"to": "01098765432", "from": "0312345678", "text": text, "type": kind}
        authorization = house.channel._authorization()  # type: ignore[union-attr]
        url = f"{house.api}/messages/v4/send-many/detail"
        async with session.post(
            url, json={"messages": [message]}, headers={"Authorization": authorization}
        ) as answer:
            assert (await answer.json())["failedMessageList"][0]["statusCode"] == code
        async with session.post(
            url, json={"messages": [message]}, headers={"Authorization": authorization}
        ) as answer:
            assert (answer.status, (await answer.json())["errorCode"]) == (403, "DuplicatedSignature")


def test_twilios_signature_is_the_documented_one():
    # https://www.twilio.com/docs/usage/security, "Validating requests": the worked example of the page
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, fields) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_built_from_the_settings_of_the_service(kind: str):
    built = build({"public": "http://127.0.0.1:9/", "GYEOT_SMS_PROVIDER": kind}, "http://127.0.0.1:8")
    assert kind in built.stage.title
    assert {"photo", "stop", "start"} < set(built.deeds)
    with pytest.raises(ValueError, match="neither"):
        build({"GYEOT_SMS_PROVIDER": "pigeon"}, "")
    assert DEMO_SECRET not in repr(Phone("+82", Stage("t", built.stage.type)))
