"""The preparation of the language model's side, without installing or training anything."""

from __future__ import annotations

import importlib.util
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nlu import prepare
from nlu.intents import ENTITIES, INTENTS, MEANINGS
from nlu.understanding import Worry


def executable(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    for name in ("data/ko/greet.yml", "components/linear.py", "config.yml", "domain.yml", "requirements.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    return root


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it; returns the folder that is PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("GYEOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GYEOT_PYTHON310", raising=False)
    monkeypatch.setattr(prepare, "find_uv", no_uv)
    return path


def no_uv() -> list[str]:
    raise prepare.NoInstaller


@pytest.mark.parametrize(
    "changed", ["data/ko/greet.yml", "components/linear.py", "config.yml", "domain.yml", "requirements.txt"]
)
def test_the_fingerprint_follows_every_file_that_shapes_the_model(project: Path, changed: str) -> None:
    before = prepare.fingerprint(project)
    (project / changed).write_text("other", "utf-8")
    assert prepare.fingerprint(project) != before


def test_the_fingerprint_follows_a_new_name(project: Path) -> None:
    before = prepare.fingerprint(project)
    (project / "data/ko/greet.yml").rename(project / "data/ko/hello.yml")
    assert prepare.fingerprint(project) != before


def test_the_fingerprint_ignores_byte_code_and_papers(project: Path) -> None:
    before = prepare.fingerprint(project)
    (project / "components" / "__pycache__").mkdir()
    (project / "components" / "__pycache__" / "linear.cpython-310.pyc").write_bytes(b"x")
    (project / "README.md").write_text("words", "utf-8")
    (project / "serve.py").write_text("words", "utf-8")
    assert prepare.fingerprint(project) == before


def test_a_shim_that_does_not_run_is_passed_over(bare: Path, tmp_path: Path) -> None:
    executable(bare / "python3.10", "exit 127")
    works = executable(tmp_path / "pyenv/versions/3.10.13/bin/python3.10", "echo 3.10")
    assert prepare.find_python() == works


def test_another_version_under_that_name_is_passed_over(bare: Path) -> None:
    executable(bare / "python3.10", "echo 3.12")
    with pytest.raises(prepare.NoPython, match=r"uv python install 3\.10"):
        prepare.find_python()


def test_a_named_python_that_does_not_run_is_said_so(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(bare / "python3.10", "echo 3.10")
    monkeypatch.setenv("GYEOT_PYTHON310", "/nowhere/python3.10")
    with pytest.raises(prepare.NoPython, match="GYEOT_PYTHON310 is /nowhere"):
        prepare.find_python()


def test_a_model_that_is_there_is_not_trained_again(bare: Path, project: Path) -> None:
    trained = prepare.model_path(project)
    trained.parent.mkdir(parents=True)
    trained.write_bytes(b"model")
    assert prepare.model(project) == trained


def environment_with(python: str, project: Path) -> None:
    executable(prepare.environment_path(project) / "bin" / "python", python)


def test_training_leaves_the_archive_under_its_fingerprint(bare: Path, project: Path) -> None:
    # The stand-in writes where `--out` points, as Rasa does.
    environment_with(
        'while [ "$1" != "--out" ]; do shift; done; echo trained > "$2/model.tar.gz"',
        project,
    )
    trained = prepare.model(project)
    assert trained.name == f"nlu-{prepare.fingerprint(project)}.tar.gz"
    assert [one.name for one in trained.parent.iterdir() if one.name != ".lock"] == [trained.name]


def test_a_failed_training_says_the_last_words_and_leaves_nothing(bare: Path, project: Path) -> None:
    environment_with("echo no space left; exit 3", project)
    with pytest.raises(prepare.TrainingFailed, match="no space left"):
        prepare.model(project)
    folder = prepare.model_path(project).parent
    assert [one.name for one in folder.iterdir()] == [".lock"]


def test_a_training_without_a_model_is_a_failure(bare: Path, project: Path) -> None:
    environment_with("exit 0", project)
    with pytest.raises(prepare.TrainingFailed, match="without a model"):
        prepare.model(project)


def test_telemetry_is_off_and_the_callers_python_does_not_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("RASA_TELEMETRY_ENABLED", "true")
    child = prepare.child_environment()
    assert child["RASA_TELEMETRY_ENABLED"] == "false"
    assert "PYTHONPATH" not in child


def test_where_prepares_nothing(bare: Path, tmp_path: Path) -> None:
    assert prepare.where() == {"python": None, "model": None, "serve": None}
    assert not (tmp_path / "cache").exists()


def test_it_runs_as_a_script(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, prepare.__file__, "where"],
        capture_output=True, text=True, check=True,
        env={"GYEOT_CACHE": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert json.loads(ran.stdout) == {"python": None, "model": None, "serve": None}


def test_a_wrong_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare.main(["fly"]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_lock_pins_by_hash_and_names_no_index() -> None:
    lock = (prepare.PROJECT / "requirements.txt").read_text("utf-8")
    pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in pinned)
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock
    assert "--index" not in lock


def loaded(name: str) -> dict[str, object]:
    read: dict[str, object] = yaml.safe_load((prepare.PROJECT / name).read_text("utf-8"))
    return read


def test_every_intent_of_the_domain_has_examples_in_both_languages_and_no_other() -> None:
    intents = loaded("domain.yml")["intents"]
    assert isinstance(intents, list)
    for lang in ("ko", "en"):
        files = list((prepare.PROJECT / "data" / lang).glob("*.yml"))
        assert {path.stem for path in files} == set(intents)
        for path in files:
            named = {item["intent"] for item in loaded(f"data/{lang}/{path.name}")["nlu"]}  # type: ignore[attr-defined]
            assert named == {path.stem}


def test_the_model_worries_about_the_same_intents_as_everyone_else() -> None:
    pipeline = loaded("config.yml")["pipeline"]
    assert isinstance(pipeline, list)
    second = next(part for part in pipeline if part["name"].endswith("SecondReader"))
    for word, worry in (("imminent", Worry.DANGER), ("high", Worry.URGENT)):
        assert set(second[word]) == {name for name, meaning in MEANINGS.items() if meaning.worry is worry}
    assert loaded("domain.yml")["intents"] == list(INTENTS)


def test_the_benchmark_uses_the_same_pipeline_and_intents() -> None:
    assert loaded("bench/config-same.yml")["pipeline"] == loaded("config.yml")["pipeline"]
    for part in ("intents", "entities"):
        assert loaded("bench/domain.yml")[part] == loaded("domain.yml")[part]


def facts(text: str) -> set[tuple[str, str]]:
    """The kinds of facts that the model's process marks in a text, and the words they stand on."""
    found = runpy.run_path(str(prepare.PROJECT / "components" / "facts.py"))["marks"](text)
    assert all(mark["value"] == mark["entity"] for mark in found)  # the words stay in the process
    return {(mark["entity"], text[mark["start"] : mark["end"]]) for mark in found}


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("오늘 밤까지 안 보내면 뿌린대요", "deadline", "밤까지"),
        ("he gave me 2 hours", "deadline", "gave me 2 hours"),
        ("문상 5만원 보내래요", "amount", "5만원"),
        ("wants $300 from me", "amount", "$300"),
        ("인스타에서 만난 사람", "platform", "인스타"),
        ("he added me on snap", "platform", "snap"),
        ("www.example.com/a 에 올라왔어요", "url", "www.example.com/a"),
        ("교문 앞에서 기다려요", "meeting_place", "교문 앞에서 기다"),
        ("토요일에 만나기로 했어요", "meeting_time", "토요일에 만나"),
        ("저 중2예요", "age_band", "중2"),
        ("im 13", "age_band", "im 13"),
        ("전남친이 그랬어요", "relation", "전남친"),
        ("피가 안 멈춰요", "injury", "피가 안 멈"),
    ],
)
def test_kinds_of_facts_are_marked(text: str, kind: str, words: str) -> None:
    assert (kind, words) in facts(text)


@pytest.mark.parametrize("text", ["화상통화로 수업했어요", "안녕하세요", "", "배고파 죽겠다"])
def test_what_is_no_fact_is_not_marked(text: str) -> None:
    assert facts(text) == set()


def test_the_kinds_are_those_of_the_domain_and_of_the_client() -> None:
    kinds = runpy.run_path(str(prepare.PROJECT / "components" / "facts.py"))["KINDS"]
    assert loaded("domain.yml")["entities"] == list(kinds)
    assert set(kinds) == set(ENTITIES)


class Slow:
    """A component of the model that says it will take long; ``needless``: it may be left out."""

    def __init__(self, *, needless: bool) -> None:
        self.needless = needless
        self.read: list[str] = []

    def is_slow_for(self, _: str) -> bool:
        return True

    def can_wait(self, _: str) -> bool:
        return self.needless

    def process(self, messages: list[str]) -> None:
        self.read += messages


@pytest.mark.parametrize(
    ("needless", "pressed", "whole"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_a_server_under_pressure_leaves_out_only_what_can_wait(
    needless: bool, pressed: bool, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("gyeot_archive", prepare.PROJECT / "archive.py")
    assert spec is not None
    assert spec.loader is not None
    archive = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gyeot_archive", archive)
    spec.loader.exec_module(archive)
    component = Slow(needless=needless)
    pipeline = archive.Pipeline((component,), "model.tar.gz", "id", "today")
    assert pipeline.quick("글", pressed) is whole
    assert component.read == []
