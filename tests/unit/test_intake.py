from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.intake import Arrival, NotReady, Received, receive
from bot.marks import inbox_place
from bot.tools import Tools
from channels.port import InboundMessage
from handoff.conversation import Author, ClaimKey, Conversation, OutboxItem, Phase
from handoff.errors import StoreBusy
from handoff.store.memory import MemoryStore, MemoryTransaction
from tests.builders import START
from tests.journey.indoors import desked, new_token, some_tools, web_message
from vault.desk import DeskKey, new_desk_key, open_conversation_key
from vault.entries import open_entry
from vault.keyring import Place
from vault.places import EntryPlace
from vault.secret import SecretText
from vault.session import open_for_session


class Counted(MemoryStore):
    """Counts commits."""

    commits = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction]:
        async with super().begin() as tx:
            yield tx
        self.commits += 1


@pytest.fixture
def desk() -> DeskKey:
    return new_desk_key(1)


@pytest.fixture
async def tools(desk: DeskKey) -> Tools:
    return some_tools(await desked(Counted(), desk))


def arrival(tools: Tools, message: InboundMessage, seen: int = 0, at: int = START) -> Arrival:
    key = ClaimKey(message.channel, tools.index.of(f"event/{message.channel}", message.event_id))
    address = tools.index.of(f"address/{message.channel}", message.address)
    return Arrival(message, key, address, message.lang or "ko", at, seen)


async def _conversation(tools: Tools, id: str) -> Conversation:
    async with tools.store.read() as tx:
        found = await tx.conversations.find(id)
    assert found is not None
    return found


async def test_a_first_message_is_sealed_to_the_desk_and_to_the_session(tools: Tools, desk: DeskKey) -> None:
    token = new_token()
    message = web_message("첫 글", token)
    [received] = await receive(tools, [arrival(tools, message)])
    assert received == Received(received.conversation, 1, fresh=True)
    found = await _conversation(tools, received.conversation)
    assert (found.phase, found.next_seq, found.opened_at, found.lang) == (Phase.WITH_BOT, 2, START, "ko")
    async with tools.store.read() as tx:
        [entry] = await tx.entries.of(found.id)
        [item] = await tx.inbox.of([found.id])
        [address] = await tx.addresses.of(found.id)
    private = open_conversation_key(desk, found.sealed_key or b"", found.id)
    assert open_entry(private, entry.sealed, EntryPlace(found.id, 1, Author.VISITOR)).texts == ("첫 글",)
    assert open_for_session(SecretText(token), found.id, address.sealed_key or b"") == private
    assert address.sealed_address is None
    assert tools.ring.open_text(inbox_place(found.id, 1), item.sealed_text).reveal() == "첫 글"


async def test_a_channel_that_is_pushed_to_keeps_its_address_sealed_and_gives_no_key(tools: Tools) -> None:
    [received] = await receive(tools, [arrival(tools, InboundMessage("sms", "e1", "+82 10 1", "글", "ko"))])
    async with tools.store.read() as tx:
        [address] = await tx.addresses.of(received.conversation)
    assert address.sealed_key is None
    place = Place("address", address.index.hex(), "sealed_address")
    assert tools.ring.open_text(place, address.sealed_address or b"").reveal() == "+82 10 1"


async def test_a_batch_shares_one_commit_and_numbers_each_thread_in_order(tools: Tools) -> None:
    store = tools.store
    assert isinstance(store, Counted)
    before = store.commits
    one, other = new_token(), new_token()
    tokens = [one, other, one, one, other]
    results = await receive(
        tools, [arrival(tools, web_message(f"글 {n}", token)) for n, token in enumerate(tokens)]
    )
    assert store.commits == before + 1
    assert [result.seq for result in results] == [1, 1, 2, 3, 2]
    assert len({result.conversation for result in results}) == 2
    assert results[0].conversation == results[2].conversation


@pytest.mark.parametrize("together", [True, False])
async def test_the_same_event_is_one_entry(tools: Tools, together: bool) -> None:
    same = arrival(tools, web_message("글", new_token()))
    if together:
        results = await receive(tools, [same, same, same])
    else:
        results = [(await receive(tools, [same]))[0] for _ in range(3)]
    assert [result.fresh for result in results] == [True, False, False]
    assert {result.seq for result in results} == {1}
    async with tools.store.read() as tx:
        assert len(await tx.entries.of(results[0].conversation)) == 1
        assert len(await tx.inbox.of([results[0].conversation])) == 1


async def test_the_same_event_id_on_another_channel_is_another_event(tools: Tools) -> None:
    messages = [InboundMessage(channel, "e1", "a", "글", "ko") for channel in ("sms", "telegram")]
    results = await receive(tools, [arrival(tools, message) for message in messages])
    assert [result.fresh for result in results] == [True, True]
    assert results[0].conversation != results[1].conversation


async def test_a_replay_with_a_new_token_leads_to_the_thread_but_opens_nothing(tools: Tools) -> None:
    """The first answer got lost, and with it the cookie. The event id alone must not open what was written."""
    first = web_message("글", new_token(), "e" * 32)
    [received] = await receive(tools, [arrival(tools, first)])
    token = new_token()
    [again] = await receive(tools, [arrival(tools, web_message("글", token, "e" * 32))])
    assert again == Received(received.conversation, 1, fresh=False)
    index = tools.index.of("address/web", token)
    async with tools.store.read() as tx:
        address = (await tx.addresses.find([index]))[index]
    assert (address.conversation, address.sealed_key) == (received.conversation, None)


async def test_what_the_page_has_shown_leaves_the_outbox(tools: Tools) -> None:
    token = new_token()
    [received] = await receive(tools, [arrival(tools, web_message("글", token))])
    async with tools.store.begin() as tx:
        await tx.outbox.put(
            [OutboxItem(f"o{seq}", received.conversation, seq, "web", b"", START) for seq in (2, 3)]
        )
    await receive(tools, [arrival(tools, web_message("다음", token), seen=2)])
    async with tools.store.read() as tx:
        assert [item.seq for item in await tx.outbox.of(received.conversation)] == [3]


async def test_language_and_time_follow_the_last_message(tools: Tools) -> None:
    token = new_token()
    [received] = await receive(tools, [arrival(tools, web_message("글", token))])
    await receive(tools, [arrival(tools, web_message("hello", token, lang="en"), at=START + 9)])
    found = await _conversation(tools, received.conversation)
    assert (found.lang, found.last_at, found.opened_at) == ("en", START + 9, START)


async def test_without_a_desk_nothing_is_taken_in() -> None:
    tools = some_tools(MemoryStore())
    with pytest.raises(NotReady):
        await receive(tools, [arrival(tools, web_message("글", new_token()))])
    async with tools.store.read() as tx:
        assert await tx.conversations.in_phase(list(Phase)) == []


async def test_an_event_that_another_process_took_meanwhile_is_tried_again(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = arrival(tools, web_message("글", new_token()))
    await receive(tools, [same])

    async def blind(_self: object, _keys: object) -> dict[object, object]:
        return {}

    monkeypatch.setattr("handoff.store.memory.MemoryClaims.find", blind)
    with pytest.raises(StoreBusy):
        await receive(tools, [same])
    monkeypatch.undo()
    assert (await receive(tools, [same]))[0].fresh is False


async def test_every_picture_of_an_album_can_be_deleted_again(tools: Tools) -> None:
    """They are one event, but the provider knows each by its own id."""
    pictures = [
        InboundMessage("telegram", "album/1", "7", "", media="image", own_id=f"7:{n}") for n in (1, 2, 2)
    ]
    for picture in pictures:
        [received] = await receive(tools, [arrival(tools, picture)])
    async with tools.store.read() as tx:
        sent = await tx.sent.of(received.conversation)
        assert len(await tx.entries.of(received.conversation)) == 1
    assert len(sent) == 2
