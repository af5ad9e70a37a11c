"""The counselor's page in a real Chromium, against a fake server with real keys: in, the queue, out, staff."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import pytest
from console_cast import b64
from console_fake import CSP, FakeConsole
from console_steps import SAID, opened, posted, sign_in, threatened, wiped
from playwright.async_api import BrowserContext, Page, expect

from vault.desk import open_share
from vault.secret import SecretText
from vault.staffkeys import unlock

pytestmark = pytest.mark.asyncio(loop_scope="session")
pytest_plugins = ("console_fixtures",)


async def test_the_shell_has_nothing_inline(page: Page, fake: FakeConsole) -> None:
    response = await page.request.get(fake.url)
    html = await response.text()
    assert response.headers["content-security-policy"] == CSP
    assert re.search(r"style=|<style|\son\w+=|javascript:|https?://", html) is None


# ── in ──


async def test_wrong_passphrase_says_so_and_stays_here(page: Page, fake: FakeConsole) -> None:
    await page.fill("#name", "하람")
    await page.fill("#passphrase", "forest lamp quiet river wrong")
    await page.click("button[type=submit]")
    await expect(page.get_by_role("alert")).to_contain_text("맞지 않아요")
    await expect(page.locator("#passphrase")).to_be_focused()
    await expect(page.locator("#passphrase")).to_have_value("")
    assert [set(body) for _, body in fake.bodies] == [{"name"}, {"name", "proof"}]


async def test_unlocking_shows_and_the_passphrase_never_leaves(page: Page, fake: FakeConsole) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    await page.evaluate(
        "new MutationObserver(() => window.seen = (window.seen ?? '') + document.body.innerText)"
        ".observe(document.body, { subtree: true, childList: true, characterData: true })"
    )
    await sign_in(page, fake)
    assert "열쇠를 여는 중" in await page.evaluate("window.seen")
    assert "forest" not in "".join(sent)
    await expect(page.locator("#queue")).to_be_focused()


async def test_missing_words_are_asked_for(page: Page, fake: FakeConsole) -> None:
    await page.fill("#passphrase", "forest")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("모두 써 주세요")
    await expect(page.locator("#name")).to_be_focused()
    assert fake.bodies == []


async def test_staff_who_were_not_admitted_are_told_and_shown_their_fingerprint(
    page: Page, fake: FakeConsole
) -> None:
    await sign_in(page, fake, "s4")
    await expect(page.locator("main")).to_contain_text("책임자가")
    await expect(page.locator("#own-fingerprint")).to_have_text(re.compile(r"^([0-9a-f]{4} ){4}[0-9a-f]{4}$"))
    assert "GET /api/queue" not in fake.gets


async def test_a_public_key_put_in_place_of_mine_is_noticed(page: Page, fake: FakeConsole) -> None:
    fake.shown_key = fake.people["s3"].keys.public_key
    await page.fill("#name", "하람")
    await page.fill("#passphrase", fake.people["s2"].passphrase)
    await page.click("button[type=submit]")
    await expect(page.get_by_role("alert")).to_contain_text("열쇠가 열리지 않아요")


# ── the queue ──


async def test_queue_order_marks_and_words(page: Page, fake: FakeConsole) -> None:
    low = fake.talk("low", "service_info", waited=9000)
    new = fake.talk("high", "grooming", waited=60, channel="kakao", failed=2)
    old = fake.talk("high", "stalking", waited=700, model="away")
    worst = fake.talk("imminent", "self_harm", waited=5, lang="en")
    await sign_in(page, fake)
    rows = page.locator(".row")
    await expect(rows).to_have_count(4)
    order = await rows.evaluate_all("(all) => all.map((row) => row.dataset.id)")
    assert order == [worst.id, old.id, new.id, low.id]
    await expect(rows.nth(0)).to_contain_text("긴급")
    await expect(rows.nth(0)).to_contain_text("자살·자해")
    await expect(rows.nth(0).locator("svg path")).not_to_have_count(0)
    await expect(rows.nth(1)).to_contain_text("규칙만으로 판단")
    await expect(rows.nth(2)).to_contain_text("카카오톡")
    await expect(rows.nth(2)).to_contain_text("전달 실패 2")
    await expect(rows.nth(3)).to_contain_text("2시간 30분")
    shapes = await rows.evaluate_all("(all) => all.map((row) => row.querySelector('svg').innerHTML)")
    assert len(set(shapes)) == 3


async def test_waiting_time_counts_up(context: BrowserContext, page: Page, fake: FakeConsole) -> None:
    await context.clock.install()
    await page.reload()
    fake.talk("medium", "deletion", waited=61)
    await sign_in(page, fake)
    await expect(page.locator(".row-time")).to_contain_text("1분")
    await page.wait_for_timeout(700)  # a late answer would set the page's clock by the server's again
    await context.clock.run_for(121_000)
    await expect(page.locator(".row-time")).to_contain_text("3분")


async def test_model_away_banner_comes_and_goes(page: Page, fake: FakeConsole) -> None:
    fake.model = "away"
    await sign_in(page, fake)
    await expect(page.locator("#model-away")).to_contain_text("규칙만으로")
    fake.model = "up"
    fake.ring()
    await expect(page.locator("#model-away")).to_have_count(0)


async def test_new_imminent_conversation_is_seen_in_the_page_and_the_title(
    page: Page, fake: FakeConsole
) -> None:
    await sign_in(page, fake)
    await expect(page.locator("#queue")).to_contain_text("기다리는 사람이 없어요")
    talk = fake.talk("imminent", "immediate_danger", waited=1)
    talk.add("visitor", SAID)
    fake.ring(talk.id)
    await expect(page.locator("#imminent-alert")).to_contain_text("긴급 대화가 들어왔어요")
    await expect(page).to_have_title("(! 1) 곁 상담실")
    await page.locator("#imminent-alert button").first.click()
    await expect(page.locator(".line")).to_contain_text(SAID)
    await expect(page.locator("#imminent-alert")).to_have_count(0)


async def test_many_rings_are_few_fetches(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk, claim=False)
    await page.wait_for_timeout(700)
    fake.gets.clear()
    for _ in range(40):
        fake.ring(talk.id)
    await page.wait_for_timeout(900)
    assert 1 <= fake.gets.count("GET /api/queue") <= 3
    assert 1 <= fake.gets.count(f"GET /api/conversations/{talk.id}") <= 3


async def test_a_lost_stream_is_opened_again_and_what_was_missed_is_fetched(
    page: Page, fake: FakeConsole
) -> None:
    await sign_in(page, fake)
    await expect(page.locator("#queue")).to_contain_text("기다리는 사람이 없어요")
    fake.drop_streams()
    fake.talk("low", "prevention")
    await expect(page.locator(".row")).to_have_count(1)
    await expect(page.locator("#offline")).to_have_count(0)


# ── out ──


async def test_sign_out_wipes(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.fill("#box", "보내지 않은 글")
    await page.click("#sign-out")
    await wiped(page, SAID, "보내지 않은 글", "하람", "forest")
    await expect(page.locator(".notice")).to_contain_text("지워졌어요")
    assert fake.sessions == {}


async def test_idle_warns_then_wipes(context: BrowserContext, page: Page, fake: FakeConsole) -> None:
    await context.clock.install()
    await page.reload()
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.fill("#box", "보내지 않은 글")
    await context.clock.run_for(835_000)
    await expect(page.locator("#idle-warning")).to_have_count(0)
    assert posted(fake, "here") == []
    await context.clock.run_for(10_000)
    await expect(page.locator("#idle-warning")).to_be_visible()
    await page.keyboard.press("Shift")
    await expect(page.locator("#idle-warning")).to_have_count(0)
    assert len(posted(fake, "here")) == 1
    await context.clock.run_for(890_000)
    await expect(page.locator("#idle-warning")).to_contain_text("초 뒤에")
    await context.clock.run_for(15_000)
    await wiped(page, SAID, "보내지 않은 글")
    await expect(page.locator(".notice")).to_contain_text("움직임이 없어서")
    assert fake.sessions == {}


async def test_a_laptop_that_slept_is_wiped_when_it_wakes(
    context: BrowserContext, page: Page, fake: FakeConsole
) -> None:
    await context.clock.install()
    await page.reload()
    await opened(page, fake, threatened(fake))
    await context.clock.fast_forward(3_600_000)
    await wiped(page, SAID)


async def test_a_session_that_is_over_wipes(page: Page, fake: FakeConsole) -> None:
    talk = threatened(fake)
    await opened(page, fake, talk)
    await page.fill("#box", "보내지 않은 글")
    fake.sessions.clear()
    fake.ring(talk.id)
    await wiped(page, SAID, "보내지 않은 글")
    await expect(page.locator(".notice")).to_contain_text("다시 들어와")


async def test_leaving_the_page_wipes_what_the_back_button_could_show(page: Page, fake: FakeConsole) -> None:
    await opened(page, fake, threatened(fake))
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    await wiped(page, SAID)


# ── staff ──


async def test_supervisor_admits_by_sealing_in_the_browser(page: Page, fake: FakeConsole) -> None:
    await sign_in(page, fake, "s1")
    await page.click("#view-staff")
    person = page.locator('tr[data-staff="s4"]')
    await expect(person).to_have_attribute("data-state", "not_admitted")
    shown = await person.locator(".fingerprint").inner_text()
    await person.get_by_role("button").click()
    await expect(page.get_by_role("dialog")).to_contain_text(shown)
    await page.click("#dialog-yes")
    await expect(person).to_have_attribute("data-state", "admitted")
    await expect(page.locator(".done")).to_contain_text("새봄")
    [body] = posted(fake, "admit")
    new = fake.people["s4"]
    private = unlock(SecretText(new.passphrase), new.keys)
    [share] = body["shares"]
    assert open_share(private, b64decode(share["sealed"]), 1, "s4") == fake.desk
    assert b64(fake.desk.pair.private) not in json.dumps(fake.bodies)


async def test_counselors_have_no_staff_page(page: Page, fake: FakeConsole) -> None:
    await sign_in(page, fake)
    await expect(page.locator("#view-staff")).to_have_count(0)
