"""The timer tells how long the loop stood still, and the bench runs through with a small state."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Generator

import pytest

from lictor_bench.snapshot import LateTimer, instance_at, key_at, measure


async def test_the_timer_tells_how_long_the_loop_stood_still() -> None:
    began = time.perf_counter()
    timer = LateTimer()
    time.sleep(0.1)  # noqa: ASYNC251 the loop shall stand still
    await asyncio.sleep(0.01)
    timer.stop()
    assert 0.09 <= timer.late_between(began, time.perf_counter())[0] < 5
    assert timer.late_between(began - 2, began - 1) == []


@pytest.fixture
def collector() -> Generator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.slow
@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("command_at", [key_at, instance_at])
def test_every_figure_of_a_small_state_is_there(command_at: object) -> None:
    rows = {row.name: row.ours for row in measure(key_at if command_at is key_at else instance_at, 300)}
    assert len(rows) == 11
    assert all(rows[name] > 0 for name in ("the snapshot took", "start from the log", "start from the snapshot"))
