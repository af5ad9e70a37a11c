"""The console's API over HTTP, in this process, with real keys and a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from handoff.conversation import (
    AssessmentRecord,
    Author,
    DeliveryState,
    Entry,
    OutboxItem,
    Phase,
    Speaker,
    Talk,
)
from handoff.people import Role
from handoff.risk import Risk, Topic
from handoff.store.ports import PRESENT_FOR
from tests.builders import START, Room, person, room, soon
from tests.console_room import UNREVIEWED, Browser, b64, browser, form
from vault.desk import open_conversation_key, open_share, seal_share
from vault.entries import EntryBody, open_entry, seal_entry, seal_note
from vault.places import EntryPlace

A, B, S = person("a"), person("b"), person("s", Role.SUPERVISOR)
MARKER = "아무도 보면 안 되는 말"


@pytest.fixture
async def here() -> Room:
    found = await room()
    await found.seat(A, B, S)
    one = await found.open("c1", topic=Topic.SPREAD_THREAT, next_seq=2)
    sealed = seal_entry(one.public_key, EntryBody((MARKER,)), EntryPlace("c1", 1, "visitor"))
    async with found.store.begin() as tx:
        await tx.entries.append([Entry("c1", 1, Author.VISITOR, START, sealed)])
        await tx.entries.assess(
            [
                AssessmentRecord(
                    "c1",
                    1,
                    START,
                    Risk.HIGH,
                    Topic.SPREAD_THREAT,
                    "spread_threat",
                    0.9,
                    ("rule:x",),
                    "answered",
                )
            ]
        )
    return found


@pytest.fixture
async def a(here: Room) -> AsyncIterator[Browser]:
    async with browser(here, A) as found:
        yield found


@pytest.fixture
async def b(here: Room) -> AsyncIterator[Browser]:
    async with browser(here, B) as found:
        yield found


@pytest.fixture
async def s(here: Room) -> AsyncIterator[Browser]:
    async with browser(here, S) as found:
        yield found


async def entries(here: Room) -> int:
    async with here.store.read() as tx:
        return len(await tx.entries.of("c1"))


async def test_signing_in_brings_the_keys_and_wrong_ones_bring_nothing(here: Room) -> None:
    async with browser(here) as found:
        start = (await found.client.post("/api/sign-in/start", json={"name": "a"})).json()
        assert start == {"staff": "id-a", "salt": b64(A.staff.salt), "t": 3, "m": 65536, "p": 1}
        body = await found.sign_in(A)
        assert body["staff"] == {"id": "id-a", "name": "a", "role": "counselor"}
        assert body["idle_seconds"] == 900
        assert [share["epoch"] for share in body["shares"]] == [1]
        wrong = await found.client.post("/api/sign-in", json={"name": "a", "proof": b64(bytes(32))})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "wrong")
        for _ in range(9):
            await found.client.post("/api/sign-in", json={"name": "a", "proof": b64(bytes(32))})
        paused = await found.client.post("/api/sign-in", json={"name": "a", "proof": b64(A.proof)})
        assert paused.status_code == 429
        assert int(paused.headers["Retry-After"]) > 0


async def test_signing_out_ends_the_session(a: Browser) -> None:
    gone = await a.client.post("/api/sign-out")
    assert gone.status_code == 204
    assert "storage" in gone.headers["Clear-Site-Data"]
    assert (await a.get("/api/queue")).status_code == 401


async def test_the_queue_shows_what_waits_in_order(here: Room, a: Browser, s: Browser) -> None:
    await here.open("c2", risk=Risk.IMMINENT, waiting_since=START + 5)
    await here.open("c3", phase=Phase.WITH_BOT, waiting_since=None)
    await here.open("c4", phase=Phase.CLAIMED, holder="id-b", claimed_at=START)
    async with here.store.begin() as tx:
        await tx.outbox.put([OutboxItem("o1", "c1", 1, "sms", b"x", START, DeliveryState.FAILED)])
    found = (await a.get("/api/queue")).json()
    assert [row["id"] for row in found["waiting"]] == ["c2", "c1"]
    assert (found["mine"], found["held"], found["with_bot"], found["model"]) == ([], [], 1, "up")
    row = found["waiting"][1]
    assert (row["risk"], row["topic"], row["holder"], row["failed"]) == ("high", "spread_threat", None, 1)
    assert row["waiting_since"] == "2026-11-18T11:06:40.000+00:00"
    held = (await s.get("/api/queue")).json()["held"]
    assert [(row["id"], row["holder"]) for row in held] == [("c4", "b")]
    await a.post("/api/conversations/c1/claim")
    assert [row["id"] for row in (await a.get("/api/queue")).json()["mine"]] == ["c1"]


async def test_opening_gives_what_the_browser_needs_and_is_written_down(here: Room, a: Browser) -> None:
    body = (await a.get("/api/conversations/c1")).json()
    assert body["key"]["epoch"] == 1
    assert body["may"] == ["open", "claim"]
    assert body["assessments"][0]["reasons"] == ["rule:x"]
    async with here.store.read() as tx:
        share = (await tx.desk_keys.shares("id-a"))[0]
        (entry,) = await tx.entries.of("c1")
    conversation = await here.find("c1")
    desk = open_share(A.keys.private, share.sealed, 1, "id-a")
    private = open_conversation_key(desk, conversation.sealed_key or b"", "c1")
    assert body["key"]["sealed"] == b64(conversation.sealed_key or b"")
    assert body["entries"] == [
        {
            "seq": 1,
            "author": "visitor",
            "at": "2026-11-18T11:06:40.000+00:00",
            "sealed": b64(entry.sealed),
            "note_id": None,
        }
    ]
    assert open_entry(private, entry.sealed, EntryPlace("c1", 1, "visitor")).texts == (MARKER,)
    assert ("id-a", "opened", "c1", {}) in await here.deeds()


async def test_what_another_holds_cannot_be_opened_but_by_a_supervisor(
    here: Room, a: Browser, b: Browser, s: Browser
) -> None:
    assert (await b.post("/api/conversations/c1/claim")).status_code == 200
    refused = await a.get("/api/conversations/c1")
    assert refused.status_code == 403
    assert "sealed" not in refused.text
    reviewed = await s.get("/api/conversations/c1")
    assert reviewed.status_code == 200
    assert reviewed.json()["may"] == ["open", "note", "release", "risk"]
    assert [deed for deed in await here.deeds() if deed[1] == "opened"] == [("id-s", "opened", "c1", {})]


async def test_claim_reply_release_close(here: Room, a: Browser) -> None:
    claimed = (await a.post("/api/conversations/c1/claim")).json()
    assert (claimed["conversation"]["phase"], claimed["conversation"]["holder"]) == ("claimed", "a")
    assert "entries" not in claimed
    replied = await a.post("/api/conversations/c1/reply", {"request_id": form(), "text": f"  {MARKER} "})
    assert replied.status_code == 200
    assert MARKER not in replied.text
    released = (await a.post("/api/conversations/c1/release")).json()
    assert released["conversation"]["phase"] == "waiting"
    await a.post("/api/conversations/c1/claim")
    closed = (await a.post("/api/conversations/c1/close")).json()
    assert closed["conversation"]["phase"] == "closed"
    async with here.store.read() as tx:
        entry = (await tx.entries.of("c1"))[-1]
    assert open_entry(here.private["c1"], entry.sealed, EntryPlace("c1", 2, "counselor")).texts == (MARKER,)
    assert await here.broken() is None


async def test_a_form_sent_again_adds_one_entry(here: Room, a: Browser) -> None:
    await a.post("/api/conversations/c1/claim")
    body = {"request_id": form(), "text": MARKER}
    answers = [await a.post("/api/conversations/c1/reply", body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert await entries(here) == 2


async def test_a_note_is_kept_as_sealed(here: Room, a: Browser) -> None:
    claimed = await here.find("c1")
    await a.post("/api/conversations/c1/claim")
    id = form()
    sealed = seal_note(claimed.public_key, "메모", "c1", id)
    sent = {"request_id": form(), "note_id": id, "sealed": b64(sealed)}
    assert (await a.post("/api/conversations/c1/note", sent)).status_code == 200
    shown = (await a.get("/api/conversations/c1")).json()["entries"][-1]
    assert (shown["author"], shown["note_id"], shown["sealed"]) == ("note", id, b64(sealed))


async def test_a_correction_may_lower_the_risk(here: Room, a: Browser) -> None:
    await a.post("/api/conversations/c1/claim")
    sent = {"request_id": form(), "risk": "low", "topic": "prevention"}
    changed = (await a.post("/api/conversations/c1/risk", sent)).json()["conversation"]
    assert (changed["risk"], changed["topic"]) == ("low", "prevention")
    assert (
        "id-a",
        "risk",
        "c1",
        {"from": "high/spread_threat", "to": "low/prevention"},
    ) in await here.deeds()


async def test_conflicts_say_which(here: Room, a: Browser, b: Browser) -> None:
    async def error(browser: Browser, action: str, **more: Any) -> tuple[int, str]:
        answer = await browser.post(f"/api/conversations/c1/{action}", {"request_id": form(), **more})
        assert set(answer.json()) == {"error", "message"}
        return answer.status_code, answer.json()["error"]

    assert await error(a, "reply", text="x") == (409, "not_yours")
    await a.post("/api/conversations/c1/claim")
    assert await error(b, "claim") == (409, "taken")
    assert await error(b, "reply", text="x") == (409, "not_yours")
    assert await error(b, "risk", risk="low", topic="human") == (409, "not_yours")
    await a.post("/api/conversations/c1/close")
    assert await error(a, "claim") == (409, "closed")
    assert await error(a, "reply", text="x") == (409, "closed")


@pytest.mark.parametrize("id", ["unknown", "c1 ", "'; DROP TABLE entry", "%00", "é", "x" * 500])
async def test_unknown_conversations_are_not_found_and_never_repeated(a: Browser, id: str) -> None:
    for answer in (await a.get(f"/api/conversations/{id}"), await a.post(f"/api/conversations/{id}/claim")):
        assert answer.status_code == 404
        assert answer.json()["error"] == "not_found"
        assert id.strip() not in answer.text.replace("such a", "")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request_id": MARKER, "text": "x"},
        {"request_id": 7, "text": "x"},
        {"request_id": "0" * 32, "text": MARKER, "more": MARKER},
        {"request_id": "0" * 32, "text": [MARKER]},
        {"request_id": "0" * 32, "text": {MARKER: MARKER}},
        {"request_id": "0" * 32, "text": ""},
        {"request_id": "0" * 32, "text": "   "},
        {"request_id": "0" * 32, "text": MARKER * 500},
        [MARKER],
        MARKER,
    ],
)
async def test_malformed_replies_are_refused_without_an_echo(here: Room, a: Browser, body: Any) -> None:
    await a.post("/api/conversations/c1/claim")
    answer = await a.post("/api/conversations/c1/reply", body)
    assert answer.status_code in {413, 422}
    assert MARKER not in answer.text
    assert await entries(here) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"text": "\xff"}',
        b'{"request_id": "%s", "text": "\\ud800"}' % (b"0" * 32),
        MARKER.encode(),
    ],
)
async def test_broken_json_is_refused_without_an_echo(here: Room, a: Browser, raw: bytes) -> None:
    await a.post("/api/conversations/c1/claim")
    headers = {"X-Gyeot-Token": a.token, "Content-Type": "application/json"}
    answer = await a.client.post("/api/conversations/c1/reply", content=raw, headers=headers)
    assert answer.status_code in {400, 422}
    assert MARKER not in answer.text
    assert await entries(here) == 1


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("risk", {"risk": MARKER, "topic": "human"}),
        ("risk", {"risk": "low", "topic": MARKER}),
        ("note", {"note_id": MARKER, "sealed": "AAAA"}),
        ("note", {"note_id": "0" * 32, "sealed": MARKER}),
        ("note", {"note_id": "0" * 32, "sealed": ""}),
        ("note", {"note_id": "0" * 32, "sealed": b64(bytes(32_769))}),
    ],
)
async def test_other_malformed_forms(here: Room, a: Browser, action: str, body: dict[str, str]) -> None:
    await a.post("/api/conversations/c1/claim")
    answer = await a.post(f"/api/conversations/c1/{action}", {"request_id": form(), **body})
    assert answer.status_code in {413, 422}
    assert MARKER not in answer.text
    assert await entries(here) == 1
    assert (await here.find("c1")).topic is Topic.SPREAD_THREAT


async def test_ten_megabytes_are_refused(here: Room, a: Browser) -> None:
    await a.post("/api/conversations/c1/claim")
    answer = await a.post("/api/conversations/c1/reply", {"request_id": form(), "text": "x" * 10_000_000})
    assert answer.status_code == 413
    assert await entries(here) == 1


async def test_staff_and_admission_are_for_supervisors(here: Room, a: Browser, s: Browser) -> None:
    new = person("new")
    await here.seat(new, admitted=False)
    listed = {row["name"]: row for row in (await s.get("/api/staff")).json()["staff"]}
    assert {name: row["admitted"] for name, row in listed.items()} == {
        "a": True,
        "b": True,
        "new": False,
        "s": True,
    }
    assert set(listed["a"]) == {"id", "name", "role", "admitted", "disabled", "public_key"}
    share = {"epoch": 1, "sealed": b64(seal_share(here.desk_key, "id-new", new.staff.public_key))}
    body = {"request_id": form(), "shares": [share]}
    assert (await a.post("/api/staff/id-new/admit", body)).status_code == 403
    assert (await s.post("/api/staff/id-new/admit", body)).status_code == 200
    assert (await s.post("/api/staff/id-new/admit", body)).status_code == 200
    assert (await s.post("/api/staff/nobody/admit", body)).status_code == 404
    assert [deed[1:3] for deed in await here.deeds() if deed[1] == "admitted"] == [("admitted", "id-new")]
    body["shares"] = [{"epoch": 10**30, "sealed": "AAAA"}]
    assert (await s.post("/api/staff/id-new/admit", body)).status_code in {404, 422, 200}


async def test_the_stream_carries_ids_only_and_ends_with_the_bell(here: Room, a: Browser) -> None:
    listening = asyncio.create_task(a.get("/api/events"))
    await asyncio.sleep(0.05)
    await a.post("/api/conversations/c1/claim")
    await a.post("/api/conversations/c1/reply", {"request_id": form(), "text": MARKER})
    await here.bell.close()
    stream = await soon(listening)
    lines = [line.replace(" ", "") for line in stream.text.splitlines() if line.startswith(("event", "data"))]
    assert lines == ["event:changed", 'data:{"id":""}', *["event:changed", 'data:{"id":"c1"}'] * 2]


async def test_an_open_page_counts_as_on_duty(here: Room, a: Browser) -> None:
    here.clock.pass_by(PRESENT_FOR + 1)
    since = here.clock.at - PRESENT_FOR
    async with here.store.read() as tx:
        assert await tx.sessions.present(since) == 0
    listening = asyncio.create_task(a.get("/api/events"))
    await asyncio.sleep(0.05)
    await here.bell.close()
    await soon(listening)
    async with here.store.read() as tx:
        assert await tx.sessions.present(since) == 1


async def test_answers_are_never_kept_by_a_cache(a: Browser) -> None:
    for path in ("/", "/api/queue", "/api/conversations/c1", "/nothing"):
        assert (await a.get(path)).headers["Cache-Control"] == "no-store"


OFFENDER = Talk(speaker=Speaker.OFFENDER)


async def test_a_counselors_queue_has_nobody_who_did_harm(here: Room, a: Browser, s: Browser) -> None:
    await here.open("c2", risk=Risk.IMMINENT, topic=Topic.OFFENDER, talk=OFFENDER)
    mine = (await a.get("/api/queue")).json()
    assert [row["id"] for row in mine["waiting"]] == ["c1"]
    assert mine["walled"] == []
    theirs = (await s.get("/api/queue")).json()
    assert [row["id"] for row in theirs["waiting"]] == ["c1"]
    assert [(row["id"], row["track"]) for row in theirs["walled"]] == [("c2", "offender")]


async def test_only_a_supervisor_opens_or_takes_who_did_harm(here: Room, a: Browser, s: Browser) -> None:
    await here.open("c2", topic=Topic.OFFENDER, talk=OFFENDER)
    assert (await a.get("/api/conversations/c2")).status_code == 403
    assert (await a.post("/api/conversations/c2/claim")).status_code == 403
    assert (await here.find("c2")).holder is None
    assert (await s.get("/api/conversations/c2")).status_code == 200
    assert (await s.post("/api/conversations/c2/claim")).status_code == 200
    assert (await here.find("c2")).holder == "id-s"


async def test_a_person_moves_between_the_tracks_and_no_machine(here: Room, a: Browser, s: Browser) -> None:
    await here.open("c2", topic=Topic.OFFENDER, talk=OFFENDER)
    spread = {"request_id": form(), "risk": "medium", "topic": "spread"}
    assert (await a.post("/api/conversations/c2/risk", spread)).status_code == 403
    assert (await s.post("/api/conversations/c2/risk", spread)).status_code == 200
    assert {row["id"] for row in (await a.get("/api/queue")).json()["waiting"]} == {"c1", "c2"}
    offender = {"request_id": form(), "risk": "low", "topic": "offender"}
    assert (await s.post("/api/conversations/c1/risk", offender)).status_code == 200
    assert {row["id"] for row in (await a.get("/api/queue")).json()["waiting"]} == {"c2"}


async def test_the_queue_says_which_line_told_of_danger_and_that_nobody_answered(
    here: Room, a: Browser
) -> None:
    await here.open("c2", risk=Risk.IMMINENT, talk=Talk(danger_seq=7, check_ins=1))
    rows = {row["id"]: row for row in (await a.get("/api/queue")).json()["waiting"]}
    assert (rows["c2"]["danger"], rows["c2"]["silent"]) == (7, True)
    assert (rows["c1"]["danger"], rows["c1"]["silent"]) == (None, False)


async def test_the_queue_says_how_many_texts_nobody_reviewed(a: Browser) -> None:
    assert (await a.get("/api/queue")).json()["unreviewed"] == UNREVIEWED
