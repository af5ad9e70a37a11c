"""The counselor's page for everybody: by keyboard, by axe, in English, on a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from console_fake import FakeConsole
from console_steps import NOTE, SAID, opened, posted, sign_in, threatened
from playwright.async_api import Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
pytest_plugins = ("console_fixtures",)

AXE = Path(__file__).parent / "vendor" / "axe.min.js"


async def test_everything_by_keyboard_with_korean_input_on(page: Page, fake: FakeConsole) -> None:
    first, second = fake.talk("imminent", "self_harm"), threatened(fake)
    first.add("visitor", "하나")
    await sign_in(page, fake)
    await expect(page.locator(".row")).to_have_count(2)
    await page.keyboard.press("j")
    await expect(page.locator(f'.row[data-id="{first.id}"]')).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(f'.row[data-id="{second.id}"]')).to_be_focused()
    await page.keyboard.press("k")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line").first).to_contain_text(SAID)
    await expect(page.locator("#thread-title")).to_be_focused()
    # With Korean input the key's letter is a jamo; its place on the keyboard stays.
    await page.evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ㅊ', code: 'KeyC', bubbles: true }))"
    )
    await expect(page.locator("#box")).to_be_focused()
    assert len(posted(fake, "claim")) == 1
    await page.keyboard.type("c j k n")
    await expect(page.locator("#box")).to_have_value("c j k n")
    await page.keyboard.press("Escape")
    await expect(page.locator("#transcript")).to_be_focused()
    await page.keyboard.press("n")
    await expect(page.locator("#mode-note")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("단축키")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_single_keys_can_be_switched_off(page: Page, fake: FakeConsole) -> None:
    await opened(page, fake, threatened(fake), claim=False)
    await page.keyboard.press("?")
    await page.get_by_role("checkbox").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("c")
    await page.wait_for_timeout(200)
    assert posted(fake, "claim") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
async def test_axe_finds_nothing(
    page: Page, fake: FakeConsole, scheme: Literal["light", "dark"], width: int
) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 844})
    await page.add_init_script(path=AXE)
    await page.goto(fake.url)
    await axe(page)
    fake.model = "away"
    fake.talk("imminent", "self_harm", failed=1)
    fake.talk("low", "service_info", model="away", waited=9)
    talk = threatened(fake)
    talk.add_note(NOTE)
    talk.entries.append({**talk.entries[0], "seq": 99})
    await sign_in(page, fake, "s1")
    await expect(page.locator(".row")).to_have_count(3)
    await axe(page)
    await page.click(f'.row[data-id="{talk.id}"]')
    await page.click("#do-claim")
    await expect(page.locator("#box")).to_be_focused()
    await axe(page)
    await page.click("#mode-note")
    fake.refuse["note"] = (422, "malformed")
    await page.fill("#box", NOTE)
    await page.click("#send")
    await expect(page.locator("#thread-problem")).to_contain_text("받지 못했어요")
    late = fake.talk("imminent", "self_harm")
    fake.ring(late.id)
    await expect(page.locator("#imminent-alert")).to_be_visible()
    await axe(page)
    await page.click("#do-risk")
    await axe(page)
    await page.keyboard.press("Escape")
    await page.click("#view-staff")
    await expect(page.locator("tr[data-staff]")).to_have_count(4)
    await axe(page)


async def axe(page: Page) -> None:
    """No violations on the page as it stands."""
    found = await page.evaluate("async () => (await axe.run()).violations")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


async def test_english(page: Page, fake: FakeConsole) -> None:
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading")).to_have_text("Sign in to the console")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await opened(page, fake, threatened(fake))
    left = await page.evaluate(
        "[...document.querySelectorAll('.bar, .queue, .thread-head, .compose, .why')]"
        ".map((part) => part.innerText).join(' ')"
    )
    assert set(re.findall(r"[가-힣]+", left)) <= {"곁", "하람", "한국어"}


async def test_on_a_phone_one_thing_at_a_time(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await page.set_viewport_size({"width": 390, "height": 844})
    await opened(page, fake, talk, claim=False)
    await expect(page.locator("#queue")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.click(".back")
    await expect(page.locator("#queue")).to_be_visible()
    await expect(page.locator("#thread")).to_be_hidden()
