from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot import threads as threads_module
from bot.decide import Decider
from bot.listen import Listener
from bot.threads import Threads
from bot.tools import Tools
from channels.port import View
from handoff.conversation import Phase
from handoff.desk import Desk, Note
from handoff.desk import Tools as DeskTools
from handoff.store.memory import MemoryStore
from tests.builders import Clock, person, request
from tests.journey.indoors import desked, new_token, some_tools, web_message
from tests.unit.test_listen import Slow
from vault.secret import SecretText

THREAT = "헤어진 남친이 사진 퍼뜨린다고 협박해요"
REPLY = "여기 있어요. 같이 해요."


@pytest.fixture
async def tools() -> Tools:
    return some_tools(await desked(MemoryStore()))


@pytest.fixture
def threads(tools: Tools) -> Threads:
    return Threads(tools, Listener(tools, Decider(tools)))


def desk(tools: Tools) -> Desk:
    return Desk(
        DeskTools(tools.store, tools.bell, tools.ring, tools.index, tools.ledger, tools.now, tools.new_id)
    )


async def the_id(tools: Tools) -> str:
    async with tools.store.read() as tx:
        [found] = await tx.conversations.in_phase(list(Phase))
    return found.id


async def answered(tools: Tools, text: str = REPLY) -> None:
    """A counselor claims (if nobody has) and answers."""
    who, id = person("minjun"), await the_id(tools)
    async with tools.store.begin() as tx:
        if await tx.staff.find(who.staff.id) is None:
            await tx.staff.add(who.staff)
    async with tools.store.read() as tx:
        found = await tx.conversations.find(id)
    assert found is not None
    if found.phase is not Phase.CLAIMED:
        await desk(tools).claim(request(who, id))
    await desk(tools).reply(request(who, id), SecretText(text))


def shape(view: View | None) -> list[tuple[int, str]]:
    assert view is not None
    return [(line.seq, line.who) for line in view.lines]


async def test_saying_something_gives_the_answer(threads: Threads, tools: Tools) -> None:
    view = await threads.say(web_message(THREAT, new_token()), 0)
    assert shape(view) == [(2, "bot")]
    assert view.seq == 1
    assert view.standing.phase == "waiting"
    assert view.lines[0].texts


async def test_a_thread_has_everything_in_order_and_opens_with_its_own_cookie_only(
    threads: Threads, tools: Tools
) -> None:
    token, other = new_token(), new_token()
    await threads.say(web_message(THREAT, token), 0)
    await answered(tools)
    view = await threads.thread(token, 0)
    assert shape(view) == [(1, "visitor"), (2, "bot"), (3, "counselor")]
    assert view is not None
    assert view.lines[0].texts == (THREAT,)
    assert view.lines[2].texts == (REPLY,)
    assert view.standing.phase == "claimed"
    assert await threads.thread(other, 0) is None


async def test_another_cookie_put_at_the_address_opens_nothing(threads: Threads, tools: Tools) -> None:
    """Somebody who can write to the database makes another session lead here: it has no key."""
    token, other = new_token(), new_token()
    await threads.say(web_message(THREAT, token), 0)
    async with tools.store.begin() as tx:
        [address] = await tx.addresses.of(await the_id(tools))
        await tx.addresses.add([replace(address, index=tools.index.of("address/web", other))])
    assert shape(await threads.thread(other, 0)) == [(2, "bot")], "only what waits to be shown"


async def test_lines_count_as_shown_only_up_to_the_number_told(threads: Threads, tools: Tools) -> None:
    token = new_token()
    view = await threads.say(web_message(THREAT, token), 0)
    id = await the_id(tools)

    async def waiting() -> list[int]:
        async with tools.store.read() as tx:
            return [item.seq for item in await tx.outbox.of(id)]

    assert await waiting() == [2]
    await threads.thread(token, 0)
    await threads.thread(token, 1)
    assert await waiting() == [2]
    assert shape(await threads.thread(token, view.lines[-1].seq)) == []
    assert await waiting() == []
    assert shape(await threads.thread(token, 0)) == [(1, "visitor"), (2, "bot")]


async def test_notes_are_never_shown(threads: Threads, tools: Tools) -> None:
    token = new_token()
    await threads.say(web_message(THREAT, token), 0)
    await answered(tools)
    await desk(tools).note(request(person("minjun"), await the_id(tools)), Note("n" * 32, b"sealed"))
    assert [who for _, who in shape(await threads.thread(token, 0))] == ["visitor", "bot", "counselor"]


async def test_an_answer_that_takes_too_long_comes_later(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads_module, "ANSWER_WITHIN", 0.02)
    decider, token = Slow(tools), new_token()
    listener = Listener(tools, decider)
    threads = Threads(tools, listener)
    view = await threads.say(web_message(THREAT, token), 0)
    assert (view.seq, view.standing.phase) == (1, "with_bot")
    assert [who for _, who in shape(view)] in ([], ["visitor"])
    decider.let.set()
    await listener.drain(5)
    assert shape(await threads.thread(token, 1)) == [(2, "bot")]


async def test_what_a_person_said_meanwhile_comes_with_the_next_answer_and_is_not_lost(
    threads: Threads, tools: Tools
) -> None:
    token = new_token()
    await threads.say(web_message(THREAT, token), 0)
    await answered(tools)
    view = await threads.say(web_message("네", token), 2)
    assert (3, "counselor") in shape(view)
    async with tools.store.read() as tx:
        waiting = [item.seq for item in await tx.outbox.of(await the_id(tools))]
    assert 3 in waiting, "the page has not said yet that it is on the screen"


# ── the way back ──


async def test_a_code_leads_to_what_was_not_shown_and_nothing_else(threads: Threads, tools: Tools) -> None:
    token = new_token()
    await threads.say(web_message(THREAT, token), 0)
    await threads.thread(token, 2)
    code = await threads.new_code(token, "ko")
    assert code is not None
    assert len(code.split()) == 6
    await answered(tools)
    returned = new_token()
    view = await threads.enter(code, returned)
    assert shape(view) == [(3, "counselor")]
    assert shape(await threads.thread(returned, 0)) == [(3, "counselor")]
    assert shape(await threads.thread(returned, 3)) == []
    assert shape(await threads.thread(returned, 0)) == [], "shown once, and then gone from here"
    said = await threads.say(web_message("다시 왔어요", returned), 3)
    assert said.seq == 4
    assert len(shape(await threads.thread(token, 0))) == 4, "the first device still has everything"


async def test_a_line_that_a_returned_session_has_not_shown_survives_its_next_message(
    threads: Threads, tools: Tools
) -> None:
    """It holds no key: what counted as shown too early would be lost to it for ever."""
    token = new_token()
    await threads.say(web_message(THREAT, token), 0)
    await threads.thread(token, 2)
    code = await threads.new_code(token, "ko")
    returned = new_token()
    await threads.enter(code or "", returned)
    await answered(tools)
    message = web_message("다시 왔어요", returned)
    for _ in range(2):
        assert (3, "counselor") in shape(await threads.say(message, 2))
    assert (3, "counselor") in shape(await threads.thread(returned, 2))


async def test_codes_are_kept_as_a_hash_only_and_the_newest_counts(threads: Threads, tools: Tools) -> None:
    token = new_token()
    await threads.say(web_message(THREAT, token), 0)
    old = await threads.new_code(token, "en")
    new = await threads.new_code(token, "en")
    assert old
    assert new
    assert new.isascii()
    assert await threads.enter(old, new_token()) is None
    assert await threads.enter(new, new_token()) is not None
    assert await threads.enter("six words that nobody has ever", new_token()) is None
    assert isinstance(tools.store, MemoryStore)
    assert not [key for key in tools.store._state.codes if new.split()[0].encode() in key]


async def test_without_a_session_there_is_no_code_and_nothing_to_leave(threads: Threads) -> None:
    assert await threads.new_code(new_token(), "ko") is None
    await threads.leave(new_token())


async def test_leaving_forgets_this_session_and_no_other(threads: Threads) -> None:
    token, returned = new_token(), new_token()
    await threads.say(web_message(THREAT, token), 0)
    code = await threads.new_code(token, "ko")
    await threads.enter(code or "", returned)
    await threads.leave(token)
    assert await threads.thread(token, 0) is None
    assert await threads.thread(returned, 0) is not None


# ── what is happening now ──


async def test_how_many_are_ahead(threads: Threads, tools: Tools) -> None:
    assert isinstance(tools.now, Clock)
    standings = []
    for _ in range(3):
        standings.append((await threads.say(web_message(THREAT, new_token()), 0)).standing)
        tools.now.pass_by(2_000)
    assert [standing.ahead for standing in standings] == [0, 1, 2]
    assert {standing.minutes for standing in standings} == {None}, "nobody is on duty: nobody can say"


async def test_changes_are_heard_by_their_own_thread_only(threads: Threads, tools: Tools) -> None:
    token, other = new_token(), new_token()
    await threads.say(web_message(THREAT, token), 0)
    mine = await the_id(tools)
    await threads.say(web_message(THREAT, other), 0)
    async with threads.changes(token) as changes, threads.changes(other) as others:
        assert changes is not None
        assert others is not None
        waiting = asyncio.create_task(others.next())
        await tools.bell.ring(mine)
        assert await asyncio.wait_for(changes.next(), 1) is True
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await tools.bell.close()
        assert await asyncio.wait_for(waiting, 1) is False
    async with threads.changes(new_token()) as nothing:
        assert nothing is None


async def test_another_place_in_the_queue_is_told_without_a_ring(
    threads: Threads, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads_module, "QUEUE_MOVES_TOLD", 0.01)
    token = new_token()
    await threads.say(web_message(THREAT, token), 0)
    async with threads.changes(token) as changes:
        assert changes is not None
        assert await asyncio.wait_for(changes.next(), 1) is True
        waiting: Any = asyncio.create_task(changes.next())
        await asyncio.sleep(0.05)
        assert not waiting.done(), "nothing moved"
        assert isinstance(tools.now, Clock)
        tools.now.pass_by(2_000)
        async with tools.store.begin() as tx:
            [found] = await tx.conversations.in_phase([Phase.WAITING])
            await tx.conversations.save([replace(found, phase=Phase.CLOSED, waiting_since=None)])
        assert await asyncio.wait_for(waiting, 1) is True
