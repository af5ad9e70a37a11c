"""Logging: constant event names and ids on standard error. Nothing anyone wrote is ever logged."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PLAIN = (str, int, float, bool, type(None))
_LONGEST = 80


def configure(level: str, pretty: bool) -> None:
    """Send events of at least this level to standard error: for people if ``pretty``, else as JSON lines."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_plain,
            structlog.dev.ConsoleRenderer(colors=False) if pretty else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    others = logging.StreamHandler(sys.stderr)
    others.setFormatter(_WithoutWords("%(levelname)s %(name)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[others], force=True)


class _WithoutWords(logging.Formatter):
    """What libraries log: where it happened and the kind of error, never a word of it."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  the library's name
        """Frames and the error's class, without its message or the errors it came from."""
        kind, _, trace = ei
        frames = "".join(traceback.format_tb(trace))
        return f"{frames}{kind.__name__ if kind else ''}"


def _only_plain(_logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Drop what is not a short plain value: an object's repr or a long text has no business in a log."""
    return {
        key: value if isinstance(value, _PLAIN) and len(str(value)) <= _LONGEST else "<dropped>"
        for key, value in event.items()
    }
