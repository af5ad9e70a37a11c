"""A thousand claims at once: every conversation gets exactly one holder."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from handoff.conversation import Phase
from handoff.errors import StoreBusy, Taken
from handoff.store.sql import SqlStore
from tests.builders import Person, person, request, room

COUNSELORS, CONVERSATIONS = 20, 50


async def test_a_thousand_claims_by_twenty_counselors_over_fifty_conversations(sql_store: SqlStore) -> None:
    here = await room(sql_store)
    counselors = [person(f"p{n:02}") for n in range(COUNSELORS)]
    await here.seat(*counselors)
    ids = [f"c{n:02}" for n in range(CONVERSATIONS)]
    for id in ids:
        await here.open(id)

    async def claim(who: Person, id: str) -> str | None:
        asked = request(who, id)
        while True:
            try:
                claimed = await here.desk.claim(asked)
            except Taken:
                return None
            except StoreBusy:  # a slow machine: the console is told 503 and sends the same form again
                continue
            break
        assert claimed.holder == who.staff.id
        return id

    attempts = [(who, id) for who in counselors for id in ids]
    random.Random(20).shuffle(attempts)
    won = await asyncio.gather(*(claim(who, id) for who, id in attempts))

    assert len(won) == 1000
    assert Counter(id for id in won if id) == dict.fromkeys(ids, 1)
    winners = {id: who.staff.id for (who, _), id in zip(attempts, won, strict=True) if id}
    async with sql_store.read() as tx:
        held = {value.id: value.holder for value in await tx.conversations.in_phase([Phase.CLAIMED])}
    assert held == winners
    assert await here.broken() is None
    deeds = await here.deeds()
    assert {subject: actor for actor, action, subject, _ in deeds if action == "claim"} == winners
    assert len(deeds) == CONVERSATIONS
