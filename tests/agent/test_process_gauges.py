"""What this process costs."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from lictor_agent import process_gauges as module
from lictor_agent.process_gauges import process_gauges, watching_pauses


async def test_memory_tasks_and_collections_are_told() -> None:
    gc.collect()
    found = {one.name: one.value for one in process_gauges()}
    assert found["runtime.sys_bytes"] >= found["runtime.alloc_bytes"] > 1_000_000
    assert found["runtime.num_goroutines"] >= 1
    assert found["runtime.total_gc_runs"] >= 1


async def test_without_proc_memory_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STATM", Path("/nowhere/statm"))
    found = {one.name: one.value for one in process_gauges()}
    assert found["runtime.alloc_bytes"] == 0


async def test_pauses_of_the_collector_are_added_up_while_they_are_watched() -> None:
    def paused() -> float:
        return next(one.value for one in process_gauges() if one.name == "runtime.total_gc_pause_ns")

    gc.collect()
    before = paused()
    gc.collect()
    assert paused() == before
    with watching_pauses():
        gc.collect()
        watched = paused()
    assert watched > before
    gc.collect()
    assert paused() == watched
