"""What a long torture runs: every workload and fault, on three and five servers, with agents and without.

Pure: a seed gives the plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from random import Random
from typing import Final

from lictor_jepsen.db import Program
from lictor_jepsen.nemesis import AGENT_FAULTS, AGENTS, CLOCKS, FAULTS, NAMESPACES
from lictor_jepsen.run import Plan
from lictor_jepsen.workload import WORKLOADS

__all__ = ["AGENTS_MANY", "RUN_S", "plans", "possible"]

RUN_S: Final = 45.0
"""How long one run puts load and faults on its servers."""
AGENTS_MANY: Final = 3
"""How many agents every second run has."""
_AROUND_S: Final = 15.0
"""What its start, its recovery and its verdict add, about."""


def plans(program: Program, net: str, seconds: float, seed: int) -> Iterator[Plan]:
    """Runs for about `seconds` in all. Each has three faults; faults that cannot be made on this network are left out.

    Every workload comes up before one comes up again, and so does every fault. Every second run has agents, and one of
    their faults.
    """
    rng = Random(f"{seed}/torture")
    workloads = _mixed(sorted(WORKLOADS), rng)
    faults = _mixed(possible(program, net, agents=0), rng)
    of_agents = _mixed([name for name in possible(program, net, AGENTS_MANY) if name in AGENT_FAULTS], rng)
    run_s = min(RUN_S, seconds)
    for number in range(max(1, round(seconds / (run_s + _AROUND_S)))):
        agents = AGENTS_MANY if number % 2 else 0
        chosen = tuple(dict.fromkeys(next(one) for one in (faults, faults, of_agents if agents else faults)))
        size = 5 if number % 3 == 2 else 3
        yield Plan(program, size, next(workloads), chosen, run_s, seed + number, net, agents=agents)


def _mixed(names: Sequence[str], rng: Random) -> Iterator[str]:
    return cycle(rng.sample(names, len(names)))


def possible(program: Program, net: str, agents: int) -> list[str]:
    """The faults that can be made on this network against this program, with or without agents, by name."""
    lacking = {
        *((NAMESPACES,) if net != "netns" else ()),
        *((CLOCKS,) if not program.clock_can_jump else ()),
        *((AGENTS,) if not agents else ()),
    }
    return [name for name, fault in FAULTS.items() if lacking.isdisjoint(fault.needs)]
