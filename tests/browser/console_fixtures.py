"""Fixtures that the tests of the counselor's page share. A plugin: it is named, not imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from console_fake import FakeConsole, new_console, running
from playwright.async_api import BrowserContext, Page

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
STORED = """
async () => [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,
  (await caches.keys()).length, document.cookie]
"""


@pytest.fixture(scope="session")
def served() -> Iterator[FakeConsole]:
    """One fake for the run: its keys take seconds to make."""
    with running(new_console()) as fake:
        yield fake


@pytest.fixture
def fake(served: FakeConsole) -> FakeConsole:
    """The fake with nothing in it."""
    served.clear()
    return served


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, fake: FakeConsole) -> AsyncIterator[Page]:
    """The sign-in page. At the end: no error in a script, no violation of the policy, nothing stored."""
    errors: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.add_init_script(WATCH)
    await page.goto(fake.url)
    yield page
    assert errors == []
    assert await page.evaluate("window.violations") == []
    assert await page.evaluate(STORED) == [0, 0, 0, 0, ""]
