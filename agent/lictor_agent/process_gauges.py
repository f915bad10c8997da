"""What this process costs its host: memory (by `/proc`, where that is), tasks, collections of garbage."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator
from pathlib import Path

from lictor_core.metrics import Gauge

__all__ = ["process_gauges"]

_STATM = Path("/proc/self/statm")


def process_gauges() -> Iterator[Gauge]:
    """Consul's names: bytes in use and mapped, tasks for goroutines, collections of garbage."""
    mapped, resident = _memory()
    yield Gauge("runtime.alloc_bytes", resident)
    yield Gauge("runtime.sys_bytes", mapped)
    yield Gauge("runtime.num_goroutines", len(asyncio.all_tasks()))
    yield Gauge("runtime.total_gc_runs", sum(one["collections"] for one in gc.get_stats()))


def _memory() -> tuple[int, int]:
    try:
        pages = _STATM.read_text(encoding="ascii").split()
    except OSError:
        return 0, 0
    size = os.sysconf("SC_PAGE_SIZE")
    return int(pages[0]) * size, int(pages[1]) * size
