"""The rule floor: patterns, contexts, harmless phrases, the loader, and the reviewed rules themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.anchors import PatternError, anchors_in
from nlu.clues import read_chain
from nlu.lexicon import Lexicon
from nlu.normalise import normalise
from nlu.patterns import compile_line
from nlu.rulebook import FOLDER, RulebookError, load
from nlu.understanding import Worry


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load()


def names(lexicon: Lexicon, text: str) -> set[str]:
    return {signal.name for signal in lexicon.read(normalise(text)).signals}


def worry(lexicon: Lexicon, text: str) -> Worry | None:
    reading = lexicon.read(normalise(text))
    return reading.worry if reading.signals else None


# -- patterns -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "script", "text", "found"),
    [
        ("죽고싶", "ko", "죽고 싶 어", True),
        ("죽고싶", "ko", "죽 고 싶다", True),
        ("<자살", "ko", "혼자살기", False),
        ("<자살", "ko", "나 자살", True),
        ("(?<!혼|각)자살", "ko", "혼 자살", False),
        ("합성(?!반응)", "ko", "합성 반응", False),
        ("약|칼 ~ 샀어", "ko", "약", True),
        ("약|칼 ~ 샀어", "ko", "칼을 어제 샀어", True),
        ("약|칼 ~ 샀어", "ko", "칼", False),
        ("kill myself", "en", "gonna kill myself", True),
        ("kill", "en", "skills", False),
        ("(just |really )*hurt( me)?", "en", "he just really hurt me", True),
        ("deep ?fak\\w*", "en", "a deepfake", True),
        ("a ~ b", "en", "a " + "x" * 40 + " b", False),
    ],
)
def test_patterns(line: str, script: str, text: str, found: bool) -> None:
    patterns = compile_line(line, "ko" if script == "ko" else "en")
    assert any(pattern.regex.search(text) for pattern in patterns) is found
    anchors = anchors_in(text, text.replace(" ", ""))
    if found:
        assert any(pattern.anchors & anchors for pattern in patterns)


@pytest.mark.parametrize("line", ["(죽고", "죽고)", ".{0,3}", "[가-힣]", "(a|b)?", "?"])
def test_patterns_that_say_nothing_are_refused(line: str) -> None:
    with pytest.raises(PatternError):
        compile_line(line, "ko")


def test_anchors_never_hide_a_match(lexicon: Lexicon) -> None:
    """Every rule that would match by brute force is found through its anchors."""
    for text in _dev_texts():
        forms = normalise(text)
        anchors = anchors_in(forms.words, forms.dense)
        for rule in lexicon.rules:
            for pattern in rule.patterns:
                if pattern.regex.search(forms.words):
                    assert pattern.anchors & anchors, rule.id


def _dev_texts() -> list[str]:
    import json

    path = Path(__file__).parents[1] / "fixtures" / "triage_dev.jsonl"
    return [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]


# -- contexts and harmless phrases --------------------------------------------------------------------------


CLUED = "clues:\n  - {id: a, ko: [가방]}\nrules:\n  - {id: x, intent: greet, why: y, ko: [안녕]}\n"
RULES = """
contexts:
  - {id: past, ko: [작년], but_ko: [오늘]}
  - {id: self, ko: [제가]}
harmless:
  - {id: hungry, why: hunger, ko: [배고파죽겠]}
rules:
  - {id: r.hit, intent: assault_now, why: blows, ko: [맞았], unless: [past], needs: [self]}
  - {id: r.die, intent: suicidal_thoughts, why: wish, ko: [죽겠]}
  - {id: r.own, family: stalking, worry: care, why: own, ko: [따라]}
"""


@pytest.fixture
def small(tmp_path: Path) -> Lexicon:
    (tmp_path / "a.yaml").write_text(RULES, "utf-8")
    return load(tmp_path)


def test_needs_and_unless(small: Lexicon) -> None:
    assert names(small, "제가 맞았어요") == {"r.hit"}
    assert names(small, "맞았어요") == set()
    assert names(small, "작년에 제가 맞았어요") == set()
    assert names(small, "작년에 그리고 오늘 제가 맞았어요") == {"r.hit"}


def test_harmless_phrases_leave_the_rest_of_the_message(small: Lexicon) -> None:
    reading = small.read(normalise("배고파 죽겠다"))
    assert (reading.harmless, reading.worry, reading.intent) == (("hungry",), Worry.CALM, "joke_hyperbole")
    both = small.read(normalise("배고파 죽겠다 근데 진짜 죽겠어 그리고 누가 따라와"))
    assert {signal.name for signal in both.signals} == {"r.die", "r.own"}
    assert [signal.name for signal in both.signals] == ["r.die", "r.own"]  # most worrying first


POINTS = """
contexts: [{id: media, ko: [영화]}]
clues:
  - {id: pills, ko: [수면제|약]}
  - {id: means, ko: [수면제]}
  - {id: fun, ko: [ㅋㅋ]}
  - {id: night, ko: [새벽]}
rules: [{id: r.die, intent: suicide_intent, why: plan, ko: [죽을거]}]
points:
  - {id: weak.self_harm, family: self_harm, why: pills, need: 4, unless: [media],
     worth: {means: 3, pills: 2, night: 1, fun: -2}}
"""


def test_points_add_up_to_weak_evidence_where_no_rule_is_sure(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POINTS, "utf-8")
    book = load(tmp_path)

    def weak(text: str) -> list[tuple[str, Worry]]:
        return [(signal.name, signal.worry) for signal in book.read(normalise(text)).weak]

    assert weak("새벽에 수면제") == [("weak.self_harm", Worry.DANGER)]
    assert weak("수면제") == []  # one word says one thing, though two clues hold it
    assert weak("새벽에 수면제 ㅋㅋ") == weak("새벽에 수면제 나오는 영화") == []
    assert weak("새벽에 수면제 먹고 죽을거야") == []  # the rule has said it
    assert book.read(normalise("새벽에 수면제")).signals == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("rules:\n  - {id: x, intent: greet, why: y, ko: ['(죽고']}", "a.yaml, x: pattern"),
        ("rules:\n  - {id: x, intent: nonsense, why: y, ko: [안녕]}", "a.yaml, x: unknown intent"),
        ("rules:\n  - {id: x, intent: greet, why: y}", "a.yaml, x: has no pattern"),
        ("rules:\n  - {id: x, intent: greet, ko: [안녕]}", "a.yaml, x: 'why'"),
        ("rules:\n  - {id: x, intent: greet, why: y, ko: [안녕], unless: [z]}", "a.yaml, x: unknown context"),
        ("rules:\n  - {id: x, intent: greet, why: y, ko: [안녕], worry: huge}", "a.yaml, x: worry is one of"),
        ("rules:\n  - {id: x, family: love, worry: calm, why: y, ko: [안녕]}", "a.yaml, x: unknown family"),
        ("rules:\n  - {id: x, intent: greet, why: y, ko: 안녕}", "a.yaml, x: 'ko' must be a list"),
        ("rules:\n  - {id: x, intent: greet, why: y, ko: [안녕], kr: [안녕]}", "a.yaml, x: unknown key"),
        ("rules:\n  - {id: x, intent: greet, why: y, ko: [안녕]}\n  - {id: x, intent: greet, why: y, ko: [하이]}",
         "a.yaml, x: the id is used twice"),
        ("rules:\n  - {id: x, intent: greet, why: y, together: [a & b]}", "a.yaml, x: chain 'a & b': unknown clue 'a'"),
        ("rules:\n  - {id: x, intent: greet, why: y, together: ['a & B!']}", "a.yaml, x: chain 'a & B!': 'B!' is no"),
        ("clues:\n  - {id: a, ko: ['(약']}\nrules:\n  - {id: x, intent: greet, why: y, ko: [안녕]}",
         "a.yaml, a: unbalanced bracket"),
        ("clues:\n  - {id: a}\nrules:\n  - {id: x, intent: greet, why: y, ko: [안녕]}", "a.yaml, a: has no word"),
        (f"{CLUED}points:\n  - {{id: p, family: stalking, why: y, need: 0, worth: {{a: 1}}}}", "a.yaml, p: 'need'"),
        (f"{CLUED}points:\n  - {{id: p, family: stalking, why: y, need: 1, worth: {{a: x}}}}", "a.yaml, p: 'worth'"),
        (f"{CLUED}points:\n  - {{id: p, family: stalking, why: y, need: 1, worth: {{b: 1}}}}",
         "a.yaml, p: unknown clue 'b'"),
        (f"{CLUED}points:\n  - {{id: p, family: love, why: y, need: 1, worth: {{a: 1}}}}", "a.yaml, p: unknown family"),
        (f"{CLUED}points:\n  - {{id: p, family: stalking, why: y, need: 1, worth: {{a: 1}}, unless: [z]}}",
         "a.yaml, p: unknown context 'z'"),
        ("rules: 3", "a.yaml: 'rules' must be a list"),
        ("[1", "a.yaml: cannot be read"),
        ("other: []", "a.yaml: may only hold"),
        ("contexts: []", "no rules"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_its_rule(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.yaml").write_text(content, "utf-8")
    with pytest.raises(RulebookError) as error:
        load(tmp_path)
    assert said in str(error.value)


# -- the reviewed rules -------------------------------------------------------------------------------------


def test_every_rule_and_phrase_says_why() -> None:
    import yaml

    for path in FOLDER.glob("*.yaml"):
        content = yaml.safe_load(path.read_text("utf-8"))
        for entry in [*content.get("rules", []), *content.get("harmless", []), *content.get("points", [])]:
            assert len(entry["why"]) > 3, entry["id"]


def test_every_context_and_every_clue_is_used() -> None:
    import yaml

    content = [yaml.safe_load(path.read_text("utf-8")) for path in FOLDER.glob("*.yaml")]
    rules = [rule for file in content for rule in file.get("rules", [])]
    used = {name for rule in rules for name in [*rule.get("needs", []), *rule.get("unless", [])]}
    used |= {name for rule in rules for line in rule.get("together", []) for name in read_chain(line).names}
    known = {
        entry["id"] for file in content for name in ("contexts", "clues") for entry in file.get(name, [])
    }
    assert known == used


@pytest.mark.parametrize(
    "text",
    [
        "수면제 모아놨어요", "i hurt myself last night", "안녕히 계세요 여러분", "지금 집 앞이래", "만나러 가는 중",
        "문 두드려요", "su1c1de tonight", "자1살 할거야", "wktkf gkfrjdi", "친구 얘긴데 오늘 옥상에서 뛰어내린대",
        "배고파 죽겠다 ㅋㅋ 는 뻥이고 나 오늘 진짜 죽을거야 약도 모아놨어",
    ],
)  # fmt: skip
def test_danger_is_seen(lexicon: Lexicon, text: str) -> None:
    assert worry(lexicon, text) is Worry.DANGER


@pytest.mark.parametrize(
    "text",
    [
        "배고파 죽겠다", "더워 죽겠", "보고싶어 죽겠", "웃겨 죽어", "i'm dead lol", "my phone is dying",
        "this exam is killing me", "수학 망해서 자살각 ㅋㅋㅋ", "롤에서 또 죽었어", "과제 너무 많아 살려줘 ㅋㅋ",
    ],
)  # fmt: skip
def test_hyperbole_is_calm(lexicon: Lexicon, text: str) -> None:
    assert worry(lexicon, text) is Worry.CALM


@pytest.mark.parametrize(
    "text",
    [
        "혼자 살고 싶다", "여자 살 빼는 법", "바코드 찍는 알바", "화학 시간에 합성 반응", "팔로워 뿌리 염색",
        "노예 12년 영화 봤어", "취업 조건이 까다로워", "일탈하고 싶다", "ㅈㅅ 늦었네", "뒷페이지 봐", "해자 있는 성",
        "피자 살까", "향수 뿌리고 나왔어", "목매는 스타일 아니야 연애에",
    ],
)  # fmt: skip
def test_words_with_two_meanings_are_no_alarm(lexicon: Lexicon, text: str) -> None:
    assert (worry(lexicon, text) or Worry.CALM) <= Worry.CARE


@pytest.mark.parametrize(
    "text",
    [
        "친구가 제 사진을 단톡에 올렸어요",
        "제가 보낸 사진을 퍼뜨렸어요",
        "i sent my pics to him",
        "아빠가 저를 때렸어요",
    ],
)
def test_whoever_was_harmed_is_no_offender(lexicon: Lexicon, text: str) -> None:
    assert "role.offender" not in names(lexicon, text)


@pytest.mark.parametrize(
    "text",
    ["제가 친구 사진으로 딥페이크를 만들었어요", "장난으로 단톡에 올렸어요", "i made a deepfake of a girl"],
)
def test_whoever_did_it_is(lexicon: Lexicon, text: str) -> None:
    assert "role.offender" in names(lexicon, text)


def test_who_asks_for_someone_else(lexicon: Lexicon) -> None:
    assert "spread.now" in names(lexicon, "친구가 제 사진을 단톡에 올렸어요")
    assert "role.bystander" not in names(lexicon, "친구 때문에 죽고싶어요")
    assert "role.bystander" in names(lexicon, "친구가 죽고싶대요")
    assert "role.guardian" not in names(lexicon, "딸이라고 부르면서 사진 보내래요")
    assert "role.guardian" in names(lexicon, "우리 딸이 협박당했어요")


@pytest.mark.parametrize("text", ["i'm safe now", "my ex keeps stalking me", "왔어", "집 앞", "집 앞이에요"])
def test_what_is_near_in_words_only_is_no_danger(lexicon: Lexicon, text: str) -> None:
    reading = lexicon.read(normalise(text))
    assert (reading.worry < Worry.DANGER, reading.weak) == (True, ())


@pytest.mark.parametrize(
    "text", ["i'm not safe", "i don't feel safe at home", "someone is following me", "쉿 문앞"]
)
def test_and_what_is_near_is(lexicon: Lexicon, text: str) -> None:
    assert worry(lexicon, text) is Worry.DANGER


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("yes", "ㅇㅇ 맞아|넵넵|맞아여|그렇긴 해요|그런 편이에요|매일요|자주요|네"),
        ("no", "아니여|아니에요|절대 아니에요|아니요"),
        ("unsure", "음.. 모르겠어요|모르겠어요"),
        ("safe", "ㅇㅇ 괜찮아|괜찮아요"),
        ("unsafe", "아니 무서워|i don't feel safe"),
    ],
)
def test_answers(lexicon: Lexicon, kind: str, texts: str) -> None:
    for text in texts.split("|"):
        assert {name for name in names(lexicon, text) if name.startswith("answer.")} == {f"answer.{kind}"}, (
            text
        )


def test_ambiguous_initials_need_more(lexicon: Lexicon) -> None:
    assert worry(lexicon, "ㅈㅅ") is None
    assert worry(lexicon, "ㅈㅅ 하고 싶어") == Worry.URGENT


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_reading_never_raises(text: str) -> None:
    _LEXICON.read(normalise(text))


@pytest.mark.parametrize(
    "text", ["죽" * 10_000, "약 " * 5_000, "집 앞 " * 3_000, "a b " * 2_500, "i will " * 1_400]
)
def test_long_messages_take_bounded_time(text: str) -> None:
    start = time.process_time()
    _LEXICON.read(normalise(text))
    assert time.process_time() - start < 3.0


def test_a_message_takes_microseconds(lexicon: Lexicon) -> None:
    """150 microseconds on a quiet machine; the bar leaves room for a busy one."""
    texts = _dev_texts()
    best = min(_seconds(lexicon, texts) for _ in range(5)) / len(texts)
    assert best < 600e-6


def _seconds(lexicon: Lexicon, texts: list[str]) -> float:
    start = time.process_time()
    for text in texts:
        lexicon.read(normalise(text))
    return time.process_time() - start


_LEXICON = load()
