"""The house as a provider's webhook sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.decide import Decider
from bot.deliver import Delivery
from bot.hooks import Hooks, Paces, Words
from bot.listen import Listener
from bot.marks import in_inbox, inbox_place
from bot.tools import Tools
from channels.errors import Throttled
from channels.pace import Pace
from channels.port import Busy, Gone, InboundMessage, Moved, Parcel, Receipt, Way
from handoff.conversation import Conversation, DeliveryState, OutboxItem, Phase
from handoff.errors import StoreBusy
from handoff.risk import Risk, Topic
from handoff.store.memory import MemoryStore
from nlu.ensemble import Ensemble
from nlu.understanding import Understanding, Worry
from tests.builders import Clock
from tests.journey.indoors import desked, some_tools
from vault.recovery import code_index, looks_like_code, new_code
from vault.secret import SecretText

ADDRESS = "tg:77"
DANGER = "지금 옥상이에요 뛰어내릴 거예요"


class Phone:
    """A channel that notes what it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, ...]] = []

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        self.sent.append(parcel.texts)
        return (f"id-{len(self.sent)}",)

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        raise NotImplementedError


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


def paces(**more: Any) -> Paces:
    """Paces that slow nobody, but for those given."""
    free = {
        name: Pace(600_000, 100_000, time.monotonic)
        for name in ("messages", "codes", "everything", "notices")
    }
    return Paces(**(free | more))


def a_pace(burst: int) -> Pace:
    return Pace(1, burst, lambda: 0.0)


def hooks(tools: Tools, **more: Any) -> Hooks:
    words = Words.of(tools, "나가기, exit", "지워줘,wipe")
    return Hooks(tools, Listener(tools, Decider(tools)), words, paces(**more))


def message(text: str, event: str = "e1", **more: Any) -> InboundMessage:
    given = {"channel": "telegram", "address": ADDRESS} | more
    return InboundMessage(event_id=event, text=text, **given)


async def conversations(tools: Tools) -> list[Conversation]:
    async with tools.store.read() as tx:
        return list(await tx.conversations.in_phase(list(Phase)))


async def all_settled(tools: Tools) -> list[Conversation]:
    """Every conversation, once nothing waits to be decided."""
    async with asyncio.timeout(5):
        while True:
            async with tools.store.read() as tx:
                waiting = await tx.inbox.undecided(2**62, 9)
            if not waiting:
                return await conversations(tools)
            await asyncio.sleep(0.005)


async def settled(tools: Tools) -> Conversation:
    """The only conversation, once nothing waits to be decided."""
    [found] = await all_settled(tools)
    return found


async def waiting(tools: Tools, conversation: str) -> list[OutboxItem]:
    async with tools.store.read() as tx:
        return list(await tx.outbox.of(conversation))


async def delivered(tools: Tools, channel: str = "telegram") -> list[str]:
    phone = Phone()
    delivery = Delivery(tools, {channel: phone})
    while await delivery.send_due():
        pass
    return [text for texts in phone.sent for text in texts]


def words_of(tools: Tools, *ids: str) -> list[str]:
    return [text for id in ids for text in tools.content.render(id, "ko")]


class TestMessages:
    async def test_a_message_is_kept_decided_and_answered_by_push(self, tools: Tools) -> None:
        await hooks(tools).keep(message("사진을 퍼뜨린다고 협박받고 있어요", lang="ko"))
        found = await settled(tools)
        assert (found.channel, found.risk) == ("telegram", Risk.HIGH)
        assert await delivered(tools)

    async def test_the_same_event_again_changes_nothing(self, tools: Tools) -> None:
        house = hooks(tools)
        for _ in range(3):
            await house.keep(message("안녕하세요"))
        assert (await settled(tools)).next_seq == 3  # the message and its answer

    async def test_a_visitor_who_goes_on_elsewhere_is_answered_there(self, tools: Tools) -> None:
        await hooks(tools).keep(message("안녕하세요"))
        first = await settled(tools)
        async with tools.store.begin() as tx:
            code = new_code("ko")
            await tx.recovery.put(code_index(tools.index, code), first.id, tools.now())
        await hooks(tools).keep(message(code.reveal(), "k1", channel="kakao", address="skill:1"))
        await hooks(tools).keep(message("저 다시 왔어요", "k2", channel="kakao", address="skill:1"))
        again = await settled(tools)
        assert (again.id, again.channel) == (first.id, "kakao")
        assert words_of(tools, "code.welcome")[0] in await delivered(tools, "kakao")

    async def test_a_store_that_is_busy_is_told_as_busy(
        self, tools: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def busy() -> None:
            raise StoreBusy("busy")

        monkeypatch.setattr(tools.store, "begin", busy)
        with pytest.raises(Busy):
            await hooks(tools).keep(message("안녕하세요"))
        with pytest.raises(Busy):
            await hooks(tools).keep(Gone("telegram", "g1", ADDRESS))


class TestMarks:
    async def test_media_is_refused_kindly_recorded_without_content_and_a_person_is_called(
        self, tools: Tools
    ) -> None:
        await hooks(tools).keep(message("", media="image", lang="ko"))
        found = await settled(tools)
        assert (found.phase, found.risk, found.topic) == (Phase.WAITING, Risk.MEDIUM, Topic.HUMAN)
        assert await delivered(tools) == words_of(tools, "media.refused")

    async def test_a_sticker_calls_nobody(self, tools: Tools) -> None:
        await hooks(tools).keep(message("", media="sticker", lang="ko"))
        assert (await settled(tools)).phase is Phase.WITH_BOT
        assert await delivered(tools) == words_of(tools, "media.sticker")

    @pytest.mark.parametrize("word", ["나가기", " EXIT "])
    async def test_the_exit_word_stops_all_sending_until_they_write(self, tools: Tools, word: str) -> None:
        house = hooks(tools)
        await house.keep(message("사진을 퍼뜨린다고 협박받고 있어요", lang="ko"))
        await settled(tools)
        await house.keep(message(word, "e2"))
        found = await settled(tools)
        assert await delivered(tools) == []
        assert [item.error for item in await waiting(tools, found.id)] == ["Quiet"]
        clock = tools.now
        assert isinstance(clock, Clock)
        clock.pass_by(1)
        await house.keep(message("저 왔어요", "e3", lang="ko"))
        await settled(tools)
        assert len(await delivered(tools)) > 1
        assert await waiting(tools, found.id) == []

    async def test_the_wipe_word_asks_once_and_then_nobody_can_read_it(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("제 사진이 퍼졌어요", lang="ko"))
        before = await settled(tools)
        await delivered(tools)
        await house.keep(message("지워줘", "e2", lang="ko"))
        await settled(tools)
        assert words_of(tools, "wipe.ask")[0] in await delivered(tools)
        await house.keep(message("네", "e3", lang="ko"))
        after = await settled(tools)
        assert (after.id, after.phase, after.sealed_key, after.holder) == (
            before.id,
            Phase.CLOSED,
            None,
            None,
        )
        async with tools.store.read() as tx:
            assert list(await tx.entries.of(after.id)) == []
            deeds = [(record.actor, record.action) for record, _ in await tx.audit.read()]
        assert ("visitor", "erased") in deeds
        assert await delivered(tools) == words_of(tools, "wipe.done")

    async def test_writing_after_erasing_begins_anew(self, tools: Tools) -> None:
        house = hooks(tools)
        for n, text in enumerate(("제 사진이 퍼졌어요", "지워줘", "네", "다시 왔어요")):
            await house.keep(message(text, f"e{n}", lang="ko"))
            await all_settled(tools)
        both = await conversations(tools)
        assert sorted(value.sealed_key is None for value in both) == [False, True]

    async def test_the_device_is_asked_about_once_and_the_answer_is_kept(self, tools: Tools) -> None:
        house = hooks(tools)
        for n, text in enumerate(("안녕하세요", "여기 뭐 하는 곳이에요?", "몇 시까지 해요?")):
            await house.keep(message(text, f"e{n}", lang="ko"))
            await settled(tools)
        said = await delivered(tools)
        assert said.count(words_of(tools, "device.ask")[0]) == 1
        await house.keep(message("다른 사람이 볼 수 있어요", "e9", lang="ko"))
        found = await settled(tools)
        async with tools.store.read() as tx:
            [address] = await tx.addresses.of(found.id)
        assert address.device == "watched"
        assert await delivered(tools) == words_of(tools, "device.watched")

    async def test_a_digit_is_an_answer_only_while_sms_is_asked(self, tools: Tools) -> None:
        house = hooks(tools)
        sms = {"channel": "sms", "address": "+821000000000", "lang": "ko"}
        await house.keep(message("도와주세요", "s1", **sms))
        found = await settled(tools)
        await house.keep(message("1", "s2", **sms))
        await settled(tools)
        async with tools.store.read() as tx:
            [address] = await tx.addresses.of(found.id)
        assert address.device == "alone"
        await house.keep(message("1", "t1"))
        [other] = [value for value in await all_settled(tools) if value.channel == "telegram"]
        assert other.talk.turn == 1

    async def test_what_a_visitor_types_can_never_be_a_mark(self, tools: Tools) -> None:
        await hooks(tools).keep(message("\x00exit", lang="ko"))
        found = await settled(tools)
        assert found.talk.turn == 1
        async with tools.store.read() as tx:
            [address] = await tx.addresses.of(found.id)
        assert address.shut is None


class TestCodes:
    async def test_a_wrong_code_leads_nowhere_and_is_kept_nowhere(self, tools: Tools) -> None:
        code = new_code("ko").reveal()
        assert looks_like_code(code)
        assert not looks_like_code("이것은 그냥 여섯 낱말로 된 문장이에요")
        await hooks(tools).keep(message(code, lang="ko"))
        await settled(tools)
        assert await delivered(tools) == words_of(tools, "code.wrong")

    async def test_guesses_are_slowed(self, tools: Tools) -> None:
        house = hooks(tools, codes=a_pace(2))
        right = new_code("ko")
        await house.keep(message("안녕하세요", "w1", address="tg:1"))
        first = await settled(tools)
        async with tools.store.begin() as tx:
            await tx.recovery.put(code_index(tools.index, right), first.id, tools.now())
        for n in range(2):
            await house.keep(message(new_code("ko").reveal(), f"g{n}"))
        await house.keep(message(right.reveal(), "g9"))
        async with tools.store.read() as tx:
            index = tools.index.of("address/telegram", ADDRESS)
            address = (await tx.addresses.find([index]))[index]
        assert address.conversation != first.id


class TestFloods:
    async def test_one_address_is_slowed_told_once_and_loses_no_danger(self, tools: Tools) -> None:
        house = hooks(tools, messages=a_pace(3), notices=a_pace(1))
        for n in range(20):
            await house.keep(message("ㅋㅋㅋ", f"e{n}", lang="ko"))
        await house.keep(message(DANGER, "e99", lang="ko"))
        found = await settled(tools)
        assert found.risk is Risk.IMMINENT
        async with tools.store.read() as tx:
            entries = await tx.entries.of(found.id)
        assert sum(entry.author == "visitor" for entry in entries) == 3 + 1 + 1  # taken in, told, danger
        assert await delivered(tools)

    async def test_a_flood_of_many_makes_only_the_harmless_come_again(self, tools: Tools) -> None:
        house = hooks(tools, everything=a_pace(1))
        await house.keep(message("안녕", "e1", address="tg:1"))
        with pytest.raises(Busy):
            await house.keep(message("안녕", "e2", address="tg:2"))
        await house.keep(message(DANGER, "e3", address="tg:3", lang="ko"))
        assert len(await conversations(tools)) == 2


class Slow:
    """An ensemble that reads only when it is let."""

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self.may_read = asyncio.Event()

    def glance(self, text: str) -> Worry:
        return self._ensemble.glance(text)

    async def understand(self, text: str, lang: Any = None) -> Understanding:
        await self.may_read.wait()
        return await self._ensemble.understand(text, lang)


def slowly(tools: Tools) -> tuple[Tools, Slow]:
    """The same tools with a slow reader."""
    slow = Slow(tools.ensemble)
    return replace(tools, ensemble=slow), slow  # type: ignore[arg-type]  # a test double


class TestAnswersInTheResponse:
    async def test_the_answer_is_given_and_counts_as_delivered(self, tools: Tools) -> None:
        house = hooks(tools)
        async with house.answer(message("사진을 퍼뜨린다고 협박받고 있어요", lang="ko"), 3) as answer:
            assert answer is not None
            assert answer.texts
            assert await delivered(tools) == []  # nobody pushes meanwhile
        await house.drain(1)
        assert await waiting(tools, (await settled(tools)).id) == []

    async def test_a_response_that_failed_leaves_it_waiting(self, tools: Tools) -> None:
        house = hooks(tools)

        async def broken() -> None:
            async with house.answer(message("안녕하세요", lang="ko"), 3):
                raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await broken()
        async with house.answer(message("안녕하세요", lang="ko"), 3) as answer:  # the provider tries again
            assert answer is not None
            assert answer.texts

    async def test_the_same_event_again_after_a_good_response_gives_an_empty_answer(
        self, tools: Tools
    ) -> None:
        house = hooks(tools)
        for expected in (True, False):
            async with house.answer(message("안녕하세요", lang="ko"), 3) as answer:
                assert answer is not None
                assert bool(answer.texts) is expected
            await house.drain(1)

    async def test_what_is_decided_too_late_is_none_and_pushed_later(self, tools: Tools) -> None:
        tools, slow = slowly(tools)
        async with hooks(tools).answer(message("안녕하세요", lang="ko"), 0) as answer:
            assert answer is None
        slow.may_read.set()
        found = await settled(tools)
        assert await delivered(tools) == []
        clock = tools.now
        assert isinstance(clock, Clock)
        clock.pass_by(501)
        assert await delivered(tools)
        assert await waiting(tools, found.id) == []

    async def test_what_waited_is_given_even_when_the_new_answer_is_late(self, tools: Tools) -> None:
        tools, slow = slowly(tools)
        house = hooks(tools)
        async with house.answer(message("안녕하세요", "e1", lang="ko"), 0) as answer:
            assert answer is None
        slow.may_read.set()
        await settled(tools)
        slow.may_read.clear()
        async with house.answer(message("저기요", "e2", lang="ko"), 0) as answer:
            assert answer is not None
            assert answer.texts[0] == words_of(tools, "greet")[0]
        slow.may_read.set()
        await settled(tools)

    async def test_what_waited_comes_first(self, tools: Tools) -> None:
        tools, slow = slowly(tools)
        house = hooks(tools)
        async with house.answer(message("안녕하세요", "e1", lang="ko"), 0):
            pass
        slow.may_read.set()
        await settled(tools)
        async with house.answer(message("저기요", "e2", lang="ko"), 3) as answer:
            assert answer is not None
            assert answer.texts[0] == words_of(tools, "greet")[0]
            assert len(answer.texts) > 1

    async def test_a_flood_is_told_so_once_and_then_only_slowed(self, tools: Tools) -> None:
        house = hooks(tools, messages=a_pace(1), notices=a_pace(1))
        answers = []
        for n in range(2):
            async with house.answer(message("ㅋㅋ", f"e{n}", lang="ko"), 3) as answer:
                answers.append(answer)
        assert answers[1] is not None
        assert list(answers[1].texts) == words_of(tools, "flood.slow")
        with pytest.raises(Throttled):
            async with house.answer(message("ㅋㅋ", "e9", lang="ko"), 3):
                pass


class TestWhatElseProvidersTell:
    async def test_gone_holds_what_waits_and_rings(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("안녕하세요", lang="ko"))
        found = await settled(tools)
        async with tools.bell.listen() as rings:
            await house.keep(Gone("telegram", "g1", ADDRESS))
            assert await asyncio.wait_for(rings.next(), 1) == found.id
        [item] = await waiting(tools, found.id)
        assert (item.state, item.error) == (DeliveryState.HELD, "Blocked")
        await house.keep(message("다시 왔어요", "e2", lang="ko"))
        await house.keep(Gone("telegram", "g1", ADDRESS))  # late and again: it was told before
        await settled(tools)
        assert await delivered(tools)

    async def test_gone_and_moved_of_strangers_change_nothing(self, tools: Tools) -> None:
        await hooks(tools).keep(Gone("telegram", "g1", ADDRESS))
        await hooks(tools).keep(Moved("telegram", "m1", ADDRESS, "tg:88"))
        assert await conversations(tools) == []

    async def test_moved_keeps_the_conversation(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("안녕하세요", lang="ko"))
        first = await settled(tools)
        await house.keep(Moved("telegram", "m1", ADDRESS, "tg:88"))
        await house.keep(message("저예요", "e2", address="tg:88", lang="ko"))
        assert (await settled(tools)).id == first.id
        assert await delivered(tools)

    async def test_receipts_only_move_on_and_a_failure_is_a_dead_letter(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("안녕하세요", lang="ko"))
        found = await settled(tools)
        await delivered(tools)
        for state in ("read", "delivered", "sent"):
            await house.keep(Receipt("telegram", "id-1", state))  # type: ignore[arg-type]
        async with tools.store.read() as tx:
            assert [sent.state for sent in await tx.sent.of(found.id)] == ["read"]
        await house.keep(Receipt("telegram", "id-1", "failed", "Refused"))  # read before: it did arrive
        assert await waiting(tools, found.id) == []
        await house.keep(message("저기요", "e2", lang="ko"))
        await settled(tools)
        phone = Phone()
        phone.sent.append(())
        while await Delivery(tools, {"telegram": phone}).send_due():
            pass
        for _ in range(2):
            await house.keep(Receipt("telegram", "id-2", "failed", "Refused"))
        [lost] = await waiting(tools, found.id)
        assert (lost.state, lost.error) == (DeliveryState.FAILED, "Refused")
        await house.keep(Receipt("telegram", "unknown", "failed"))

    async def test_a_receipt_faster_than_our_own_note_is_looked_at_again(
        self, tools: Tools, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.hooks.LOOKS_AGAIN", (0.05, 0.05))
        house = hooks(tools)
        await house.keep(message("안녕하세요", lang="ko"))
        found = await settled(tools)
        await house.keep(Receipt("telegram", "id-1", "failed", "Refused"))
        assert [item.state for item in await waiting(tools, found.id)] == [DeliveryState.PENDING]
        await delivered(tools)
        await asyncio.sleep(0.2)
        assert [item.error for item in await waiting(tools, found.id)] == ["Refused"]

    async def test_one_of_two_doors_that_shut_leaves_the_other_open(self, tools: Tools) -> None:
        house = hooks(tools)
        await house.keep(message("안녕하세요", "k1", channel="kakao", address="skill:1", lang="ko"))
        found = await settled(tools)
        async with tools.store.begin() as tx:
            code = new_code("ko")
            await tx.recovery.put(code_index(tools.index, code), found.id, tools.now())
        await house.keep(message(code.reveal(), "k2", channel="kakao", address="consult:1"))
        await settled(tools)
        await house.keep(Gone("kakao", "k3", "consult:1"))
        assert await delivered(tools, "kakao")


async def test_an_older_account_on_the_same_channel_is_left_behind_by_a_code(tools: Tools) -> None:
    house = hooks(tools)
    await house.keep(message("안녕하세요", "a1", address="tg:old", lang="ko"))
    found = await settled(tools)
    await delivered(tools)
    async with tools.store.begin() as tx:
        code = new_code("ko")
        await tx.recovery.put(code_index(tools.index, code), found.id, tools.now())
    await house.keep(message(code.reveal(), "b1", address="tg:new"))
    await settled(tools)
    async with tools.store.read() as tx:
        by_index = {value.index: value.shut for value in await tx.addresses.of(found.id)}
    assert by_index[tools.index.of("address/telegram", "tg:old")] == "Left"
    assert by_index[tools.index.of("address/telegram", "tg:new")] is None
    await house.keep(message("저예요", "a2", address="tg:old"))  # whoever writes there is heard again
    await settled(tools)
    async with tools.store.read() as tx:
        assert {value.shut for value in await tx.addresses.of(found.id)} == {None}


async def test_a_lone_latin_word_does_not_change_the_language(tools: Tools) -> None:
    house = hooks(tools)
    for n, text in enumerate(("제 사진이 퍼졌어요", "STOP", "ok")):
        await house.keep(message(text, f"e{n}"))
    assert (await settled(tools)).lang == "ko"
    await house.keep(message("can we speak english please", "e9"))
    assert (await settled(tools)).lang == "en"


async def test_the_inbox_keeps_marks_apart_from_words(tools: Tools) -> None:
    listener = Listener(tools, Decider(tools))
    await Hooks(tools, listener, Words.of(tools, "나가기", "지워줘"), paces()).keep(
        message("", media="video")
    )
    async with tools.store.read() as tx:
        items = await tx.inbox.undecided(2**62, 9)
    texts = [tools.ring.open_text(inbox_place(i.conversation, i.seq), i.sealed_text).reveal() for i in items]
    assert [in_inbox(text) for text in texts] in (["media"], [])
    assert in_inbox("media") is None
    assert SecretText("x").reveal() == "x"
    await listener.drain(5)
