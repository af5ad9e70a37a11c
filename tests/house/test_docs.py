"""The papers say what the program does: settings, commands, targets, links, files, events, tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.channel_settings import ChannelSettings
from bot.cli import app
from bot.settings import Settings
from tests.house.tree import PACKAGES, ROOT, own_files, shown
from vault.keytext import EXAMPLE_KEY

DOCS = ROOT / "docs"
OPERATIONS = (DOCS / "operations.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
PAPERS = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
GENERATED = {  # written after the papers: by the benchmark, by training, and from the running program
    "docs/images/console.png",
    "docs/images/visitor.png",
    "docs/model-card.md",
    "docs/performance.json",
    "docs/performance.md",
}


def _plain(field: FieldInfo) -> str:
    """A default as an environment file writes it; empty where there is none."""
    value = field.default
    if isinstance(value, SecretStr) or value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(field: FieldInfo) -> str:
    return f"`{_plain(field)}`" if _plain(field) else "none"


def settings_rows() -> Iterator[str]:
    """The table of settings, as operations.md must hold it."""
    yield "| setting | default | |"
    yield "|---|---|---|"
    for name, field in Settings.model_fields.items():
        words = (field.description or "").replace("|", "\\|")
        yield f"| `GYEOT_{name.upper()}` | {_default(field)} | {words} |"


def _commands(group: typer.Typer, before: str = "gyeot") -> Iterator[str]:
    for command in group.registered_commands:
        yield f"{before} {command.name or command.callback.__name__}"
    for inner in group.registered_groups:
        yield from _commands(inner.typer_instance, f"{before} {inner.name}")


COMMANDS = sorted(_commands(app))
TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def _events() -> set[str]:
    """The constant words of every log event."""
    found = set()
    for package in PACKAGES:
        for path in own_files(".py", under=ROOT / package):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
                    found.add(ast.literal_eval(node.args[0]))
    return found


@pytest.mark.parametrize("row", list(settings_rows()))
def test_every_setting_is_explained(row: str):
    assert f"{row}\n" in OPERATIONS


def test_no_setting_is_explained_that_does_not_exist():
    known = {f"GYEOT_{name.upper()}" for name in Settings.model_fields} | {"GYEOT_CACHE", "GYEOT_PYTHON310"}
    for text in (OPERATIONS, EXAMPLE, README, (ROOT / "docker-compose.yml").read_text("utf-8")):
        assert set(re.findall(r"GYEOT_[A-Z0-9_]+", text)) <= known


@pytest.mark.parametrize(("name", "field"), Settings.model_fields.items(), ids=str)
def test_every_setting_stands_in_the_example(name: str, field: FieldInfo):
    found = re.search(rf"^(#?)GYEOT_{name.upper()}=(.*)$", EXAMPLE, re.MULTILINE)
    assert found
    if isinstance(field.default, SecretStr) and name not in ChannelSettings.model_fields:
        assert not found[1], "a key must be noticed when it is missing"
        assert found[2].removeprefix("k1:") == EXAMPLE_KEY
    else:
        assert found[1], "what has a default is only shown; a channel without its secrets is shut"
        assert field.default is None or found[2] == _plain(field)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained(command: str):
    assert f"`{command}" in OPERATIONS


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_explained(target: str):
    assert f"make {target}" in README + OPERATIONS


@pytest.mark.parametrize("event", sorted(_events()))
def test_every_log_event_is_explained(event: str):
    assert f"`{event}`" in OPERATIONS


@pytest.mark.parametrize("paper", PAPERS, ids=shown)
def test_code_blocks_name_only_what_exists(paper: Path):
    text = paper.read_text("utf-8")
    code = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    spans = "\n".join(re.findall(r"`(gyeot [a-z][^`]*|make [a-z][^`]*)`", text))
    for target in re.findall(r"\bmake ([a-z-]+)", f"{code}\n{spans}"):
        assert target in TARGETS
    for line in re.findall(r"(?<![\w/.-])gyeot ((?:[a-z]+ ?)+)", f"{code}\n{spans}"):
        assert any(f"gyeot {line}".startswith(command) for command in COMMANDS), line


@pytest.mark.parametrize("paper", PAPERS, ids=shown)
def test_links_lead_somewhere(paper: Path):
    text = paper.read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (paper.parent / file).resolve() if file else paper
        if shown(target) in GENERATED:
            continue
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, link


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("paper", PAPERS, ids=shown)
def test_every_file_named_exists(paper: Path):
    named = set(re.findall(r"`([\w.-]+/[\w./-]+)`", paper.read_text("utf-8")))
    files = {name for name in named if name.split("/")[0] in {*PACKAGES, "tests", "locks", "docs", "bench"}}
    missing = {name for name in files - GENERATED if not (ROOT / name).exists()}
    assert missing - {"docs/performance.*"} == set()


def test_the_life_of_a_message_names_functions_that_exist():
    text = (DOCS / "life-of-a-message.md").read_text("utf-8")
    named = re.findall(r"`([A-Za-z_.]+)`\s+\(`([\w/]+\.(?:py|js))`\)", text)
    assert len(named) > 15
    for name, file in named:
        code = (ROOT / file).read_text("utf-8")
        for part in name.split("."):
            assert re.search(rf"\b{part}\b", code), f"{name} in {file}"


def test_the_life_of_a_message_takes_eight_hops():
    text = (DOCS / "life-of-a-message.md").read_text("utf-8")
    assert re.findall(r"^### (\d)\. ", text, re.MULTILINE) == list("12345678")


@pytest.mark.parametrize("paper", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_three_parts_in_order_on_one_page(paper: Path):
    text = paper.read_text("utf-8")
    number = int(paper.name[:4])
    assert re.match(rf"# {number}\. \S", text)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_gaps():
    assert [int(paper.name[:4]) for paper in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_every_attack_in_the_threat_model_is_a_test():
    text = (DOCS / "threat-model.md").read_text("utf-8")
    promises = text.split("## Promises")[1].split("## Not yet attacked")[0]
    rows = [
        line.split(" | ") for line in promises.splitlines() if line.startswith("| ") and "---" not in line
    ][1:]
    assert len(rows) > 25
    for promise, keepers, attacks in rows:
        assert "`" in keepers, promise
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", attacks)
        assert named, promise
        for file, test in named:
            assert test in _functions(ROOT / file), f"{file}::{test}"


def _functions(path: Path) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, functions)}
