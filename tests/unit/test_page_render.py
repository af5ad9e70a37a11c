import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
import yaml

from channels.page.render import CONTENT_POLICY, EMERGENCY, STATIC, Page

GUIDANCE = Path(__file__).parents[2] / "bot" / "guidance" / "page.yaml"
EXIT = "https://weather.example/"
Texts = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def texts() -> Texts:
    page: Texts = yaml.safe_load(GUIDANCE.read_text(encoding="utf-8"))["page"]
    resolve = re.compile(r"\{dir:(\w+)\}").sub
    return {key: {lang: resolve(r"\1", said) for lang, said in text.items()} for key, text in page.items()}


@pytest.fixture(scope="module")
def page(texts: Texts) -> Page:
    return Page(texts, EXIT)


class Seen(HTMLParser):
    """Every tag of a document with its attributes, and the text of scripts."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[dict[str, str], str]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            self.scripts.append((self.tags[-1][1], data))


@pytest.fixture(params=["chat ko", "chat en", "kept ko", "kept en"])
def document(request: pytest.FixtureRequest, page: Page) -> str:
    name, lang = request.param.split()
    return page.chat(lang) if name == "chat" else page.kept(lang)


def test_nothing_is_inline(document: str) -> None:
    seen = Seen(document)
    assert all(attrs.get("type") == "application/json" for attrs, _ in seen.scripts)
    assert not any(tag == "style" for tag, _ in seen.tags)
    assert not [name for _, attrs in seen.tags for name in attrs if name == "style" or name.startswith("on")]


def test_nothing_comes_from_elsewhere(document: str) -> None:
    addresses = {
        attrs[name]
        for tag, attrs in Seen(document).tags
        for name in ("href", "src", "action")
        if name in attrs
    } - {EXIT}
    assert {each for each in addresses if not each.startswith(("/", "#", "tel:"))} == set()


def test_files_that_are_named_exist(document: str) -> None:
    named = re.findall(r'"/static/([^"]+)"', document)
    assert named
    assert [name for name in named if not (STATIC / name).is_file()] == []


def test_head_tells_nothing(document: str, texts: Texts) -> None:
    head = document.partition("</head>")[0]
    assert re.search(r"<title[^>]*>(.*?)</title>", head).group(1) in texts["tab_title"].values()  # type: ignore[union-attr]
    assert 'name="robots" content="noindex' in head
    assert 'name="referrer" content="no-referrer"' in head
    assert "og:" not in head
    assert "description" not in head


def test_no_file_can_be_picked_and_nothing_is_remembered(document: str) -> None:
    fields = [(tag, attrs) for tag, attrs in Seen(document).tags if tag in {"input", "textarea", "form"}]
    assert [attrs for _, attrs in fields if attrs.get("type") == "file"] == []
    assert all(attrs["autocomplete"] == "off" for _, attrs in fields)
    assert all(attrs["spellcheck"] == "false" for tag, attrs in fields if tag != "form")


def test_emergency_numbers_can_be_dialled(document: str) -> None:
    dialled = [
        attrs["href"] for tag, attrs in Seen(document).tags if attrs.get("href", "").startswith("tel:")
    ]
    assert dialled == [f"tel:{line}" for line in EMERGENCY]


def test_exit_works_before_any_script(document: str) -> None:
    exits = [attrs for tag, attrs in Seen(document).tags if tag == "a" and "data-exit" in attrs]
    assert {attrs["href"] for attrs in exits} == {EXIT}


def test_both_languages_travel_with_the_chat(page: Page, texts: Texts) -> None:
    [(_, block)] = Seen(page.chat("ko")).scripts
    assert json.loads(block) == texts
    assert '<html lang="ko">' in page.chat("ko")
    assert '<html lang="en">' in page.chat("en")


def test_unknown_language_gives_korean(page: Page) -> None:
    assert page.chat("<x>") == page.chat("ko")
    assert page.kept("") == page.kept("ko")


def test_without_scripts_the_numbers_are_there_in_both_languages(page: Page, texts: Texts) -> None:
    for said in texts["no_script"].values():
        assert said in page.chat("en")


def test_texts_cannot_break_out(texts: Texts) -> None:
    nasty = '</script><script>alert(1)</script>"&\u2028'
    chat = Page({**texts, "opening_1": {"ko": nasty, "en": nasty}}, EXIT).chat("ko")
    assert "<script>alert" not in chat
    [(_, block)] = Seen(chat).scripts
    assert json.loads(block)["opening_1"]["ko"] == nasty


def test_keys_that_scripts_ask_for_exist(texts: Texts) -> None:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    asked = set(re.findall(r'(?:say|show|label|tell)\([^"()]*"(\w+)"', scripts))
    asked |= set(re.findall(r'(?:\?\?|[:?]|return) "([a-z]+_[a-z_]+)"', scripts))
    asked |= {f"state_{phase}" for phase in ("none", "with_bot", "waiting", "claimed", "closed")}
    asked |= {f"who_{who}" for who in ("visitor", "bot", "counselor", "system")}
    assert {"connection_lost", "recovery_wrong", "file_refused", "waiting_ahead"} <= asked
    assert asked - texts.keys() - {"with_bot"} == set()


def test_text_without_a_language_is_refused(texts: Texts) -> None:
    with pytest.raises(ValueError, match="'send' has no 'en'"):
        Page({**texts, "send": {"ko": "보내기"}}, EXIT)


def test_missing_text_is_refused(texts: Texts) -> None:
    with pytest.raises(jinja2.UndefinedError, match="opening_1"):
        Page({key: text for key, text in texts.items() if key != "opening_1"}, EXIT)


@pytest.mark.parametrize("address", ["", "weather.example", "javascript:alert(1)", "https://"])
def test_exit_must_be_a_web_address(texts: Texts, address: str) -> None:
    with pytest.raises(ValueError, match="exit address"):
        Page(texts, address)


def test_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in CONTENT_POLICY
    assert CONTENT_POLICY.startswith("default-src 'none'")


def test_scripts_keep_nothing_and_write_no_markup() -> None:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    forbidden = ("localStorage", "sessionStorage", "indexedDB", "document.cookie", "serviceWorker", "innerHTML",
                 "insertAdjacentHTML", "outerHTML", "pushState", "eval(", "console.", "http:", "https:")  # fmt: skip
    assert [word for word in forbidden if word in scripts] == []
