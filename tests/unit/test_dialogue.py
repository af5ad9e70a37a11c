"""What the bot says, to every kind of line in every place of a conversation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.content import Content, load
from bot.dialogue import CHECK_INS, CLAIMED, CLOSED, MEDIA_REFUSED, RELEASED, Act, Scene, choose
from bot.guidance_map import DANGER_TEXTS, guide
from bot.lessons import HOW, LEFT, MENU
from bot.triage import Assessment
from handoff.conversation import Lesson, Phase, Speaker
from handoff.risk import Risk, Topic
from nlu.intents import MEANINGS
from nlu.understanding import Worry

SAID_ELSEWHERE = {"channels.yaml", "voice.yaml"}
"""Texts that a channel says, not the dialogue."""

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
        ("wipe_sure", "affirm", ("wipe.done",), False),
        ("wipe_sure", "wipe", ("wipe.done",), False),
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
    for intent in (None, "ask_human", "spread_threat", "affirm"):
        assert choose(reading(intent), scene(Phase.CLAIMED, *said)) == Act()
    assert choose(reading("wipe"), scene(Phase.CLAIMED, *said)).asks == "wipe_sure", "their words are theirs"
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


# ── who writes, and in which situation ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("speaker", "topic", "risk", "text"),
    [
        (Speaker.FRIEND, Topic.SPREAD_THREAT, Risk.HIGH, "guide.bystander.threat"),
        (Speaker.FRIEND, Topic.DEEPFAKE, Risk.HIGH, "guide.bystander"),
        (Speaker.FRIEND, Topic.SELF_HARM, Risk.HIGH, "guide.bystander.self_harm"),
        (Speaker.FRIEND, Topic.SELF_HARM, Risk.IMMINENT, "guide.bystander.imminent"),
        (Speaker.FRIEND, Topic.DELETION, Risk.MEDIUM, "guide.deletion"),
        (Speaker.PARENT, Topic.GROOMING, Risk.HIGH, "guide.guardian.threat"),
        (Speaker.PARENT, Topic.PHYSICAL_VIOLENCE, Risk.HIGH, "guide.guardian.body"),
        (Speaker.TEACHER, Topic.SELF_HARM, Risk.HIGH, "guide.guardian.teacher_self_harm"),
        (Speaker.TEACHER, Topic.IMMEDIATE_DANGER, Risk.IMMINENT, "guide.guardian.teacher_imminent"),
        (Speaker.OFFENDER, Topic.SPREAD, Risk.HIGH, "guide.offender"),
        (Speaker.OFFENDER, Topic.DELETION, Risk.MEDIUM, "guide.offender"),
        (Speaker.OFFENDER, Topic.EVIDENCE, Risk.MEDIUM, "guide.offender"),
        (Speaker.OFFENDER, Topic.SELF_HARM, Risk.HIGH, "guide.self_harm.offender"),
        (Speaker.OFFENDER, Topic.SELF_HARM, Risk.IMMINENT, "guide.self_harm.imminent"),
        (Speaker.OFFENDER, Topic.IMMEDIATE_DANGER, Risk.IMMINENT, "danger.numbers"),
    ],
)
def test_the_guide_speaks_to_whoever_writes(speaker: Speaker, topic: Topic, risk: Risk, text: str) -> None:
    assert guide(topic, risk, None, speaker) == text
    act = choose(reading(None, risk, topic), replace(scene(WITH_BOT, "greet"), speaker=speaker))
    assert text in act.says


def test_only_the_one_it_happened_to_or_who_did_it_is_asked_about_their_own_life() -> None:
    for speaker in Speaker:
        asked = choose(reading("suicidal_thoughts"), replace(scene(), speaker=speaker)).asks
        assert (asked == "suicide_now") == (speaker in {Speaker.SELF, Speaker.OFFENDER})


def test_a_note_is_said_once_behind_the_guide_where_there_is_room() -> None:
    due = ("note.paid", "note.parents")
    first = choose(reading("spread_threat"), replace(scene(), notes=due))
    assert first.says == ("handoff.first", "guide.spread_threat", "note.paid")
    full = choose(reading("coerced_sending"), replace(scene(), notes=due))
    assert not set(due) & set(full.says), "the question about safety takes the room"
    quiet = choose(reading("chitchat", Risk.HIGH), replace(scene(WAITING, *first.says), notes=due[1:]))
    assert quiet.says == ("note.parents",)
    danger = choose(reading("suicide_intent"), replace(scene(), notes=due))
    assert not set(due) & set(danger.says)


def test_in_danger_only_notes_for_life_and_body_are_said_and_after_the_danger_itself() -> None:
    notes = ("note.boy", "note.abroad")
    danger = choose(reading("suicide_intent"), replace(scene(), notes=notes))
    assert not set(notes) & set(danger.says)
    lost = reading(None, Risk.IMMINENT, Topic.SELF_HARM)
    assert choose(lost, replace(scene(WAITING, *danger.says), notes=notes)).says == ("note.abroad",)
    assert choose(lost, replace(scene(WAITING, *danger.says), notes=notes[:1])).says[0] in DANGER_TEXTS


@pytest.mark.parametrize(
    ("sign", "intent", "text"),
    [
        ("ask.cost", "ask_service", "answer.cost"),
        ("ask.hours", "ask_service", "answer.hours"),
        ("ask.how_long", "ask_service", "answer.how_long"),
        ("ask.punished", "ask_legal", "answer.punished"),
        ("ask.police_told", "ask_police", "answer.police"),
    ],
)
def test_a_question_known_by_its_words_has_its_own_answer(sign: str, intent: str, text: str) -> None:
    here = replace(scene(WITH_BOT, "greet"), signs=frozenset({sign}))
    assert choose(reading(intent), here).says[0] == text
    again = replace(here, said=("greet", text))
    assert choose(reading(intent), again).says[0] != text


def test_harm_is_spoken_to_before_a_question_beside_it() -> None:
    here = replace(scene(WITH_BOT, "greet"), signs=frozenset({"ask.deletable"}))
    assert choose(reading("spread_now"), here).says[0] == "guide.spread"
    spoken = replace(scene(WAITING, "greet", "guide.spread"), signs=frozenset({"ask.deletable"}))
    assert choose(reading("spread_now"), spoken).says == ("answer.deletion",)


def test_who_did_harm_is_told_neither_that_nothing_happens_nor_how_to_remove_it() -> None:
    said = ("greet", "guide.offender")
    for sign in ("ask.punished", "ask.deletable"):
        here = replace(scene(WAITING, *said), speaker=Speaker.OFFENDER, signs=frozenset({sign}))
        for intent in ("ask_legal", "ask_deletion", "ask_evidence", None):
            says = choose(reading(intent), here).says
            assert not {"answer.punished", "answer.deletion", "guide.deletion", "guide.evidence"} & set(says)


# ── lessons ─────────────────────────────────────────────────────────────────────────────────────────


def _taught(content: Content, lesson: Lesson | None, *signs: str, phase: Phase = WITH_BOT) -> Scene:
    here = scene(phase, "greet")
    return replace(here, courses=content.courses, lesson=lesson, signs=frozenset(signs))


def test_a_lesson_begins_goes_on_and_is_left(content: Content) -> None:
    begun = choose(reading(None), _taught(content, None, "start.deepfake"))
    assert (begun.says, begun.lesson) == (("lesson.deepfake.1",), Lesson("deepfake", 0))
    on = choose(reading(None), _taught(content, begun.lesson, "move.next"))
    assert (on.says, on.quick) == (("lesson.deepfake.2",), ("next", "leave"))
    left = choose(reading(None), _taught(content, on.lesson, "move.stop"))
    assert (left.says, left.lesson) == (("lesson.left",), None)


@pytest.mark.parametrize("intent", ["suicide_intent", "spread_threat", "ask_human", "distress"])
def test_what_worries_interrupts_a_lesson(content: Content, intent: str) -> None:
    told = replace(reading(intent), line=RISK_OF[MEANINGS[intent].worry])
    act = choose(told, _taught(content, Lesson("self_check", 3, 2), "move.next"))
    assert act.lesson is None
    assert not any(text.startswith(("lesson.", "check.")) for text in act.says)
    assert act.handoff


def test_a_question_about_the_service_is_answered_and_the_lesson_goes_on(content: Content) -> None:
    act = choose(reading("ask_if_bot"), _taught(content, Lesson("images", 1)))
    assert (act.says, act.lesson) == (("answer.robot",), Lesson("images", 1))


def test_a_worrying_self_check_calls_a_person_and_a_calm_one_does_not(content: Content) -> None:
    last = len(content.courses.checks["self_check"].questions) - 1
    worrying = choose(reading("affirm"), _taught(content, Lesson("self_check", last, 6)))
    assert (worrying.says, worrying.handoff) == (("check.worry", "handoff"), True)
    assert worrying.found is Risk.HIGH
    calm = choose(reading("deny"), _taught(content, Lesson("self_check", last, 0)))
    assert (calm.says, calm.handoff, calm.found) == (("check.calm",), False, Risk.LOW)
    waits = choose(reading("affirm"), _taught(content, Lesson("self_check", last, 6), phase=WAITING))
    assert not waits.handoff, "a person is on the way already"


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
            if not said and (phase is WAITING or asked):
                continue  # a conversation waits, and a question is pending, only after the bot has answered
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
        called = any(t.startswith("handoff") or t.endswith("_called") for t in act.says)
        assert called == act.handoff or here.phase is WAITING, case
        if assessment.risk is Risk.IMMINENT and DANGER_TEXTS.isdisjoint(here.said) and not act.erases:
            assert act.says[0] in DANGER_TEXTS, case


def test_no_text_is_written_in_vain(every_act: list[tuple[Assessment, Scene, Act]], content: Content) -> None:
    said = {text for _, _, act in every_act for text in act.says}
    said |= {CLAIMED, RELEASED, CLOSED, MEDIA_REFUSED, "danger.claimed", *CHECK_INS}
    for intent, topic in product((None, *MEANINGS), Topic):  # long conversations that stay with one subject
        for phase in (WITH_BOT, WAITING):
            history: tuple[str, ...] = ()
            for _ in range(6):
                here = scene(phase, *history, on_duty=len(history) % 2 == 0)
                history += choose(reading(intent, None, topic), here).says
            said |= set(history)
    for speaker, topic, risk in product(Speaker, Topic, Risk):
        said |= set(
            choose(reading(None, risk, topic), replace(scene(WITH_BOT, "greet"), speaker=speaker)).says
        )
    for on_duty in (True, False):
        said |= set(choose(reading("spread_now"), scene(on_duty=on_duty)).says)
        said |= set(choose(reading("spread_now"), scene(WITH_BOT, "greet", on_duty=on_duty)).says)
    said |= {note for note in content.signs.ids if note.startswith("note.")}
    said |= {page for pages in content.courses.lessons.values() for page in pages} | {MENU, LEFT, HOW}
    for check in content.courses.checks.values():
        said |= {check.opening, *(it.text for it in check.questions), *(it.text for it in check.outcomes)}
    ours = {text.id for text in content.texts.values() if text.file not in SAID_ELSEWHERE}
    assert said & ours == ours
    assert said <= set(content.texts)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.data())
def test_whatever_is_known_of_the_visitor_the_promises_hold(content: Content, choices: st.DataObject) -> None:
    """Speaker, notes, signs and lessons at random: never too many messages, never the wrong comfort."""
    draw = choices.draw
    intent = draw(st.sampled_from([None, *MEANINGS]))
    line = draw(st.sampled_from(Risk))
    assessment = replace(
        reading(intent, draw(st.sampled_from(Risk)), draw(st.sampled_from(Topic))), line=line
    )
    assessment = replace(assessment, risk=max(assessment.risk, line), handoff=assessment.risk >= Risk.MEDIUM)
    said = draw(st.lists(st.sampled_from(sorted(content.texts)), max_size=8, unique=True))
    phase = draw(st.sampled_from([WITH_BOT, WAITING, Phase.CLOSED])) if said else WITH_BOT
    check = len(content.courses.checks["self_check"].questions)
    lesson = draw(
        st.none() | st.builds(Lesson, st.just("self_check"), st.integers(0, check), st.integers(0, 20))
    )
    notes = [sign for sign in sorted(content.signs.ids) if sign.startswith("note.")]
    here = replace(
        scene(phase, *said, asked=draw(st.sampled_from(QUESTIONS)) if said else None),
        speaker=draw(st.sampled_from(Speaker)),
        signs=draw(st.frozensets(st.sampled_from(sorted(content.signs.ids)), max_size=4)),
        notes=tuple(draw(st.lists(st.sampled_from(notes), max_size=3, unique=True))),
        lesson=lesson,
        courses=content.courses,
    )
    act = choose(assessment, here)
    assert act.says
    assert set(act.says) <= set(content.texts)
    assert sum(len(content.render(text, "ko")) for text in act.says) <= (3 if said else 4)
    assert len(set(act.says)) == len(act.says)
    assert set(act.quick) <= set(content.quick_replies)
    assert said or any(text == "greet" or text.endswith(".first") for text in act.says)
    if line is Risk.IMMINENT and not act.erases:
        assert act.says[0] in DANGER_TEXTS
        assert act.lesson is None
    if here.speaker is Speaker.OFFENDER and line < Risk.IMMINENT:
        told = [text for text in act.says if text.startswith(("guide.", "answer.", "offender."))]
        assert not {"answer.punished", "answer.deletion", "guide.deletion", "guide.evidence"} & set(told)
        assert not any("네 잘못이 아니" in message for text in told for message in content.render(text, "ko"))
