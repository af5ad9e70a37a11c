"""What the tests of the visitor's page share: the open page, and the steps of a visitor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, ConsoleMessage, Page, expect
from visitor_fake import Fake, serving, texts

SAID = texts()


def ko(key: str, **values: int) -> str:
    return SAID[key]["ko"].format(**values)


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def site(fake: Fake) -> Iterator[str]:
    with serving(fake) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, site: str) -> AsyncIterator[Page]:
    """The chat, open; whatever the browser complains about fails the test."""
    page = await context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        # A refused request is logged by the browser itself; the tests that refuse mean it.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("console", complain)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{site}/")
    await expect(page.locator("#now")).to_have_text(ko("state_none"))
    yield page
    await page.close()
    assert complaints == []


async def send(page: Page, text: str) -> None:
    await page.fill("#words", text)
    await page.press("#words", "Enter")


async def begin(page: Page) -> None:
    """A first line, answered."""
    await send(page, "하나")
    await expect(page.get_by_text("대답 1")).to_be_visible()


async def shown(page: Page) -> list[str]:
    """Every line of the talk on the screen, from the first."""
    return await page.locator("#log .text").all_inner_texts()


async def until(true: Callable[[], bool | Awaitable[bool]], seconds: float = 15) -> None:
    """Wait until something is so; fail when it does not become so."""
    async with asyncio.timeout(seconds):
        while True:
            now = true()
            if now if isinstance(now, bool) else await now:
                return
            await asyncio.sleep(0.02)
