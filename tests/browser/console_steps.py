"""Steps that the tests of the counselor's page share."""

from __future__ import annotations

from typing import Any

from console_cast import Talk
from console_fake import FakeConsole
from playwright.async_api import Page, expect

SAID = "오늘까지 돈 안 보내면 제 사진을 다 뿌린대요"
NOTE = "마감이 오늘 밤이라고 함"


async def sign_in(page: Page, fake: FakeConsole, staff: str = "s2") -> None:
    """Come in as a member of staff: s1 supervises, s2 and s3 counsel."""
    person = fake.people[staff]
    await page.fill("#name", person.name)
    await page.fill("#passphrase", person.passphrase)
    await page.click("button[type=submit]")
    await expect(page.locator("#sign-out")).to_be_visible()


async def opened(page: Page, fake: FakeConsole, talk: Talk, *, claim: bool = True) -> None:
    """Sign in, open the conversation, and claim it."""
    await sign_in(page, fake)
    await page.click(f'.row[data-id="{talk.id}"]')
    await expect(page.locator(".line")).not_to_have_count(0)
    if claim:
        await page.click("#do-claim")
        await expect(page.locator("#box")).to_be_focused()


def threatened(fake: FakeConsole) -> Talk:
    """A waiting conversation with a line of the visitor and one of the bot."""
    talk = fake.talk("high", "spread_threat", waited=600)
    talk.add("visitor", SAID, ago=600)
    talk.add("bot", "말해 줘서 고마워요.", "상담원을 부르고 있어요.", ago=599)
    talk.assess(
        ["rule:threat.spread", "model:spread_threat 0.91", "model:unsure", "context:was-high", "new:thing"],
        risk="high",
        topic="spread_threat",
        intent="spread_threat",
        confidence=0.91,
        model="answered",
    )
    return talk


def posted(fake: FakeConsole, action: str) -> list[dict[str, Any]]:
    """Bodies of one kind that reached the server."""
    return [body for name, body in fake.bodies if name == action]


async def wiped(page: Page, *secrets: str) -> None:
    """The sign-in page stands there, and nothing of what was read or typed."""
    await expect(page.locator("#passphrase")).to_be_visible()
    html = await page.content()
    typed = await page.evaluate(
        "[...document.querySelectorAll('input, textarea')].map((box) => box.value).join()"
    )
    assert not [secret for secret in secrets if secret in html or secret in typed]
