from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot import logs

MARKER = "표식짙은밤73915"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def told(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == "", "logs go to standard error"
    return err


def test_events_are_lines_of_json_with_ids(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", pretty=False)
    structlog.get_logger().warning("watch.handed_over", conversation="c1", seq=3)
    event = json.loads(told(capsys))
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "watch.handed_over", "level": "warning", "conversation": "c1", "seq": 3}


def test_below_the_level_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", pretty=True)
    structlog.get_logger().info("serve.started")
    assert told(capsys) == ""
    structlog.get_logger().error("door.broken")
    assert "door.broken" in told(capsys)


@pytest.mark.parametrize("pretty", [True, False])
def test_what_is_not_short_and_plain_is_dropped(capsys: pytest.CaptureFixture[str], pretty: bool) -> None:
    logs.configure("info", pretty=pretty)
    structlog.get_logger().info(
        "x", list=[MARKER], map={"t": MARKER}, long=MARKER * 20, error=ValueError(MARKER)
    )
    said = told(capsys)
    assert MARKER not in said
    assert said.count("<dropped>") == 4


@pytest.mark.parametrize("pretty", [True, False])
def test_libraries_are_quoted_by_place_and_kind_of_error_only(
    capsys: pytest.CaptureFixture[str], pretty: bool
) -> None:
    logs.configure("info", pretty=pretty)
    other = logging.getLogger("some.library")
    try:
        try:
            raise KeyError(MARKER)
        except KeyError as error:
            raise ValueError(MARKER) from error
    except ValueError:
        other.exception("while handling %s", MARKER)
    said = told(capsys)
    assert said.startswith("ERROR some.library")
    assert "ValueError" in said
    assert "test_logs.py" in said
    assert MARKER not in said
    other.info("starting")
    assert told(capsys) == ""
