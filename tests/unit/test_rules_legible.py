"""Disguised and mistyped messages: what they probably say, that nothing else is touched, and in what time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.legible import legible
from nlu.normalise import normalise
from nlu.romanised import korean_of
from nlu.wordstock import english_share, is_english, korean_likeness, split_english

MESS = st.text(
    alphabet="가나죽고싶어살려 주세요ㅋㅠㅎㄱㅅㅈㅏㅓㅗㅣrl07口.1*'abekiuzthswn0134@$!?\n💊😂🙏ⓐé",
    max_size=80,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("살😂려주🙏세요", "살려주세요"),
        ("친.구.집.에 왔.어.요", "친구집에 왔어요"),
        ("h.e i.s o.u.t.s.i.d.e", "he is outside"),
        ("살살려려줘줘", "살려줘"),
        ("kkiillll mmeee", "kill me"),
        ("0ㅏ빠가 ㅈl금 때려0ㅛ", "아빠가 지금 때려요"),
        ("ㅎㅏㅁㅈㅓㅇㅇㅔ ㄱㅏㅌㅎㅕㅆㅇㅓㅇㅛ", "함정에 갇혔어요".replace("갇", "같")),
        ("ㅡㅛ ㄹ갸둥 ㅑㄴ ㅐㅜ 솓 개ㅐㄹ", "my friend is on the roof"),
        ("wlrma wlq dkvdl dprdy", "지금 집 앞이 엑요"),
        ("s k dhsmf wnrdj", "ㄴ ㅏ 오늘 죽어"),
        ("hesoutsidemyhouse", "hes outside my house"),
        ("therye kickign me now", "theyre kicking me now"),
        ("1 t00k th3 p1ll5", "i took the pills"),
        ("jigeum jip ape isseoyo", "지금 집 앞에 있어요"),
    ],
)
def test_what_was_meant(typed: str, meant: str) -> None:
    assert legible(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "오늘 급식 뭐야 ㅋㅋㅋ ㅠㅠ", "ㅇㅇ ㄱㄱ", "ㅋㅋㅋㅋ", "he is 17 and I am 14", "10시에 7번 출구에서 봐",
        "What time does it open today?", "", "😂😂", "!!! 123", "배고파 죽겠다 😂", "오늘 3.5km 뛰었다",
    ],
)  # fmt: skip
def test_ordinary_messages_stay_as_they_are(text: str) -> None:
    assert legible(text) == text


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("ㅈㄱ 밖에 있어", "지금"), ("ㅈㄱ싶어", "죽고"), ("ㅇㅅ 썼어", "유서"), ("ㅇㅅ에 왔어", "옥상"),
        ("ㅅㅁ 그었어", "손목"), ("ㅋ 들고 있어", "칼"), ("ㅅㄹㅈㅅㅇ", "살려주세요"), ("을죽 거예요", "죽을"),
        ("금지 문앞", "지금"), ("살자할거야", "자살"), ("목손에서 피", "손목"),
    ],
)  # fmt: skip
def test_hidden_words_are_found_out(typed: str, word: str) -> None:
    assert word in normalise(typed).words


@pytest.mark.parametrize("text", ["출입금지구역", "혼자 살자", "ㄱㄱ", "ㅋㅋ 들어와", "해자가 깊은 성"])
def test_words_that_hide_nothing_stay_alone(text: str) -> None:
    assert "\n" not in normalise(text).words


def test_the_reading_for_a_model_is_one_line_and_not_shown() -> None:
    forms = normalise("tkffuwntpdy")
    assert forms.legible == "살려주세요"
    assert "살려" not in repr(forms)


def test_the_tables_know_words_from_noise() -> None:
    assert is_english("outside")
    assert not is_english("qzxv")
    assert english_share(["he", "qzxv"]) == pytest.approx(1 / 3)
    assert english_share([]) == 0.0
    assert split_english("hewontletmeleave") == ["he", "wont", "let", "me", "leave"]
    assert korean_likeness("있어요") > korean_likeness("뷁휅뙟")
    assert korean_of("qqqq") is None


@given(st.one_of(st.text(max_size=200), MESS))
@settings(max_examples=300, deadline=None)
def test_never_raises(text: str) -> None:
    assert isinstance(legible(text), str)
    assert isinstance(normalise(text).legible, str)


@pytest.mark.parametrize(
    "text",
    ["landedwrong" * 180, "jigeum " * 280, "a.b." * 700, "ㅁr0" * 660, "😀가" * 1_000, "x" * 10_000, "ㅣㅂ" * 1_000,
     "aabb" * 500, "1" * 2_000, "h3" * 1_000, "퓰" * 2_000, "eu" * 1_400],
)  # fmt: skip
def test_two_thousand_characters_take_bounded_time(text: str) -> None:
    legible("warm up the tables jigeum")
    start = time.process_time()
    normalise(text)
    assert time.process_time() - start < 1.0
