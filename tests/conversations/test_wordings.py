"""Yes, no and unsure to the two questions about life, in the words that children use; by the rules alone."""

from __future__ import annotations

import pytest

from bot.triage import Situation, assess
from handoff.risk import Risk
from nlu.ensemble import combine
from nlu.lexicon import Lexicon
from nlu.normalise import normalise
from nlu.rulebook import load

YES = (
    "네|넵|넹|예|응|웅|엉|어|ㅇㅇ|ㅇ|ㅇㅋ|그래요|맞아요|맞아|있어요|네 있어요|네ㅠㅠ|그런 것 같아요|조금요|네네|응응|당연하죠|"
    "네 맞아요|그쵸|응..|네!!|yes|yeah|yep|yup|ye|i do|sometimes|kinda|a little|yes i do|i guess so|y|uh yeah"
)
NO = (
    "아니요|아뇨|아니|ㄴㄴ|ㄴ|아닌데요|없어요|전혀요|그런 거 아니에요|그런 건 아니에요|아니 없어|노노|아녀|그런 생각 없어요|"
    "안 그래요|아니오|no|nope|nah|not really|no i dont|never|n|nooo|no not at all"
)
UNSURE = "모르겠어요|잘 모르겠어요|몰라요|글쎄요|반반|애매해요|아마도|idk|not sure|maybe|i dont know|dunno"
SAFE = "네|네 안전해요|괜찮아요|지금은 괜찮아요|집이에요|응 안전해|안전해|yes|im safe|yeah im ok"
UNSAFE = (
    "아니요|안전하지 않아요|아뇨 무서워요|ㄴㄴ|위험해요|안 괜찮아요|불안전해요|no|not safe|no im scared|nope"
)
CASES = [
    (asked, word, risk)
    for asked, words, risk in (
        ("suicide_now", YES, Risk.IMMINENT),
        ("suicide_now", NO, Risk.LOW),
        ("suicide_now", UNSURE, Risk.HIGH),
        ("safe_now", SAFE, Risk.LOW),
        ("safe_now", UNSAFE, Risk.IMMINENT),
        ("safe_now", UNSURE, Risk.HIGH),
    )
    for word in words.split("|")
]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load()


@pytest.mark.parametrize(("asked", "word", "risk"), CASES)
def test_an_answer_is_understood(lexicon: Lexicon, asked: str, word: str, risk: Risk) -> None:
    understanding = combine(lexicon.read(normalise(word)), None, "ko", silent="off")
    assert assess(understanding, Situation(None, None, asked, 1)).risk is risk
    if asked == "suicide_now":
        unasked = assess(understanding, Situation(None, None, None, 1)).risk
        assert unasked < Risk.IMMINENT, "a yes or a no to nothing is no danger"
    for before in Risk:
        assert assess(understanding, Situation(before, None, asked, 1)).risk >= before
