"""How fast one visitor may send: a bucket for each, in memory only, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

BUCKETS = 50_000
_WHOLE = 1 - 1e-9  # a token that lacks only what floating point rounded away is one


class Pace:
    """Token buckets: ``per_minute`` messages, of which ``burst`` may come at once."""

    def __init__(self, per_minute: int, burst: int, clock: Callable[[], float]) -> None:
        self._rate = per_minute / 60
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, who: str) -> float:
        """Take one token. Returns 0 when there was one, else the seconds until there will be."""
        now = self._clock()
        level, at = self._buckets.pop(who, (self._burst, now))
        level = min(self._burst, level + max(0.0, now - at) * self._rate)
        allowed = level >= _WHOLE
        self._buckets[who] = (max(0.0, level - 1) if allowed else level, max(at, now))
        if len(self._buckets) > BUCKETS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._rate
