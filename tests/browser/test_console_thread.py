"""The open conversation on the counselor's page, in a real Chromium: what is read, sealed, sent and refused."""

from __future__ import annotations

import asyncio
import json

import pytest
from console_fake import FakeConsole
from console_steps import NOTE, SAID, opened, posted, sign_in, threatened
from playwright.async_api import Page, Route, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
pytest_plugins = ("console_fixtures",)


async def test_open_and_read_sealed_korean(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    talk.add_note(NOTE)
    await opened(page, fake, talk, claim=False)
    await expect(page.locator('.line[data-who="visitor"]')).to_contain_text(SAID)
    await expect(page.locator('.line[data-who="bot"] .said p')).to_have_count(2)
    await expect(page.locator('.line[data-who="note"]')).to_contain_text("직원만 봐요")
    await expect(page.locator('.line[data-who="note"]')).to_contain_text(NOTE)
    reasons = await page.locator(".reason-list li").all_inner_texts()
    assert reasons == [
        "규칙이 알아봄: 퍼뜨리겠다는 말",
        "언어 모델이 읽음: 유포하겠다는 협박 (91%)",
        "언어 모델: 확신하지 못함",
        "대화 흐름: 앞에서 높음이었음 (사람만 낮출 수 있음)",
        "new:thing",
    ]
    await expect(page.locator(".why")).to_contain_text("91%")
    await expect(page.locator("#box")).to_have_count(0)
    await expect(page.locator(".compose")).to_contain_text("먼저 맡아 주세요")


async def test_lines_moved_or_changed_say_that_they_cannot_be_opened(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    talk.entries.append({**talk.entries[0], "seq": 3})
    talk.entries.append({**talk.entries[0], "seq": 4, "sealed": "!"})
    talk.entries.append({**talk.entries[0], "seq": 5, "author": "nobody"})
    await opened(page, fake, talk, claim=False)
    await expect(page.locator(".unreadable")).to_have_count(3)
    await expect(page.locator(".said", has_text=SAID)).to_have_count(1)
    fake.ring(talk.id)
    await page.wait_for_timeout(500)
    await expect(page.locator(".unreadable")).to_have_count(3)


async def test_text_of_a_visitor_is_never_markup(page: Page, fake: FakeConsole) -> None:
    talk = fake.talk("low", "smalltalk")
    talk.add("visitor", "<img src=x onerror=alert(1)><b>hi</b>")
    await opened(page, fake, talk, claim=False)
    await expect(page.locator(".said")).to_have_text("<img src=x onerror=alert(1)><b>hi</b>")
    await expect(page.locator(".said img, .said b")).to_have_count(0)


async def test_new_lines_of_the_visitor_appear(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk, claim=False)
    talk.add("visitor", "엄마한테 말하면 안 돼요")
    fake.ring(talk.id)
    await expect(page.locator('.line[data-who="visitor"]').last).to_contain_text("엄마한테")
    await expect(page.locator("#said")).to_have_text("새 글이 왔어요.")


async def test_claim_reply_and_delivery_words(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.keyboard.type("여기 있어요.")
    await page.keyboard.press("Control+Enter")
    reply = page.locator('.line[data-who="counselor"]')
    await expect(reply).to_contain_text("여기 있어요.")
    await expect(reply).to_contain_text("보내는 중")
    await expect(page.locator("#box")).to_have_value("")
    await expect(page.locator("#box")).to_be_focused()
    talk.deliveries[0] |= {"state": "failed", "error": "WindowClosed"}
    fake.ring(talk.id)
    await expect(reply).to_contain_text("전달하지 못했어요: 채널이 답장을 받는 시간이 지났어요")
    talk.deliveries.clear()
    fake.ring(talk.id)
    await expect(reply.locator('.delivery[data-state="sent"]')).to_be_visible()


async def test_note_is_sealed_before_it_leaves(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.click("#mode-note")
    await expect(page.locator(".compose")).to_contain_text("방문자에게 가지 않아요")
    await page.fill("#box", NOTE)
    await page.click("#send")
    await expect(page.locator('.line[data-who="note"]')).to_contain_text(NOTE)
    assert talk.read_notes() == [NOTE]
    assert NOTE not in json.dumps(fake.bodies, ensure_ascii=False)


async def test_an_answer_that_got_lost_is_tried_again_as_the_same_request(
    page: Page, fake: FakeConsole
) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    for mode, text in (("reply", "여기 있어요."), ("note", NOTE)):
        await page.click(f"#mode-{mode}")
        fake.break_off.add(mode)
        await page.fill("#box", text)
        await page.click("#send")
        await expect(page.locator("#thread-problem")).to_contain_text("두 번 가지 않아요")
        await expect(page.locator("#box")).to_have_value(text)
        await page.click("#send")
        await expect(page.locator("#box")).to_have_value("")
        first, second = posted(fake, mode)
        assert first == second
    assert [entry["author"] for entry in talk.entries].count("counselor") == 1
    assert talk.read_notes() == [NOTE]


async def test_a_refused_reply_stays_in_the_box_and_gets_a_new_id(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    fake.refuse["reply"] = (422, "malformed")
    await page.fill("#box", "여기 있어요.")
    await page.click("#send")
    await expect(page.locator("#thread-problem")).to_contain_text("받지 못했어요")
    await expect(page.locator("#box")).to_have_value("여기 있어요.")
    await page.click("#send")
    await expect(page.locator("#box")).to_have_value("")
    first, second = posted(fake, "reply")
    assert first["request_id"] != second["request_id"]


async def test_someone_else_took_it_just_now(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk, claim=False)
    talk.row.update(phase="claimed", holder="도윤")
    fake.refuse["claim"] = (409, "taken")
    await page.click("#do-claim")
    await expect(page.locator("#thread-problem")).to_contain_text("다른 상담원이")
    await expect(page.locator(".line")).to_have_count(0)
    assert SAID not in await page.content()


async def test_a_draft_outlives_losing_the_conversation(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.fill("#box", "조금만 기다려 주세요")
    fake.refuse["reply"] = (409, "not_yours")

    async def lost_meanwhile(route: Route) -> None:
        talk.row.update(phase="claimed", holder="도윤")
        await route.continue_()

    await page.route("**/reply", lost_meanwhile)
    await page.click("#send")
    await expect(page.locator(".kept-draft")).to_have_text("조금만 기다려 주세요")


async def test_drafts_are_kept_per_conversation_and_per_kind(page: Page, fake: FakeConsole) -> None:
    one, two = threatened(fake), threatened(fake)
    two.row.update(phase="claimed", holder="하람")
    await opened(page, fake, one)
    await page.fill("#box", "답장 쓰던 것")
    await page.click("#mode-note")
    await expect(page.locator("#box")).to_have_value("")
    await page.fill("#box", "메모 쓰던 것")
    await page.click(f'.row[data-id="{two.id}"]')
    await expect(page.locator("#box")).to_have_value("")
    await page.click(f'.row[data-id="{one.id}"]')
    await expect(page.locator("#box")).to_have_value("답장 쓰던 것")
    await page.click("#mode-note")
    await expect(page.locator("#box")).to_have_value("메모 쓰던 것")


async def test_a_fetch_sent_before_the_claim_does_not_undo_it(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk, claim=False)
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await may_answer.wait()
        await route.fulfill(response=answer)

    await page.route(f"**/api/conversations/{talk.id}", late, times=1)
    fake.ring(talk.id)
    await asyncio.wait_for(asked.wait(), 10)
    await page.click("#do-claim")
    await expect(page.locator("#box")).to_be_focused()
    may_answer.set()
    await page.wait_for_timeout(700)
    await expect(page.locator("#box")).to_be_focused()


async def test_release_and_close_which_asks_once(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.click("#do-release")
    await expect(page.locator("#do-claim")).to_be_visible()
    await page.click("#do-claim")
    await page.fill("#box", "남은 글")
    await page.click("#do-close")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("보내지 않은 글이 있어요")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert posted(fake, "close") == []
    await page.click("#do-close")
    await page.click("#dialog-yes")
    await expect(page.locator(".phase")).to_have_text("마침")
    assert len(posted(fake, "close")) == 1


async def test_correcting_risk_and_topic(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.click("#do-risk")
    await page.check('input[name="risk"][value="imminent"]')
    await page.select_option('select[name="topic"]', "self_harm")
    await page.click("#dialog-yes")
    await expect(page.locator("#thread-title")).to_contain_text("긴급 자살·자해")
    [body] = posted(fake, "risk")
    assert (body["risk"], body["topic"]) == ("imminent", "self_harm")


async def test_only_what_the_server_allows_has_a_button(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    talk.row.update(phase="claimed", holder="도윤")
    await sign_in(page, fake, "s1")
    await page.click(f'.row[data-id="{talk.id}"]')
    await expect(page.locator("#do-release")).to_be_visible()
    await expect(page.locator("#do-claim, #do-close, #mode-reply")).to_have_count(0)
    await expect(page.locator("#mode-note")).to_be_visible()


async def test_another_desk_key_is_said(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    fake.epoch_shown = 2
    await opened(page, fake, talk, claim=False)
    await expect(page.locator("#transcript")).to_contain_text("2번째 상담실 열쇠")
    await expect(page.locator(".unreadable")).to_have_count(2)


async def test_near_the_limit_the_length_is_shown_and_nothing_is_cut(page: Page, fake: FakeConsole) -> None:
    await opened(page, fake, threatened(fake))
    await expect(page.locator(".length")).to_have_count(0)
    await page.fill("#box", "가" * 2001)
    await expect(page.locator(".length")).to_have_text("2001 / 2000자")
    assert len(await page.input_value("#box")) == 2001


async def test_only_one_reply_though_the_key_is_pressed_twice(page: Page, fake: FakeConsole) -> None:
    await opened(page, fake, threatened(fake))
    await page.fill("#box", "여기 있어요.")
    await page.evaluate(
        "for (let i = 0; i < 3; i++) document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', ctrlKey: true, bubbles: true }))"
    )
    await expect(page.locator('.line[data-who="counselor"]')).to_have_count(1)
    assert len(posted(fake, "reply")) == 1
