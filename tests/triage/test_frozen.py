"""The sets that measure triage are the ones that were frozen."""

from __future__ import annotations

import hashlib

from bot.evaluation.lines import read_lines
from handoff.risk import Risk
from tests.triage.measuring import SETS


def _frozen() -> dict[str, str]:
    lines = (SETS / "FROZEN").read_text("utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def test_every_set_is_as_it_was_frozen() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SETS.glob("*.jsonl")}
    assert found == _frozen(), "a set was changed, added or lost; see tests/sets/README.md"


def test_every_frozen_set_can_be_read() -> None:
    assert {name: len(read_lines(SETS / name)) > 0 for name in _frozen()} == dict.fromkeys(_frozen(), True)


def test_everyday_talk_is_low_throughout_and_no_line_stands_twice() -> None:
    lines = read_lines(SETS / "everyday.jsonl")
    assert {line.risk for line in lines} == {Risk.LOW}
    assert [sum(line.lang == lang for line in lines) for lang in ("ko", "en")] == [200, 100]
    assert len({line.text for line in lines}) == 300
