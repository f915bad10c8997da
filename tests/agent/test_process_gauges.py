"""What this process costs."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from lictor_agent import process_gauges as module
from lictor_agent.process_gauges import process_gauges


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
