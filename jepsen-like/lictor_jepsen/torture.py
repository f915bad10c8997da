"""What a long torture runs: every workload and every fault, on three and five servers. Pure: a seed gives the plans."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import Final

from lictor_jepsen.db import Program
from lictor_jepsen.generator import WORKLOADS
from lictor_jepsen.nemesis import FAULTS
from lictor_jepsen.run import Plan

__all__ = ["RUN_S", "plans"]

RUN_S: Final = 45.0
"""How long one run puts load and faults on its servers."""
_AROUND_S: Final = 15.0
"""What its start, its recovery and its verdict add, about."""


def plans(program: Program, net: str, seconds: float, seed: int) -> Iterator[Plan]:
    """Runs for about `seconds` in all. Each has three faults; faults that cannot be made on this network are left out.

    Every workload comes up before one comes up again, and so does every fault.
    """
    rng = Random(f"{seed}/torture")
    possible = [name for name in FAULTS if _possible(name, program, net)]
    workloads = cycle(rng.sample(sorted(WORKLOADS), len(WORKLOADS)))
    faults = cycle(rng.sample(possible, len(possible)))
    run_s = min(RUN_S, seconds)
    for number in range(max(1, round(seconds / (run_s + _AROUND_S)))):
        chosen = tuple(dict.fromkeys(next(faults) for _ in range(3)))
        yield Plan(program, 5 if number % 3 == 2 else 3, next(workloads), chosen, run_s, seed + number, net)


def _possible(fault: str, program: Program, net: str) -> bool:
    if fault.startswith("partition") or fault == "disk-full":
        return net == "netns"
    return fault != "clock-jump" or program.clock_can_jump
