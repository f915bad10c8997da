"""What clients do next. Pure: the same seed, thread and number give the same invocation, whoever asks and when.

A thread is a client that goes on for the whole run; its process id changes after each `info`. Keys change after a
number of operations, so that each key's history stays short enough to be judged in bounded time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final, NamedTuple, TypeAlias

from lictor_jepsen.op import Invocation, Mode, Value

__all__ = ["OPS_PER_KEY", "WORKLOADS", "Generator", "Workload"]

OPS_PER_KEY: Final = 40
"""How many operations one thread spends on a key."""
THREADS_PER_KEY: Final = 5
"""How many threads share a key at most."""


class Turn(NamedTuple):
    """A thread is to do something."""

    key: str
    fresh: int
    """A value that is used nowhere else."""
    who: int
    """The thread, from 1 on."""
    seen: Value
    """What it saw last in that key."""


Choice: TypeAlias = Callable[[Random, Turn], Invocation]


class Workload(NamedTuple):
    """What is done to the keys, and which checkers judge it."""

    name: str
    choose: Choice
    checker: str
    """`register`, `append`, `set` or `lock`: which model the keys follow."""


class Generator(NamedTuple):
    """All invocations of a run."""

    workload: Workload
    seed: int
    threads: int

    def invocation(self, thread: int, number: int, seen: Mapping[str, Value]) -> Invocation:
        """The invocation `number` (from 0) of a thread, which last saw `seen` in the keys it read."""
        rng = Random(f"{self.seed}/{thread}/{number}")
        groups = max(1, round(self.threads / THREADS_PER_KEY))
        key = f"{self.workload.name}-{thread % groups}-{number // OPS_PER_KEY}"
        turn = Turn(key, number * self.threads + thread + 1, thread + 1, seen.get(key))
        return self.workload.choose(rng, turn)

    def pause_s(self, thread: int, number: int, mean_s: float) -> float:
        """How long the thread waits before that invocation."""
        return Random(f"{self.seed}/{thread}/{number}/pause").uniform(0, 2 * mean_s)


def read_mode(rng: Random) -> Mode:
    """Half of the reads as clients ask by default, a quarter each of the others."""
    return rng.choice((Mode.DEFAULT, Mode.DEFAULT, Mode.CONSISTENT, Mode.STALE))


def _register(rng: Random, turn: Turn) -> Invocation:
    return Invocation("write", turn.key, turn.fresh) if rng.random() < 0.5 else _read(rng, turn)


def _cas(rng: Random, turn: Turn) -> Invocation:
    chance = rng.random()
    if chance < 0.4 and (turn.seen is None or isinstance(turn.seen, int)):
        return Invocation("cas", turn.key, (turn.seen, turn.fresh))
    return Invocation("write", turn.key, turn.fresh) if chance < 0.5 else _read(rng, turn)


def _append(rng: Random, turn: Turn) -> Invocation:
    return Invocation("append", turn.key, turn.fresh) if rng.random() < 0.5 else _read(rng, turn)


def _set(rng: Random, turn: Turn) -> Invocation:
    return Invocation("add", turn.key, turn.fresh) if rng.random() < 0.6 else _read(rng, turn)


def _lock(rng: Random, turn: Turn) -> Invocation:
    """Give back what the thread has, as far as it knows; else try to get it."""
    if rng.random() < 0.6:
        return Invocation("release" if turn.seen == turn.who else "acquire", turn.key, turn.who)
    return _read(rng, turn)


def _read(rng: Random, turn: Turn) -> Invocation:
    return Invocation("read", turn.key, mode=read_mode(rng))


WORKLOADS: Final[Mapping[str, Workload]] = {
    workload.name: workload
    for workload in (
        Workload("register", _register, "register"),
        Workload("cas", _cas, "register"),
        Workload("append", _append, "append"),
        Workload("set", _set, "set"),
        Workload("lock", _lock, "lock"),
    )
}
"""The workloads by name."""
