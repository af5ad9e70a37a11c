"""Lessons and the self-check: every way through them ends, and every answer counts as it should."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from bot import courses
from bot.content import Content, ContentError, load
from bot.lessons import HOW, LEFT, MENU, Courses, Step, begin, follow
from handoff.conversation import Lesson
from handoff.risk import Risk

GUIDANCE = Path(__file__).parents[2] / "bot" / "guidance"
NONE: frozenset[str] = frozenset()
ANSWERS = {"yes": (NONE, "affirm"), "no": (NONE, "deny"), "unsure": (frozenset({"move.unsure"}), None)}


@pytest.fixture(scope="module")
def content() -> Content:
    return load(GUIDANCE)


@pytest.fixture(scope="module")
def book(content: Content) -> Courses:
    return content.courses


def start(book: Courses, name: str) -> Step:
    step = begin(book, frozenset({f"start.{name}"}), None)
    assert step is not None
    return step


def through(book: Courses, answers: list[str]) -> Step:
    """The self-check answered like this."""
    step = start(book, "self_check")
    for answer in answers:
        assert step.lesson is not None
        signs, intent = ANSWERS[answer]
        following = follow(book, step.lesson, signs, intent)
        assert following is not None
        step = following
    return step


def test_there_are_six_lessons_and_a_check_of_eight(book: Courses) -> None:
    assert set(book.lessons) == {"images", "sextortion", "deepfake", "grooming", "friend", "camera"}
    assert [len(check.questions) for check in book.checks.values()] == [8]


def test_every_lesson_ends(book: Courses, content: Content) -> None:
    for name, pages in book.lessons.items():
        step, said = start(book, name), []
        while step.lesson is not None:
            said += step.says
            assert step.quick == ("next", "leave")
            following = follow(book, step.lesson, frozenset({"move.next"}), None)
            assert following is not None
            step = following
        assert tuple(said + list(step.says)) == pages
        assert "self_check" in step.quick
        assert set(step.quick) <= set(content.quick_replies)


def test_words_offer_the_menu(book: Courses, content: Content) -> None:
    menu = begin(book, frozenset({"start.lessons"}), "prevention")
    assert menu is not None
    assert (menu.says, menu.lesson) == ((MENU,), None)
    assert set(menu.quick) <= set(content.quick_replies)
    assert len(menu.quick) == 7
    assert begin(book, NONE, "prevention") is None
    assert begin(book, frozenset({"start.lessons"}), "ask_police") is None


@pytest.mark.parametrize("name", ["images", "self_check"])
def test_it_can_be_left_at_any_step(book: Courses, name: str) -> None:
    lesson = start(book, name).lesson
    while lesson is not None:
        left = follow(book, lesson, frozenset({"move.stop"}), None)
        assert left is not None
        assert (left.says, left.lesson, left.found) == ((LEFT,), None, None)
        following = follow(book, lesson, frozenset({"move.next"}), "affirm")
        lesson = following.lesson if following else None


def test_what_does_not_belong_ends_a_lesson_and_is_asked_again_in_a_check(book: Courses) -> None:
    assert follow(book, Lesson("images", 0), NONE, "chitchat") is None
    again = follow(book, Lesson("self_check", 3, 2), NONE, "chitchat")
    assert again is not None
    assert (again.says, again.lesson) == ((HOW,), Lesson("self_check", 3, 2))


@pytest.mark.parametrize(
    ("answers", "text", "risk"),
    [
        (["no"] * 8, "check.calm", Risk.LOW),
        (["unsure"] * 2 + ["no"] * 6, "check.calm", Risk.LOW),
        (["yes"] + ["unsure"] + ["no"] * 6, "check.some", Risk.MEDIUM),
        (["unsure"] * 4 + ["no"] * 4, "check.some", Risk.MEDIUM),
        (["yes"] * 3 + ["no"] * 5, "check.worry", Risk.HIGH),
        (["unsure"] * 8, "check.worry", Risk.HIGH),
        (["no"] * 5 + ["yes"] + ["no"] * 2, "check.worry", Risk.HIGH),
        (["no"] * 7 + ["yes"], "check.calm", Risk.LOW),
    ],
)
def test_the_outcome_is_graded(book: Courses, answers: list[str], text: str, risk: Risk) -> None:
    step = through(book, answers)
    assert (step.says, step.lesson, step.found) == ((text,), None, risk)


def test_more_worrying_answers_never_come_out_calmer(book: Courses) -> None:
    """All 6,561 ways to answer: a yes instead of a no never lowers the outcome."""
    check = book.checks["self_check"]
    found = {}
    for answers in product(("no", "unsure", "yes"), repeat=len(check.questions)):
        step = through(book, list(answers))
        assert step.found is not None
        found[answers] = step.found
    for answers, risk in found.items():
        for place, answer in enumerate(answers):
            if answer != "yes":
                worse = (*answers[:place], "yes", *answers[place + 1 :])
                assert found[worse] >= risk, (answers, place)


def test_a_place_that_no_longer_exists_is_left(book: Courses) -> None:
    assert follow(book, Lesson("gone", 4, 9), NONE, "affirm") is None
    assert follow(book, Lesson("self_check", 99, 9), NONE, "affirm") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lesson.images.2", "lesson.images.9", "no text lesson.images.9"),
        ("alone: [check.body", "alone: [check.calm", "'alone' of its own questions"),
        ("at_least: 0", "at_least: 1", "one begins at zero"),
        ("risk: low", "risk: small", "risk is one of"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(
    tmp_path: Path, content: Content, old: str, new: str, said: str
) -> None:
    written = (GUIDANCE / "lessons.yaml").read_text("utf-8")
    body = written[written.index("\nlessons:") :]
    assert old in body
    path = tmp_path / "lessons.yaml"
    path.write_text(body.replace(old, new, 1), "utf-8")
    with pytest.raises(ContentError, match=said):
        courses.load(path, frozenset(content.texts))
