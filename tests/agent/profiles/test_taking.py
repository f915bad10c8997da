"""Profiles of the process that runs the tests."""

from __future__ import annotations

import asyncio
import threading
import time

from lictor_agent.profiles.taking import DEPTH_MAX, heap, processor, tasks, text_of, threads
from lictor_core.clock import SystemClock


class Busy:
    """A thread that computes, and one that waits, while a profile is taken."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self.threads = [threading.Thread(target=self.computes), threading.Thread(target=self.waits)]

    def computes(self) -> None:
        total = 0
        while not self._end.is_set():
            total += sum(range(1000))

    def waits(self) -> None:
        self._end.wait(60)

    def __enter__(self) -> Busy:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self.threads:
            thread.join(10)


def test_who_computes_is_seen_and_who_waits_is_not() -> None:
    with Busy():
        profile = processor(SystemClock(), 0.6, threading.Event())
    spent = {
        name: sum(values[1] for stack, values in profile.samples.items() if any(name in one.name for one in stack))
        for name in ("Busy.computes", "Busy.waits")
    }
    assert spent["Busy.computes"] > 0
    assert spent["Busy.waits"] < spent["Busy.computes"] / 10
    assert all(spent_ns > 0 for _, spent_ns in profile.samples.values()), "who waited is in no sample"


def test_a_profile_that_is_stopped_ends_early() -> None:
    stop = threading.Event()
    stop.set()
    began = time.monotonic()
    assert processor(SystemClock(), 60, stop).samples == {}
    assert time.monotonic() - began < 30


def test_objects_are_counted_by_type() -> None:
    kept = [Busy() for _ in range(50)]
    found = {stack[0].name: values for stack, values in heap(SystemClock()).samples.items()}
    count, size = found[f"{Busy.__module__}.Busy"]
    assert count >= len(kept)
    assert size > 0


async def test_a_task_is_shown_by_all_that_it_waits_in() -> None:
    started = asyncio.Event()

    async def inner() -> None:
        started.set()
        await asyncio.Event().wait()

    async def outer() -> None:
        await inner()

    waiting = [asyncio.ensure_future(outer()) for _ in range(3)]
    await started.wait()
    await asyncio.sleep(0)
    samples = tasks(SystemClock()).samples
    found = {tuple(one.name.rpartition(".")[2] for one in stack): values for stack, values in samples.items()}
    assert found[("wait", "inner", "outer")] == (3,)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def test_deep_stacks_are_cut_at_their_outer_end() -> None:
    def deeper(levels: int) -> int:
        if levels:
            return deeper(levels - 1)
        return max(len(stack) for stack in threads(SystemClock()).samples)

    assert deeper(DEPTH_MAX + 10) == DEPTH_MAX


def test_text_is_for_people() -> None:
    text = text_of(threads(SystemClock()), "threadcreate")
    assert text.startswith("threadcreate profile: total ")
    assert "test_text_is_for_people" in text
