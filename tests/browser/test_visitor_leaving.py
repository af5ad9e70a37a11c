# ruff: noqa: F401, F811  fixtures are imported here and asked for by name
"""The visitor's page in a real Chromium: leaving, coming back, and what stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect
from visitor_fake import CODE, Fake
from visitor_steps import SAID, begin, fake, ko, page, send, site, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE_DRAG = """(name) => {
  const carried = new DataTransfer();
  carried.items.add(new File(["x"], "a.png", { type: "image/png" }));
  const target = document.querySelector("#words");
  const event = name === "paste"
    ? new ClipboardEvent(name, { clipboardData: carried, bubbles: true, cancelable: true })
    : new DragEvent(name, { dataTransfer: carried, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
  return event.defaultPrevented;
}"""


# ── leaving ──────────────────────────────────────────────────────────────


async def gone(page: Page, fake: Fake) -> None:
    await page.wait_for_url("**/elsewhere")
    await until(lambda: len(fake.leaves) > 0)
    assert fake.leaves[0]["x-gyeot"] == "1"
    assert fake.talks == {}
    assert await page.context.cookies() == []
    await page.go_back()
    assert page.url == "about:blank"


async def test_exit_button_leaves_nothing(page: Page, fake: Fake) -> None:
    await begin(page)
    await page.locator(".top .exit").click()
    await gone(page, fake)


async def test_shift_thrice_leaves_nothing(page: Page, fake: Fake) -> None:
    await begin(page)
    for _ in range(3):
        await page.keyboard.press("Shift")
    await gone(page, fake)


async def test_shift_works_inside_a_dialog(page: Page, fake: Fake) -> None:
    await begin(page)
    await page.click("#open-kept")
    for _ in range(3):
        await page.keyboard.press("Shift")
    await gone(page, fake)


async def test_answer_under_way_brings_nothing_back(page: Page, fake: Fake) -> None:
    fake.slow = 0.5
    await send(page, "하나")
    await until(lambda: len(fake.posted) == 1)
    await page.locator(".top .exit").click()
    await page.wait_for_url("**/elsewhere")
    await asyncio.sleep(1)
    assert await page.context.cookies() == []


async def test_capitals_throw_nobody_out(page: Page, fake: Fake) -> None:
    await page.focus("#words")
    for letter in "HELP ME":
        await page.keyboard.press(f"Shift+{letter}" if letter != " " else "Space")
    await asyncio.sleep(0.2)
    assert fake.leaves == []
    assert await page.locator("#words").input_value() == "HELP ME"


async def test_screen_is_empty_before_the_other_site_comes(page: Page) -> None:
    await begin(page)
    held = asyncio.Event()
    await page.route("**/elsewhere", lambda route: _after(held, route.continue_))
    left = await page.evaluate("(document.querySelector('.exit').click(), document.body.textContent)")
    assert left == ""
    held.set()
    await page.wait_for_url("**/elsewhere")


async def _after(held: asyncio.Event, go_on: Callable[[], Awaitable[None]]) -> None:
    await held.wait()
    await go_on()


async def test_other_tab_leaves_too(page: Page, site: str) -> None:
    other = await page.context.new_page()
    await other.goto(f"{site}/")
    await begin(page)
    await page.locator(".top .exit").click()
    await other.wait_for_url("**/elsewhere")
    await other.close()


async def test_page_kept_for_the_back_button_is_empty(page: Page) -> None:
    await begin(page)
    left = await page.evaluate(
        "(window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true})), document.body.textContent)"
    )
    assert left == ""


async def test_history_holds_one_entry(page: Page) -> None:
    await begin(page)
    await page.click("#open-kept")
    await expect(page.get_by_text(ko("kept_1"))).to_be_visible()
    await page.keyboard.press("Escape")
    await page.click("#language")
    assert await page.evaluate("history.length") == 2  # the empty tab and this page


# ── recovery ─────────────────────────────────────────────────────────────


async def test_code_is_shown_once(page: Page) -> None:
    await begin(page)
    await page.click("#open-recovery")
    await page.click("#make-code")
    await expect(page.locator("#code li")).to_have_text(CODE.split())
    await page.locator("#recovery [data-close]").click()
    await expect(page.locator("#code li")).to_have_count(0)


async def test_code_brings_the_talk_back(page: Page) -> None:
    await page.click("#open-recovery")
    await expect(page.locator("#make-code")).to_be_hidden()
    await page.fill("#entered", "아무 말")
    await page.press("#entered", "Enter")
    await expect(page.locator("#recovery-said")).to_have_text(ko("recovery_wrong"))
    await page.fill("#entered", f"  {CODE.replace(' ', '  ')} ")
    await page.press("#entered", "Enter")
    await expect(page.locator("#recovery")).to_be_hidden()
    await expect(page.get_by_text("다시 왔네요")).to_be_visible()
    await expect(page.locator("#notice")).to_have_text(ko("recovery_done"))


async def test_dialog_starts_away_from_the_exit_and_closes_by_key(page: Page) -> None:
    await page.click("#open-recovery")
    assert await page.evaluate("document.activeElement.id") == "recovery-title"
    await expect(page.locator("#recovery .exit")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#recovery")).to_be_hidden()
    assert await page.evaluate("document.activeElement.id") == "open-recovery"


# ── files, traces ────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["drop", "paste"])
async def test_files_are_refused_kindly(page: Page, fake: Fake, way: str) -> None:
    assert await page.evaluate(FILE_DRAG, way) is True
    await expect(page.locator("#notice")).to_have_text(ko("file_refused"))
    assert [one for one in fake.asked if not one.startswith("GET ")] == []
    assert await page.locator("input[type=file]").count() == 0


async def test_text_can_be_pasted(page: Page) -> None:
    prevented = await page.evaluate(
        """() => {
          const carried = new DataTransfer();
          carried.setData("text/plain", "글");
          const event = new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
          document.querySelector("#words").dispatchEvent(event);
          return event.defaultPrevented;
        }"""
    )
    assert prevented is False
    await expect(page.locator("#notice")).to_be_empty()


async def test_nothing_is_stored_and_only_one_hidden_cookie(page: Page) -> None:
    await begin(page)
    kept = await page.evaluate(
        """async () => [document.cookie, localStorage.length, sessionStorage.length,
          (await indexedDB.databases()).length, (await caches.keys()).length,
          (await navigator.serviceWorker.getRegistrations()).length]"""
    )
    assert kept == ["", 0, 0, 0, 0, 0]
    [cookie] = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)


async def test_nobody_else_is_asked(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await begin(page)
    assert [url for url in asked if not url.startswith(f"{site}/")] == []
