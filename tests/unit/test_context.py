"""What earlier lines add: hints of constant words, bounded in number and age; and who is writing."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.context import (
    MOST_HINTS,
    REMEMBERED_FOR,
    Before,
    fresh,
    not_the_offender,
    remembered,
    seen_in,
    speaker,
    tapped,
    together,
)
from bot.signs import Signs, load_signs
from handoff.conversation import Conversation, Hint, Lesson, Speaker, Talk
from handoff.risk import Risk, Topic
from handoff.store.rows import conversation_row, talk_json, to_talk
from nlu.ensemble import unread
from nlu.understanding import Signal, Understanding, Worry
from tests.builders import START

SIGNS = Path(__file__).parents[2] / "bot" / "guidance" / "signs.yaml"
kept_signs = functools.cache(functools.partial(load_signs, SIGNS))
WORDS = st.deferred(lambda: st.sampled_from(sorted(kept_signs().ids)))


@pytest.fixture(scope="module")
def signs() -> Signs:
    return load_signs(SIGNS)


def read(
    worry: Worry = Worry.CALM, family: str = "smalltalk", intent: str | None = "chitchat"
) -> Understanding:
    return Understanding("ko", intent, 0.9, (Signal(family, worry, "rules", "x", 1.0),), "answered")


def joined(signs: Signs, *lines: str, risk: Risk = Risk.LOW) -> Understanding:
    """What the last line says together with those before it, some seconds apart."""
    hints: tuple[Hint, ...] = ()
    at = START
    for line in lines[:-1]:
        hints = remembered(hints, signs.read(line), at)
        at += 4_000
    return together(read(), signs.read(lines[-1]), Before(fresh(hints, at), risk), signs.joined)


# -- one thought over several lines ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "intent"),
    [
        (("오늘", "죽고싶어"), "suicide_intent"),
        (("죽고싶어", "지금"), "suicide_intent"),
        (("나", "이제", "끝낼래", "오늘밤에"), "suicide_intent"),
        (("그동안 고마웠어", "정리 다 했어"), "suicide_intent"),
        (("난간", "서있어"), "suicide_intent"),
        (("약", "다 먹었어"), "self_injury_now"),
        (("손목", "또 그었어"), "self_injury_now"),
        (("스토커가", "우리집 앞에"), "offender_here"),
        (("그 사람이", "찾아왔어"), "offender_here"),
        (("그 오빠랑 만나기로 했어", "출발했어"), "meeting_now"),
        (("tonight", "i wanna die"), "suicide_intent"),
        (("pills", "took them all"), "self_injury_now"),
        (("my ex", "outside my house"), "offender_here"),
    ],
)
def test_fragments_are_read_together(signs: Signs, lines: tuple[str, ...], intent: str) -> None:
    understanding = joined(signs, *lines)
    assert understanding.intent == intent
    assert understanding.worry is Worry.DANGER
    assert understanding.signals[0].name.startswith("joined.")


@pytest.mark.parametrize(
    "lines",
    [
        ("오늘 시험 망했어", "죽고싶어"),
        ("오늘", "학원 가기 싫어"),
        ("급식", "다 먹었어"),
        ("걔가", "숙제 안 했대"),
        ("언니가", "학교에"),
        ("오빠가", "우리집에"),
        ("he is", "at my house"),
        ("웃겨 죽을 거 같아", "지금"),
        ("지금", "배고파"),
        ("오늘", "다 끝났어"),
        ("친구랑 만나기로 했어", "출발했어"),
        ("my friend", "is coming over tomorrow for pizza"),
        ("죽고싶어",),
    ],
)
def test_everyday_lines_are_not(signs: Signs, lines: tuple[str, ...]) -> None:
    assert joined(signs, *lines) == read()


def test_somebody_who_may_be_anybody_counts_only_after_harm(signs: Signs) -> None:
    for lines in (("걔가", "우리집 앞에"), ("he is", "outside my house"), ("그 오빠가", "찾아왔어요")):
        assert joined(signs, *lines) == read()
        assert joined(signs, *lines, risk=Risk.MEDIUM).intent == "offender_here"


def test_one_line_alone_is_the_rules_matter(signs: Signs) -> None:
    both = frozenset({"hint.end", "hint.soon"})
    before = Before((Hint("hint.end", START),))
    assert together(read(), both, Before(), signs.joined) == read()
    assert together(read(), both, before, signs.joined) == read()
    assert together(read(), frozenset({"hint.soon"}), before, signs.joined) != read()


@given(
    now=st.frozensets(WORDS, max_size=5),
    before=st.lists(WORDS, max_size=MOST_HINTS),
    worry=st.sampled_from(Worry),
)
def test_together_never_worries_less(now: frozenset[str], before: list[str], worry: Worry) -> None:
    book = kept_signs().joined
    understanding = read(worry, "self_harm")
    earlier = Before(tuple(Hint(word, START) for word in before), Risk.HIGH)
    after = together(understanding, now, earlier, book)
    assert after.worry >= understanding.worry
    assert set(understanding.signals) <= set(after.signals)


def test_a_joke_leaves_no_hint() -> None:
    signs = frozenset({"hint.end", "note.boy"})
    assert seen_in(read(intent="joke_hyperbole"), signs) == {"note.boy"}
    assert seen_in(read(), signs) == signs


# -- what is remembered ---------------------------------------------------------------------------------------


def test_hints_grow_old() -> None:
    hints = remembered((), frozenset({"hint.end", "note.boy"}), START)
    assert hints == (Hint("hint.end", START),), "only hints are remembered as hints"
    assert fresh(hints, START + REMEMBERED_FOR) == hints
    assert fresh(hints, START + REMEMBERED_FOR + 1) == ()


@given(st.lists(st.frozensets(WORDS, max_size=6), max_size=12))
def test_hints_are_few_each_once_and_known_words(lines: list[frozenset[str]]) -> None:
    hints: tuple[Hint, ...] = ()
    for number, line in enumerate(lines):
        hints = remembered(hints, line, START + number)
    assert len(hints) <= MOST_HINTS
    assert len({hint.word for hint in hints}) == len(hints)
    assert {hint.word for hint in hints} <= kept_signs().ids


def test_signs_hold_no_word_of_the_line(signs: Signs) -> None:
    line = "엄마한테 말하면 안돼요 저 12살이고 텔레그램에 올라왔어요 비밀번호는 표식7391"
    assert signs.read(line) <= signs.ids
    assert signs.read("가" * 2000 + "😀" * 100) == frozenset()


# -- who is writing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "친구가 제 사진을 단톡에 올렸어요",
        "제가 보낸 사진을 퍼뜨렸어요",
        "반 친구가 제 딥페이크를 만들었어요",
        "my friend posted my nudes",
    ],
)
def test_whoever_speaks_of_their_own_picture_is_neither_offender_nor_friend(signs: Signs, line: str) -> None:
    found = signs.read(line)
    guess = read(Worry.CARE, "offender", "offender_asks")
    corrected = not_the_offender(guess, found)
    assert corrected.worry is Worry.CARE, "a person still looks"
    assert {signal.family for signal in corrected.signals} == {"human"}
    assert speaker(Speaker.SELF, found, read(family="bystander"), Topic.BYSTANDER) is Speaker.SELF


def test_whoever_says_that_they_did_it_is_read_so(signs: Signs) -> None:
    guess = read(Worry.CARE, "offender", "offender_asks")
    for line in ("제가 친구 사진을 퍼뜨렸어요", "i shared my friend's nudes"):
        assert not_the_offender(guess, signs.read(line)) == guess


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("친구 때문에 죽고싶어요", Speaker.SELF),
        ("친구가 죽고싶대요", Speaker.FRIEND),
        ("my friend wants to die", Speaker.FRIEND),
    ],
)
def test_in_doubt_it_is_about_themselves(signs: Signs, line: str, who: Speaker) -> None:
    wish = Signal("self_harm", Worry.URGENT, "rules", "suicide.wish", 1.0)
    friend = Signal("bystander", Worry.CARE, "rules", "role.bystander", 1.0)
    understanding = Understanding("ko", "suicidal_thoughts", 1.0, (wish, friend), "away")
    assert speaker(Speaker.SELF, signs.read(line), understanding, Topic.SELF_HARM) is who


def test_a_friend_who_speaks_of_their_own_wish_to_die_is_asked_about_it(signs: Signs) -> None:
    wish = read(Worry.URGENT, "self_harm", "suicidal_thoughts")
    for before in (Speaker.FRIEND, Speaker.PARENT, Speaker.TEACHER):
        assert speaker(before, signs.read("저도 죽고싶어요"), wish, Topic.SELF_HARM) is Speaker.SELF
        assert speaker(before, signs.read("죽고싶대요"), wish, Topic.SELF_HARM) is before


def test_a_word_like_daughter_makes_no_parent(signs: Signs) -> None:
    grooming = Signal("grooming", Worry.URGENT, "rules", "x", 1.0)
    guardian = Signal("guardian", Worry.CARE, "rules", "y", 1.0)
    guess = Understanding("ko", "grooming_contact", 1.0, (grooming, guardian), "away")
    groomed = signs.read("딸이라고 부르면서 사진 보내래요")
    assert speaker(Speaker.SELF, groomed, guess, Topic.GUARDIAN) is Speaker.SELF
    parent = signs.read("우리 딸이 사진을 보냈대요")
    assert speaker(Speaker.SELF, parent, guess, Topic.GUARDIAN) is Speaker.PARENT


def test_who_writes_is_kept_until_it_is_said_otherwise() -> None:
    friend = speaker(Speaker.SELF, frozenset(), read(family="bystander"), Topic.BYSTANDER)
    assert friend is Speaker.FRIEND
    assert speaker(friend, frozenset(), read(), Topic.SPREAD) is Speaker.FRIEND
    assert speaker(friend, frozenset({"speaker.self"}), read(), Topic.SPREAD) is Speaker.SELF
    asks = read(family="guardian", intent="guardian_asks")
    parent = speaker(Speaker.SELF, frozenset(), asks, Topic.GUARDIAN)
    assert parent is Speaker.PARENT
    assert speaker(parent, frozenset(), read(family="bystander"), Topic.BYSTANDER) is Speaker.PARENT
    teacher = speaker(Speaker.SELF, frozenset({"speaker.teacher"}), read(family="guardian"), Topic.GUARDIAN)
    assert teacher is Speaker.TEACHER
    assert speaker(teacher, frozenset(), read(family="guardian"), Topic.GUARDIAN) is Speaker.TEACHER


def test_only_a_conversation_about_it_makes_an_offender_and_no_line_unmakes_one() -> None:
    weak = read(Worry.CARE, "offender")
    assert speaker(Speaker.SELF, frozenset(), weak, Topic.SELF_HARM) is Speaker.SELF
    offender = speaker(Speaker.SELF, frozenset(), weak, Topic.OFFENDER)
    assert offender is Speaker.OFFENDER
    assert speaker(offender, frozenset({"speaker.self"}), read(), Topic.SPREAD) is Speaker.OFFENDER


# -- taps -----------------------------------------------------------------------------------------------------


def test_a_tap_that_nobody_read_is_calm_and_anything_else_stays_unread() -> None:
    lost = unread("ko")
    assert tapped(lost, frozenset({"move.tapped"}), in_lesson=False).worry is Worry.CALM
    assert tapped(lost, frozenset({"move.next"}), in_lesson=True).worry is Worry.CALM
    assert tapped(lost, frozenset({"move.next"}), in_lesson=False) == lost
    assert tapped(lost, frozenset({"start.lessons"}), in_lesson=True) == lost
    danger = read(Worry.DANGER, "self_harm")
    assert tapped(danger, frozenset({"move.tapped"}), in_lesson=True) == danger


def test_what_the_model_guesses_of_a_tap_counts_only_if_it_is_danger() -> None:
    tap = frozenset({"move.tapped", "start.self_check"})
    for worry in Worry:
        guess = Signal("grooming", worry, "model", "grooming_contact", 0.9)
        heard = Understanding("ko", "grooming_contact", 0.9, (guess,), "answered")
        after = tapped(heard, tap, in_lesson=False)
        assert after.worry is (Worry.DANGER if worry is Worry.DANGER else Worry.CALM)
        assert tapped(heard, frozenset({"start.self_check"}), in_lesson=False) == heard
    ruled = Understanding("ko", None, 1.0, (Signal("grooming", Worry.URGENT, "rules", "x", 1.0),), "answered")
    assert tapped(ruled, tap, in_lesson=True) == ruled


# -- on disk --------------------------------------------------------------------------------------------------


def test_the_dialogue_comes_back_from_its_row() -> None:
    talk = Talk(
        said=("greet",),
        asked="safe_now",
        turn=3,
        hints=(Hint("hint.end", START),),
        notes=("note.boy",),
        speaker=Speaker.FRIEND,
        lesson=Lesson("self_check", 2, 3),
        danger_seq=5,
        check_ins=1,
    )
    assert to_talk(talk_json(talk)) == talk
    assert to_talk(talk_json(Talk())) == Talk()


def test_a_row_of_an_earlier_version_is_read() -> None:
    assert to_talk({"said": ["greet"], "asked": None, "turn": 1}) == Talk(("greet",), None, 1)


def test_the_row_holds_words_of_the_file_only(signs: Signs) -> None:
    hints = remembered((), signs.read("오늘"), START)
    row = conversation_row(
        Conversation("c", "web", "ko", START, START, 1, b"p", b"s", talk=Talk(hints=hints))
    )
    assert {word for word, _ in row["talk"]["hints"]} <= signs.ids
