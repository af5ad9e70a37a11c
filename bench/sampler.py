"""Start ``gyeot`` with a sampler inside: which lines of the main thread burn CPU.

    python -m bench.sampler FILE serve all

SIGUSR1 begins, SIGUSR2 ends and writes ``FILE``: one line for each stack (frames from the outside in, joined
by ``;``) with the CPU milliseconds of the main thread that were burned there. Sampling goes by CPU time, not
by the clock, so what other programs do to the machine changes little.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from bot import cli

EVERY: Final = 0.002
ROOT: Final = Path(__file__).resolve().parents[1]


class Sampler:
    """Stacks of the main thread, each with the CPU time it took since the sample before."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._burned: Counter[str] = Counter()
        self._last = 0.0

    def install(self) -> None:
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)
        signal.signal(signal.SIGPROF, self._sample)

    def _begin(self, _number: int, _frame: FrameType | None) -> None:
        self._last = time.thread_time()
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        lines = [f"{stack} {seconds * 1000:.3f}" for stack, seconds in self._burned.most_common()]
        self._file.write_text("\n".join(lines) + "\n", "utf-8")

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self._burned[_stack(frame)] += now - self._last  # type: ignore[assignment]  # a Counter counts seconds too
        self._last = time.thread_time()


def _stack(frame: FrameType | None) -> str:
    names = []
    while frame is not None:
        names.append(f"{frame.f_code.co_qualname} ({_place(frame)})")
        frame = frame.f_back
    return ";".join(reversed(names))


def _place(frame: FrameType) -> str:
    file = frame.f_code.co_filename
    own = str(ROOT) + "/"
    if file.startswith(own) and "/site-packages/" not in file:
        return f"{file.removeprefix(own)}:{frame.f_lineno}"
    return f"{file.rpartition('/site-packages/')[2].rpartition('/lib/python')[2]}:{frame.f_lineno}"


def main() -> None:
    Sampler(Path(sys.argv[1])).install()
    sys.argv = ["gyeot", *sys.argv[2:]]
    cli.main()


if __name__ == "__main__":
    main()
