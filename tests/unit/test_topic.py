"""What a message is about: rules and model have a say, and life and body come first."""

from __future__ import annotations

from bot.triage import Assessment, Situation, assess
from handoff.risk import Risk, Topic
from nlu.ensemble import combine
from nlu.understanding import ModelReading, RuleReading, Signal, Worry

FIRST = Situation(None, None, None, 0)


def judged(ruled: tuple[tuple[str, Worry], ...], *ranking: tuple[str, float]) -> Assessment:
    signals = tuple(Signal(family, worry, "rules", f"rule.{family}", 1.0) for family, worry in ruled)
    rules = RuleReading(signals, (), "ask_human" if signals else None)
    return assess(combine(rules, ModelReading(*ranking[0], ranking), "ko"), FIRST)


def test_a_family_counts_with_all_its_intents() -> None:
    read = judged((), ("ask_police", 0.4), ("spread_fear", 0.3), ("shame_blame", 0.3))
    assert read.topic is Topic.SPREAD_FEAR


def test_a_rule_weighs_as_much_as_half_of_the_model() -> None:
    deletion = (("deletion", Worry.CARE),)
    assert judged(deletion, ("wipe", 0.9), ("ask_deletion", 0.05)).topic is Topic.WIPE
    assert judged(deletion, ("wipe", 0.5), ("ask_deletion", 0.3)).topic is Topic.DELETION


def test_danger_is_imminent_whatever_the_model_says_and_mostly_the_topic_too() -> None:
    danger = (("self_harm", Worry.DANGER),)
    read = judged(danger, ("ask_deletion", 0.6), ("spread_now", 0.4))
    assert (read.risk, read.topic) == (Risk.IMMINENT, Topic.SELF_HARM)
    sure = judged(danger, ("spread_now", 0.9), ("spread_past", 0.1))
    assert (sure.risk, sure.topic) == (Risk.IMMINENT, Topic.SPREAD)
    idle = judged(danger, ("chitchat", 1.0))
    assert (idle.risk, idle.topic) == (Risk.IMMINENT, Topic.SELF_HARM)


def test_what_is_urgent_is_never_about_small_talk() -> None:
    read = judged((("spread_threat", Worry.URGENT),), ("chitchat", 0.9), ("greet", 0.1))
    assert (read.risk, read.topic) == (Risk.HIGH, Topic.SPREAD_THREAT)


def test_danger_that_is_not_believed_is_a_doubt() -> None:
    unsure = judged((), ("chitchat", 0.65), ("suicide_intent", 0.3), ("greet", 0.05))
    assert (unsure.risk, unsure.topic, unsure.doubt) == (Risk.MEDIUM, Topic.SMALLTALK, Topic.SELF_HARM)
    assert judged((), ("suicide_intent", 0.9), ("distress", 0.1)).doubt is None
    assert judged((), ("chitchat", 0.9), ("greet", 0.1)).doubt is None


def test_kinds_of_facts_are_told_where_somebody_will_read_them() -> None:
    reading = ModelReading("spread_threat", 0.9, (("spread_threat", 0.9),), entities=("deadline", "platform"))
    told = assess(combine(RuleReading(), reading, "ko"), FIRST).reasons
    assert told[-2:] == ("entity:deadline", "entity:platform")
    calm = ModelReading("greet", 0.9, (("greet", 0.9),), entities=("platform",))
    assert not any(
        word.startswith("entity:") for word in assess(combine(RuleReading(), calm, "ko"), FIRST).reasons
    )
