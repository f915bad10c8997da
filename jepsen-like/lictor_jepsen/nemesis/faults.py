"""The faults: each begins somewhere, tells whom it hit, and ends."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, Protocol

from lictor_jepsen.db import Cluster
from lictor_jepsen.nemesis.partition import Links, alone, apart_from_some, halves, one_way, ring
from lictor_jepsen.net import Node

__all__ = ["AGENT_FAULTS", "FAULTS", "Disks", "Fault", "Surroundings", "needs_small_disks"]

_SECONDS: Final = struct.Struct("<d")
_JUMPS_S: Final = (-86_400.0, -300.0, -10.0, 0.5, 10.0, 300.0, 86_400.0, 400 * 86_400.0)
"""How far clocks jump: within a lease, past one, past the life of a leaf certificate, past that of a root."""


class Disks(Protocol):
    """The disks of the servers."""

    lacks_filling: str
    """Why they cannot be filled; empty when they can be."""

    def fill(self, node: Node) -> None:
        """Leave no byte free."""
        ...

    def empty(self, node: Node) -> None:
        """Give the room back."""
        ...


class Surroundings(NamedTuple):
    """What faults act on."""

    cluster: Cluster
    disks: Disks
    leader: Callable[[], Awaitable[Node | None]]
    """Who leads, as far as the servers say."""


class Fault(NamedTuple):
    """One kind of fault."""

    begin: Callable[[Surroundings, Random], Awaitable[str]]
    """Make it; what was done, and to whom."""
    end: Callable[[Surroundings], Awaitable[str]]
    """Undo it; harmless when nothing is to be undone."""
    lacks: Callable[[Surroundings], str]
    """Why it cannot be made here; empty when it can."""
    summary: str


def needs_small_disks(faults: Sequence[str]) -> bool:
    """Whether one of them fills disks."""
    return "disk-full" in faults


async def _aim(around: Surroundings, rng: Random) -> Node:
    """A victim: the leader half of the time, since most faults of others are little noticed."""
    leader = await around.leader() if rng.random() < 0.5 else None
    return leader or rng.choice(around.cluster.nodes)


def _names(nodes: Sequence[Node]) -> str:
    return ", ".join(sorted(node.name for node in nodes))


async def _kill(around: Surroundings, victims: Sequence[Node]) -> str:
    await asyncio.gather(*(around.cluster.kill(victim) for victim in victims))
    return f"killed {_names(victims)}"


async def _kill_one(around: Surroundings, rng: Random) -> str:
    return await _kill(around, [await _aim(around, rng)])


async def _kill_leader(around: Surroundings, rng: Random) -> str:
    return await _kill(around, [await around.leader() or rng.choice(around.cluster.nodes)])


async def _kill_majority(around: Surroundings, rng: Random) -> str:
    nodes = around.cluster.nodes
    return await _kill(around, rng.sample(list(nodes), len(nodes) // 2 + 1))


async def _kill_all(around: Surroundings, rng: Random) -> str:
    del rng
    return await _kill(around, around.cluster.nodes)


async def _pause(around: Surroundings, victims: Sequence[Node]) -> str:
    for victim in victims:
        around.cluster.pause(victim)
    return f"paused {_names(victims)}"


async def _pause_one(around: Surroundings, rng: Random) -> str:
    return await _pause(around, [await _aim(around, rng)])


async def _pause_majority(around: Surroundings, rng: Random) -> str:
    nodes = around.cluster.nodes
    return await _pause(around, rng.sample(list(nodes), len(nodes) // 2 + 1))


async def _cut(around: Surroundings, links: Links) -> str:
    await around.cluster.net.drop(links)
    return "cut " + ", ".join(f"{a.name}>{b.name}" for a, b in links)


async def _partition_halves(around: Surroundings, rng: Random) -> str:
    return await _cut(around, halves(around.cluster.nodes, rng))


async def _partition_one_way(around: Surroundings, rng: Random) -> str:
    return await _cut(around, one_way(around.cluster.nodes, await _aim(around, rng), rng))


async def _partition_ring(around: Surroundings, rng: Random) -> str:
    return await _cut(around, ring(around.cluster.nodes, rng))


async def _partition_leader(around: Surroundings, rng: Random) -> str:
    leader = await around.leader() or rng.choice(around.cluster.nodes)
    return await _cut(around, alone(around.cluster.nodes, leader))


async def _kill_agent(around: Surroundings, rng: Random) -> str:
    return await _kill(around, [rng.choice(around.cluster.agents)])


async def _pause_agent(around: Surroundings, rng: Random) -> str:
    return await _pause(around, [rng.choice(around.cluster.agents)])


async def _cut_agents(around: Surroundings, rng: Random) -> str:
    return await _cut(around, apart_from_some(around.cluster.agents, around.cluster.nodes, rng))


async def _clock_jump(around: Surroundings, rng: Random) -> str:
    """Some wall clocks jump, each its own way; at the end they jump back."""
    nodes = around.cluster.everybody
    victims = rng.sample(nodes, rng.randint(1, len(nodes)))
    jumps = {victim: rng.choice(_JUMPS_S) for victim in victims}
    for victim, seconds in jumps.items():
        _set_clock(around.cluster.clock_path(victim), seconds)
    return "clocks off by " + ", ".join(f"{node.name} {seconds:+g} s" for node, seconds in jumps.items())


def _set_clock(path: Path, seconds: float) -> None:
    with path.open("r+b") as file:  # in place: the process has the file mapped
        file.write(_SECONDS.pack(seconds))


async def _disk_full(around: Surroundings, rng: Random) -> str:
    victim = await _aim(around, rng)
    around.disks.fill(victim)
    return f"filled the disk of {victim.name}"


async def _revive(around: Surroundings) -> str:
    return f"resumed all, started {', '.join(await around.cluster.revive()) or 'none'}"


async def _heal(around: Surroundings) -> str:
    await around.cluster.net.heal()
    return "mended all links"


async def _true_clocks(around: Surroundings) -> str:
    for node in around.cluster.everybody:
        if around.cluster.clock_path(node).exists():
            _set_clock(around.cluster.clock_path(node), 0.0)
    return "clocks true again"


async def _room(around: Surroundings) -> str:
    """Servers whose disk was full may have ended: as a service manager would, start them."""
    for node in around.cluster.everybody:
        around.disks.empty(node)
    return f"made room, {await _revive(around)}"


def _nothing(around: Surroundings) -> str:
    del around
    return ""


def _without_cuts(around: Surroundings) -> str:
    return around.cluster.net.lacks_cuts


def _without_agents(around: Surroundings) -> str:
    return "" if around.cluster.agents else "there are no agents: say how many with --agents"


def _without_cut_agents(around: Surroundings) -> str:
    return _without_agents(around) or around.cluster.net.lacks_cuts


def _without_jumps(around: Surroundings) -> str:
    program = around.cluster.program
    return (
        "" if program.clock_can_jump else f"the wall clock of {program.name} alone cannot be moved: it asks the kernel"
    )


def _without_filling(around: Surroundings) -> str:
    return around.disks.lacks_filling


FAULTS: Final[Mapping[str, Fault]] = {
    "kill-one": Fault(_kill_one, _revive, _nothing, "SIGKILL to one server"),
    "kill-leader": Fault(_kill_leader, _revive, _nothing, "SIGKILL to the leader"),
    "kill-majority": Fault(_kill_majority, _revive, _nothing, "SIGKILL to a majority"),
    "kill-all": Fault(_kill_all, _revive, _nothing, "SIGKILL to all servers at once"),
    "pause-one": Fault(_pause_one, _revive, _nothing, "SIGSTOP to one server, SIGCONT later"),
    "pause-majority": Fault(_pause_majority, _revive, _nothing, "SIGSTOP to a majority, SIGCONT later"),
    "partition-halves": Fault(_partition_halves, _heal, _without_cuts, "two sides that do not hear each other"),
    "partition-one-way": Fault(_partition_one_way, _heal, _without_cuts, "one server mute, or deaf"),
    "partition-ring": Fault(_partition_ring, _heal, _without_cuts, "all reach a majority, each another one"),
    "partition-leader": Fault(_partition_leader, _heal, _without_cuts, "the leader alone"),
    "kill-agent": Fault(_kill_agent, _revive, _without_agents, "SIGKILL to one agent that is no server"),
    "pause-agent": Fault(_pause_agent, _revive, _without_agents, "SIGSTOP to one, SIGCONT later"),
    "cut-agents": Fault(_cut_agents, _heal, _without_cut_agents, "each agent reaches some of the servers only"),
    "clock-jump": Fault(_clock_jump, _true_clocks, _without_jumps, "wall clocks jump, by half a second to a year"),
    "disk-full": Fault(_disk_full, _room, _without_filling, "no byte left on one server's disk"),
}
"""All faults by name."""
AGENT_FAULTS: Final = frozenset({"kill-agent", "pause-agent", "cut-agents"})
"""Those that need agents."""
