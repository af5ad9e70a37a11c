"""Risk and topic of a conversation, message by message; and the bar on the development set."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from bot.triage import Assessment, Situation, assess, believed
from handoff.risk import Risk, Topic
from nlu.ensemble import combine, unread
from nlu.lexicon import Lexicon
from nlu.normalise import normalise
from nlu.rulebook import load
from nlu.understanding import ModelReading, Signal, Understanding, Worry

FIRST = Situation(None, None, None, 0)
DEV = Path(__file__).parents[1] / "fixtures" / "triage_dev.jsonl"


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load()


def read(*signals: tuple[str, Worry, str], intent: str | None = None) -> Understanding:
    made = tuple(Signal(family, worry, "rules", name, 1.0) for family, worry, name in signals)
    return Understanding("ko", intent, 1.0, made, "off")


def said(lexicon: Lexicon, text: str, situation: Situation = FIRST) -> Assessment:
    return assess(combine(lexicon.read(normalise(text)), None, "ko", silent="off"), situation)


# -- one message --------------------------------------------------------------------------------------------


def test_risk_follows_worry() -> None:
    for worry, risk in zip(Worry, Risk, strict=True):
        assert assess(read(("spread_threat", worry, "x")), FIRST).risk is risk


def test_life_and_body_come_first() -> None:
    both = read(("spread_threat", Worry.URGENT, "threat.spread"), ("self_harm", Worry.DANGER, "suicide.plan"))
    assert assess(both, FIRST).topic is Topic.SELF_HARM
    tie = read(("spread_threat", Worry.URGENT, "a"), ("self_harm", Worry.URGENT, "b"))
    assert assess(tie, FIRST).topic is Topic.SELF_HARM


def test_a_fake_that_is_shared_or_threatened_with_is_high_and_about_the_fake() -> None:
    for family in ("spread", "spread_threat"):
        fake = read(("deepfake", Worry.CARE, "deepfake.made"), (family, Worry.URGENT, "x"))
        assert (assess(fake, FIRST).risk, assess(fake, FIRST).topic) == (Risk.HIGH, Topic.DEEPFAKE)


def test_a_parent_s_message_stays_a_parent_s_unless_life_is_in_danger() -> None:
    parent = ("guardian", Worry.CARE, "role.guardian")
    assert assess(read(parent, ("spread_threat", Worry.URGENT, "x")), FIRST).topic is Topic.GUARDIAN
    assert assess(read(parent, ("self_harm", Worry.DANGER, "x")), FIRST).topic is Topic.SELF_HARM


def test_what_nobody_read_asks_for_a_person() -> None:
    assessment = assess(unread("ko"), FIRST)
    assert (assessment.risk, assessment.topic, assessment.handoff) == (Risk.MEDIUM, Topic.HUMAN, True)
    assert assessment.reasons == ("rule:unread", "model:away")
    empty = assess(Understanding("ko", None, 0.0, (), "away"), FIRST)
    assert (empty.risk, empty.handoff) == (Risk.MEDIUM, True)


def test_handoff_from_medium_on() -> None:
    assert not assess(read(("smalltalk", Worry.CALM, "greet"), intent="greet"), FIRST).handoff
    assert assess(read(("deletion", Worry.CARE, "ask.deletion")), FIRST).handoff


def test_reasons_are_constant_words() -> None:
    reading = ModelReading("spread_threat", 0.83, (("spread_threat", 0.83),))
    rules = load().read(normalise("사진 뿌린대요"))
    reasons = assess(combine(rules, reading, "ko"), FIRST).reasons
    assert "model:spread_threat 0.83" in reasons
    assert any(reason.startswith("rule:threat.") for reason in reasons)


# -- the conversation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "worry"), list(product(Risk, Worry)))
def test_machines_only_raise(before: Risk, worry: Worry) -> None:
    understanding = read(("spread", worry, "x"))
    for asked in (None, "safe_now", "suicide_now", "offender_near"):
        after = assess(understanding, Situation(before, Topic.GROOMING, asked, 3))
        assert after.risk >= before


def test_small_talk_keeps_the_topic() -> None:
    before = Situation(Risk.HIGH, Topic.SPREAD_THREAT, None, 2)
    thanks = assess(read(("smalltalk", Worry.CALM, "thanks"), intent="thanks_bye"), before)
    assert (thanks.risk, thanks.topic, thanks.handoff) == (Risk.HIGH, Topic.SPREAD_THREAT, True)
    assert "context:was-high" in thanks.reasons
    lost = assess(unread("ko"), Situation(Risk.MEDIUM, Topic.DELETION, None, 2))
    assert lost.topic is Topic.DELETION


def test_an_equally_or_more_worrying_message_changes_the_topic() -> None:
    before = Situation(Risk.HIGH, Topic.GROOMING, None, 2)
    assert assess(read(("spread_threat", Worry.URGENT, "x")), before).topic is Topic.SPREAD_THREAT
    assert assess(read(("deletion", Worry.CARE, "x")), before).topic is Topic.GROOMING


def test_worsening_and_taking_back_stand_in_the_reasons(lexicon: Lexicon) -> None:
    worse = assess(read(("spread_threat", Worry.URGENT, "x")), Situation(Risk.LOW, Topic.SMALLTALK, None, 2))
    assert "context:worse" in worse.reasons
    first = assess(read(("spread_threat", Worry.URGENT, "x")), FIRST)
    assert "context:worse" not in first.reasons, "nothing came before"
    after = said(lexicon, "괜찮아요", Situation(Risk.IMMINENT, Topic.SELF_HARM, "safe_now", 2))
    assert after.risk is Risk.IMMINENT
    assert {"context:contradicts", "context:answered-safe", "context:was-imminent"} <= set(after.reasons)


def test_a_line_has_its_own_risk_beside_the_conversation_s() -> None:
    calm = assess(read(("smalltalk", Worry.CALM, "x")), Situation(Risk.IMMINENT, Topic.SELF_HARM, None, 2))
    assert (calm.risk, calm.line) == (Risk.IMMINENT, Risk.LOW)
    again = assess(read(("self_harm", Worry.DANGER, "x")), Situation(Risk.IMMINENT, Topic.SELF_HARM, None, 2))
    assert again.line is Risk.IMMINENT


@pytest.mark.parametrize(("before", "found"), list(product(Risk, Risk)))
def test_what_the_conversation_found_out_only_raises(before: Risk, found: Risk) -> None:
    own = assess(read(("spread", Worry.CALM, "x")), Situation(before, Topic.SPREAD, None, 3))
    after = believed(own, found, Topic.GROOMING, "self-check")
    assert after.risk is max(before, found)
    assert after.topic is (Topic.GROOMING if found > before else own.topic)
    assert after.reasons[0] == "context:self-check"
    assert after.handoff == (own.handoff or found >= Risk.MEDIUM)


ANSWERS = [
    ("safe_now", "아니요", Risk.IMMINENT, Topic.IMMEDIATE_DANGER, "context:answered-unsafe"),
    ("safe_now", "no", Risk.IMMINENT, Topic.IMMEDIATE_DANGER, "context:answered-unsafe"),
    ("safe_now", "ㄴㄴ", Risk.IMMINENT, Topic.IMMEDIATE_DANGER, "context:answered-unsafe"),
    ("safe_now", "안전하지 않아요", Risk.IMMINENT, Topic.IMMEDIATE_DANGER, "context:answered-unsafe"),
    ("safe_now", "네", Risk.LOW, Topic.SMALLTALK, "context:answered-safe"),
    ("safe_now", "네 안전해요", Risk.LOW, Topic.SMALLTALK, "context:answered-safe"),
    ("safe_now", "i'm safe", Risk.LOW, Topic.SMALLTALK, "context:answered-safe"),
    ("safe_now", "괜찮아요", Risk.LOW, Topic.SMALLTALK, "context:answered-safe"),
    ("safe_now", "아니요 지금은 괜찮아요", Risk.HIGH, Topic.IMMEDIATE_DANGER, "context:answer-unclear"),
    ("safe_now", "모르겠어요", Risk.HIGH, Topic.IMMEDIATE_DANGER, "context:answer-unclear"),
    ("suicide_now", "네", Risk.IMMINENT, Topic.SELF_HARM, "context:answered-suicidal"),
    ("suicide_now", "ㅇㅇ", Risk.IMMINENT, Topic.SELF_HARM, "context:answered-suicidal"),
    ("suicide_now", "yeah", Risk.IMMINENT, Topic.SELF_HARM, "context:answered-suicidal"),
    ("suicide_now", "아니요", Risk.LOW, Topic.SMALLTALK, "context:answered-not-suicidal"),
    ("suicide_now", "괜찮아요", Risk.LOW, Topic.SMALLTALK, "context:answered-not-suicidal"),
    ("suicide_now", "잘 모르겠어요", Risk.HIGH, Topic.SELF_HARM, "context:answer-unclear"),
    ("offender_near", "네", Risk.IMMINENT, Topic.IMMEDIATE_DANGER, "context:answered-near"),
    ("offender_near", "아니요", Risk.LOW, Topic.SMALLTALK, "context:answered-not-near"),
    ("offender_near", "idk", Risk.HIGH, Topic.IMMEDIATE_DANGER, "context:answer-unclear"),
]


@pytest.mark.parametrize(("asked", "text", "risk", "topic", "why"), ANSWERS)
def test_answers(lexicon: Lexicon, asked: str, text: str, risk: Risk, topic: Topic, why: str) -> None:
    after = said(lexicon, text, Situation(None, None, asked, 1))
    assert (after.risk, after.topic) == (risk, topic)
    assert why in after.reasons


def test_yes_and_no_mean_nothing_worrying_unless_asked(lexicon: Lexicon) -> None:
    assert said(lexicon, "네").risk is Risk.LOW
    assert said(lexicon, "아니요", Situation(Risk.LOW, None, "want_human", 1)).risk is Risk.LOW


def test_a_model_s_yes_counts_when_it_is_sure() -> None:
    for confidence, risk in ((0.9, Risk.IMMINENT), (0.55, Risk.LOW)):
        signal = Signal("smalltalk", Worry.CALM, "model", "affirm", confidence)
        understanding = Understanding("ko", "affirm", confidence, (signal,), "answered")
        assert assess(understanding, Situation(None, None, "suicide_now", 1)).risk is risk


def test_an_answer_never_hides_what_else_was_said(lexicon: Lexicon) -> None:
    after = said(
        lexicon, "지금은 괜찮은데 그 사람이 집 앞이래요", Situation(Risk.HIGH, Topic.STALKING, "safe_now", 2)
    )
    assert (after.risk, after.topic) == (Risk.IMMINENT, Topic.IMMEDIATE_DANGER)


# -- the development set ------------------------------------------------------------------------------------


def test_rules_alone_on_the_development_set(lexicon: Lexicon) -> None:
    """Hand-written, seen while the rules were written: it guards against loss, it measures no recall."""
    lines = [json.loads(line) for line in DEV.read_text("utf-8").splitlines()]
    assert len(lines) >= 240
    found: Counter[tuple[str, str]] = Counter()
    topics = wrongly = 0
    for line in lines:
        after = said(lexicon, line["text"])
        sure = lexicon.read(normalise(line["text"])).worry is Worry.DANGER
        wrongly += sure and line["risk"] != "imminent"
        found[line["risk"], after.risk.word] += 1
        topics += after.topic == line["topic"]
    imminent = sum(count for (wanted, _), count in found.items() if wanted == "imminent")
    assert found["imminent", "imminent"] >= 0.98 * imminent
    assert wrongly <= 1
    raised = sum(count for (wanted, got), count in found.items() if got == "imminent" != wanted)
    assert raised <= 8  # with the weak evidence, which counts here because no model answers
    assert found["low", "imminent"] == 0
    assert sum(count for (wanted, got), count in found.items() if Risk.of(got) < Risk.of(wanted)) <= 3
    assert topics >= 0.94 * len(lines)


# -- everyday talk ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["benign_ko", "benign_en"])
def test_everyday_talk_is_hardly_ever_imminent(lexicon: Lexicon, name: str) -> None:
    """Public conversation sets beside the checkout; for measuring only, never copied from."""
    path = Path(__file__).parents[3] / "shared" / "data" / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("the public conversation sets are not beside this checkout")
    texts = [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
    alarms = sum(lexicon.read(normalise(text)).worry is Worry.DANGER for text in texts)
    assert alarms <= 0.005 * len(texts)
