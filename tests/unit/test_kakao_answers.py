from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.kakao.answers import (
    BYTES,
    LONGEST,
    OUTPUTS,
    QUICK_REPLIES,
    UNFOLDED,
    encoded,
    laid_out,
    on_its_way,
    size,
    split,
    template,
)
from channels.port import QuickReply

SENTENCE = "지금 많이 무서웠을 것 같아요. "
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=600)


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(st.lists(words, max_size=8))
def test_nothing_is_lost_and_every_bubble_fits(texts: list[str]):
    bubbles = laid_out(texts)
    assert squeezed("".join(bubbles)) == squeezed("".join(texts))
    assert all(bubble.strip() and size(bubble) <= LONGEST for bubble in bubbles)


@given(st.lists(st.text("가나 .\n", max_size=900), max_size=3))
def test_what_three_bubbles_can_hold_takes_three(texts: list[str]):
    assert len(laid_out(texts)) <= OUTPUTS


@given(words, st.integers(8, 700))
def test_pieces_keep_to_any_limit(text: str, limit: int):
    assert all(size(piece) <= limit for piece in split(text, limit))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["하나"], ["하나"]),
        (["하나", "둘", "셋"], ["하나", "둘", "셋"]),
        (["하나", " ", "", "둘"], ["하나", "둘"]),
        (["하나", "둘", "셋", "넷"], ["하나\n\n둘\n\n셋\n\n넷"]),
        ([], []),
    ],
)
def test_short_texts_stay_apart_while_there_is_room(texts: list[str], expected: list[str]):
    assert laid_out(texts) == expected


def test_a_long_text_is_cut_at_a_sentence_so_that_nothing_is_folded():
    text = (SENTENCE * 60).strip()
    bubbles = laid_out([text])
    assert len(bubbles) == OUTPUTS
    assert all(size(bubble) <= UNFOLDED and bubble.endswith(".") for bubble in bubbles)


def test_a_paragraph_is_a_kinder_place_than_a_sentence():
    text = "가" * 200 + ".\n\n" + "나" * 100 + ". " + "다" * 300
    assert split(text, UNFOLDED)[0] == "가" * 200 + "."


def test_folding_is_accepted_before_a_fourth_bubble():
    bubbles = laid_out([SENTENCE * 50, SENTENCE * 50])
    assert len(bubbles) <= OUTPUTS
    assert max(map(size, bubbles)) > UNFOLDED


def test_more_than_three_bubbles_hold_come_out_as_more():
    assert len(laid_out(["가" * 2000, "나" * 2000])) == 4


def test_emoji_count_twice_and_families_are_not_torn():
    family = "👩‍👩‍👧‍👦"
    assert size(family) == 11
    for limit in range(20, 60):
        assert all(piece.replace(family, "") == "" for piece in split(family * 20, limit))


def test_the_form_of_an_answer():
    answer = template(["하나", "둘"], [QuickReply("네", "네, 안전해요")])
    assert answer == {
        "version": "2.0",
        "template": {
            "outputs": [{"simpleText": {"text": "하나"}}, {"simpleText": {"text": "둘"}}],
            "quickReplies": [{"label": "네", "action": "message", "messageText": "네, 안전해요"}],
        },
    }


@pytest.mark.parametrize("bubbles", [[], ["가"] * 4, ["가" * 1001], ["😀" * 501]])
def test_what_kakao_would_refuse_is_refused_here(bubbles: list[str]):
    with pytest.raises(ValueError, match="1 to 3 texts"):
        template(bubbles)


def test_ten_buttons_at_most_and_never_too_many_bytes():
    assert len(template(["가"], [QuickReply("네", "네")] * 14)["template"]["quickReplies"]) == QUICK_REPLIES
    heavy = template(["가" * 1000] * 3, [QuickReply("네", "나" * 1000)] * 10)
    assert len(encoded(heavy)) <= BYTES
    assert 0 < len(heavy["template"]["quickReplies"]) < QUICK_REPLIES
    assert "quickReplies" not in template(["가"], [QuickReply("네", "나" * 11_000)])["template"]


def test_a_promise_of_a_callback_has_no_template():
    assert json.loads(encoded(on_its_way("곧 와요"))) == {
        "version": "2.0",
        "useCallback": True,
        "data": {"text": "곧 와요"},
    }


def test_half_characters_do_not_break_the_wire():
    assert b"?" in encoded(on_its_way("\ud83d"))
