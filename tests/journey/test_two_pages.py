"""The main job, end to end: a visitor's page and a counselor's page at once, on the real service with its model."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from handoff.conversation import Author
from nlu import prepare
from tests.conftest import missing
from tests.journey.running import FORM, Service, kept, running
from tests.journey.traces import contents, forms, traces

pytestmark = pytest.mark.asyncio(loop_scope="session")

EARLIER = "예전에 올라간 사진을 지우고 싶은데 상담원이랑 얘기할 수 있나요"
WROTE = "헤어진 오빠가 내 사진 친구들한테 다 퍼뜨린다고 협박해요 어떡해요"
THEN_WROTE = "내일 저녁까지 답하래요 너무 무서워요"
ANSWERED = "말해 줘서 고마워요. 답하지 말고 저랑 같이 하나씩 해 봐요."
NOTED = "답하라는 때는 내일 저녁, 상대는 헤어진 남자친구"
IMAGES = Path(__file__).parents[2] / "docs" / "images"
KOREAN = {"locale": "ko-KR", "timezone_id": "Asia/Seoul"}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


@dataclass(frozen=True, slots=True)
class Stage:
    """The service, and both pages."""

    service: Service
    visitor: Page
    counselor: Page
    complaints: list[str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with the real model server, ready."""
    try:
        prepare.model()
    except prepare.PrepareError as error:
        missing(f"no language model: {error}")
    with running(tmp_path_factory.mktemp("pages") / "gyeot", nlu="model") as service:
        service.model_pid()
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def stage(service: Service, browser: Browser) -> AsyncIterator[Stage]:
    """A phone and a desk, and what the pages complain about."""
    complaints: list[str] = []
    contexts = [await browser.new_context(**KOREAN, **PHONE), await browser.new_context(**KOREAN)]
    pages = [await _opened(context, complaints) for context in contexts]
    await pages[1].set_viewport_size({"width": 1280, "height": 800})
    await pages[0].goto(service.public)
    await pages[1].goto(service.console)
    yield Stage(service, *pages, complaints)
    for context in contexts:
        await context.close()


async def _opened(context: BrowserContext, complaints: list[str]) -> Page:
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None,
    )
    return page


async def test_a_threat_is_answered_by_the_bot_then_by_a_person_and_nothing_stays_in_clear(
    stage: Stage,
) -> None:
    visitor, counselor, service = stage.visitor, stage.counselor, stage.service
    passphrase = await _sign_in(stage)
    await asyncio.to_thread(_somebody_waits_already, service)
    await expect(counselor.locator(".row")).to_have_count(1)

    await visitor.fill("#words", WROTE)
    began = time.monotonic()
    await visitor.press("#words", "Enter")
    guidance = visitor.locator("#log .bot .text")
    await guidance.first.wait_for()
    assert time.monotonic() - began < 2.0
    await expect(visitor.locator("#now")).to_have_attribute("data-phase", "waiting")
    await _picture(visitor, "visitor")

    first = counselor.locator(".row").first
    await expect(first).to_have_attribute("data-risk", "high")
    await expect(first).to_contain_text("유포 협박")
    await expect(counselor.locator(".row")).to_have_count(2)
    await first.click()
    await expect(counselor.locator('.line[data-who="visitor"]')).to_contain_text(WROTE)
    said = await guidance.all_inner_texts()
    assert await counselor.locator('.line[data-who="bot"] .said p').all_inner_texts() == said
    await counselor.click("#do-claim")
    await expect(visitor.locator("#now")).to_have_attribute("data-phase", "claimed")

    await visitor.fill("#words", THEN_WROTE)
    await visitor.press("#words", "Enter")
    await expect(counselor.locator('.line[data-who="visitor"]').last).to_contain_text(THEN_WROTE)

    await counselor.fill("#box", ANSWERED)
    await counselor.click("#send")
    await expect(visitor.locator("#log .counselor .text")).to_have_text([ANSWERED])
    await counselor.click("#mode-note")
    await counselor.fill("#box", NOTED)
    await counselor.click("#send")
    await expect(counselor.locator('.line[data-who="note"]')).to_contain_text(NOTED)
    await _picture(counselor, "console")

    assert stage.complaints == []  # later the console may look at what it closed, and be refused
    await counselor.click("#do-close")
    await counselor.click("#dialog-yes")
    await expect(visitor.locator("#now")).to_have_attribute("data-phase", "closed")
    assert NOTED not in await visitor.content()

    cookies = [*await visitor.context.cookies(), *await counselor.context.cookies()]
    tokens = [cookie["value"] for cookie in cookies]
    assert len(tokens) == 2
    secrets = [EARLIER, WROTE, THEN_WROTE, ANSWERED, NOTED, *said, *tokens, passphrase]
    await asyncio.to_thread(_nothing_in_clear, service, secrets)
    talks = await asyncio.to_thread(kept, service)
    [talk] = [talk for talk in talks if talk.conversation.phase == "closed"]
    assert talk.said(Author.VISITOR) == [WROTE, THEN_WROTE]
    assert talk.said(Author.COUNSELOR) == [ANSWERED]
    assert talk.said(Author.NOTE) == [NOTED]
    assert talk.said(Author.BOT)[0] == "\n".join(said)
    assert talk.assessed == [entry.seq for entry, _ in talk.entries if entry.author is Author.VISITOR]


def _somebody_waits_already(service: Service) -> None:
    message = {"id": str(uuid.uuid4()), "text": EARLIER}
    answer = httpx2.post(f"{service.public}/api/messages", json=message, headers=FORM)
    assert answer.json()["state"]["phase"] == "waiting"


async def _sign_in(stage: Stage) -> str:
    """The passphrase is typed into the browser, and never leaves it."""
    passphrase = stage.service.staff["minjun"].passphrase.reveal()
    sent: list[str] = []
    stage.counselor.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    await stage.counselor.fill("#name", "minjun")
    await stage.counselor.fill("#passphrase", passphrase)
    await stage.counselor.click("button[type=submit]")
    await expect(stage.counselor.locator("#sign-out")).to_be_visible(timeout=15_000)
    assert sent
    assert passphrase.split()[0] not in "".join(sent)
    return passphrase


def _nothing_in_clear(service: Service, secrets: list[str]) -> None:
    """Looked for while it runs, when the write-ahead log is full, and once more after it has ended."""
    pieces = [piece for text in secrets for piece in {text, text[:9], text[-9:]}]
    for ended in (False, True):
        if ended:
            assert service.stop() == 0
        held = contents(service.files())
        assert any(name.endswith("gyeot.db") for name in held)
        assert ended or any(name.endswith("-wal") and size for name, size in held.items())
        assert traces(pieces, held) == []
    banner, *_ = service.stderr.partition("Ctrl-C")
    assert "127.0.0.1" in banner
    logged = service.stderr.removeprefix(banner)
    assert "serve.stopped" in logged
    assert not [address for address in ("127.0.0.1", "::1", "localhost") if address in logged]
    assert forms("127.0.0.1")["UTF-8"] not in (service.folder / "var" / "gyeot.db").read_bytes()


async def _picture(page: Page, name: str) -> None:
    """Kept for the documents when they are wanted."""
    if os.environ.get("GYEOT_SCREENSHOTS") == "1":
        IMAGES.mkdir(parents=True, exist_ok=True)
        await page.wait_for_timeout(600)
        await page.screenshot(path=IMAGES / f"{name}.png")
