"""A loop that did not run is noticed, and a busy one is not."""

from __future__ import annotations

import asyncio
import time

from lictor_server.leader.pauses import PauseWatch


async def test_a_loop_that_stood_still_tells_for_how_long() -> None:
    pauses: list[float] = []
    watch = PauseWatch(pauses.append, pause_s_min=0.1)
    watch.start()
    time.sleep(0.3)  # noqa: ASYNC251 the loop shall stand still
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    watch.stop()
    assert len(pauses) == 1
    assert 0.2 <= pauses[0] < 10


async def test_a_loop_that_runs_has_no_pauses() -> None:
    pauses: list[float] = []
    watch = PauseWatch(pauses.append, pause_s_min=5)
    watch.start()
    await asyncio.sleep(0.01)
    watch.stop()
    assert pauses == []


async def test_a_stopped_watch_tells_nothing() -> None:
    pauses: list[float] = []
    watch = PauseWatch(pauses.append, pause_s_min=0.01)
    watch.start()
    watch.stop()
    time.sleep(0.05)  # noqa: ASYNC251 the loop shall stand still
    await asyncio.sleep(0.01)
    assert pauses == []
