"""What a workload is: what clients ask of a cluster, how, and who judges what they saw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple, Protocol

import msgspec

from lictor_jepsen.checker import Finding
from lictor_jepsen.db import Cluster
from lictor_jepsen.net import Node
from lictor_jepsen.op import Invocation, Op, Outcome, Value

__all__ = [
    "OPS_PER_KEY",
    "THREADS_PER_KEY",
    "Client",
    "House",
    "Made",
    "Needs",
    "NoGuestError",
    "Place",
    "Turn",
    "Workload",
]

OPS_PER_KEY: Final = 40
"""How many operations one thread spends on a key, so that each key's history can be judged in bounded time."""
THREADS_PER_KEY: Final = 5
"""How many threads share a key at most."""


class Turn(NamedTuple):
    """A thread is to do something."""

    thread: int
    """From 0 on. It goes on for the whole run; its process id changes after each `info`."""
    number: int
    """How many operations it did before."""
    threads: int
    """How many threads there are."""
    key: str
    """What it works on at this time."""
    seen: Mapping[str, Value]
    """What it saw last, by key."""

    @property
    def fresh(self) -> int:
        """A number from 1 on that no other turn has."""
        return self.number * self.threads + self.thread + 1

    @property
    def who(self) -> int:
        """The thread, from 1 on."""
        return self.thread + 1


class Place(NamedTuple):
    """Whom a client asks, and for which thread."""

    url: str
    """Where the node serves HTTP."""
    node: Node
    cluster: Cluster
    thread: int


class Client(Protocol):
    """Carries out the invocations of one thread."""

    async def invoke(self, asked: Invocation) -> Outcome:
        """Do it. Raises nothing: what changed nothing is `fail`, what nobody knows of is `info`."""
        ...

    async def close(self) -> None:
        """The run is over."""
        ...


class Needs(NamedTuple):
    """What a workload cannot do without."""

    nodes: int = 1
    """The least number of servers."""
    agents: int = 0
    """The least number of agents that are no servers."""
    settings: Mapping[str, object] = {}
    """What stands in the configuration file of every server and agent, beside the flags that all runs have."""
    agent_settings: Mapping[str, object] = {}
    """The same of agents alone; a key here comes in place of one of `settings`."""
    products: tuple[str, ...] = ("lictor", "consul")
    """Which products can do what it asks."""
    faults: tuple[str, ...] = ()
    """Steps that belong to it and always happen, whatever else goes wrong; names of faults."""
    former: bool = False
    """Whether it begins with a former version of the product."""
    dns: bool = False
    """Whether it asks DNS."""
    programs: bool = False
    """Whether it starts other programs (`Cluster.spawn`), which faults may then hit."""


class Made(StrEnum):
    """What a workload makes in a cluster, and what of that can be found and taken away again by its name."""

    KEYS = "keys"
    """Below the prefix of the run."""
    SESSIONS = "sessions"
    """With the owner of the run as their name."""
    NODES = "nodes"
    """Nodes without an agent, with instances of services: both have the mark of the run in their names."""
    SERVICES = "services"
    """Instances at the agents that are asked; the names of their services begin with the mark of the run."""


class House(msgspec.Struct, frozen=True):
    """What a guest has to know of the cluster of others that it is in, since it cannot be set there."""

    session_ttl_min_ms: int = 10_000
    """The shortest TTL that a session may have; the default is that of the product."""
    dns_max_stale_ms: int | None = None
    """How old an answer of DNS may be, caches between included; None when nobody said so."""
    has_dns: bool = False
    """Whether it is known where each of those who are asked answers DNS."""


class NoGuestError(ValueError):
    """A workload cannot run in a cluster that others use; the message says why, after `it`."""


class Workload(ABC):
    """One workload. What a class leaves as it is here does nothing, or what most do."""

    name: str
    about: str
    """One sentence, for lists and reports."""
    needs: Needs = Needs()
    alone: str
    """Why it may not run in a cluster that others use, after `since it`; empty when all that it makes can be told from
    what others made, and taken away again."""
    makes: frozenset[Made] = frozenset({Made.KEYS})
    """What it leaves behind unless that is taken away."""
    changes: frozenset[str] = frozenset()
    """The operations that change something: by them it is told how long nobody could write."""

    def as_guest(self, house: House) -> Workload:
        """This workload as it is in a cluster that others use. Pure. Raises `NoGuestError`."""
        del house
        if self.alone:
            raise NoGuestError(f"needs a cluster of its own, since it {self.alone}")
        return self

    def key(self, thread: int, number: int, threads: int) -> str:
        """What a thread works on at that turn. Pure."""
        groups = max(1, round(threads / THREADS_PER_KEY))
        return f"{self.name}-{thread % groups}-{number // OPS_PER_KEY}"

    @abstractmethod
    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """What the thread asks. Pure: by `rng` and `turn` alone."""

    def saw(self, value: Value) -> Value:
        """What a thread keeps of an operation that went well, for its next turn with that key. Pure."""
        return value

    async def prepare(self, cluster: Cluster) -> None:
        """All servers and agents serve, and no load has begun. Raises `OSError` when what it needs cannot be had."""
        del cluster

    @abstractmethod
    def client(self, place: Place) -> Client:
        """Who carries out the invocations of a thread."""

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """What everybody who is asked is asked in the end, when all serve again: what was lost is found missing."""
        del keys
        return ()

    async def finish(self, cluster: Cluster) -> None:
        """The run is over, however it went; the processes still run."""
        del cluster

    @abstractmethod
    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """The findings, by what they are about. Pure. Raises `HistoryError` for what is no history."""
