"""Forms of a message: what was done to the spelling is undone, the plain reading always stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu import jamo
from nlu.normalise import language, normalise

CHAT = st.text(
    alphabet="가나다자살해죽고싶어 ㅋㅠㅎㄱㅅㅈㅏㅓㅗㅣr.1*'\u200babekiuz0134@$!?\n💊ＡⓐéÅ", max_size=60
)


@given(st.one_of(st.text(max_size=200), CHAT))
@settings(max_examples=400, deadline=None)
def test_never_raises_and_is_idempotent(text: str) -> None:
    forms = normalise(text)
    assert normalise(forms.plain).plain == forms.plain
    assert 0.0 <= forms.hangul <= 1.0
    assert " " not in forms.dense
    assert len(forms.dense.split("\n")) == len(forms.words.split("\n"))


@pytest.mark.parametrize(
    "text",
    ["가" * 10_000, "a1" * 5_000, "ㅈ ㅏ " * 2_500, "자.살 " * 2_500, "ㅋ" * 10_000, "wktkf " * 1_600, "ㅏ" * 10_000,
     "a.b." * 2_500, "é" * 10_000, "\u1100\u1161" * 5_000],
)  # fmt: skip
def test_ten_thousand_characters_take_bounded_time(text: str) -> None:
    start = time.process_time()
    normalise(text)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ㅅㅏ진", "사진"),
        ("ㅈ ㅏ ㅅ ㅏ ㄹ", "자살"),
        ("주ㄱ고 싶어", "죽고"),
        ("ㅈr살", "자살"),
        ("자1살", "자살"),
        ("자.살", "자살"),
        ("자*살하고 싶다", "자살하고"),
        ("유 포 됐어요", "유포"),
        ("죽.고.싶.다", "죽고싶다"),
        ("자\u200b살", "자살"),
        ("죽고싶어어어어", "죽고싶어"),
        ("죽고시퍼", "싶어"),
        ("주글래", "죽을래"),
        ("뒵페", "딥페"),
        ("몸켐", "몸캠"),
        ("wktkf", "자살"),
        ("guqqkr", "협박"),
        ("durqkr", "협박"),
        ("WKTKF", "자살"),
        ("wnrrh tlvek", "죽고 싶다"),
        ("jasal", "자살"),
        ("hyeopbak", "협박"),
        ("momcam", "몸캠"),
        ("su1c1de", "suicide"),
        ("s.u.i.c.i.d.e", "suicide"),
        ("k i l l", "kill"),
        ("ⓢⓤⓘⓒⓘⓓⓔ", "suicide"),
        ("ＨＥＬＰ", "help"),
        ("hеlp", "help"),
        ("ㅗ디ㅔ", "help"),
        ("i’m going to", "im gonna"),
        ("helppppp", "help"),
    ],
)
def test_disguises_are_read(text: str, word: str) -> None:
    assert word in normalise(text).words


@pytest.mark.parametrize("text", ["ㅋㅋ", "ㅠㅠ", "ㅎㅇ", "ㄱㅅㅠㅠ", "ㅈㅅ", "ㅇㅇㅠㅠ", "ㅋㅠ"])
def test_laughter_tears_and_initials_stay(text: str) -> None:
    assert normalise(text).plain == text


def test_the_plain_reading_stays_beside_the_others() -> None:
    first, *others = normalise("자1살").words.split("\n")
    assert first == "자1살"
    assert others == ["자살"]


def test_english_words_are_not_taken_for_korean_keys() -> None:
    assert normalise("the weather is fine and we go to school").words.count("\n") == 0


def test_language_follows_the_letters() -> None:
    assert language("도와줘 please") == "ko"
    assert language("please help me, he said 안녕") == "en"
    assert language("") == "ko"
    assert language("!!! 123") == "ko"


@given(
    st.text(
        alphabet="가나다라마바사아자차카타파하각난닫랄맘밥삿앙잦찿쾈탙팦핳과귀긔뛰쒔값닭",
        min_size=2,
        max_size=8,
    )
)
def test_keys_and_syllables_are_each_other_s_reverse(word: str) -> None:
    assert jamo.from_keys(jamo.to_keys(word)) == word


def test_a_form_does_not_show_its_text() -> None:
    assert "비밀" not in repr(normalise("비밀"))
