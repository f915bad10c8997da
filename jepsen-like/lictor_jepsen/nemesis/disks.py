"""Faults of disks."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

from lictor_jepsen.nemesis.base import NAMESPACES, SMALL_DISKS, Fault, Surroundings, aim, revive

__all__ = ["DISKS"]


async def _fill(around: Surroundings, rng: Random) -> str:
    victim = await aim(around, rng)
    around.disks.fill(victim)
    return f"filled the disk of {victim.name}"


async def _room(around: Surroundings) -> str:
    """Servers whose disk was full may have ended: as a service manager would, start them."""
    for node in around.cluster.everybody:
        around.disks.empty(node)
    return f"made room, {await revive(around)}"


def _lacks(around: Surroundings) -> str:
    return around.disks.lacks_filling


DISKS: Final[Mapping[str, Fault]] = {
    "disk-full": Fault(
        _fill,
        _room,
        _lacks,
        "no byte left on one server's disk",
        needs=frozenset({NAMESPACES, SMALL_DISKS}),
        may_end=True,
        subject="disks",
    ),
}
"""By name."""
