"""What clients do next. Pure: the same seed, thread and number give the same invocation, whoever asks and when.

A thread is a client that goes on for the whole run; its process id changes after each `info`.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from lictor_jepsen.op import Invocation, Value
from lictor_jepsen.workload import Turn, Workload

__all__ = ["Generator"]


class Generator(NamedTuple):
    """All invocations of a run."""

    workload: Workload
    seed: int
    threads: int
    mark: str = ""
    """What every key begins with, where the names of services are made of keys."""

    def invocation(self, thread: int, number: int, seen: Mapping[str, Value]) -> Invocation:
        """The invocation `number` (from 0) of a thread, which last saw `seen` in the keys it used."""
        rng = Random(f"{self.seed}/{thread}/{number}")
        key = self.mark + self.workload.key(thread, number, self.threads)
        return self.workload.invocation(rng, Turn(thread, number, self.threads, key, seen))

    def pause_s(self, thread: int, number: int, mean_s: float) -> float:
        """How long the thread waits before that invocation."""
        return Random(f"{self.seed}/{thread}/{number}/pause").uniform(0, 2 * mean_s)
