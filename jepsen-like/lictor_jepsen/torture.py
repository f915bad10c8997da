"""What a long torture runs: every workload and fault, on three and five servers, with agents and without.

Pure: a seed gives the plans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from lictor_jepsen.db import Program
from lictor_jepsen.nemesis import (
    AGENT_FAULTS,
    AGENTS,
    CLOCKS,
    FAULTS,
    LIBC_CLOCKS,
    NAMESPACES,
    OVERLAP_MAX,
    OWN,
    PROGRAMS,
)
from lictor_jepsen.run import Plan
from lictor_jepsen.workload import WORKLOADS

__all__ = ["AGENTS_MANY", "AROUND_S", "RUN_S", "plans", "possible", "workloads_for"]

RUN_S: Final = 35.0
"""How long one run puts load and faults on its servers, at most."""
AROUND_S: Final = 15.0
"""What its start, its recovery and its verdict add, about."""
AGENTS_MANY: Final = 3
"""How many agents every second run has."""
_RUN_S_MIN: Final = 10.0
_FAULTS: Final = 3
"""How many kinds of faults a run has; twice as many where they overlap."""


def plans(program: Program, net: str, seconds: float, seed: int) -> Iterator[Plan]:
    """Runs for about `seconds` in all; what cannot be made on this network or with this program is left out.

    Every workload comes up before one comes up again. A workload meets every fault before it meets one again, and
    faults that came up least so far go first. About every second run has agents and one of their faults, every third
    one five servers, and every third one faults that overlap; each workload gets its turn of each.
    """
    rng = Random(f"{seed}/torture")
    workloads = rng.sample(names := workloads_for(program, net), len(names))
    bag = _Bag(rng)
    count = max(1, round(seconds / (RUN_S + AROUND_S)))
    run_s = min(RUN_S, seconds, max(_RUN_S_MIN, seconds / count - AROUND_S))
    for number in range(count):
        turn, place = divmod(number, len(workloads))
        workload = workloads[place]
        needs = WORKLOADS[workload].needs
        has_agents = (place + turn) % 2 == 1
        agents = max(needs.agents, AGENTS_MANY if has_agents else 0)
        overlap = OVERLAP_MAX if (place + turn) % 3 == 1 else 1
        can = possible(program, net, agents, programs=needs.programs)
        of_agents = [fault for fault in can if fault in AGENT_FAULTS] if has_agents else []
        chosen = bag.take(workload, of_agents, 1, ())
        others = [fault for fault in can if fault not in AGENT_FAULTS or needs.agents]
        chosen += bag.take(workload, others, _FAULTS * (2 if overlap > 1 else 1) - len(chosen), chosen)
        size = max(needs.nodes, 5 if (place - turn) % 3 == 2 else 3)
        yield Plan(program, size, workload, tuple(chosen), run_s, seed + number, net, agents=agents, overlap=overlap)


class _Bag:
    """Which faults a workload meets next."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._met: Counter[tuple[str, str]] = Counter()
        self._came: Counter[str] = Counter()

    def take(self, workload: str, faults: Sequence[str], count: int, beside: Sequence[str]) -> list[str]:
        """So many of them, as far as there are; those that the workload met least, then those that came up least."""
        order = {fault: self._rng.random() for fault in faults if fault not in beside}
        taken = sorted(order, key=lambda fault: (self._met[workload, fault], self._came[fault], order[fault]))[:count]
        self._met.update((workload, fault) for fault in taken)
        self._came.update(taken)
        return taken


def possible(program: Program, net: str, agents: int, *, programs: bool = False) -> list[str]:
    """The faults that can be made on this network against this program, with or without agents, by name.

    `programs` says whether the workload starts other programs. What belongs to one workload is left to that.
    """
    lacking = {
        OWN,
        *((NAMESPACES,) if net != "netns" else ()),
        *((CLOCKS,) if not program.clock_can_jump else ()),
        *((LIBC_CLOCKS,) if not program.libc_clock_can_jump else ()),
        *((AGENTS,) if not agents else ()),
        *((PROGRAMS,) if not programs else ()),
    }
    return [name for name, fault in FAULTS.items() if lacking.isdisjoint(fault.needs)]


def workloads_for(program: Program, net: str) -> list[str]:
    """The workloads that this product can do on this network, by name; without those that need a former version."""
    return [
        name
        for name, workload in sorted(WORKLOADS.items())
        if program.name in workload.needs.products
        and not workload.needs.former
        and (net == "netns" or not any(NAMESPACES in FAULTS[fault].needs for fault in workload.needs.faults))
    ]
