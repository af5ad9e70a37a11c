"""Two processes want the same answer: one in its response, one to push it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.intake import receive
from bot.tools import Tools
from channels.port import InboundMessage
from handoff.conversation import OutboxItem
from handoff.letter import Letter, posted
from handoff.store.sql import SqlStore
from tests.journey.indoors import desked, some_tools
from tests.unit.test_intake import arrival


async def test_who_looks_with_a_lock_waits_for_whoever_leases(sql_store: SqlStore) -> None:
    tools: Tools = some_tools(await desked(sql_store))
    [received] = await receive(
        tools, [arrival(tools, InboundMessage("telegram", "e1", "tg:1", "안녕", "ko"))]
    )
    id, now = received.conversation, tools.now()
    async with sql_store.begin() as tx:
        await tx.outbox.put([posted(tools.ring, Letter("l1", id, 2, "telegram", ("답",)), now)])

    async def look() -> list[OutboxItem]:
        async with sql_store.begin() as tx:
            return list(await tx.outbox.locked(id))

    async with sql_store.begin() as tx:
        assert len(await tx.outbox.lease(["telegram"], now, now + 9_000, 9)) == 1
        looking = asyncio.create_task(look())
        await asyncio.sleep(0.2)
        assert not looking.done()
    assert [item.leased_until for item in await looking] == [now + 9_000]


async def test_an_erased_conversation_is_found_while_a_provider_still_has_its_messages(
    sql_store: SqlStore,
) -> None:
    tools = some_tools(await desked(sql_store))
    message = InboundMessage("telegram", "e1", "tg:1", "안녕", "ko", own_id="1:1")
    [received] = await receive(tools, [arrival(tools, message)])
    id = received.conversation
    async with sql_store.begin() as tx:
        kept = (await tx.conversations.lock([id]))[id]
        await tx.conversations.save([replace(kept, sealed_key=None)])
        [address] = await tx.addresses.of(id)
        await tx.addresses.remove(address.index)
        assert list(await tx.conversations.erased(9)) == [id]
        await tx.sent.drop(id)
        assert list(await tx.conversations.erased(9)) == []
