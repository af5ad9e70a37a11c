"""Each channel through its simulator, over real HTTP: message, guidance, handoff, a counselor's answer, close."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from handoff.conversation import Author
from tests.journey.phones import counselor, town
from tests.journey.running import COMMAND, FORM, Service, kept

SAYS = "사진을 퍼뜨린다고 협박받고 있어요"
ANSWERS = "저는 상담원이에요. 지금 옆에 있을게요."


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("telegram", "telegram"),
        ("kakao", "kakao"),
        ("bot-api", "kakao"),
        ("consult", "kakao"),
        ("sms", "sms"),
    ],
)
async def test_from_the_first_message_to_the_close(tmp_path: Path, name: str, channel: str) -> None:
    async with town(tmp_path, name) as around, counselor(around.service) as minjun:
        stage = around.phones[name].stage
        await stage.type(SAYS)
        if channel == "sms":
            first = await stage.expect("1, 아니면 2", within=20)
            await stage.type("1")
            guided = await stage.expect("협박", after=first.n, within=20)
        else:
            guided = await stage.expect("협박", within=20)
        waiting = await minjun.waits(channel)
        assert waiting["risk"] == "high"
        await minjun.does(waiting["id"], "claim")
        await minjun.does(waiting["id"], "reply", text=ANSWERS)
        await stage.expect(ANSWERS, after=guided.n, within=20)
        await minjun.sees_all_delivered(waiting["id"])
        await minjun.does(waiting["id"], "close")


class TestKakaoSkill:
    async def test_a_late_answer_comes_by_the_callback(self, tmp_path: Path) -> None:
        async with silent_model() as url, town(tmp_path, "kakao", **slow(url)) as around:
            stage = around.phones["kakao"].stage
            await stage.type(SAYS)
            coming = await stage.expect("잠깐만 기다려", within=10)
            await stage.expect("협박", after=coming.n, within=20)

    async def test_without_a_callback_it_is_found_at_the_next_message(self, tmp_path: Path) -> None:
        async with silent_model() as url, town(tmp_path, "kakao", **slow(url)) as around:
            phone = around.phones["kakao"]
            await phone.deeds["no-callback"]()
            await phone.deeds["unfriend"]()
            await phone.stage.type(SAYS)
            asked = await phone.stage.expect("한 번 더 보내면", within=10)
            await asyncio.sleep(3)
            await phone.stage.type("네")
            await phone.stage.expect("협박", after=asked.n, within=10)

    async def test_a_stranger_to_the_channel_finds_the_answer_waiting_and_the_counselor_knows(
        self, tmp_path: Path
    ) -> None:
        async with town(tmp_path, "kakao") as around, counselor(around.service) as minjun:
            phone = around.phones["kakao"]
            await phone.deeds["unfriend"]()
            await phone.stage.type(SAYS)
            waiting = await minjun.waits("kakao")
            await minjun.does(waiting["id"], "claim")
            await minjun.does(waiting["id"], "reply", text=ANSWERS)
            held = await minjun.sees_delivery(waiting["id"], "held")
            assert held["error"] == "WindowClosed"
            await phone.stage.type("저 왔어요")
            await phone.stage.expect(ANSWERS, within=15)

    async def test_a_photo_is_refused_and_nothing_of_it_is_kept(self, tmp_path: Path) -> None:
        async with town(tmp_path, "kakao") as around:
            phone = around.phones["kakao"]
            await phone.deeds["photo"]()
            await phone.stage.expect("사진이나 영상, 파일은 받지 않아요", within=10)
            await asyncio.sleep(0.3)
            [one] = await asyncio.to_thread(kept, around.service)
            assert "kakaocdn" not in "".join(one.said(Author.VISITOR))


class TestSms:
    async def test_stop_is_heard_told_to_the_counselor_and_taken_back_by_writing(
        self, tmp_path: Path
    ) -> None:
        async with town(tmp_path, "sms") as around, counselor(around.service) as minjun:
            phone = around.phones["sms"]
            await phone.stage.type(SAYS)
            first = await phone.stage.expect("1, 아니면 2", within=15)
            await phone.stage.type("1")
            guided = await phone.stage.expect("협박", after=first.n, within=15)
            waiting = await minjun.waits("sms")
            await minjun.does(waiting["id"], "claim")
            await phone.deeds["stop"]()
            await asyncio.sleep(0.5)
            await minjun.does(waiting["id"], "reply", text=ANSWERS)
            held = await minjun.sees_delivery(waiting["id"], "held")
            assert held["error"] == "Blocked"
            await phone.deeds["start"]()
            await phone.stage.expect(ANSWERS, after=guided.n, within=20)


class TestTelegram:
    async def test_blocked_and_back(self, tmp_path: Path) -> None:
        async with town(tmp_path, "telegram") as around, counselor(around.service) as minjun:
            phone = around.phones["telegram"]
            await phone.stage.type(SAYS)
            guided = await phone.stage.expect("협박", within=20)
            waiting = await minjun.waits("telegram")
            await minjun.does(waiting["id"], "claim")
            await phone.deeds["block"]()
            await asyncio.sleep(0.5)
            await minjun.does(waiting["id"], "reply", text=ANSWERS)
            assert (await minjun.sees_delivery(waiting["id"], "held"))["error"] == "Blocked"
            await phone.deeds["unblock"]()
            await phone.stage.type("다시 왔어요")
            await phone.stage.expect(ANSWERS, after=guided.n, within=20)

    async def test_quiet_on_one_word_and_back_on_the_next(self, tmp_path: Path) -> None:
        async with town(tmp_path, "telegram") as around, counselor(around.service) as minjun:
            stage = around.phones["telegram"].stage
            await stage.type(SAYS)
            guided = await stage.expect("협박", within=20)
            waiting = await minjun.waits("telegram")
            await stage.type("나가기")
            await asyncio.sleep(0.5)
            await minjun.does(waiting["id"], "claim")
            await minjun.does(waiting["id"], "reply", text=ANSWERS)
            assert (await minjun.sees_delivery(waiting["id"], "held"))["error"] == "Quiet"
            await stage.type("저 왔어요")
            await stage.expect(ANSWERS, after=guided.n, within=20)

    async def test_erased_here_and_on_the_screen(self, tmp_path: Path) -> None:
        async with town(tmp_path, "telegram") as around:
            stage = around.phones["telegram"].stage
            await stage.type(SAYS)
            await stage.expect("협박", within=20)
            await stage.type("지워줘")
            await stage.expect("정말 지울까요", within=15)
            await stage.type("네")
            told = await stage.expect("대화를 지웠어요", within=15)
            async with asyncio.timeout(25):
                while not all(line.gone for line in stage.lines if line.n < told.n):
                    await asyncio.sleep(0.1)
            assert SAYS not in [line.text for line in stage.lines]
            [one] = await asyncio.to_thread(kept, around.service)
            assert one.entries == []

    async def test_polling_needs_no_public_address(self, tmp_path: Path) -> None:
        async with town(tmp_path, "telegram", GYEOT_TELEGRAM_MODE="polling") as around:
            stage = around.phones["telegram"].stage
            await stage.type(SAYS)
            await stage.expect("협박", within=30)


class TestVoice:
    async def test_an_unanswered_call_becomes_a_callback_request(self, tmp_path: Path) -> None:
        async with town(tmp_path, "voice") as around, counselor(around.service) as minjun:
            phone = around.phones["voice"]
            await phone.deeds["call"]()
            await phone.stage.expect("1번을 눌러요", within=20)
            await phone.deeds["1"]()
            when = await phone.stage.expect("원하지 않으면 0번", within=20)
            await phone.deeds["1"]()
            safe = await phone.stage.expect("안전한가요", after=when.n, within=20)
            await phone.deeds["1"]()
            await phone.stage.expect("그때 전화해 달라고", after=safe.n, within=20)
            waiting = await minjun.waits("voice")
            assert waiting["risk"] == "high"

    async def test_a_counselor_who_presses_1_has_the_call_and_the_conversation(self, tmp_path: Path) -> None:
        async with town(tmp_path, "voice") as around:
            await asyncio.to_thread(a_phone_for, around.service, "minjun")
            async with counselor(around.service) as minjun:
                phone = around.phones["voice"]
                await phone.deeds["call"]()
                await phone.stage.expect("1번을 눌러요", within=20)
                await phone.deeds["counselor answers and presses 1"]()
                await phone.deeds["1"]()
                await phone.stage.expect("(상담원 전화)", within=30)
                mine = await minjun.holds("voice")
                assert mine["phase"] == "claimed"
                await phone.deeds["counselor hangs up"]()


def a_phone_for(service: Service, name: str) -> None:
    """What an administrator types."""
    done = subprocess.run(
        [str(COMMAND), "staff", "phone", name, "+821000000001"],
        cwd=service.folder,
        env=service.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


async def test_a_recovery_code_from_the_web_goes_on_at_telegram(tmp_path: Path) -> None:
    async with town(tmp_path, "telegram") as around, counselor(around.service) as minjun:
        with httpx2.Client(base_url=around.service.public, headers=FORM, timeout=15) as web:
            message = {"id": secrets.token_hex(16), "text": SAYS, "seen": 0}
            said = await asyncio.to_thread(lambda: web.post("/api/messages", json=message))
            assert said.is_success, said.text
            code = (await asyncio.to_thread(lambda: web.post("/api/recovery", json={"lang": "ko"}))).json()[
                "code"
            ]
        waiting = await minjun.waits("web")
        stage = around.phones["telegram"].stage
        await stage.type(code)
        back = await stage.expect("다시 와 줘서 고마워요", within=20)
        await minjun.does(waiting["id"], "claim")
        await stage.type("여기서 이어서 할게요")
        await asyncio.sleep(0.5)
        await minjun.does(waiting["id"], "reply", text=ANSWERS)
        await stage.expect(ANSWERS, after=back.n, within=20)


def slow(url: str) -> dict[str, str]:
    """A service whose model lets it wait longer than KakaoTalk does."""
    return {"nlu": "model", "GYEOT_NLU_URL": url, "GYEOT_NLU_DEADLINE": "3.95"}


@asynccontextmanager
async def silent_model() -> AsyncIterator[str]:
    """A model server that takes requests and never answers."""

    async def taken(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        writer.close()

    server = await asyncio.start_server(taken, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
