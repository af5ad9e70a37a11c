"""Erasing while others write, answer, send and come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from bot.decide import Decider, Undecided
from bot.erase import REST, TRIED_FOR, Erasure
from bot.intake import receive, sent_record
from bot.listen import Listener
from bot.marks import inbox_place
from bot.threads import Threads
from bot.tools import Tools
from channels.errors import Unreachable
from channels.port import Parcel, Way
from handoff.conversation import Conversation, Phase
from handoff.desk import Desk, Note
from handoff.desk import Tools as DeskTools
from handoff.errors import Closed
from handoff.risk import Risk
from handoff.store.memory import MemoryStore
from tests.builders import Clock, person, request
from tests.journey.indoors import desked, new_token, some_tools, web_message
from tests.unit.test_erase import ADDRESS, erased
from tests.unit.test_hooks import (
    DANGER,
    all_settled,
    delivered,
    hooks,
    message,
    settled,
    waiting,
    words_of,
)
from tests.unit.test_intake import arrival
from vault.recovery import code_index, new_code
from vault.secret import SecretText


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


class Phone:
    """A channel on which something happens while it deletes."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        self._meanwhile = meanwhile
        self.deleted: list[tuple[str, list[str]]] = []

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        raise NotImplementedError

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        if self._meanwhile:
            await self._meanwhile()
        self.deleted.append((address, sorted(sent_ids)))


def desk(tools: Tools) -> Desk:
    return Desk(
        DeskTools(tools.store, tools.bell, tools.ring, tools.index, tools.ledger, tools.now, tools.new_id)
    )


async def asked_to_erase(tools: Tools) -> Conversation:
    house = hooks(tools)
    await house.keep(message("제 사진이 퍼졌어요", lang="ko"))
    await settled(tools)
    await house.keep(message("지워줘", "e2", lang="ko"))
    found = await settled(tools)
    await delivered(tools)
    return found


async def decide_all(tools: Tools) -> None:
    decider = Decider(tools)
    async with tools.store.read() as tx:
        items = await tx.inbox.undecided(2**62, 99)
    for item in sorted(items, key=lambda value: value.seq):
        text = tools.ring.open_text(inbox_place(item.conversation, item.seq), item.sealed_text)
        await decider.decide(Undecided(item.conversation, item.seq, text, "ko"))


async def the(tools: Tools, id: str) -> Conversation:
    async with tools.store.read() as tx:
        found = await tx.conversations.find(id)
    assert found is not None
    return found


class TestWordsBehindTheYes:
    async def test_danger_that_came_right_behind_the_yes_reaches_a_person(self, tools: Tools) -> None:
        before = await asked_to_erase(tools)
        await receive(tools, [arrival(tools, message("네", "e3")), arrival(tools, message(DANGER, "e4"))])
        await decide_all(tools)
        after = await the(tools, before.id)
        assert (after.risk, after.phase) == (Risk.IMMINENT, Phase.WAITING)
        assert after.sealed_key is not None
        assert words_of(tools, "wipe.ask")[0] in await delivered(tools)

    async def test_a_yes_that_came_twice_erases(self, tools: Tools) -> None:
        before = await asked_to_erase(tools)
        await receive(tools, [arrival(tools, message("네", "e3")), arrival(tools, message("네", "e4"))])
        await decide_all(tools)
        assert (await the(tools, before.id)).sealed_key is None

    async def test_words_that_do_not_open_are_taken_for_words(self, tools: Tools) -> None:
        before = await asked_to_erase(tools)
        await receive(tools, [arrival(tools, message("네", "e3")), arrival(tools, message("x", "e4"))])
        async with tools.store.begin() as tx:
            first, second = await tx.inbox.of([before.id])
            await tx.inbox.drop([second])
            await tx.inbox.put([replace(second, sealed_text=b"broken")])
        await Decider(tools).decide(Undecided(before.id, first.seq, SecretText("네"), "ko"))
        assert (await the(tools, before.id)).sealed_key is not None

    async def test_a_word_for_leaving_behind_the_yes_does_not_keep_it_from_erasing(
        self, tools: Tools
    ) -> None:
        before = await asked_to_erase(tools)
        away = replace(arrival(tools, message("나가기", "e4")), mark="exit")  # type: ignore[arg-type]
        await receive(tools, [arrival(tools, message("네", "e3")), away])
        await decide_all(tools)
        assert (await the(tools, before.id)).sealed_key is None


class TestWhoWritesAgain:
    async def test_while_the_provider_deletes_is_still_reached(self, tools: Tools) -> None:
        id, house = await erased(tools), hooks(tools)

        async def meanwhile() -> None:
            await house.keep(message("다시 왔어요", "n1", address=ADDRESS, lang="ko"))
            await all_settled(tools)

        assert await Erasure(tools, {"telegram": Phone(meanwhile)}).finish() == 1
        [new] = [value for value in await all_settled(tools) if value.id != id]
        async with tools.store.read() as tx:
            assert [value.conversation for value in await tx.addresses.of(new.id)] == [new.id]
        assert await delivered(tools)

    async def test_before_we_came_to_it_still_has_the_old_messages_deleted(self, tools: Tools) -> None:
        id, phone = await erased(tools), Phone()
        await hooks(tools).keep(message("다시 왔어요", "n1", address=ADDRESS, lang="ko"))
        await all_settled(tools)
        assert await Erasure(tools, {"telegram": phone}).finish() == 1
        assert phone.deleted == [("", ["5:100", "5:101"])]
        async with tools.store.read() as tx:
            assert list(await tx.sent.of(id)) == []
        assert await Erasure(tools, {"telegram": phone}).finish() == 0


async def test_an_answer_that_was_on_its_way_is_deleted_too(tools: Tools) -> None:
    id = await erased(tools)
    came = []

    async def meanwhile() -> None:
        if not came:
            came.append(True)
            async with tools.store.begin() as tx:
                await tx.sent.put([sent_record(tools, "telegram", id, 3, "5:102")])

    phone = Phone(meanwhile)
    erasure = Erasure(tools, {"telegram": phone})
    assert [await erasure.finish() for _ in range(2)] == [0, 1]
    assert phone.deleted[-1] == (ADDRESS, ["5:100", "5:101", "5:102"])


class TestOneOfMany:
    async def test_one_whose_seal_is_broken_does_not_keep_the_others(self, tools: Tools) -> None:
        bad = await erased(tools)
        async with tools.store.begin() as tx:
            [address] = await tx.addresses.of(bad)
            await tx.addresses.change([replace(address, sealed_address=b"broken")])
        token = new_token()
        [received] = await receive(tools, [arrival(tools, web_message("안녕", token))])
        async with tools.store.begin() as tx:
            kept = (await tx.conversations.lock([received.conversation]))[received.conversation]
            await tx.conversations.save([replace(kept, sealed_key=None, closed_at=tools.now())])
            await tx.conversations.erase(kept.id)
        assert await Erasure(tools, {"telegram": Phone()}).finish() == 1
        assert isinstance(tools.now, Clock)
        tools.now.pass_by(TRIED_FOR)
        assert await Erasure(tools, {"telegram": Phone()}).finish() == 1
        async with tools.store.read() as tx:
            assert list(await tx.addresses.of(bad)) == []

    async def test_a_provider_that_is_away_is_not_asked_at_every_look(self, tools: Tools) -> None:
        await erased(tools)
        asked = []

        async def away() -> None:
            asked.append(True)
            raise Unreachable

        erasure = Erasure(tools, {"telegram": Phone(away)})
        for _ in range(5):
            assert await erasure.finish() == 0
        assert len(asked) == 1
        assert isinstance(tools.now, Clock)
        tools.now.pass_by(REST)
        await erasure.finish()
        assert len(asked) == 2


class TestNobodyWritesIntoWhatIsErased:
    async def test_a_counselor_is_refused_in_words_of_the_console_and_nothing_is_kept(
        self, tools: Tools
    ) -> None:
        id, who = await erased(tools), person("minjun")
        async with tools.store.begin() as tx:
            await tx.staff.add(who.staff)
            kept = (await tx.conversations.lock([id]))[id]  # even if its row says they hold it
            await tx.conversations.save([replace(kept, phase=Phase.CLAIMED, holder=who.staff.id)])
        with pytest.raises(Closed):
            await desk(tools).reply(request(who, id), SecretText("답"))
        with pytest.raises(Closed):
            await desk(tools).note(request(who, id), Note("n1", b"sealed"))
        async with tools.store.read() as tx:
            assert list(await tx.entries.of(id)) == []
        assert await waiting(tools, id) == []

    async def test_no_code_leads_there(self, tools: Tools) -> None:
        threads, token = Threads(tools, Listener(tools, Decider(tools))), new_token()
        for text in ("제 사진이 퍼졌어요", "지워줘", "네"):
            await threads.say(web_message(text, token), 0)
        assert await threads.new_code(token, "ko") is None
        async with tools.store.begin() as tx:
            [id] = await tx.conversations.erased(9)
            code = new_code("ko")
            await tx.recovery.put(code_index(tools.index, code), id, tools.now())
        assert await threads.enter(code.reveal(), new_token()) is None

    async def test_the_page_that_waited_in_vain_is_told_later_that_it_is_erased(self, tools: Tools) -> None:
        threads, token = Threads(tools, Listener(tools, Decider(tools))), new_token()
        for text in ("제 사진이 퍼졌어요", "지워줘", "네"):
            await threads.say(web_message(text, token), 0)
        view = await threads.thread(token, 0)
        assert view is not None
        assert [text for line in view.lines for text in line.texts] == words_of(tools, "wipe.done")
        again = await threads.thread(token, view.lines[-1].seq)
        assert again is not None
        assert again.lines == ()
