"""Faults of links that are bad and not cut: slow, lossy, narrow, or with packets doubled and out of order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import permutations
from random import Random
from typing import Final, TypeAlias

from lictor_jepsen.nemesis.base import NAMESPACES, Fault, Surroundings, names, some
from lictor_jepsen.net import Link, Node
from lictor_jepsen.wire import Shape

__all__ = ["LINKS"]

_Shaping: TypeAlias = Callable[[Random], Shape]
_Choice: TypeAlias = Callable[[Surroundings, Random], Awaitable[Sequence[Node]]]


async def _some(around: Surroundings, rng: Random) -> Sequence[Node]:
    return some(around.cluster.everybody, rng)


async def _leader(around: Surroundings, rng: Random) -> Sequence[Node]:
    return [await around.leader() or rng.choice(around.cluster.nodes)]


def _slow(rng: Random) -> Shape:
    """From what one continent is away to what slows an election down."""
    return Shape(delay_ms=round(rng.uniform(10, 150)), jitter_ms=round(rng.uniform(0, 100)))


def _lossy(rng: Random) -> Shape:
    return Shape(loss=round(rng.uniform(0.02, 0.3), 2))


def _shuffled(rng: Random) -> Shape:
    return Shape(delay_ms=5, reordered=round(rng.uniform(0.1, 0.5), 2), doubled=round(rng.uniform(0.05, 0.3), 2))


def _narrow(rng: Random) -> Shape:
    """A modem to a bad line: enough for heartbeats, hardly enough for the load."""
    return Shape(kbit_s=rng.choice((64, 128, 256, 512)))


def _bad(rng: Random) -> Shape:
    """Some of everything."""
    return Shape(
        delay_ms=round(rng.uniform(5, 60)),
        jitter_ms=round(rng.uniform(0, 60)),
        loss=round(rng.uniform(0.01, 0.1), 2),
        doubled=0.05,
        reordered=round(rng.uniform(0.0, 0.2), 2),
        kbit_s=1024,
    )


async def _end(around: Surroundings) -> str:
    await around.cluster.net.smooth(around.holds.release(around.fault, "bad", Link))
    return "the links are good again"


def _lacks(around: Surroundings) -> str:
    return around.cluster.net.lacks_shapes


def _shaping(shaping: _Shaping, choice: _Choice, about: str) -> Fault:
    """All links from and to the chosen nodes are that bad."""

    async def begin(around: Surroundings, rng: Random) -> str:
        victims = await choice(around, rng)
        shape = shaping(rng)
        links = [Link(a, b) for a, b in permutations(around.cluster.everybody, 2) if a in victims or b in victims]
        around.holds.take(around.fault, "bad", links)
        await around.cluster.net.shape(links, shape, rng.getrandbits(32))
        return f"links of {names(victims)}: {shape}"

    return Fault(begin, _end, _lacks, about, needs=frozenset({NAMESPACES}), subject="links")


LINKS: Final[Mapping[str, Fault]] = {
    "slow-links": _shaping(_slow, _some, "packets of some nodes come late, each by another time"),
    "lossy-links": _shaping(_lossy, _some, "some of their packets are lost"),
    "shuffled-links": _shaping(_shuffled, _some, "some of their packets come twice, or after later ones"),
    "narrow-links": _shaping(_narrow, _some, "64 to 512 kbit/s is all that passes"),
    "bad-leader-links": _shaping(_bad, _leader, "some of all this on the links of the leader"),
}
"""By name."""
