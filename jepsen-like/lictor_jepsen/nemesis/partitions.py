"""Faults of links: which nodes no longer hear which others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final, TypeAlias

from lictor_jepsen.nemesis.base import NAMESPACES, Fault, Surroundings, aim, of_agents, some
from lictor_jepsen.nemesis.grudge import (
    Links,
    alone,
    apart,
    apart_from_some,
    bridge,
    everyone,
    halves,
    one_way,
    ring,
)
from lictor_jepsen.net import Link

__all__ = ["PARTITIONS"]

_Grudge: TypeAlias = Callable[[Surroundings, Random], Awaitable[Links]]


async def _halves(around: Surroundings, rng: Random) -> Links:
    return halves(around.cluster.nodes, rng)


async def _one_way(around: Surroundings, rng: Random) -> Links:
    return one_way(around.cluster.nodes, await aim(around, rng), rng)


async def _ring(around: Surroundings, rng: Random) -> Links:
    return ring(around.cluster.nodes, rng)


async def _leader(around: Surroundings, rng: Random) -> Links:
    return alone(around.cluster.nodes, await around.leader() or rng.choice(around.cluster.nodes))


async def _bridge(around: Surroundings, rng: Random) -> Links:
    return bridge(around.cluster.nodes, rng)


async def _everyone(around: Surroundings, rng: Random) -> Links:
    del rng
    return everyone(around.cluster.nodes)


async def _agents_from_all(around: Surroundings, rng: Random) -> Links:
    """Some agents, at least one, reach no server at all."""
    return apart(some(around.cluster.agents, rng), around.cluster.nodes)


async def _agents(around: Surroundings, rng: Random) -> Links:
    return apart_from_some(around.cluster.agents, around.cluster.nodes, rng)


async def _mend(around: Surroundings) -> str:
    links = around.holds.release(around.fault, "cut", Link)
    await around.cluster.net.mend(links)
    return "mended the links"


def _lacks(around: Surroundings) -> str:
    return around.cluster.net.lacks_cuts


def _cutting(grudge: _Grudge, about: str) -> Fault:
    async def begin(around: Surroundings, rng: Random) -> str:
        links = await grudge(around, rng)
        around.holds.take(around.fault, "cut", links)
        await around.cluster.net.drop(links)
        return "cut " + ", ".join(f"{a.name}>{b.name}" for a, b in links)

    return Fault(begin, _mend, _lacks, about, needs=frozenset({NAMESPACES}))


PARTITIONS: Final[Mapping[str, Fault]] = {
    "partition-halves": _cutting(_halves, "two sides that do not hear each other"),
    "partition-one-way": _cutting(_one_way, "one server mute, or deaf"),
    "partition-ring": _cutting(_ring, "all reach a majority, each another one"),
    "partition-leader": _cutting(_leader, "the leader alone"),
    "partition-bridge": _cutting(_bridge, "two halves, and one server between them that hears both"),
    "partition-all": _cutting(_everyone, "every server alone"),
    "cut-agents-off": of_agents(_cutting(_agents_from_all, "some agents, from one to all, reach no server")),
    "cut-agents": of_agents(_cutting(_agents, "each agent reaches some of the servers only")),
}
"""By name."""
