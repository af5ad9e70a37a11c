"""What a process and all its children cost: CPU seconds and memory."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psutil

EVERY: Final = 1.0
MEGABYTE: Final = 2**20


@dataclass(slots=True)
class Usage:
    """``cpu``: seconds of the whole tree. ``memory``: peak in MB, shared pages counted once.

    ``others``: share of the machine (0..1) that was busy with neither the tree nor us and our children.
    """

    cpu: float = 0.0
    memory: float = 0.0
    others: float = 0.0


def tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def cpu_seconds(pid: int) -> float:
    """User and system seconds of the tree, children that ended and were waited for included."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_megabytes(pid: int) -> float:
    """Proportional set size of the tree where the system tells it, else resident size."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            full = process.memory_full_info()
            total += getattr(full, "pss", 0) or full.rss
    return total / MEGABYTE


def busy_seconds() -> float:
    """CPU seconds that this machine has been busy."""
    times = psutil.cpu_times()
    return sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))


@contextlib.contextmanager
def watched(pid: int) -> Iterator[Usage]:
    """Measure the tree below ``pid`` for the length of the block; the figures are there when it has ended."""
    usage = Usage()
    over = threading.Event()

    def sample() -> None:
        while not over.wait(EVERY):
            usage.memory = max(usage.memory, memory_megabytes(pid))

    sampler = threading.Thread(target=sample, daemon=True)
    started = time.perf_counter()
    before, own, busy = cpu_seconds(pid), _own(), busy_seconds()
    sampler.start()
    try:
        yield usage
    finally:
        usage.cpu = cpu_seconds(pid) - before
        strange = busy_seconds() - busy - usage.cpu - (_own() - own)
        whole = (time.perf_counter() - started) * (psutil.cpu_count() or 1)
        usage.others = min(1.0, max(0.0, strange / whole))
        over.set()
        sampler.join()
        usage.memory = max(usage.memory, memory_megabytes(pid))


def _own() -> float:
    times = psutil.Process().cpu_times()
    return times.user + times.system + times.children_user + times.children_system
