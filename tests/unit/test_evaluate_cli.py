"""``gyeot nlu`` as processes: what is printed, what is written, and the exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.journey.running import installed
from tests.unit.test_cli import elsewhere, gyeot  # noqa: F401  the fixture keeps this machine's settings out

LINES = (
    {"text": "헤어진 남친이 사진 퍼뜨린다고 협박해요", "risk": "high", "topic": "spread_threat"},
    {"text": "표식7391 아무 말", "risk": "imminent", "topic": "self_harm"},
)


@pytest.fixture
def told(elsewhere: Path) -> Path:  # noqa: F811
    path = elsewhere / "told.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    return path


def test_evaluating_prints_figures_and_writes_what_was_asked_for(told: Path) -> None:
    found = gyeot(
        "nlu", "evaluate", "told.jsonl", "--rules-only", "--json", "out.json", "--pictures", "pictures"
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert "2 lines; model: off 2" in found.stdout
    assert "표식" not in found.stdout
    kept = json.loads((told.parent / "out.json").read_text("utf-8"))
    assert kept["all"]["high"]["recall"]["hits"] == 1
    assert [path.name for path in (told.parent / "pictures").iterdir()] == ["confusion.svg"]


def test_misses_are_shown_when_asked_for(told: Path) -> None:
    found = gyeot("nlu", "evaluate", "told.jsonl", "--rules-only", "--misses")
    assert "with the texts of these files" in found.stdout
    assert "told.jsonl:2  imminent -> " in found.stdout
    assert "표식7391" in found.stdout


def test_lines_without_a_risk_need_one(told: Path) -> None:
    told.write_text('{"text": "x"}\n{"text": "y"}\n', "utf-8")
    refused = gyeot("nlu", "evaluate", "told.jsonl", "--rules-only")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[0].startswith("told.jsonl:1: ")
    assert len(refused.stderr.splitlines()) == 2
    found = gyeot("nlu", "evaluate", "told.jsonl", "--rules-only", "--risk", "low")
    assert "low called imminent: 0.000" in found.stdout


def test_drift_of_a_house_where_nothing_happened(elsewhere: Path) -> None:  # noqa: F811
    refused = gyeot("nlu", "drift")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "gyeot db upgrade" in refused.stderr
    assert list(elsewhere.iterdir()) == []
    wrong = gyeot("nlu", "drift", GYEOT_DATABASE_URL="postgresql+asyncpg://nobody@127.0.0.1:1/none")
    assert wrong.returncode == 2
    assert "GYEOT_DATABASE_URL" in wrong.stderr
    installed(elsewhere / "good")
    os.chdir(elsewhere / "good")
    found = gyeot("nlu", "drift", "--since", "7")
    assert (found.returncode, found.stdout) == (0, "Nothing was assessed in this time.\n")
    assert json.loads(gyeot("nlu", "drift", "--json").stdout)["weeks"] == []


def test_drift_shows_what_was_assessed(elsewhere: Path) -> None:  # noqa: F811
    installed(elsewhere / "good")
    os.chdir(elsewhere / "good")
    gyeot("talk", source="헤어진 남친이 사진 퍼뜨린다고 협박해요\n".encode(), GYEOT_NLU="rules")
    [week] = json.loads(gyeot("nlu", "drift", "--json").stdout)["weeks"]
    assert (week["assessed"], week["states"], week["languages"]) == (1, {"off": 1}, {"ko": 1})
    assert week["week"] in gyeot("nlu", "drift").stdout
