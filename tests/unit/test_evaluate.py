"""Evaluating files: lines in, words, JSON and pictures out; texts only where they were asked for."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.evaluation import pictures, run
from bot.evaluation.lines import Malformed, read_lines
from bot.evaluation.report import as_json, listed, words
from bot.settings import Unusable
from handoff.risk import Risk, Topic
from nlu.ensemble import Ensemble
from nlu.rasa import ScriptedReader
from nlu.understanding import ModelReading
from tests.journey.indoors import _read_rules

THREAT = "헤어진 남친이 사진 퍼뜨린다고 협박해요"
MARKER = "표식7391"


def written(path: Path, *lines: dict[str, Any] | str) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", "utf-8")
    return path


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Five lines: a threat, a plan that only the model hears, two calm ones and one the model takes for danger."""
    return written(
        tmp_path / "told.jsonl",
        {"text": THREAT, "risk": "high", "topic": "spread_threat", "lang": "ko"},
        {"text": f"plan {MARKER}", "risk": "imminent", "topic": "self_harm", "lang": "en"},
        {"text": "안녕하세요", "risk": "low", "topic": "smalltalk"},
        {"text": "calm", "risk": "low", "topic": "smalltalk"},
        {"text": f"alarm {MARKER}", "risk": "low", "topic": "smalltalk", "lang": "en"},
    )


def heard(text: str) -> ModelReading | None:
    said = {"plan": ("suicidal_thoughts", 0.9), "alarm": ("suicide_intent", 0.8), "calm": ("chitchat", 0.7)}
    for word, (intent, confidence) in said.items():
        if text.startswith(word):
            return ModelReading(intent, confidence, ((intent, confidence),))
    return None


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def opened(rules_only: bool) -> AsyncIterator[Ensemble]:
        yield Ensemble(_read_rules(), None if rules_only else ScriptedReader(heard))

    monkeypatch.setattr(run, "open_ensemble", opened)


async def test_it_judges_as_triage_does(told: Path) -> None:
    found = await run.evaluate([told], rules_only=False)
    together = found.together
    assert together.lines == 5
    assert together.imminent.recall.value == 0.0
    assert (together.imminent.precision.hits, together.imminent.precision.of) == (0, 1)
    assert together.high.recall.value == 1.0
    assert together.under[Risk.IMMINENT].value == 1.0
    assert (together.false_imminent.hits, together.false_imminent.of) == (1, 3)
    assert set(found.languages) == {"en", "ko"}
    assert found.languages["en"].lines == 3
    assert sum(found.model.values()) == 5
    assert found.model["answered"] == 3


async def test_the_model_is_held_to_what_it_claimed(told: Path) -> None:
    bins = (await run.evaluate([told], rules_only=False)).together.calibration.bins
    assert [(each.low, each.count, each.right) for each in bins] == [
        (0.7, 1, 1.0),
        (0.8, 1, 0.0),
        (0.9, 1, 1.0),
    ]


async def test_rules_alone_ask_no_model(told: Path) -> None:
    found = await run.evaluate([told], rules_only=True)
    assert found.model == {"off": 5}
    assert found.together.calibration.bins == []


async def test_files_are_measured_together(told: Path, tmp_path: Path) -> None:
    more = written(tmp_path / "more.jsonl", {"text": "x", "risk": "low"})
    found = await run.evaluate([told, more, more], rules_only=True)
    assert found.together.lines == 7
    assert found.together.topics.right.of == 5, "a line without a topic counts for its risk only"


async def test_misses_are_named_by_place_and_told_only_when_asked_for(told: Path) -> None:
    found = await run.evaluate([told], rules_only=False)
    assert [miss.line.place for miss in found.misses] == ["told.jsonl:2", "told.jsonl:5"]
    assert MARKER not in words(found)
    assert MARKER not in json.dumps(as_json(found), ensure_ascii=False)
    assert MARKER not in repr(found)
    lines = listed(found.misses).splitlines()
    assert lines[0].startswith("told.jsonl:2  imminent -> high  self_harm -> self_harm")
    assert all(MARKER in line for line in lines)


async def test_the_words_say_the_figures(told: Path) -> None:
    text = words(await run.evaluate([told], rules_only=False))
    assert "all imminent       recall 0.000 [0.000, 0.793] (0 of 1)" in text
    assert "low called imminent: 0.333" in text
    assert re.search(r"^high +0 +1 +0 +0$", text, re.MULTILINE)
    assert "macro-F1" in text


async def test_without_topics_there_is_no_figure_for_them(tmp_path: Path) -> None:
    calm = written(tmp_path / "calm.jsonl", {"text": "x"}, {"text": "y"})
    found = await run.evaluate([calm], rules_only=True, otherwise=Risk.LOW)
    assert "no topics are labelled" in words(found)
    assert as_json(found)["all"]["topics"]["macro_f1"] is None
    assert as_json(found)["all"]["false_imminent"]["of"] == 2
    assert pictures.draw(found.together, tmp_path / "none") == ()


async def test_json_is_whole_and_plain(told: Path, tmp_path: Path) -> None:
    found = await run.evaluate([told], rules_only=False)
    run.write_json(found, tmp_path / "out.json")
    kept = json.loads((tmp_path / "out.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert kept["all"]["risks"]["imminent"] == {"low": 0, "medium": 0, "high": 1, "imminent": 0}
    assert kept["all"]["under_triage"]["imminent"] == {"low": 0, "medium": 0, "high": 1}
    assert kept["all"]["over_triage"]["low"] == {
        "medium": kept["all"]["risks"]["low"]["medium"],
        "high": 0,
        "imminent": 1,
    }
    assert set(kept["languages"]) == {"en", "ko"}
    assert kept["misses"][0] == {
        "place": "told.jsonl:2",
        "risk": "imminent",
        "said_risk": "high",
        "topic": "self_harm",
        "said_topic": "self_harm",
    }
    with pytest.raises(Unusable, match="cannot be written"):
        run.write_json(found, tmp_path / "nowhere" / "out.json")


async def test_pictures_are_whole_svg_without_scripts_or_texts(told: Path, tmp_path: Path) -> None:
    found = await run.evaluate([told], rules_only=False)
    paths = pictures.draw(found.together, tmp_path / "a" / "b")
    assert [path.name for path in paths] == ["confusion.svg", "calibration.svg"]
    for path in paths:
        text = path.read_text("utf-8")
        root = ET.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert MARKER not in text
        assert "script" not in text
        assert "href" not in text
    cells = ET.fromstring(paths[0].read_text("utf-8")).iter("{http://www.w3.org/2000/svg}text")
    shown = [cell.text for cell in cells]
    assert {"self_harm", "smalltalk", "spread_threat"} <= set(shown)
    counts = [int(text) for text in shown if text and text.isdigit()]
    assert sum(counts) == 5


async def test_a_folder_that_cannot_be_made_is_told(told: Path, tmp_path: Path) -> None:
    found = await run.evaluate([told], rules_only=False)
    with pytest.raises(Unusable, match="cannot be written"):
        pictures.draw(found.together, told / "inside a file")


# -- lines --------------------------------------------------------------------------------------------------


def test_a_line_brings_risk_topic_language_and_place(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.jsonl",
        {"text": "a", "risk": "high", "topic": "wipe", "lang": "ko", "source": "more is allowed"},
        "",
        {"text": "hello there", "risk": "low"},
    )
    first, second = read_lines(path)
    assert (first.risk, first.topic, first.lang, first.place) == (Risk.HIGH, Topic.WIPE, "ko", "x.jsonl:1")
    assert (second.risk, second.topic, second.lang, second.place) == (Risk.LOW, None, "en", "x.jsonl:3")
    assert "hello" not in repr(second)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not an object"),
        ("7", "not an object"),
        ({"risk": "low"}, 'with a "text"'),
        ({"text": None, "risk": "low"}, 'with a "text"'),
        ({"text": "x"}, "--risk low"),
        ({"text": "x", "risk": 3}, "risk"),
        ({"text": "x", "risk": "worst"}, "low, medium, high, imminent"),
        ({"text": "x", "risk": "low", "topic": "weather"}, "no topic"),
        ({"text": "x", "risk": "low", "topic": []}, "no topic"),
        ({"text": "x", "risk": "low", "lang": "fr"}, '"lang"'),
    ],
    ids=range(12),
)
def test_a_bad_line_is_named_by_its_number_and_never_repeated(tmp_path: Path, line: Any, why: str) -> None:
    if isinstance(line, dict) and isinstance(line.get("text"), str):
        line = line | {"text": MARKER}
    path = written(
        tmp_path / "x.jsonl", {"text": "fine", "risk": "low"}, line, {"text": "fine", "risk": "low"}
    )
    with pytest.raises(Malformed) as refused:
        read_lines(path)
    assert re.match(rf"{re.escape(str(path))}:2: ", str(refused.value))
    assert why in str(refused.value)
    assert MARKER not in str(refused.value)


def test_many_bad_lines_are_told_shortly(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as refused:
        read_lines(written(tmp_path / "x.jsonl", *["{"] * 500))
    assert len(str(refused.value).splitlines()) == 11
    assert str(refused.value).endswith("and 490 more")


def test_bytes_that_are_no_text_and_files_without_lines(tmp_path: Path) -> None:
    (tmp_path / "bytes.jsonl").write_bytes(b'{"text": "\xff", "risk": "low"}\n')
    (tmp_path / "empty.jsonl").write_bytes(b"\n\n")
    for name, why in (("bytes", "bytes.jsonl:1"), ("empty", "no lines"), ("gone", "cannot be read")):
        with pytest.raises(Malformed, match=why):
            read_lines(tmp_path / f"{name}.jsonl")


def test_a_risk_for_lines_without_one_changes_no_other(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", {"text": "a"}, {"text": "b", "risk": "high"})
    assert [line.risk for line in read_lines(path, Risk.LOW)] == [Risk.LOW, Risk.HIGH]
