"""The simulated telephone network keeps its rules, also against us."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

import httpx2
import pytest

from simulators.voice import Provider, build
from simulators.voice_rules import Account, signature

ACCOUNT = Account("https://gyeot.test/hooks/voice", pace=0.002)
HELLO = "<Response><Say>안녕</Say><Hangup/></Response>"
DOWN = "지금 곁 상담 전화에 문제가 생겨서"


class Service:
    """Answers with documents in order, the last again and again, and remembers what it was sent."""

    def __init__(self, *documents: str | Exception | float) -> None:
        self.documents = list(documents)
        self.sent: list[tuple[str, dict[str, str], Mapping[str, str]]] = []

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.sent.append((url, dict(parse_qsl(body.decode(), keep_blank_values=True)), headers))
        if url.endswith("/status"):
            return 200, b"<Response/>"
        document = self.documents.pop(0) if len(self.documents) > 1 else self.documents[0]
        if isinstance(document, Exception):
            raise document
        if isinstance(document, float):
            await asyncio.sleep(document)
            return 200, HELLO.encode()
        return 200, document.encode()


async def played(
    *documents: str | Exception | float, deeds: tuple[str, ...] = ()
) -> tuple[list[str], Service]:
    """What the caller's screen shows of a call."""
    service = Service(*documents)
    provider = Provider(ACCOUNT, service.post)
    await provider.call()
    for deed in deeds:
        await provider.deeds[deed]()
    await asyncio.wait_for(provider.finished(), 5)
    return [line.text for line in provider.stage.lines], service


async def test_a_document_is_played_and_every_request_is_signed() -> None:
    lines, service = await played(HELLO)
    assert "안녕" in lines
    assert [url.rsplit("/", 1)[1] for url, _, _ in service.sent] == ["voice", "status"]
    for url, fields, headers in service.sent:
        assert headers["X-Twilio-Signature"] == signature(ACCOUNT.token, url, fields)
    assert service.sent[0][1]["From"] == ACCOUNT.caller
    assert service.sent[-1][1]["CallStatus"] == "completed"


ELEVEN = "".join(f"<Number>+8210000000{n:02}</Number>" for n in range(11))


@pytest.mark.parametrize(
    "document",
    [
        ConnectionRefusedError(),
        0.2,
        "no XML",
        "<Other/>",
        "<Response><Sing/></Response>",
        "<Response><Gather><Dial/></Gather></Response>",
        f'<Response><Dial action="x" callerId="{ACCOUNT.number}">{ELEVEN}</Dial></Response>',
        '<Response><Dial action="x"></Dial></Response>',
    ],
    ids=[
        "down",
        "late",
        "no XML",
        "no Response",
        "unknown verb",
        "wrongly nested",
        "eleven phones",
        "no phone",
    ],
)
async def test_what_twilio_would_not_play_is_answered_with_the_fallback(
    document: str | Exception | float,
) -> None:
    lines, _ = await played(document)
    assert any(DOWN in line for line in lines)
    assert "안녕" not in lines


async def test_a_key_goes_to_the_action_and_silence_only_where_it_is_wanted() -> None:
    asks = '<Response><Gather action="https://gyeot.test/a" timeout="5"%s><Say>?</Say></Gather><Say>그냥</Say></Response>'
    lines, service = await played(asks % "", HELLO)
    assert "그냥" in lines
    assert len(service.sent) == 2
    lines, service = await played(asks % ' actionOnEmptyResult="true"', HELLO)
    assert "안녕" in lines
    assert service.sent[1][1]["Digits"] == ""


DIAL = f"""<Response><Dial action="https://gyeot.test/dialed" callerId="{ACCOUNT.number}" timeout="500">
<Number url="https://gyeot.test/whisper">+821011111111</Number></Dial></Response>"""
WHISPER = '<Response><Gather action="https://gyeot.test/accept" timeout="5"><Say>1?</Say></Gather><Hangup/></Response>'


async def test_a_phone_that_presses_1_is_connected() -> None:
    lines, service = await played(
        DIAL, WHISPER, "<Response/>", HELLO, deeds=("counselor answers and presses 1", "counselor hangs up")
    )
    assert "🗣 연결됐어요" in lines
    _, leg, accept, dialed, _ = (fields for _, fields, _ in service.sent)
    assert leg["ParentCallSid"] == service.sent[0][1]["CallSid"] != leg["CallSid"]
    assert (leg["From"], leg["To"]) == (ACCOUNT.number, "+821011111111")
    assert accept["Digits"] == "1"
    assert (dialed["DialCallStatus"], dialed["DialBridged"]) == ("completed", "true")


async def test_a_machine_counts_as_answered_but_is_not_connected() -> None:
    lines, service = await played(DIAL, WHISPER, HELLO, deeds=("voicemail answers",))
    assert "🗣 연결됐어요" not in lines
    dialed = service.sent[2][1]
    assert dialed["DialCallStatus"] == "completed"
    assert "DialBridged" not in dialed


async def test_a_caller_id_that_is_not_ours_rings_nobody() -> None:
    lines, service = await played(DIAL.replace(ACCOUNT.number, ACCOUNT.caller), HELLO)
    assert service.sent[1][1]["DialCallStatus"] == "failed"
    assert not any("울려요" in line for line in lines)


async def test_its_page_has_the_keypad_and_it_is_built_from_the_services_own_settings() -> None:
    built = build({"public": "http://127.0.0.1:1/", "GYEOT_TWILIO_TOKEN": "x" * 32}, "http://127.0.0.1:2")
    transport = httpx2.ASGITransport(app=built.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://phone.test") as client:
        shown = (await client.get("/")).text
        assert (await client.post("/do/hang up")).json() == {"status": "done"}
    for deed in ("call", "1", "9", "voicemail answers", "counselor answers and presses 1"):
        assert f'data-do="{deed}"' in shown
