"""Faults of processes: killed, and paused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Final, TypeAlias

from lictor_jepsen.nemesis.base import AGENTS, Fault, Surroundings, aim, names, nothing_lacks, revive, without_agents
from lictor_jepsen.net import Node

__all__ = ["PROCESSES", "kill", "pause"]

_Choice: TypeAlias = Callable[[Surroundings, Random], Awaitable[Sequence[Node]]]


async def kill(around: Surroundings, victims: Sequence[Node]) -> str:
    """SIGKILL; they stay down until `revive`."""
    around.holds.take(around.fault, "down", victims)
    await asyncio.gather(*(around.cluster.kill(victim) for victim in victims))
    return f"killed {names(victims)}"


async def pause(around: Surroundings, victims: Sequence[Node]) -> str:
    """SIGSTOP; they stay so until `revive`."""
    around.holds.take(around.fault, "paused", victims)
    for victim in victims:
        around.cluster.pause(victim)
    return f"paused {names(victims)}"


async def _one(around: Surroundings, rng: Random) -> Sequence[Node]:
    return [await aim(around, rng)]


async def _leader(around: Surroundings, rng: Random) -> Sequence[Node]:
    return [await around.leader() or rng.choice(around.cluster.nodes)]


async def _majority(around: Surroundings, rng: Random) -> Sequence[Node]:
    nodes = around.cluster.nodes
    return rng.sample(list(nodes), len(nodes) // 2 + 1)


async def _all(around: Surroundings, rng: Random) -> Sequence[Node]:
    del rng
    return around.cluster.nodes


async def _agent(around: Surroundings, rng: Random) -> Sequence[Node]:
    return [rng.choice(around.cluster.agents)]


def _killing(choice: _Choice, about: str) -> Fault:
    async def begin(around: Surroundings, rng: Random) -> str:
        return await kill(around, await choice(around, rng))

    return Fault(begin, revive, nothing_lacks, about)


def _pausing(choice: _Choice, about: str) -> Fault:
    async def begin(around: Surroundings, rng: Random) -> str:
        return await pause(around, await choice(around, rng))

    return Fault(begin, revive, nothing_lacks, about)


def _of_agents(fault: Fault) -> Fault:
    return fault._replace(lacks=without_agents, needs=frozenset({AGENTS}))


PROCESSES: Final[Mapping[str, Fault]] = {
    "kill-one": _killing(_one, "SIGKILL to one server"),
    "kill-leader": _killing(_leader, "SIGKILL to the leader"),
    "kill-majority": _killing(_majority, "SIGKILL to a majority"),
    "kill-all": _killing(_all, "SIGKILL to all servers at once"),
    "pause-one": _pausing(_one, "SIGSTOP to one server, SIGCONT later"),
    "pause-majority": _pausing(_majority, "SIGSTOP to a majority, SIGCONT later"),
    "kill-agent": _of_agents(_killing(_agent, "SIGKILL to one agent that is no server")),
    "pause-agent": _of_agents(_pausing(_agent, "SIGSTOP to one, SIGCONT later")),
}
"""By name."""
