"""A real Chromium for the tests in this folder.

Nothing is installed here. Without Chromium the tests are skipped, and fail when ``REQUIRE_SERVICES=1``. One
browser serves the whole run, so its fixtures and the tests share the session's event loop: mark the tests
with ``pytestmark = pytest.mark.asyncio(loop_scope="session")``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


expect.set_options(timeout=15_000)  # a machine that runs two suites at once is slow, not wrong


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium: ``CHROMIUM`` in the environment, or the one on the search path."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is not None:
        return found
    reason = "no Chromium: install Debian's chromium and fonts-nanum, or set CHROMIUM to its path"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One Chromium for the whole run."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh profile: no cookies, no storage, Korean, in Seoul."""
    context = await browser.new_context(locale="ko-KR", timezone_id="Asia/Seoul")
    yield context
    await context.close()
