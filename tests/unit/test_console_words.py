"""The console's page and its words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from console.page import UnusableTexts, load_texts, render, static_path, texts_path
from handoff.risk import Risk, Topic
from nlu.intents import MEANINGS


def test_every_word_the_page_says_is_written() -> None:
    texts = load_texts(texts_path())
    said = set()
    for script in (static_path() / "js").glob("*.js"):
        code = script.read_text(encoding="utf-8")
        said |= set(re.findall(r'"([a-z_]+\.[a-z_]+)"', code)) - {"brand.mark"}
    unknown = {key for key in said if key.split(".")[0] in {name.split(".")[0] for name in texts}} - set(
        texts
    )
    assert unknown == set()
    assert len(said) > 100


def test_every_written_word_is_said() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (static_path() / "js").glob("*.js"))
    code += (static_path().parent / "templates" / "console.html").read_text(encoding="utf-8")
    by_value = {"risk", "topic", "channel", "language", "phase", "intent", "model", "reason", "role", "who"}
    by_value |= {
        "delivery",
        "staff",
        "compose",
        "conversation",
        "page",
        "queue",
        "problem",
        "rule",
        "context",
        "entity",
    }
    unsaid = [
        key for key in load_texts(texts_path()) if key not in code and key.split(".")[0] not in by_value
    ]
    assert unsaid == []


def test_words_for_every_risk_topic_and_intent() -> None:
    texts = load_texts(texts_path())
    keys = {f"risk.{risk.word}" for risk in Risk} | {f"topic.{topic}" for topic in Topic}
    assert keys | {f"intent.{intent}" for intent in MEANINGS} <= set(texts)


@pytest.mark.parametrize(
    "written", ["a:\n  b: {ko: 가}", "a:\n  b: {ko: 가, en: ''}", "a:\n  on: {ko: 가, en: b}", "- a"]
)
def test_unusable_texts_are_refused(tmp_path: Path, written: str) -> None:
    path = tmp_path / "texts.yaml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(UnusableTexts):
        load_texts(path)


def test_words_cannot_leave_their_block() -> None:
    texts = {key: dict(both) for key, both in load_texts(texts_path()).items()}
    texts["page.skip"] = {"ko": "</script><b>", "en": "&<!--"}
    html = render(texts)
    assert "</script><b>" not in html
    block = re.search(r'id="texts">(.*?)</script>', html, re.DOTALL)
    assert block is not None
    assert json.loads(block[1])["page.skip"] == texts["page.skip"]


def test_words_for_every_rule() -> None:
    """A supervisor reads why, not the name of a rule."""
    texts, rules = load_texts(texts_path()), set()
    for path in (Path(__file__).parents[2] / "nlu" / "rules").glob("*.yaml"):
        for listed in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).values():
            items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
            rules |= {item["id"] for item in items if {"worry", "family", "intent"} & set(item)}
    named = {key.partition(".")[2] for key in texts if key.split(".")[0] in {"rule", "intent", "topic"}}
    assert {rule for rule in rules if rule not in named and rule.replace(".", "_") not in named} == set()
    assert len(rules) > 90
