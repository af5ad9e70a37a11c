"""How many calls go on at once: a bound, so that a flood of calls cannot take every phone."""

from __future__ import annotations

from collections.abc import Callable

LONGEST = 4 * 3600.0
"""Twilio ends a call after four hours by default; a call whose end was never told is forgotten then."""


class Lines:
    """Calls of this process by id. ``clock``: seconds that only grow."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._calls: dict[str, float] = {}

    def take(self, call: str) -> bool:
        """Whether there is room for this call; one that has a line keeps it."""
        now = self._clock()
        if call not in self._calls and len(self._calls) >= self._most:
            self._calls = {known: at for known, at in self._calls.items() if now - at < LONGEST}
        if call not in self._calls and len(self._calls) >= self._most:
            return False
        self._calls.setdefault(call, now)
        return True

    def free(self, call: str) -> None:
        """The call is over."""
        self._calls.pop(call, None)
