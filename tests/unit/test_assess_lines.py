from __future__ import annotations

import io
import json
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot import assess_lines as module
from bot.assess_lines import assess_lines
from bot.settings import Unusable
from nlu import rulebook
from nlu.ensemble import Ensemble
from nlu.rasa import ScriptedReader
from nlu.understanding import ModelReading
from tests.journey import indoors

FIELDS = {"risk", "topic", "intent", "confidence", "handoff", "reasons"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulebook, "load", indoors._read_rules)


async def answers(source: bytes, rules_only: bool = True) -> tuple[list[Any], int]:
    sink = io.BytesIO()
    failures = await assess_lines(io.BytesIO(source), sink, rules_only)
    return [json.loads(line) for line in sink.getvalue().splitlines()], failures


def line(text: str, **more: Any) -> bytes:
    return json.dumps({"text": text} | more).encode() + b"\n"


async def test_each_line_is_the_first_message_of_its_own_conversation() -> None:
    threat = line("헤어진 남친이 사진 퍼뜨린다고 협박해요")
    found, failures = await answers(threat + line("안녕하세요") + threat)
    assert failures == 0
    assert [set(answer) for answer in found] == [FIELDS] * 3
    assert found[0] == found[2]
    assert (found[0]["risk"], found[0]["topic"], found[0]["handoff"]) == ("high", "spread_threat", True)
    assert found[1]["risk"] == "low"
    assert "협박" not in json.dumps(found, ensure_ascii=False)


async def test_order_is_kept_over_many_more_than_are_read_at_once() -> None:
    many = module.AT_ONCE * 2 + 7
    source = b"".join(line("죽고 싶어요" if n % 3 else "안녕하세요") for n in range(many))
    found, _ = await answers(source)
    assert [answer["risk"] != "low" for answer in found] == [bool(n % 3) for n in range(many)]


@pytest.mark.parametrize(
    "bad",
    [
        b"not json",
        b"{",
        b"",
        b"   ",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"text": 7}',
        b'{"text": null}',
        b'{"text": "x", "lang": "fr"}',
        b'{"text": "x", "lang": 7}',
        b'{"text": "x", "lang": []}',
        b'{"text": "x", "lang": {}}',
        b'{"text": "\xff"}',
        b"\x00",
        b"[" * 100_000,
    ],
    ids=range(17),
)
async def test_a_bad_line_gets_an_error_and_the_rest_goes_on(bad: bytes) -> None:
    found, failures = await answers(line("안녕하세요") + bad + b"\n" + line("안녕하세요"))
    assert failures == 1
    assert [set(answer) for answer in found] == [FIELDS, {"error"}, FIELDS]
    assert found[0] == found[2]


@pytest.mark.parametrize("text", ["", " ", "\u0000", "\ud800", "🙏" * 5000, "ㅋ" * 20_000])
async def test_any_text_is_assessed(text: str) -> None:
    found, failures = await answers(line(text))
    assert failures == 0
    assert set(found[0]) == FIELDS


async def test_nothing_in_is_nothing_out() -> None:
    assert await answers(b"") == ([], 0)


async def test_the_last_line_needs_no_end() -> None:
    assert len((await answers(line("안녕하세요").rstrip()))[0]) == 1


async def test_a_line_longer_than_any_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_LINE", 1000)
    found, failures = await answers(line("가" * 2000) + line("안녕하세요"))
    assert failures == 1
    assert [("error" in answer) for answer in found] == [True, False]


async def test_language_may_be_told() -> None:
    found, failures = await answers(
        line("help", lang="ko") + line("help", lang="en") + line("help", lang=None)
    )
    assert failures == 0
    assert len(found) == 3


async def test_with_a_model_its_reading_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def scripted(_rules_only: bool) -> Any:
        reading = ModelReading("spread_threat", 0.97, (("spread_threat", 0.97),))
        yield Ensemble(rulebook.load(), ScriptedReader(lambda _text: reading))

    monkeypatch.setattr(module, "open_ensemble", scripted)
    found, _ = await answers(line("음"), rules_only=False)
    assert found[0]["risk"] == "high"
    assert [reason for reason in found[0]["reasons"] if reason.startswith("model:spread_threat")]


async def test_a_model_server_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Never:
        def __init__(self, _command: object) -> None: ...
        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *_error: object) -> None: ...
        async def ready(self) -> bool:
            return False

    monkeypatch.delenv("GYEOT_NLU_URL", raising=False)
    monkeypatch.setattr(module, "command", lambda _workers: None)
    monkeypatch.setattr(module, "ModelServer", Never)
    with pytest.raises(Unusable, match="--rules-only"):
        await answers(line("음"), rules_only=False)
