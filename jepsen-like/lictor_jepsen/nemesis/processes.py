"""Faults of processes: killed, paused, and both again and again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import cycle
from random import Random
from typing import Final

from lictor_jepsen.nemesis.base import (
    PROGRAMS,
    Choice,
    Fault,
    Surroundings,
    all_servers,
    idle,
    majority,
    names,
    nothing_lacks,
    of_agents,
    one_server,
    revive,
    some,
    undivided,
)
from lictor_jepsen.net import NetError, Node

__all__ = ["PROCESSES", "kill", "pause"]

STORM_S: Final = (0.5, 2.0)
"""How long a server lives between two kills of a restart storm: from before it has joined to after it serves."""
BRIEF_S: Final = (0.3, 1.0)
"""How long a brief pause lasts: around a leader's lease (0.45 s) and what followers wait for it (0.5 to 1 s)."""
HAMMER_S: Final = (1.0, 3.0)
"""How long a pause lasts under the hammer: the leader wakes when another one may have been elected."""
_BETWEEN_S: Final = (0.3, 1.5)


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


async def _some(around: Surroundings, rng: Random) -> Sequence[Node]:
    return some(around.cluster.nodes, rng)


async def _leader(around: Surroundings, rng: Random) -> Sequence[Node]:
    return [await around.leader() or rng.choice(around.cluster.nodes)]


async def _agent(around: Surroundings, rng: Random) -> Sequence[Node]:
    return [rng.choice(around.cluster.agents)]


def _killing(choice: Choice, about: str) -> Fault:
    async def begin(around: Surroundings, rng: Random) -> str:
        return await kill(around, await choice(around, rng))

    return Fault(begin, revive, nothing_lacks, about)


def _pausing(choice: Choice, about: str) -> Fault:
    async def begin(around: Surroundings, rng: Random) -> str:
        return await pause(around, await choice(around, rng))

    return Fault(begin, revive, nothing_lacks, about)


def _storm(order: Choice, about: str) -> Fault:
    """Kill and start again without a rest, each of `order` in turn. At its end all of them are started."""

    async def begin(around: Surroundings, rng: Random) -> str:
        victims = await order(around, rng)
        around.holds.take(around.fault, "down", victims)
        return f"again and again killed and started {', '.join(node.name for node in victims)}"

    async def meanwhile(around: Surroundings, rng: Random) -> None:
        for victim in cycle(around.holds.of(around.fault, "down", Node)):
            await undivided(around.cluster.kill(victim))
            if not around.holds.held_by_another(around.fault, "down", victim):
                await undivided(around.cluster.start(victim))
            await asyncio.sleep(rng.uniform(*STORM_S))

    return Fault(begin, revive, nothing_lacks, about, meanwhile)


def _pulses(pause_s: tuple[float, float], about: str) -> Fault:
    """Pause whoever leads, for a moment each time."""

    async def begin(around: Surroundings, rng: Random) -> str:
        del around, rng
        return f"paused the leader again and again, for {pause_s[0]:g} to {pause_s[1]:g} s"

    async def meanwhile(around: Surroundings, rng: Random) -> None:
        while True:
            [victim] = await _leader(around, rng)
            around.holds.take(around.fault, "paused", [victim])
            around.cluster.pause(victim)
            await asyncio.sleep(rng.uniform(*pause_s))
            await undivided(revive(around))
            await asyncio.sleep(rng.uniform(*_BETWEEN_S))

    return Fault(begin, revive, nothing_lacks, about, meanwhile)


async def _begin_program(around: Surroundings, rng: Random) -> str:
    """One of the other programs."""
    if not around.cluster.spawned:
        raise NetError("the workload started no other programs")
    victim = rng.choice(around.cluster.spawned)
    around.holds.take(around.fault, "down", [victim])
    await around.cluster.kill_named(victim)
    return f"killed {victim}"


async def _begin_pause_program(around: Surroundings, rng: Random) -> str:
    if not around.cluster.spawned:
        raise NetError("the workload started no other programs")
    victim = rng.choice(around.cluster.spawned)
    around.holds.take(around.fault, "paused", [victim])
    around.cluster.signal(victim, signal.SIGSTOP)
    return f"paused {victim}"


async def _end_program(around: Surroundings) -> str:
    around.cluster.note_deaths()
    for how in ("down", "paused"):
        around.holds.release(around.fault, how, str)
    for name in around.cluster.spawned:
        if not around.holds.held("paused", name):
            around.cluster.signal(name, signal.SIGCONT)
        if not around.holds.held("down", name):
            await around.cluster.start_named(name)
    return "started and resumed the other programs"


def _of_programs(begin: Callable[[Surroundings, Random], Awaitable[str]], about: str) -> Fault:
    return Fault(begin, _end_program, nothing_lacks, about, idle, needs=frozenset({PROGRAMS}))


PROCESSES: Final[Mapping[str, Fault]] = {
    "kill-one": _killing(one_server, "SIGKILL to one server"),
    "kill-some": _killing(_some, "SIGKILL to some servers, from one to all"),
    "kill-leader": _killing(_leader, "SIGKILL to the leader"),
    "kill-majority": _killing(majority, "SIGKILL to a majority"),
    "kill-all": _killing(all_servers, "SIGKILL to all servers at once"),
    "restart-storm": _storm(one_server, "one server killed and started again every half to two seconds"),
    "restart-storm-all": _storm(all_servers, "the same, all servers in turn"),
    "pause-one": _pausing(one_server, "SIGSTOP to one server, SIGCONT later"),
    "pause-some": _pausing(_some, "SIGSTOP to some servers, from one to all"),
    "pause-leader": _pausing(_leader, "SIGSTOP to the leader, SIGCONT when there is another one"),
    "pause-majority": _pausing(majority, "SIGSTOP to a majority, SIGCONT later"),
    "pause-all": _pausing(all_servers, "SIGSTOP to all servers at once: time goes on without them"),
    "pause-briefly": _pulses(BRIEF_S, "the leader paused again and again, around its lease and short of an election"),
    "hammer-time": _pulses(HAMMER_S, "whoever leads is paused until another one may lead, again and again"),
    "kill-agent": of_agents(_killing(_agent, "SIGKILL to one agent that is no server")),
    "pause-agent": of_agents(_pausing(_agent, "SIGSTOP to one, SIGCONT later")),
    "kill-program": _of_programs(_begin_program, "SIGKILL to a proxy or application of the workload"),
    "pause-program": _of_programs(_begin_pause_program, "SIGSTOP to one of them, SIGCONT later"),
}
"""By name."""
