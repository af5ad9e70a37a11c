"""Rules and model together: the more worrying reading wins, silence is never safe."""

from __future__ import annotations

from typing import Literal

import pytest

from nlu.ensemble import Ensemble, combine, unread
from nlu.intents import INTENTS, MEANINGS
from nlu.rasa import ScriptedReader
from nlu.rulebook import load
from nlu.understanding import ModelReading, RuleReading, Signal, Worry

NOTHING = RuleReading()
DANGER = RuleReading((Signal("self_harm", Worry.DANGER, "rules", "suicide.plan", 1.0),), (), "suicide_intent")
GREET = RuleReading((Signal("smalltalk", Worry.CALM, "rules", "greet", 1.0),), (), "greet")
JOKE = RuleReading(
    (Signal("smalltalk", Worry.CALM, "rules", "hyperbole.exam", 1.0),), ("hyperbole.exam",), "joke_hyperbole"
)


HINT = Signal("self_harm", Worry.DANGER, "rules", "weak.self_harm", 1.0)
WEAK = RuleReading((), (), None, (HINT,))


def model(*ranking: tuple[str, float]) -> ModelReading:
    return ModelReading(ranking[0][0], ranking[0][1], ranking)


def test_there_are_fifty_one_intents_and_every_family_is_a_topic() -> None:
    from handoff.risk import Topic

    assert len(INTENTS) == 51
    assert {Topic(meaning.family) for meaning in MEANINGS.values()}


def test_a_rule_alarm_is_never_calmed_by_the_model() -> None:
    read = combine(DANGER, model(("joke_hyperbole", 0.99)), "ko")
    assert read.worry is Worry.DANGER
    assert read.intent == "suicide_intent"
    assert read.signals[0].source == "rules"


def test_a_model_alarm_is_never_calmed_by_silent_rules() -> None:
    read = combine(GREET, model(("offender_here", 0.8), ("stalking", 0.2)), "ko")
    assert (read.worry, read.intent, read.model) == (Worry.DANGER, "offender_here", "answered")
    assert read.signals[0].family == "immediate_danger"


def test_danger_that_may_be_everyday_talk_is_urgent_unless_a_rule_hints_at_it() -> None:
    reading = model(("offender_here", 0.6), ("chitchat", 0.2), ("stalking", 0.2))
    hint = RuleReading((Signal("stalking", Worry.CARE, "rules", "stalking", 1.0),), (), "stalking")
    assert combine(NOTHING, reading, "ko").worry is Worry.URGENT
    assert combine(GREET, reading, "ko").worry is Worry.URGENT
    assert combine(hint, reading, "ko").worry is Worry.DANGER


def test_mostly_everyday_talk_with_some_danger_is_a_doubt() -> None:
    read = combine(NOTHING, model(("meeting_now", 0.45), ("chitchat", 0.4)), "ko")
    assert (read.worry, read.signals[0].name, read.intent) == (Worry.CARE, "meeting_now", None)


def test_shares_add_up_the_intents_of_a_family_and_are_empty_without_a_reading() -> None:
    read = combine(NOTHING, model(("greet", 0.4), ("ask_service", 0.3), ("ask_if_bot", 0.3)), "ko")
    assert [family for family, _ in read.shares] == ["service_info", "smalltalk"]
    assert read.shares[0][1] == pytest.approx(0.6)
    assert combine(NOTHING, None, "ko").shares == ()
    assert combine(NOTHING, model(("greet", 0.1), ("chitchat", 0.1)), "ko").shares == ()


def test_danger_spread_over_neighbours_is_danger() -> None:
    read = combine(NOTHING, model(("suicide_intent", 0.4), ("self_injury_now", 0.3), ("distress", 0.3)), "ko")
    assert read.worry is Worry.DANGER
    assert read.signals[0].confidence == pytest.approx(0.7)


def test_doubtful_danger_asks_for_care() -> None:
    read = combine(NOTHING, model(("chitchat", 0.7), ("suicide_intent", 0.25)), "ko")
    assert read.worry is Worry.CARE
    assert read.signals[0].name == "suicide_intent"
    assert read.intent is None  # doubt is no reading


@pytest.mark.parametrize("silent", ["away", "off"])
def test_weak_evidence_is_danger_while_the_model_is_silent(silent: Literal["away", "off"]) -> None:
    read = combine(WEAK, None, "ko", silent=silent)
    assert (read.worry, read.signals) == (Worry.DANGER, (HINT,))
    assert (
        combine(WEAK, model(("greet", 0.1), ("chitchat", 0.1)), "ko").worry is Worry.DANGER
    )  # has not read it


def test_weak_evidence_is_danger_when_the_model_seconds_it() -> None:
    reading = model(("distress", 0.8), ("suicide_intent", 0.16))
    assert combine(NOTHING, reading, "ko").worry is Worry.CARE
    assert combine(WEAK, reading, "ko").worry is Worry.DANGER
    everyday = model(("chitchat", 0.4), ("distress", 0.4), ("suicide_intent", 0.2))
    assert combine(WEAK, everyday, "ko").worry is Worry.CARE


def test_weak_evidence_that_nobody_seconds_is_a_doubt_and_nothing_in_calm_talk() -> None:
    doubted = combine(WEAK, model(("ask_service", 0.45), ("ask_legal", 0.35)), "ko")
    assert (doubted.worry, doubted.signals[0].name) == (Worry.CARE, "weak.self_harm")
    calm = combine(WEAK, model(("chitchat", 0.9), ("distress", 0.1)), "ko")
    assert (calm.worry, calm.intent) == (Worry.CALM, "chitchat")
    assert all(signal.name != "weak.self_harm" for signal in calm.signals)


def test_a_joke_stops_a_low_alarm_but_not_a_sure_one() -> None:
    low = combine(JOKE, model(("suicide_intent", 0.6), ("joke_hyperbole", 0.4)), "ko")
    sure = combine(JOKE, model(("suicide_intent", 0.9), ("suicidal_thoughts", 0.1)), "ko")
    assert low.worry < Worry.DANGER
    assert sure.worry is Worry.DANGER


@pytest.mark.parametrize("silent", ["away", "off"])
def test_nothing_read_goes_to_a_person(silent: str) -> None:
    read = combine(NOTHING, None, "en", silent="away" if silent == "away" else "off")
    assert read.model == silent
    assert [(s.family, s.worry, s.name) for s in read.signals] == [("human", Worry.CARE, "unread")]


def test_a_model_that_cannot_tell_is_no_reading() -> None:
    read = combine(NOTHING, model(("greet", 0.1), ("chitchat", 0.1)), "en")
    assert (read.model, read.worry, read.signals[0].name) == ("unsure", Worry.CARE, "unread")


def test_an_unknown_intent_is_no_reading() -> None:
    assert combine(NOTHING, model(("from_tomorrow", 1.0)), "en").signals[0].name == "unread"


def test_equal_worry_takes_the_sure_model_s_intent() -> None:
    rules = RuleReading((Signal("therapy", Worry.CARE, "rules", "distress", 1.0),), (), "distress")
    assert combine(rules, model(("ask_deletion", 0.9)), "ko").intent == "ask_deletion"
    assert combine(GREET, model(("chitchat", 0.9)), "ko").intent == "greet"


def test_unread_is_a_person_s_matter() -> None:
    assert unread("en").worry is Worry.CARE
    assert unread("en").model == "away"


async def test_understand_reads_with_both() -> None:
    reader = ScriptedReader(lambda _: model(("deepfake_made", 0.9)))
    ensemble = Ensemble(load(), reader)
    read = await ensemble.understand("딥페이크 당했어요")
    assert (read.lang, read.model, read.intent) == ("ko", "answered", "deepfake_made")
    reader.away = True
    read = await ensemble.understand("i saved up all my pills")
    assert (read.lang, read.model, read.worry) == ("en", "away", Worry.DANGER)
    assert (await reader.state()) == "away"


async def test_rules_alone_say_that_the_model_is_off() -> None:
    read = await Ensemble(load(), None).understand("ㅁㄴㅇㄹ", "en")
    assert (read.lang, read.model, read.signals[0].name) == ("en", "off", "unread")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("제.사.진.이.퍼.졌.어.요", "제사진이퍼졌어요"), ("wp tkwlsdl vjwuTdjdy", "제 사진이 퍼졌어요")],
)
async def test_a_disguised_text_is_read_as_typed_and_as_meant(typed: str, meant: str) -> None:
    asked = []

    def read(text: str) -> ModelReading:
        asked.append(text)
        return model(("spread_now", 0.9)) if text == meant else model(("chitchat", 0.9))

    found = await Ensemble(load(), ScriptedReader(read)).understand(typed)
    assert sorted(asked) == sorted([typed, meant])
    assert (found.intent, found.worry) == ("spread_now", Worry.URGENT)


async def test_a_plain_text_is_read_once() -> None:
    asked = []

    def read(text: str) -> ModelReading:
        asked.append(text)
        return model(("chitchat", 0.9))

    await Ensemble(load(), ScriptedReader(read)).understand(" 오늘 급식 맛있었어요 ")
    assert len(asked) == 1
