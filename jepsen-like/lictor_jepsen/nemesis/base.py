"""What a fault is, what it acts on, and who holds what broken.

Faults may overlap. What two of them hold broken stays broken until the second one ends too: a fault ends its own share,
and what nobody holds any more is mended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, NamedTuple, TypeAlias, TypeVar

from lictor_jepsen.db import Cluster
from lictor_jepsen.disk import Disks
from lictor_jepsen.net import Node

__all__ = [
    "AGENTS",
    "CLOCKS",
    "LIBC_CLOCKS",
    "NAMESPACES",
    "OBEDIENT_DISKS",
    "OWN",
    "PROGRAMS",
    "SMALL_DISKS",
    "TLS",
    "Choice",
    "Fault",
    "Holds",
    "Surroundings",
    "aim",
    "all_servers",
    "idle",
    "majority",
    "names",
    "nothing_lacks",
    "of_agents",
    "one_server",
    "revive",
    "some",
    "undivided",
    "without_agents",
]

_Thing = TypeVar("_Thing", bound=Hashable)
_Done = TypeVar("_Done")

NAMESPACES: Final = "namespaces"
"""Needed by what acts on networks and mounts: there is none on loopback."""
AGENTS: Final = "agents"
"""Needed by what hits agents that are no servers."""
CLOCKS: Final = "clocks"
"""Needed by what moves clocks: a program whose clock can be moved."""
LIBC_CLOCKS: Final = "clocks of C code"
"""Needed by what moves the clocks of C code too: libfaketime."""
PROGRAMS: Final = "programs"
"""Needed by what hits the other programs that a workload starts, such as its proxies."""
OWN: Final = "own"
"""What belongs to one workload, which names it among its needs, and happens with no other one."""
TLS: Final = "TLS"
"""Needed by what acts on certificates: the servers and agents of the run then speak nothing but TLS to each other."""
SMALL_DISKS: Final = "small disks"
"""Needed by what fills disks."""
OBEDIENT_DISKS: Final = "obedient disks"
"""Needed by what makes disks fail, forget or lie."""


class Holds:
    """Which fault holds what broken. At most one line for each pair of a fault and a thing, so bounded by both."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], list[Hashable]] = {}

    def take(self, fault: str, how: str, things: Collection[Hashable]) -> None:
        """A fault holds these things broken in a way, such as `down`, beside those it held before."""
        held = self._held.setdefault((fault, how), [])
        held += [thing for thing in things if thing not in held]

    def release(self, fault: str, how: str, kind: type[_Thing]) -> list[_Thing]:
        """A fault lets go; what it held that way and nobody else holds now. Of things of one type."""
        mine = self._held.pop((fault, how), [])
        return [thing for thing in mine if isinstance(thing, kind) and not self.held(how, thing)]

    def of(self, fault: str, how: str, kind: type[_Thing]) -> list[_Thing]:
        """What this fault holds that way, in the order in which it took it. Of things of one type."""
        return [thing for thing in self._held.get((fault, how), []) if isinstance(thing, kind)]

    def held(self, how: str, thing: Hashable) -> bool:
        """Whether any fault holds it that way."""
        return any(thing in things for (_, way), things in self._held.items() if way == how)

    def held_by_another(self, fault: str, how: str, thing: Hashable) -> bool:
        """Whether any other fault than this one holds it that way."""
        return any(thing in things for (who, way), things in self._held.items() if way == how and who != fault)

    def clear(self) -> None:
        """All let go, as when a run ends its faults."""
        self._held.clear()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What faults act on."""

    cluster: Cluster
    disks: Disks
    leader: Callable[[], Awaitable[Node | None]]
    """Who leads, as far as the servers say."""
    holds: Holds = field(default_factory=Holds)
    fault: str = ""
    """The fault that acts: its name is what it holds things under."""

    def acting(self, fault: str) -> Surroundings:
        """The same, as a fault of this name sees it."""
        return replace(self, fault=fault)


async def idle(around: Surroundings, rng: Random) -> None:
    """What most faults do between their begin and their end: nothing."""


class Fault(NamedTuple):
    """One kind of fault."""

    begin: Callable[[Surroundings, Random], Awaitable[str]]
    """Make it; what was done, and to whom."""
    end: Callable[[Surroundings], Awaitable[str]]
    """Undo it; harmless when nothing is to be undone."""
    lacks: Callable[[Surroundings], str]
    """Why it cannot be made here; empty when it can."""
    about: str
    meanwhile: Callable[[Surroundings, Random], Awaitable[None]] = idle
    """What goes on from its begin to its end, where it is cancelled."""
    needs: frozenset[str] = frozenset()
    """What can be told before a run: `NAMESPACES`, `AGENTS` and the others of those."""
    may_end: str = ""
    """What the log of a process must say, as a regular expression, for it to end by itself; empty: it may not."""
    may_trace: bool = False
    """Whether the log may say so by a traceback, which is how Python tells what no code can be ready for."""
    subject: str = ""
    """Faults of one subject are never at the same time: each would undo what the other did. Empty: none excludes it."""


async def undivided(deed: Awaitable[_Done]) -> _Done:
    """Do it to its end, also when it is cancelled meanwhile: a process that is just being started gets its name."""
    task = asyncio.ensure_future(deed)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def names(nodes: Collection[Node]) -> str:
    """Their names, in order."""
    return ", ".join(sorted(node.name for node in nodes))


Choice: TypeAlias = Callable[[Surroundings, Random], Awaitable[Sequence[Node]]]
"""Who is hit."""


async def aim(around: Surroundings, rng: Random) -> Node:
    """A victim: the leader half of the time, since most faults of others are little noticed."""
    leader = await around.leader() if rng.random() < 0.5 else None
    return leader or rng.choice(around.cluster.nodes)


async def one_server(around: Surroundings, rng: Random) -> Sequence[Node]:
    """The same as the only one of several victims."""
    return [await aim(around, rng)]


async def majority(around: Surroundings, rng: Random) -> Sequence[Node]:
    """The least number of servers without which the others can do nothing."""
    nodes = around.cluster.nodes
    return rng.sample(list(nodes), len(nodes) // 2 + 1)


async def all_servers(around: Surroundings, rng: Random) -> Sequence[Node]:
    """All servers."""
    del rng
    return around.cluster.nodes


def of_agents(fault: Fault) -> Fault:
    """The fault as one that needs agents, beside what it needs anyway."""

    def lacks(around: Surroundings) -> str:
        return without_agents(around) or fault.lacks(around)

    return fault._replace(lacks=lacks, needs=fault.needs | {AGENTS})


async def revive(around: Surroundings) -> str:
    """The end of what kills, pauses or lets processes end: all go on that no other fault holds down or paused.

    Those that ended by themselves are started too, as a service manager would.
    """
    for how in ("down", "paused"):
        around.holds.release(around.fault, how, Node)
    held = around.holds.held
    started = await around.cluster.revive(
        start=[node for node in around.cluster.everybody if not held("down", node)],
        resume=[node for node in around.cluster.everybody if not held("paused", node)],
    )
    return f"resumed, started {', '.join(started) or 'none'}"


def nothing_lacks(around: Surroundings) -> str:
    """For faults that can be made everywhere."""
    del around
    return ""


def without_agents(around: Surroundings) -> str:
    """For faults of agents."""
    return "" if around.cluster.agents else "there are no agents: say how many with --agents"


def some(nodes: Sequence[Node], rng: Random) -> list[Node]:
    """At least one of them, at most all."""
    return rng.sample(list(nodes), rng.randint(1, len(nodes)))
