"""What this process costs its host: memory (by `/proc`, where that is), tasks, collections of garbage."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from lictor_core.metrics import Gauge

__all__ = ["process_gauges", "watching_pauses"]

_STATM = Path("/proc/self/statm")


class _Pauses:
    """How long the collector of garbage has kept everything else waiting since it is watched."""

    def __init__(self) -> None:
        self.total_ns = 0
        self._began_ns = 0

    def note(self, phase: str, info: dict[str, int]) -> None:
        """For `gc.callbacks`."""
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        elif self._began_ns:
            self.total_ns += time.perf_counter_ns() - self._began_ns


_pauses = _Pauses()


@contextmanager
def watching_pauses() -> Generator[None]:
    """Measure the collector's pauses while the block runs: once in a process."""
    gc.callbacks.append(_pauses.note)
    try:
        yield
    finally:
        gc.callbacks.remove(_pauses.note)


def process_gauges() -> Iterator[Gauge]:
    """Consul's names: bytes in use and mapped, blocks of memory, tasks for goroutines, collections of garbage."""
    mapped, resident = _memory()
    yield Gauge("runtime.alloc_bytes", resident)
    yield Gauge("runtime.sys_bytes", mapped)
    yield Gauge("runtime.heap_objects", sys.getallocatedblocks())
    yield Gauge("runtime.num_goroutines", len(asyncio.all_tasks()))
    yield Gauge("runtime.total_gc_runs", sum(one["collections"] for one in gc.get_stats()))
    yield Gauge("runtime.total_gc_pause_ns", _pauses.total_ns)


def _memory() -> tuple[int, int]:
    try:
        pages = _STATM.read_text(encoding="ascii").split()
    except OSError:
        return 0, 0
    size = os.sysconf("SC_PAGE_SIZE")
    return int(pages[0]) * size, int(pages[1]) * size
