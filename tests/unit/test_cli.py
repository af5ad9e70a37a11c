"""The command line, as processes: what it prints, its exit codes, and how it stops."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from bot import first_run
from tests.journey.running import COMMAND, FORM, Service, free_port, installed, running


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GYEOT_") and name != "GYEOT_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def gyeot(*arguments: str, source: bytes = b"", **more: str) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        [str(COMMAND), *arguments],
        input=source,
        env=os.environ | more,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(
        found.args, found.returncode, found.stdout.decode(), found.stderr.decode()
    )


def test_triage_of_rules_alone_over_pipes() -> None:
    lines = [json.dumps({"text": "헤어진 남친이 사진 퍼뜨린다고 협박해요"}).encode(), b"{", b'{"text": "hi"}']
    found = gyeot("triage", "--rules-only", source=b"\n".join(lines) + b"\n")
    assert found.returncode == 0
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    assert [answer.get("risk") for answer in answers] == ["high", None, "low"]
    assert answers[1] == {"error": "the line is not JSON"}
    assert found.stderr.startswith("1 line(s)")
    assert gyeot("triage", "--rules-only").stdout == ""


@pytest.mark.parametrize("name", ["GYEOT_SERVICE_KEYS", "GYEOT_INDEX_KEY", "GYEOT_AUDIT_KEY"])
@pytest.mark.parametrize("value", ["", "c2hvcnQ="])
def test_serving_refuses_to_start_with_a_missing_or_weak_key_and_names_it(name: str, value: str) -> None:
    keys = dict(line.split("=", 1) for line in first_run.KeyLines.new().text.splitlines())
    found = gyeot("serve", **(keys | {name: value, "GYEOT_NLU": "rules"}))
    assert found.returncode == 2
    assert name in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert not value or value not in found.stderr


def test_serving_refuses_a_wrong_setting_and_names_it() -> None:
    found = gyeot("serve", GYEOT_PUBLIC_PORT="high")
    assert (found.returncode, found.stdout) == (2, "")
    assert "GYEOT_PUBLIC_PORT" in found.stderr


def test_serving_refuses_a_database_that_is_not_up_to_date(elsewhere: Path) -> None:
    first_run.make_keys()
    found = gyeot(
        "serve", GYEOT_NLU="rules", GYEOT_PUBLIC_PORT=str(free_port()), GYEOT_CONSOLE_PORT=str(free_port())
    )
    assert found.returncode == 2
    assert "gyeot db upgrade" in found.stderr


def test_keys_are_printed_and_written_nowhere(elsewhere: Path) -> None:
    found = gyeot("keys")
    assert re.fullmatch(
        r"GYEOT_SERVICE_KEYS=k1:\S{44}\nGYEOT_INDEX_KEY=\S{44}\nGYEOT_AUDIT_KEY=\S{44}\n", found.stdout
    )
    assert list(elsewhere.iterdir()) == []


def test_staff_from_the_command_line(elsewhere: Path) -> None:
    first_run.make_keys()
    assert "gyeot db upgrade" in gyeot("staff", "list").stderr
    assert gyeot("db", "upgrade").returncode == 0
    refused = gyeot("staff", "add", "minjun")
    assert refused.returncode == 2
    assert "supervisor" in refused.stderr
    added = gyeot("staff", "add", "seoyeon", "--role", "supervisor")
    assert re.search(r"seoyeon +supervisor +\w+( \w+){5}$", added.stdout, re.MULTILINE)
    waiting = gyeot("staff", "add", "minjun")
    assert "Admit" in waiting.stdout
    listed = gyeot("staff", "list").stdout
    assert re.search(r"minjun +counselor +no +active", listed)
    assert re.search(r"seoyeon +supervisor +yes +active", listed)
    assert gyeot("staff", "disable", "minjun").returncode == 0
    assert re.search(r"minjun +counselor +no +disabled", gyeot("staff", "list").stdout)
    assert gyeot("staff", "disable", "seoyeon").returncode == 2


def test_doctors_exit_code(elsewhere: Path) -> None:
    broken = gyeot("doctor", GYEOT_NLU="rules")
    assert broken.returncode == 1
    assert "GYEOT_SERVICE_KEYS" in broken.stdout
    installed(elsewhere / "good")
    os.chdir(elsewhere / "good")
    good = gyeot("doctor", GYEOT_NLU="rules")
    assert good.returncode == 0, good.stdout


def test_talking_in_the_terminal(elsewhere: Path) -> None:
    installed(elsewhere / "good")
    os.chdir(elsewhere / "good")
    found = gyeot(
        "talk", source="헤어진 남친이 사진 퍼뜨린다고 협박해요\n\n무서워요\n".encode(), GYEOT_NLU="rules"
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("\n  ") >= 2
    assert "Traceback" not in found.stderr


# ── stopping ──


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path / "gyeot") as service:
        yield service


def test_ctrl_c_stops_within_seconds_also_with_open_event_streams(service: Service) -> None:
    with httpx2.Client(base_url=service.public, headers=FORM, timeout=10) as client:
        client.post("/api/messages", json={"id": "a" * 32, "text": "도와주세요"})
        with client.stream("GET", "/api/events") as events:
            lines = events.iter_lines()
            assert next(lines).startswith(("event", "retry", "data", ":"))
            began = time.monotonic()
            assert service.stop(within=5) == 0
            assert time.monotonic() - began < 5
            assert isinstance(list(lines), list), "the stream ended in an orderly way"
    assert '"serve.stopped"' in service.stderr
    assert "Traceback" not in service.stderr


def test_a_taken_port_is_told(service: Service, elsewhere: Path) -> None:
    environment = service.environment | {"GYEOT_CONSOLE_PORT": str(free_port())}
    second = subprocess.run(
        [str(COMMAND), "serve", "all"],
        cwd=service.folder,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert second.returncode != 0
    assert "port" in second.stderr.decode()
    assert "Traceback" not in second.stderr.decode()
