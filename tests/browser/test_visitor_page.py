# ruff: noqa: F401, F811  fixtures are imported here and asked for by name
"""The visitor's page in a real Chromium: writing, waiting, languages, and use by everyone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from visitor_fake import Fake
from visitor_steps import SAID, begin, fake, ko, page, send, shown, site, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parent / "vendor" / "axe.min.js"


async def violations(page: Page) -> list[str]:
    # Through the debugger, which the page's content policy does not bind.
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = await page.evaluate(
        "axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html}`)))"
    )
    return found


# ── writing ──────────────────────────────────────────────────────────────


async def test_first_screen_says_three_things_and_the_numbers(page: Page) -> None:
    for key in ("opening_1", "opening_2", "opening_3", "emergency_label"):
        await expect(page.get_by_text(ko(key))).to_be_in_viewport()
    await expect(page.locator("#words")).to_be_in_viewport()
    await expect(page.get_by_role("link", name="자살예방 109")).to_have_attribute("href", "tel:109")


async def test_message_is_answered(page: Page) -> None:
    await send(page, "도와주세요\n무서워요")
    await expect(page.locator("#now")).to_have_text(ko("state_with_bot"))
    assert await shown(page) == ["도와주세요\n무서워요", "대답 1"]
    assert await page.locator("#words").input_value() == ""


async def test_quick_reply_is_sent_and_goes_away(page: Page, fake: Fake) -> None:
    await begin(page)
    fake.answers = iter([(("알겠어요",), ())])
    await page.get_by_role("button", name="아니요").click()
    await expect(page.get_by_text("알겠어요")).to_be_visible()
    assert fake.said() == ["하나", "아니요"]
    await expect(page.locator("#quick")).to_be_hidden()


async def test_nothing_written_sends_nothing(page: Page, fake: Fake) -> None:
    await send(page, "  \n ")
    await expect(page.locator("#notice")).to_have_text(ko("message_empty"))
    assert fake.posted == []


async def test_own_line_is_there_before_the_server_has_it(page: Page, fake: Fake) -> None:
    fake.slow = 1.0
    await send(page, "하나")
    await expect(page.get_by_text(ko("sending"))).to_be_visible()
    assert await shown(page) == ["하나"]
    await expect(page.get_by_text("대답 1")).to_be_visible()
    await expect(page.get_by_text(ko("sending"))).to_have_count(0)


async def test_lines_go_one_after_the_other(page: Page, fake: Fake) -> None:
    fake.slow = 0.2
    for text in ("하나", "둘", "셋"):
        await send(page, text)
    await expect(page.get_by_text("대답 3")).to_be_visible()
    assert fake.said() == ["하나", "둘", "셋"]
    assert await shown(page) == ["하나", "대답 1", "둘", "대답 2", "셋", "대답 3"]


async def test_shift_enter_breaks_the_line(page: Page, fake: Fake) -> None:
    await page.locator("#words").press_sequentially("가")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("나")
    assert await page.locator("#words").input_value() == "가\n나"
    assert fake.posted == []


async def test_enter_inside_a_syllable_sends_once_and_whole(page: Page, fake: Fake) -> None:
    await page.focus("#words")
    keyboard = await page.context.new_cdp_session(page)
    await keyboard.send("Input.imeSetComposition", {"text": "무서워", "selectionStart": 3, "selectionEnd": 3})
    enter = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    await keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    await keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    await asyncio.sleep(0.2)
    assert fake.posted == []
    await keyboard.send("Input.insertText", {"text": "무서워"})
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("대답 1")).to_be_visible()
    assert fake.said() == ["무서워"]
    assert await page.locator("#words").input_value() == ""


async def test_button_pressed_inside_a_syllable_leaves_nothing_behind(page: Page, fake: Fake) -> None:
    await page.focus("#words")
    keyboard = await page.context.new_cdp_session(page)
    await keyboard.send("Input.imeSetComposition", {"text": "네", "selectionStart": 1, "selectionEnd": 1})
    await page.get_by_role("button", name=ko("send"), exact=True).click()
    await expect(page.get_by_text("대답 1")).to_be_visible()
    assert fake.said() == ["네"]
    assert await page.locator("#words").input_value() == ""


async def test_too_long_is_said_and_stays_written(page: Page, fake: Fake) -> None:
    await page.fill("#words", "가" * 1990)
    await expect(page.locator("#counter")).to_have_text(ko("counter", left=10))
    await send(page, "가" * 2001)
    await expect(page.locator("#notice")).to_have_text(ko("message_too_long"))
    assert fake.posted == []
    assert len(await page.locator("#words").input_value()) == 2001


async def test_markup_stays_text(page: Page) -> None:
    await send(page, "<b>굵게</b><img src=x onerror=alert(1)>")
    await expect(page.get_by_text("대답 1")).to_be_visible()
    assert (await shown(page))[0] == "<b>굵게</b><img src=x onerror=alert(1)>"


# ── when something fails ─────────────────────────────────────────────────


async def test_failed_line_is_kept_and_sent_again_with_its_id(page: Page, fake: Fake) -> None:
    fake.refusals = [(500, {})]
    await send(page, "하나")
    await expect(page.get_by_text(ko("not_sent"))).to_be_visible()
    await page.get_by_role("button", name=ko("send_again")).click()
    await expect(page.get_by_text("대답 1")).to_be_visible()
    first, second = fake.posted
    assert first["id"] == second["id"]
    assert await shown(page) == ["하나", "대답 1"]


async def test_lost_answer_doubles_nothing(page: Page, fake: Fake) -> None:
    await begin(page)
    fake.lose_answers = 1
    await send(page, "둘")
    await expect(page.get_by_text(ko("not_sent"))).to_be_visible()
    fake.talk.ring()  # the line comes back as an entry, and goes out again with its id
    await expect(page.get_by_text("대답 2")).to_be_visible()
    await expect(page.get_by_text(ko("not_sent"))).to_have_count(0)
    assert await shown(page) == ["하나", "대답 1", "둘", "대답 2"]


async def test_later_lines_wait_for_the_one_that_failed(page: Page, fake: Fake) -> None:
    fake.refusals = [(500, {}), (500, {})]
    await send(page, "하나")
    await expect(page.get_by_text(ko("not_sent"))).to_have_count(1)
    await send(page, "둘")
    await expect(page.get_by_text(ko("not_sent"))).to_have_count(2)
    await page.get_by_role("button", name=ko("send_again")).last.click()
    await expect(page.get_by_text("대답 2")).to_be_visible()
    assert fake.said() == ["하나", "둘"]


async def test_busy_server_is_tried_again(page: Page, fake: Fake) -> None:
    fake.refusals = [(503, {"error": "busy", "ko": "조금만 기다려요", "en": "one moment"})]
    await send(page, "하나")
    await expect(page.locator("#notice")).to_have_text("조금만 기다려요")
    await expect(page.get_by_text("대답 1")).to_be_visible()
    await expect(page.locator("#notice")).to_be_empty()


async def test_refused_words_go_back_to_where_they_were_written(page: Page, fake: Fake) -> None:
    fake.refusals = [(413, {})]
    await send(page, "너무 긴 글")
    await expect(page.locator("#notice")).to_have_text(ko("message_too_long"))
    assert await page.locator("#words").input_value() == "너무 긴 글"
    assert await shown(page) == []


async def test_broken_stream_is_said_and_caught_up(page: Page, fake: Fake) -> None:
    await begin(page)
    await until(lambda: "GET /api/events" in fake.asked)
    fake.streams = False
    await expect(page.locator("#notice")).to_have_text(ko("connection_lost"), timeout=15000)
    fake.talk.add("counselor", "저 왔어요")
    fake.streams = True
    await expect(page.get_by_text("저 왔어요")).to_be_visible(timeout=15000)
    await expect(page.locator("#notice")).to_have_text(ko("connection_back"), timeout=15000)


# ── live ─────────────────────────────────────────────────────────────────


async def test_state_and_answers_arrive_by_themselves(page: Page, fake: Fake) -> None:
    await begin(page)
    await until(lambda: "GET /api/events" in fake.asked)
    fake.talk.ring(phase="waiting", ahead=2, minutes=[5, 10])
    await expect(page.locator("#now")).to_contain_text(ko("waiting_ahead", ahead=2))
    await expect(page.locator("#now")).to_contain_text(ko("waiting_minutes", low=5, high=10))
    fake.talk.ring(ahead=0, minutes=None)
    await expect(page.locator("#now")).to_contain_text(ko("waiting_next"))
    await expect(page.locator("#now")).to_contain_text(ko("waiting_unknown"))
    fake.talk.add("counselor", "상담원이에요")
    fake.talk.ring(phase="claimed")
    await expect(page.locator("#now")).to_have_text(ko("state_claimed"))
    await expect(page.locator(".counselor .text")).to_have_text("상담원이에요")
    await until(lambda: 3 in fake.acknowledged)
    fake.talk.ring(phase="closed")
    await expect(page.locator("#now")).to_have_text(ko("state_closed"))


async def test_reload_brings_the_talk_back(page: Page) -> None:
    await begin(page)
    await page.reload()
    await expect(page.get_by_text("대답 1")).to_be_visible()
    assert await shown(page) == ["하나", "대답 1"]
    assert await page.locator("#words").input_value() == ""


async def test_session_that_ended_elsewhere_empties_the_screen(page: Page, fake: Fake) -> None:
    await begin(page)
    fake.talks.clear()
    await expect(page.locator("#notice")).to_have_text(ko("session_over"), timeout=15000)
    assert await shown(page) == []


# ── language ─────────────────────────────────────────────────────────────


async def test_language_switches_without_losing_anything(page: Page, fake: Fake) -> None:
    await begin(page)
    await page.fill("#words", "쓰던 글")
    before = len([each for each in fake.asked if each == "GET /"])
    await page.click("#language")
    await expect(page.locator("#now")).to_have_text(SAID["state_with_bot"]["en"])
    assert await page.locator("html").get_attribute("lang") == "en"
    assert await page.locator(".bot .who span").inner_text() == SAID["who_bot"]["en"]
    assert await page.locator("#words").input_value() == "쓰던 글"
    assert len([each for each in fake.asked if each == "GET /"]) == before
    await page.press("#words", "Enter")
    await until(lambda: len(fake.posted) == 2)
    assert [each["lang"] for each in fake.posted] == ["ko", "en"]


async def test_language_by_address(page: Page, site: str) -> None:
    await page.goto(f"{site}/?lang=en")
    await expect(page.get_by_text(SAID["opening_1"]["en"])).to_be_visible()


# ── for everyone ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_axe_finds_nothing(page: Page, fake: Fake, scheme: str, width: int) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 800})
    assert await violations(page) == []
    await begin(page)
    fake.refusals = [(500, {})]
    await send(page, "둘")
    await expect(page.get_by_text(ko("not_sent"))).to_be_visible()
    fake.talk.add("counselor", "상담원이에요")
    fake.talk.add("system", "알림이에요")
    fake.talk.ring(phase="claimed")
    await expect(page.get_by_text("알림이에요")).to_be_visible()
    assert await violations(page) == []
    await page.click("#open-recovery")
    await page.click("#make-code")
    await expect(page.locator("#code li")).to_have_count(6)
    assert await violations(page) == []


async def test_axe_finds_nothing_on_what_is_kept(page: Page, site: str) -> None:
    for lang in ("ko", "en"):
        await page.goto(f"{site}/kept?lang={lang}")
        assert await violations(page) == []


@pytest.mark.parametrize("lang", ["ko", "en"])
async def test_small_screen_needs_no_sideways_scrolling(page: Page, site: str, lang: str) -> None:
    await page.set_viewport_size({"width": 320, "height": 568})
    for path in ("/", "/kept"):
        await page.goto(f"{site}{path}?lang={lang}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        await expect(page.locator(".top .exit")).to_be_in_viewport(ratio=1)


async def test_small_letters_are_not_small(page: Page) -> None:
    await begin(page)
    smallest = await page.evaluate(
        "Math.min(...Array.from(document.querySelectorAll('body *'), (e) => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 16


async def test_keyboard_reaches_everything_in_order(page: Page) -> None:
    reached = []
    for _ in range(13):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate("document.activeElement.id || document.activeElement.className || '-'")
        )
    assert reached[:4] == ["skip", "language", "exit", "scroll"]
    assert [each for each in reached if each in {"words", "main", "open-recovery", "open-kept"}] == [
        "words",
        "main",
        "open-recovery",
        "open-kept",
    ]


async def test_kept_page_takes_the_place_of_itself(page: Page, site: str) -> None:
    await page.goto(f"{site}/kept")
    before = await page.evaluate("history.length")
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(SAID["kept_title"]["en"])
    await page.get_by_role("link", name=SAID["kept_back"]["en"]).click()
    await expect(page.locator("#words")).to_be_visible()
    assert await page.evaluate("history.length") == before
