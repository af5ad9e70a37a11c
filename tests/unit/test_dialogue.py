"""What the bot says, to every kind of line in every place of a conversation."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from bot.content import Content, load
from bot.dialogue import CLAIMED, CLOSED, MEDIA_REFUSED, RELEASED, Act, Scene, choose
from bot.guidance_map import DANGER_TEXTS
from bot.triage import Assessment
from handoff.conversation import Phase
from handoff.risk import Risk, Topic
from nlu.intents import MEANINGS
from nlu.understanding import Worry

GUIDANCE = Path(__file__).parents[2] / "bot" / "guidance"
WITH_BOT, WAITING = Phase.WITH_BOT, Phase.WAITING
QUESTIONS = (None, "safe_now", "suicide_now", "want_human", "wipe_sure", "what_happened")
RISK_OF = {
    Worry.CALM: Risk.LOW,
    Worry.CARE: Risk.MEDIUM,
    Worry.URGENT: Risk.HIGH,
    Worry.DANGER: Risk.IMMINENT,
}


@pytest.fixture(scope="module")
def content() -> Content:
    return load(GUIDANCE)


def reading(intent: str | None, risk: Risk | None = None, topic: Topic | None = None) -> Assessment:
    """An assessment as triage makes it for a line with this intent."""
    meaning = MEANINGS.get(intent or "")
    risk = risk if risk is not None else RISK_OF[meaning.worry] if meaning else Risk.LOW
    topic = topic or (Topic(meaning.family) if meaning else Topic.SMALLTALK)
    return Assessment(
        risk=risk,
        topic=topic,
        intent=intent,
        confidence=0.9,
        handoff=risk >= Risk.MEDIUM,
        reasons=(),
        model="answered",
    )


def scene(
    phase: Phase = WITH_BOT, *said: str, asked: str | None = None, on_duty: bool | None = None
) -> Scene:
    return Scene("ko", phase, said, asked, turn=len(said), on_duty=on_duty)


# ── the first line ──────────────────────────────────────────────────────────────────────────────────


def test_first_line_gets_disclosure_guidance_and_the_word_that_a_person_was_called() -> None:
    act = choose(reading("spread_threat"), scene())
    assert act.says == ("handoff.first", "guide.spread_threat")
    assert act.handoff


@pytest.mark.parametrize(
    ("on_duty", "text"), [(None, "handoff"), (True, "handoff.on_duty"), (False, "handoff.off_duty")]
)
def test_handoff_is_told_as_it_is(*, on_duty: bool | None, text: str) -> None:
    assert choose(reading("spread_now"), scene(on_duty=on_duty)).says[0] == f"{text}.first"
    later = choose(reading("spread_now"), scene(WITH_BOT, "greet", "small.start", on_duty=on_duty))
    assert later.says == ("guide.spread", text)


def test_a_harmless_first_line_is_greeted_without_calling_anyone() -> None:
    assert choose(reading("greet"), scene()) == Act(
        ("greet", "small.start"),
        "what_happened",
        quick=("threat", "spread", "deepfake", "asked_for_photos", "hard", "human"),
    )
    act = choose(reading("ask_parents_know"), scene())
    assert act.says == ("greet", "answer.parents")
    assert not act.handoff


@pytest.mark.parametrize(
    ("intent", "guide"),
    [
        ("coerced_sending", "guide.spread_threat.coerced_sending"),
        ("spread_past", "guide.spread.medium"),
        ("deepfake_made", "guide.deepfake.medium"),
        ("deepfake_spread", "guide.deepfake"),
        ("shame_blame", "guide.spread_fear.shame_blame"),
        ("meeting_planned", "guide.grooming.meeting_planned"),
        ("impersonation", "guide.stalking.impersonation"),
        ("offender_at_home", "guide.physical_violence"),
        ("physical_violence_past", "guide.physical_violence.medium"),
        ("teacher_asks", "guide.guardian.teacher_asks"),
        ("distress", "guide.therapy.distress"),
        ("offender_asks", "guide.offender"),
    ],
)
def test_the_guide_fits_the_situation(intent: str, guide: str) -> None:
    assert choose(reading(intent), scene()).says[1] == guide


@pytest.mark.parametrize(
    ("intent", "question"),
    [
        ("suicidal_thoughts", "suicide_now"),
        ("distress", "suicide_now"),
        ("offender_asks", "suicide_now"),
        ("offender_at_home", "safe_now"),
        ("stalking", "safe_now"),
        ("coerced_sending", "safe_now"),
        ("spread_threat", None),
    ],
)
def test_a_safety_question_is_asked_where_life_or_body_may_be_at_stake(
    intent: str, question: str | None
) -> None:
    first = choose(reading(intent), scene())
    assert first.asks == question
    assert question is None or first.says[-1] == f"ask.{question}"
    later = choose(reading(intent), scene(WITH_BOT, "greet"))
    assert question is None or later.says[-1] == f"ask.{question.removesuffix('_now')}_called"


# ── danger ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        ("suicide_intent", "guide.self_harm.imminent"),
        ("self_injury_now", "guide.self_harm.self_injury_now"),
        ("offender_here", "guide.immediate_danger"),
        ("meeting_now", "guide.immediate_danger.meeting_now"),
        ("assault_now", "guide.physical_violence.imminent"),
    ],
)
def test_danger_comes_before_everything(intent: str, text: str) -> None:
    act = choose(reading(intent), scene())
    assert act.says == (text, "handoff.first", "ask.safe_now")
    assert (act.asks, act.handoff) == ("safe_now", True)
    assert choose(reading(intent), scene(WITH_BOT, "greet")).says == (text, "ask.safe_called")
    assert choose(reading(intent), scene(WAITING, "greet", asked="wipe_sure")).says[0] == text


def test_danger_seen_by_rules_alone_is_danger() -> None:
    act = choose(reading(None, Risk.IMMINENT, Topic.GROOMING), scene(WAITING, "guide.grooming"))
    assert act.says[0] == "guide.immediate_danger"
    friend = choose(reading(None, Risk.IMMINENT, Topic.BYSTANDER), scene())
    assert friend.says[0] == "guide.bystander.imminent"


def test_danger_is_told_in_other_words_each_time() -> None:
    said: tuple[str, ...] = ("guide.self_harm.imminent", "handoff.first", "ask.safe_now")
    for expected in ("danger.numbers", "danger.stay", "guide.self_harm.imminent"):
        act = choose(reading("suicide_intent"), scene(WAITING, *said, asked="safe_now"))
        assert act.says[0] == expected
        said += act.says


def test_questions_are_answered_again_once_danger_was_spoken_to() -> None:
    said = ("guide.self_harm.imminent", "handoff.first", "ask.safe_now", "safe.yes")
    asks = reading("ask_parents_know", Risk.IMMINENT, Topic.SELF_HARM)
    assert choose(asks, scene(WAITING, *said)).says == ("answer.parents",)
    lost = reading(None, Risk.IMMINENT, Topic.SELF_HARM)
    assert choose(lost, scene(WAITING, *said)).says == ("danger.stay",)


# ── answers to a question ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "intent", "says", "handoff"),
    [
        ("safe_now", "affirm", ("safe.yes",), False),
        ("safe_now", "deny", ("guide.immediate_danger", "ask.safe_called"), True),
        ("suicide_now", "affirm", ("guide.self_harm", "handoff"), True),
        ("suicide_now", "deny", ("suicide.no",), False),
        ("want_human", "affirm", ("handoff",), True),
        ("want_human", "deny", ("human.later",), False),
        ("wipe_sure", "affirm", ("wipe.passed",), True),
        ("wipe_sure", "wipe", ("wipe.passed",), True),
        ("wipe_sure", "deny", ("wipe.kept",), False),
        ("safe_now", None, ("ask.safe_again",), False),
        (None, "affirm", ("stay.listen",), False),
    ],
)
def test_answers_to_a_question(
    *, asked: str | None, intent: str | None, says: tuple[str, ...], handoff: bool
) -> None:
    act = choose(reading(intent, Risk.LOW), scene(WITH_BOT, "greet", asked=asked))
    assert (act.says, act.handoff) == (says, handoff)


def test_a_question_is_put_again_only_once() -> None:
    said = ("greet", "ask.safe_now", "ask.safe_again")
    assert choose(reading(None), scene(WITH_BOT, *said, asked="safe_now")).says == ("ask.unclear",)


def test_yes_to_suicide_with_imminent_risk_is_danger() -> None:
    yes = reading("affirm", Risk.IMMINENT, Topic.SELF_HARM)
    act = choose(yes, scene(WAITING, "guide.self_harm", "ask.suicide_now", asked="suicide_now"))
    assert act.says == ("guide.self_harm.imminent", "ask.safe_now")


# ── a person, erasing, not understood ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("said", [(), ("greet",), ("greet", "ask.unclear", "ask.human")])
def test_a_person_can_be_asked_for_at_any_time(said: tuple[str, ...]) -> None:
    act = choose(reading("ask_human"), scene(WITH_BOT, *said))
    assert act.handoff
    assert "guide.human" in act.says
    assert any(text.startswith("handoff") for text in act.says)


def test_a_person_is_called_even_when_triage_did_not_ask() -> None:
    quiet = Assessment(Risk.LOW, Topic.HUMAN, "ask_human", 0.4, handoff=False, reasons=(), model="unsure")
    assert choose(quiet, scene(WITH_BOT, "greet")).handoff


def test_erasing_is_asked_once() -> None:
    act = choose(reading("wipe"), scene(WITH_BOT, "greet"))
    assert (act.says, act.asks, act.handoff) == (("wipe.ask",), "wipe_sure", False)
    assert choose(reading("wipe"), scene(WITH_BOT, "greet", "wipe.ask", asked="wipe_sure")).asks is None


def test_not_understood_asks_back_then_offers_a_person_then_calls_one() -> None:
    first = choose(reading(None), scene())
    assert (first.says, first.asks, first.handoff) == (("greet", "ask.unclear"), "what_happened", False)
    second = choose(reading(None), scene(WITH_BOT, *first.says))
    assert (second.says, second.asks) == (("ask.human",), "want_human")
    third = choose(reading(None), scene(WITH_BOT, *first.says, *second.says))
    assert (third.says, third.handoff) == (("handoff",), True)


# ── waiting, claimed, closed ────────────────────────────────────────────────────────────────────────


def test_waiting_answers_questions_and_reassures_without_calling_again() -> None:
    said = ("handoff.first", "guide.spread_threat")
    asked = choose(reading("ask_deletion", Risk.HIGH), scene(WAITING, *said))
    assert (asked.says, asked.handoff) == (("guide.deletion",), False)
    for intent in ("affirm", "chitchat", "greet", None):
        calm = choose(
            reading(intent, Risk.HIGH, Topic.SPREAD_THREAT), scene(WAITING, *said, "guide.evidence")
        )
        assert calm.says == ("wait.here",)
    assert choose(reading("thanks_bye"), scene(WAITING, *said)).says == ("goodbye.waiting",)


def test_claimed_is_silent_but_for_one_word_in_danger() -> None:
    said = ("handoff.first", "guide.spread_threat")
    for intent in (None, "ask_human", "wipe", "spread_threat", "affirm"):
        assert choose(reading(intent), scene(Phase.CLAIMED, *said)) == Act()
    danger = choose(reading("suicide_intent"), scene(Phase.CLAIMED, *said))
    assert danger == Act(("danger.claimed",))
    assert choose(reading("suicide_intent"), scene(Phase.CLAIMED, *said, *danger.says)) == Act()


def test_a_line_after_closing_is_answered_and_calls_a_person_again() -> None:
    act = choose(reading("spread_threat"), scene(Phase.CLOSED, "greet", "closed"))
    assert (act.says, act.handoff) == (("guide.spread_threat", "handoff"), True)


def test_harm_is_spoken_to_before_small_talk() -> None:
    raised = reading("chitchat", Risk.HIGH, Topic.SPREAD_THREAT)
    assert choose(raised, scene()).says == ("handoff.first", "guide.spread_threat")


def test_an_offender_is_not_consoled_while_waiting(content: Content) -> None:
    said: tuple[str, ...] = ("handoff.first", "guide.offender", "ask.suicide_now")
    for _ in range(6):
        act = choose(reading("offender_asks"), scene(WAITING, *said))
        said += act.says
    assert {"wait.breathe", "stay.choose"}.isdisjoint(said)
    assert not any("네 잘못이 아니" in line for text in said for line in content.render(text, "ko"))


# ── everything at once ──────────────────────────────────────────────────────────────────────────────


def _every_act() -> list[tuple[Assessment, Scene, Act]]:
    histories = (
        (),
        ("greet", "small.start"),
        ("handoff.first", "guide.spread_threat", "guide.evidence", "wait.here"),
        ("guide.self_harm.imminent", "handoff.first", "ask.safe_now"),
        ("greet", "ask.unclear", "ask.human", "stay.listen"),
    )
    intents = (None, *MEANINGS)
    found = []
    for intent, topic, risk in product(intents, Topic, Risk):
        assessment = reading(intent, risk, topic)
        questions = QUESTIONS if intent in {None, "affirm", "deny", "wipe", "suicide_intent"} else (None,)
        for said, asked, phase in product(histories, questions, (WITH_BOT, WAITING)):
            if phase is WAITING and not said:
                continue  # a conversation waits only after the bot has answered
            here = scene(phase, *said, asked=asked)
            found.append((assessment, here, choose(assessment, here)))
    return found


@pytest.fixture(scope="module")
def every_act() -> list[tuple[Assessment, Scene, Act]]:
    return _every_act()


def test_every_act_keeps_the_promises(
    every_act: list[tuple[Assessment, Scene, Act]], content: Content
) -> None:
    length = {text: len(content.render(text, "ko")) for text in content.texts}
    for assessment, here, act in every_act:
        case = (assessment, here, act)
        assert act.says, case
        assert sum(length[text] for text in act.says) <= (3 if here.said else 4), case
        assert len(set(act.says)) == len(act.says), case
        assert not here.said or act.says[0] != here.said[-1], case
        assert set(act.quick) <= set(content.quick_replies), case
        assert here.said or any(t == "greet" or t.endswith(".first") for t in act.says), case
        called = any(t.startswith("handoff") or t.endswith("_called") or t == "wipe.passed" for t in act.says)
        assert called == act.handoff or here.phase is WAITING, case
        if assessment.risk is Risk.IMMINENT and DANGER_TEXTS.isdisjoint(here.said):
            assert act.says[0] in DANGER_TEXTS, case


def test_no_text_is_written_in_vain(every_act: list[tuple[Assessment, Scene, Act]], content: Content) -> None:
    said = {text for _, _, act in every_act for text in act.says}
    said |= {CLAIMED, RELEASED, CLOSED, MEDIA_REFUSED, "danger.claimed"}
    for intent, topic in product((None, *MEANINGS), Topic):  # long conversations that stay with one subject
        for phase in (WITH_BOT, WAITING):
            history: tuple[str, ...] = ()
            for _ in range(6):
                here = scene(phase, *history, on_duty=len(history) % 2 == 0)
                history += choose(reading(intent, None, topic), here).says
            said |= set(history)
    for on_duty in (True, False):
        said |= set(choose(reading("spread_now"), scene(on_duty=on_duty)).says)
        said |= set(choose(reading("spread_now"), scene(WITH_BOT, "greet", on_duty=on_duty)).says)
    assert said == set(content.texts)
