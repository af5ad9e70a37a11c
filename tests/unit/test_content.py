"""The guidance files load, keep their rules, and a broken one is refused with its place."""

from __future__ import annotations

import shutil
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from bot.content import Content, ContentError, load
from bot.content_lint import lint, load_wording
from bot.guidance_map import ANSWER_OF_SIGN, OF_INTENT, OF_RISK, OF_SPEAKER, guide, sequence
from handoff.conversation import Speaker
from handoff.risk import Risk, Topic
from nlu.intents import MEANINGS

WITHOUT_GUIDE = {Topic.SMALLTALK, Topic.WIPE}
LIFE_AND_BODY = {Topic.SELF_HARM, Topic.PHYSICAL_VIOLENCE, Topic.IMMEDIATE_DANGER}
GUIDANCE = Path(__file__).parents[2] / "bot" / "guidance"
TALK = """
texts:
  - id: sample
    when: {purpose: reply}
    ko: ["%s"]
    en: ["%s"]
"""
HARD = (
    "Confidentiality obligations notwithstanding, investigating authorities necessarily communicate proceedings. "
    "Documentation requirements necessitate notification."
)
PAGE = """
page:
  again: {ko: "다시", en: "Again"}
"""
QUICK = """
quick:
  - {id: "unsure", label: {ko: "몰라요", en: "Not sure"}, say: {ko: "몰라요", en: "not sure"}}
"""


@pytest.fixture(scope="module")
def content() -> Content:
    return load(GUIDANCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GUIDANCE, tmp_path / "guidance"))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with the real directory and rules, and hardly any text."""
    for name in ("directory.yaml", "lessons.yaml", "signs.yaml", "wording.yaml"):
        shutil.copy(GUIDANCE / name, tmp_path / name)
    (tmp_path / "page.yaml").write_text(PAGE, "utf-8")
    (tmp_path / "quick.yaml").write_text(QUICK, "utf-8")
    return tmp_path


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def _rules(folder: Path) -> set[str]:
    findings = lint(load(folder), load_wording(folder / "wording.yaml"))
    return {finding.rule for finding in findings}


# ── the files as they are ───────────────────────────────────────────────────────────────────────────


def test_all_texts_keep_the_rules(content: Content) -> None:
    assert lint(content, load_wording(GUIDANCE / "wording.yaml")) == ()


def test_numbers_come_from_the_directory(content: Content) -> None:
    for lang in ("ko", "en"):
        assert content.directory["d4u"].number in content.render("guide.deletion", lang)[0]
        assert "{" not in "".join(content.render("guide.deletion", lang))
    assert content.page("ko")["emergency_112"] == "경찰 112"
    assert content.page("en")["waiting_minutes"] == "It may take about {low} to {high} minutes."


def test_every_topic_with_guidance_has_a_text(content: Content) -> None:
    without = {Topic.SMALLTALK, Topic.WIPE}
    assert {f"guide.{topic}" for topic in set(Topic) - without} <= set(content.texts)


def test_tables_agree_with_when(content: Content) -> None:
    for intent, text in OF_INTENT.items():
        assert content.texts[text].when["intent"] == intent
        assert text.startswith(f"guide.{content.texts[text].when['topic']}.")
    for (topic, risk), text in OF_RISK.items():
        assert dict(content.texts[text].when) == {"topic": topic, "risk": risk.word}
    for entry in content.texts.values():
        default = entry.when.get("topic") is None or entry.id == f"guide.{entry.when['topic']}"
        own = {*OF_INTENT.values(), *OF_RISK.values(), *OF_SPEAKER.values(), "guide.self_harm.offender"}
        assert default or entry.id in own
    for (speaker, _), text in OF_SPEAKER.items():
        assert content.texts[text].when.get("speaker", speaker) == speaker


@pytest.mark.parametrize("speaker", Speaker)
def test_every_situation_has_its_guide(content: Content, speaker: Speaker) -> None:
    """Every topic × risk × speaker × language, whatever the intent: at most three messages, and they exist."""
    walked = 0
    for topic, risk, intent in product(set(Topic) - WITHOUT_GUIDE, Risk, (None, *MEANINGS)):
        for text in sequence(topic, risk, intent, speaker):
            for lang in ("ko", "en"):
                messages = content.render(text, lang)
                assert 1 <= len(messages) <= 3, (text, lang)
                walked += 1
    assert walked > 10_000


def test_a_guide_says_what_to_do_and_whom_to_call(content: Content) -> None:
    """Every guide on harm names somebody who answers; danger names 112 or 119."""
    quiet = {"guide.anonymity", "guide.service_info"}
    for speaker, topic, risk in product(Speaker, set(Topic) - WITHOUT_GUIDE, Risk):
        text = guide(topic, risk, None, speaker)
        written = " ".join(content.texts[text].written["ko"])
        assert text in quiet or "{dir:" in written, text
        if risk is Risk.IMMINENT and topic in LIFE_AND_BODY:
            assert "{dir:112}" in written or "{dir:119}" in written, (text, topic)


def test_who_did_harm_reads_nothing_that_excuses_or_helps_to_hide(content: Content) -> None:
    for topic, risk in product(set(Topic) - WITHOUT_GUIDE, Risk):
        for text in sequence(topic, risk, None, Speaker.OFFENDER):
            for line in (*content.render(text, "ko"), *content.render(text, "en")):
                assert "네 잘못이 아니" not in line, text
                assert "not your fault" not in line, text
    told = " ".join((*content.render("guide.offender", "ko"), *content.render("offender.next", "ko")))
    assert "멈춰요" in told
    assert content.directory["132"].number in told


def test_every_note_is_called_for_by_a_sign_and_every_sign_of_a_note_has_one(content: Content) -> None:
    notes = {text for text in content.texts if text.startswith("note.")}
    assert notes == {sign for sign in content.signs.ids if sign.startswith("note.")}
    assert {sign for sign in content.signs.ids if sign.startswith("ask.")} == set(ANSWER_OF_SIGN)
    assert len(notes) >= 9


def test_taps_are_read_as_they_are_meant(content: Content) -> None:
    """What a button sends is read by the signs alone, so that lessons work without the model."""
    wanted = {"next": "move.next", "leave": "move.stop", "self_check": "start.self_check"}
    wanted |= {f"lesson_{name}": f"start.{name}" for name in content.courses.lessons}
    wanted |= {"lessons": "start.lessons"}
    for reply, sign in wanted.items():
        for lang in ("ko", "en"):
            [tap] = content.quick((reply,), lang)
            signs = content.signs.read(tap.say)
            assert sign in signs, (reply, lang)
            assert {"move.tapped", "move.next", "move.stop"} & signs, (reply, lang)


def test_imminent_guidance_gives_an_emergency_number_first(content: Content) -> None:
    emergencies = {"{dir:112}", "{dir:119}"}
    for text in content.texts.values():
        if text.when.get("risk") == "imminent" or text.id == "guide.immediate_danger":
            for lang in ("ko", "en"):
                assert any(number in "".join(text.written[lang]) for number in emergencies), text.id


def test_nothing_is_reviewed_until_the_deploying_centre_has(content: Content, folder: Path) -> None:
    assert set(content.texts) | {"page.yaml", "quick.yaml"} == set(content.unreviewed())
    _edit(folder / "help.yaml", 'reviewed_by: ""', 'reviewed_by: "K"')
    assert "guide.deletion" in load(folder).unreviewed(), "a name without a date is no review"
    _edit(folder / "help.yaml", 'reviewed_on: ""', "reviewed_on: 2027-01-05")
    assert "guide.deletion" not in load(folder).unreviewed()


def test_stale_counts_days_since_the_sources_were_read(content: Content) -> None:
    read = content.directory["112"].verified_on
    assert content.stale(read, 0) == ()
    assert "112" in content.stale(date.fromordinal(read.toordinal() + 91), 90)
    assert content.stale(date.fromordinal(read.toordinal() + 90), 90) == ()


def test_quick_replies_keep_their_order(content: Content) -> None:
    assert [reply.say for reply in content.quick(("not_safe", "safe"), "ko")] == ["아니요", "네"]
    with pytest.raises(KeyError):
        content.quick(("nobody",), "ko")


def test_words_do_not_stand_in_reprs(content: Content) -> None:
    assert "잘못" not in repr(content)


# ── files that are broken ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "help.yaml",
            "{dir:d4u}",
            "{dir:nobody}",
            "help.yaml: guide.deletion: ko: no directory entry nobody",
        ),
        ("help.yaml", "{dir:d4u}", "{d4u}", "help.yaml: guide.deletion: ko: unknown reference {d4u}"),
        ("help.yaml", "{dir:d4u}", "{dir:d4u:text}", "directory entry d4u has no text"),
        ("help.yaml", "when: {topic: deletion}", "when: {topic: delete}", "when: no topic delete"),
        ("danger.yaml", "risk: imminent", "risk: grave", "when: no risk grave"),
        ("danger.yaml", "when: {topic: self_harm, ", "when: {", "when: needs a topic"),
        ("help.yaml", "id: guide.police_report", "id: guide.deletion", "guide.deletion: id: is used twice"),
        ("help.yaml", "    en:\n", "    eng:\n", "guide.deletion: en: a list with at least one text"),
        ("page.yaml", '    en: "Gyeot"', "", "page.yaml: title: -: language en is missing"),
        ("page.yaml", "{ahead} ahead", "some ahead", "waiting_ahead: -: ko and en need the same fields"),
        ("page.yaml", "  input_label:", "  title:", "key twice: title"),
        ("quick.yaml", 'en: "Not sure"', 'de: "?"', "quick.yaml: unsure: label: language en is missing"),
        ("directory.yaml", "    verified_on: 2026-11-21", "", "directory.yaml: 112: verified_on: a date"),
        ("directory.yaml", '    source: "gynet', '    sources: "gynet', "112: source: a text is needed"),
        ("directory.yaml", 'number: "119"\n', "number: 119\n", "119: number: a text is needed"),
        ("answers.yaml", "texts:", "text:", "answers.yaml: -: texts: a list is needed"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(
    folder: Path, file: str, old: str, new: str, said: str
) -> None:
    _edit(folder / file, old, new)
    with pytest.raises(ContentError) as refused:
        load(folder)
    assert said in str(refused.value)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "page.yaml").unlink()
    with pytest.raises(ContentError, match=r"page\.yaml"):
        load(folder)


# ── texts that break a rule ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "ko", "en"),
    [
        ("safe-messaging", "극단적 선택을 하지 말아요.", "fine"),
        ("safe-messaging", "괜찮아요.", "He committed suicide."),
        ("method", "옥상에서 내려와요.", "fine"),
        ("method", "괜찮아요.", "Do not jump off."),
        ("blame", "그건 네 잘못이에요.", "fine"),
        ("blame", "왜 보냈어요?", "fine"),
        ("blame", "먼저 말했어야 해요.", "fine"),
        ("blame", "괜찮아요.", "It is your fault."),
        ("blame", "괜찮아요.", "Why did you send it?"),
        ("promise", "부모님은 절대 모르게 할 수 있어요.", "fine"),
        ("promise", "비밀은 꼭 지켜 드려요.", "fine"),
        ("promise", "영상은 완전히 지울 수 있어요.", "fine"),
        ("promise", "우리가 지워 줄게요.", "fine"),
        ("promise", "괜찮아요.", "We guarantee removal."),
        ("promise", "괜찮아요.", "This is totally anonymous."),
        ("images", "그 사진을 보내 주세요.", "fine"),
        ("images", "캡처 좀 올려 줄래요?", "fine"),
        ("images", "괜찮아요.", "Please send us the photo."),
        ("words", "몰카를 찍힌 거예요.", "fine"),
        ("number", "02-735-8994에 전화해요.", "fine"),
        ("number", "112에 전화해요.", "fine"),
        ("number", "괜찮아요.", "Text #1388 now."),
        ("number", "괜찮아요.", "Call 0 2 7 3 5."),
        ("address", "괜찮아요.", "See www.example.org today."),
        ("address", "괜찮아요.", "Write to a@b.co please."),
        ("length", "다 돼요. " * 40, "fine"),
        ("length", "괜찮아요.", "It is fine. " * 30),
        ("sentence", "가" * 53 + ".", "fine"),
        ("sentence", "괜찮아요.", "and " * 21),
        ("level", "괜찮아요.", HARD),
        ("level", "나 는 집 에 가 서 밥 을 먹 고 물 도 마 시 고 잤어.", "fine"),
        ("level", "피해촬영물삭제지원신청 절차안내자료 확인하십시오. " * 4, "fine"),
    ],
)
def test_the_linter_finds_bad_texts(small: Path, rule: str, ko: str, en: str) -> None:
    (small / "sample.yaml").write_text(TALK % (ko, en), "utf-8")
    assert _rules(small) == {rule}


@pytest.mark.parametrize(
    ("ko", "en"),
    [
        ("네 잘못이 아니에요.", "It is not your fault."),
        ("네 잘못은 아니에요.", "You are not to blame."),
        ("19세 미만은 24시간 도움을 받아요.", "Under 19, 24 hours."),
        ("영상·사진은 보내지 마세요.", "Please do not send images."),
        ("모두 지워진다고 약속할 수는 없어요.", "Nobody can promise that."),
        ("{dir:d4u}에 전화해요.", "Call {dir:d4u}."),
    ],
)
def test_the_linter_lets_good_texts_pass(small: Path, ko: str, en: str) -> None:
    (small / "sample.yaml").write_text(TALK % (ko, en), "utf-8")
    assert _rules(small) == set()


def test_the_linter_reads_page_and_quick_replies_too(small: Path) -> None:
    (small / "sample.yaml").write_text(TALK % ("네.", "Yes."), "utf-8")
    _edit(small / "page.yaml", 'en: "Again"', 'en: "Call 112 again"')
    _edit(small / "quick.yaml", 'en: "Not sure"', 'en: "Was it my or your fault?"')
    assert _rules(small) == {"number", "blame"}


def test_four_messages_are_too_many(small: Path) -> None:
    four = TALK.replace('"%s"', '"a.", "b.", "c.", "d."')
    (small / "sample.yaml").write_text(four, "utf-8")
    assert _rules(small) == {"messages"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('number: "1577-1366"', 'number: "call us"'),
        ('number: "1577-1366"', 'number: "02-1366"'),
        ('text_number: "#0117"', 'text_number: "0117 by text"'),
    ],
)
def test_the_directory_is_checked(small: Path, old: str, new: str) -> None:
    (small / "sample.yaml").write_text(TALK % ("네.", "Yes."), "utf-8")
    _edit(small / "directory.yaml", old, new)
    assert _rules(small) == {"directory"}


def test_a_needed_organisation_that_is_gone_is_found(small: Path) -> None:
    (small / "sample.yaml").write_text(TALK % ("네.", "Yes."), "utf-8")
    _edit(small / "directory.yaml", 'id: "109"', 'id: "gone"')
    findings = lint(load(small), load_wording(small / "wording.yaml"))
    assert [finding.detail for finding in findings] == ["109 is missing"]


def test_a_broken_rule_file_is_refused(small: Path) -> None:
    _edit(small / "wording.yaml", '"몰카"', '"(몰카"')
    with pytest.raises(ContentError, match=r"wording\.yaml: words: ko: is no expression"):
        load_wording(small / "wording.yaml")
