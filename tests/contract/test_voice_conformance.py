"""The hotline beside independent judges: Twilio's validator, and a telephone network that keeps its rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from twilio.request_validator import RequestValidator

from channels.voice.speech import fallback
from handoff.conversation import Phase
from handoff.risk import Risk
from handoff.store.memory import MemoryStore
from simulators.stage import play
from simulators.voice import FALLBACK, Provider
from simulators.voice_rules import signature
from tests.journey.indoors import some_tools
from tests.voice_stand import ACCOUNT, PHONES, Stand, a_stand


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    found = await a_stand()
    yield found
    await found.provider.hang_up()


async def ended(stand: Stand) -> None:
    await asyncio.wait_for(stand.provider.finished(), 5)


def test_the_simulator_signs_as_twilio_does() -> None:
    fields = {"CallSid": "CA1", "From": "+82212345678", "Digits": "", "가": "나 &="}
    url = "https://gyeot.test/hooks/voice/menu?lang=en&again=1"
    signed = signature(ACCOUNT.token, url, fields)
    assert RequestValidator(ACCOUNT.token).validate(url, fields, signed)
    assert not RequestValidator(ACCOUNT.token).validate(url, fields | {"Digits": "1"}, signed)


async def test_an_answered_call(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.greeting")
    await stand.hears("voice.menu")
    await stand.hears("voice.other_language", "en")
    await stand.do("1")
    await stand.hears("voice.connecting")
    await stand.sees("전화 2대가 울려요")
    assert (await stand.conversation()).risk is Risk.HIGH
    assert stand.provider.rung == list(PHONES.values())
    await stand.do("counselor answers and presses 1")
    await stand.sees("연결됐어요")
    conversation = await stand.conversation()
    assert (conversation.phase, conversation.holder) == (Phase.CLAIMED, "id-a")
    await stand.do("counselor hangs up")
    await stand.hears("voice.bye")
    await ended(stand)
    conversation = await stand.conversation()
    assert (conversation.phase, conversation.holder) == (Phase.CLAIMED, "id-a")
    written = await stand.written()
    assert len(written) == 5
    assert not any(sign in line for line in written for sign in "+")
    assert {status for _, status in stand.posts} == {200}


async def test_two_counselors_press_1_and_one_is_connected(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("1")
    await stand.do("two counselors press 1")
    await stand.sees("1명이 전화를 받았어요")
    await stand.sees("연결됐어요")
    assert any(stand.words["voice.taken/ko"] in line.text for line in stand.provider.stage.lines)
    assert (await stand.conversation()).holder in PHONES
    assert sum("상담원이 전화를 받았어요" in line for line in await stand.written()) == 1


async def test_a_voicemail_never_takes_a_call(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("1")
    await stand.sees("전화 2대가 울려요")
    await stand.do("voicemail answers")
    await stand.sees("0명이 전화를 받았어요")
    assert (await stand.conversation()).phase is Phase.WAITING
    await stand.do("voicemail answers")
    await stand.hears("voice.hold")
    await stand.hears("voice.numbers")
    assert (await stand.conversation()).phase is Phase.WAITING
    await stand.do("say nothing")
    await stand.sees("전화 2대가 울려요")
    await stand.do("counselor answers and presses 1")
    await stand.sees("연결됐어요")


async def test_an_unanswered_call_asks_for_a_callback() -> None:
    stand = await a_stand(fallback=("+82233334444",))
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("1")
    await stand.sees("전화 2대가 울려요")
    await stand.do("nobody answers")
    await stand.hears("voice.hold")
    stand.clock.pass_by(200_000)
    await stand.do("say nothing")
    await stand.sees("전화 2대가 울려요")
    await stand.do("nobody answers")
    await stand.hears("voice.group")
    await stand.sees("전화 1대가 울려요")
    assert stand.provider.rung == ["+82233334444"]
    await stand.do("nobody answers")
    await stand.hears("voice.nobody")
    await stand.hears("voice.offer.no")
    await stand.do("3")
    await stand.hears("voice.safe")
    await stand.do("1")
    await stand.hears("voice.callback")
    await ended(stand)
    conversation = await stand.conversation()
    assert (conversation.phase, conversation.holder) == (Phase.WAITING, None)
    written = await stand.written()
    assert ACCOUNT.caller in written
    assert any("내일" in line for line in written)


@pytest.mark.parametrize(
    "answers", [["3", "2"], ["0"], ["say nothing", "say nothing"], ["1", "say nothing", "say nothing"]]
)
async def test_without_a_clear_yes_the_number_is_not_kept(stand: Stand, answers: list[str]) -> None:
    stand.on_call.phones = []
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("1")
    await stand.hears("voice.offer.no")
    for n, answer in enumerate(answers):
        await stand.do(answer)
        if n + 1 < len(answers):
            await stand.hears("voice.safe" if answers[0] in "13" else "voice.offer.no")
    await stand.hears("voice.by_text")
    await stand.sees("gyeot.test")
    await stand.hears("voice.bye")
    await ended(stand)
    assert ACCOUNT.caller not in await stand.written()
    assert (await stand.conversation()).phase is Phase.WAITING


async def test_a_hidden_number_is_offered_no_callback(stand: Stand) -> None:
    stand.on_call.phones = []
    await stand.do("call with a hidden number")
    await stand.hears("voice.menu")
    await stand.do("1")
    await stand.hears("voice.nobody")
    await stand.hears("voice.hidden")
    await stand.hears("voice.by_text")
    await stand.hears("voice.numbers")
    await ended(stand)
    spoken = [line.text for line in stand.provider.stage.lines]
    assert stand.words["voice.offer/ko"] not in spoken
    assert (await stand.conversation()).phase is Phase.WAITING


async def test_silence_is_heard_as_wanting_a_person(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("say nothing")
    await stand.hears("voice.again")
    await stand.hears("voice.menu")
    await stand.do("say nothing")
    await stand.hears("voice.connecting")
    assert (await stand.conversation()).phase is Phase.WAITING


async def test_in_english_and_by_text_and_back_to_a_person(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.other_language", "en")
    await stand.do("9")
    await stand.hears("voice.greeting", "en")
    await stand.hears("voice.other_language", "ko")
    await stand.do("2")
    await stand.hears("voice.by_text", "en")
    await stand.hears("voice.to_person", "en")
    await stand.do("1")
    await stand.hears("voice.connecting", "en")
    assert (await stand.conversation()).lang == "en"


async def test_hanging_up_while_waiting_is_a_missed_call(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("1")
    await stand.sees("전화 2대가 울려요")
    await stand.do("hang up")
    assert (await stand.conversation()).phase is Phase.WAITING
    assert (await stand.written())[-1] == stand.words["voice.log.hung_up/ko"]


async def test_an_end_that_is_told_before_the_key_loses_nobody(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("press 1 and hang up, told in the wrong order")
    assert (await stand.conversation()).phase is Phase.WAITING


async def test_who_stops_waiting_is_offered_a_callback_at_once(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.menu")
    await stand.do("1")
    await stand.do("nobody answers")
    await stand.hears("voice.hold")
    await stand.do("2")
    await stand.hears("voice.nobody")
    await stand.hears("voice.offer")


async def test_when_the_service_is_down_the_fallback_speaks(stand: Stand) -> None:
    stand.broken = True
    await stand.do("call")
    await stand.hears("voice.down")
    await stand.sees("1 1 2")
    await stand.hears("voice.down", "en")
    await ended(stand)


async def test_when_the_service_breaks_in_the_middle_the_fallback_speaks(stand: Stand) -> None:
    await stand.do("call")
    await stand.hears("voice.menu")
    stand.broken = True
    await stand.do("1")
    await stand.hears("voice.down")
    await ended(stand)


async def test_too_many_calls_are_told_so_with_the_emergency_numbers() -> None:
    stand = await a_stand(most_calls=1)
    await stand.do("call")
    await stand.hears("voice.menu")
    other = Provider(ACCOUNT, stand.provider._post)
    await other.call()
    await other.stage.expect(stand.words["voice.busy/ko"])
    await other.stage.expect("1 1 2")
    await asyncio.wait_for(other.finished(), 5)
    await stand.conversation()
    await stand.do("hang up")
    await other.call()
    await other.stage.expect(stand.words["voice.greeting/ko"])
    await other.hang_up()


def test_the_static_fallback_is_what_the_reviewed_words_say() -> None:
    assert FALLBACK.read_text("utf-8") == fallback(some_tools(MemoryStore()).content) + "\n"


async def test_a_script_plays_a_whole_call(stand: Stand) -> None:
    script = """
    * call
    < 1번을 눌러요
    > 1
    < 울려요
    * counselor answers and presses 1
    < 연결됐어요
    * counselor hangs up
    < 전화가 끝났어요
    """
    await play(stand.provider.stage, script, stand.provider.deeds)
    assert (await stand.conversation()).phase is Phase.CLAIMED
