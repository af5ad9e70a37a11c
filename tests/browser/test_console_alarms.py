"""What alarms a counselor's and a supervisor's page: danger anew in a held conversation; and the queue apart."""

from __future__ import annotations

import pytest
from console_fake import FakeConsole
from console_steps import SAID, sign_in
from playwright.async_api import Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
pytest_plugins = ("console_fixtures",)


async def test_danger_in_a_held_conversation_alarms_its_holder_each_time(
    page: Page, fake: FakeConsole
) -> None:
    talk = fake.talk("imminent", "self_harm", phase="claimed", holder="하람", danger=1)
    talk.add("visitor", SAID)
    await sign_in(page, fake)
    await expect(page.locator("#title-mine")).to_be_visible()
    await expect(page.locator("#imminent-alert")).to_have_count(0)
    talk.row["danger"] = 5
    fake.ring(talk.id)
    await expect(page.locator("#imminent-alert")).to_be_visible()
    await page.locator("#imminent-alert button.quiet").click()
    fake.ring(talk.id)
    await page.wait_for_timeout(500)
    await expect(page.locator("#imminent-alert")).to_have_count(0)
    talk.row["danger"] = 9
    fake.ring(talk.id)
    await expect(page.locator("#imminent-alert")).to_be_visible()


async def test_danger_in_a_held_conversation_alarms_the_supervisor(page: Page, fake: FakeConsole) -> None:
    talk = fake.talk("high", "spread_threat", phase="claimed", holder="하람")
    await sign_in(page, fake, "s1")
    await expect(page.locator("#title-held")).to_be_visible()
    talk.row.update(risk="imminent", danger=7)
    fake.ring(talk.id)
    await expect(page.locator("#imminent-alert")).to_be_visible()


async def test_who_did_harm_is_in_a_list_apart_and_unreviewed_texts_are_counted(
    page: Page, fake: FakeConsole
) -> None:
    fake.unreviewed = 31
    fake.talk("imminent", "offender", track="offender")
    silent = fake.talk("imminent", "self_harm", silent=True)
    await sign_in(page, fake, "s1")
    apart = page.locator("section[aria-labelledby=title-walled]")
    await expect(apart).to_contain_text("가해한 사람의 대화")
    await expect(apart.locator(".row")).to_have_count(1)
    await expect(page.locator("section[aria-labelledby=title-waiting] .row")).to_have_count(1)
    await expect(page.locator(f'.row[data-id="{silent.id}"]')).to_contain_text("답이 없음")
    await expect(page.locator("#unreviewed")).to_have_text("검토 안 된 안내 31개")
