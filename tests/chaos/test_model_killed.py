"""The language model dies: the rules go on alone, in time, and the console says so until it is back."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator

import httpx2
import psutil
import pytest

from nlu import prepare
from tests.conftest import missing
from tests.journey.running import FORM, MODEL_WITHIN, Service, running, sign_in

THREAT = "헤어진 남친이 사진 퍼뜨린다고 협박해요"
ANSWERED_WITHIN = 1.0
GUIDANCE_WITHIN = 2.0  # the model's deadline of 0.8 s passes first


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    try:
        prepare.model()
    except prepare.PrepareError as error:
        missing(f"no language model: {error}")
    with running(tmp_path_factory.mktemp("model") / "gyeot", nlu="model") as service:
        service.model_pid()
        yield service


def test_without_the_model_the_rules_decide_in_time_until_it_is_back(service: Service) -> None:
    with sign_in(service, "minjun") as console:
        _until(lambda: _model(console) == "up", 10)
        assert _written(service, console)["model"] == "answered"

        pid = service.model_pid()
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + MODEL_WITHIN
        row = _written(service, console)
        assert (row["risk"], row["topic"], row["model"]) == ("high", "spread_threat", "away")
        assert _model(console) == "away"
        assert _written(service, console)["risk"] == "high"

        while _model(console) == "away":  # it is started again: at first it listens and is slow
            assert _written(service, console, GUIDANCE_WITHIN)["risk"] == "high"
            assert time.monotonic() < deadline
        _until(lambda: service.model_pid() != pid, 10)
        _until(lambda: _written(service, console)["model"] == "answered", 10)


def test_a_model_that_hangs_is_not_waited_for(service: Service) -> None:
    """A stopped process accepts connections and says nothing: worse than a dead one."""
    with sign_in(service, "haeun") as console:
        _until(lambda: _written(service, console)["model"] == "answered", 20)
        parent = psutil.Process(service.model_pid())
        server = [parent, *parent.children(recursive=True)]
        for process in server:
            process.suspend()
        try:
            rows = [_written(service, console, GUIDANCE_WITHIN) for _ in range(7)]
            assert [(row["risk"], row["model"]) for row in rows] == [("high", "away")] * 7
            assert _model(console) == "away"
        finally:
            for process in server:
                process.resume()
        _until(lambda: _written(service, console)["model"] == "answered", 20)


def _written(service: Service, console: httpx2.Client, within: float = ANSWERED_WITHIN) -> dict[str, str]:
    """A new visitor writes; the row that the console shows for it. Answered in time, with guidance."""
    before = {row["id"] for row in console.get("/api/queue").json()["waiting"]}
    with httpx2.Client(base_url=service.public, headers=FORM, timeout=10) as visitor:
        visitor.get("/healthz")
        began = time.monotonic()
        answer = visitor.post("/api/messages", json={"id": str(uuid.uuid4()), "text": THREAT})
        took = time.monotonic() - began
    assert answer.status_code == 200
    assert [entry["who"] for entry in answer.json()["entries"]] == ["bot"]
    assert answer.json()["state"]["phase"] == "waiting"
    assert took < within
    [row] = [row for row in console.get("/api/queue").json()["waiting"] if row["id"] not in before]
    return dict(row)


def _model(console: httpx2.Client) -> str:
    return str(console.get("/api/queue").json()["model"])


def _until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)
