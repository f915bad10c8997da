"""Faults of wall clocks. The monotonic clock is never moved: no kernel lets a process that runs lose or gain by it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

from lictor_jepsen.nemesis.base import CLOCKS, Fault, Surroundings, some

__all__ = ["CLOCK_FAULTS"]

_SECONDS: Final = struct.Struct("<d")
_JUMPS_S: Final = (-86_400.0, -300.0, -10.0, 0.5, 10.0, 300.0, 86_400.0, 400 * 86_400.0)
"""How far clocks jump: within a lease, past one, past the life of a leaf certificate, past that of a root."""


async def _jump(around: Surroundings, rng: Random) -> str:
    """Some wall clocks jump, each its own way; at the end they jump back."""
    jumps = {victim: rng.choice(_JUMPS_S) for victim in some(around.cluster.everybody, rng)}
    for victim, seconds in jumps.items():
        _set_clock(around.cluster.clock_path(victim), seconds)
    return "clocks off by " + ", ".join(f"{node.name} {seconds:+g} s" for node, seconds in jumps.items())


def _set_clock(path: Path, seconds: float) -> None:
    with path.open("r+b") as file:  # in place: the process has the file mapped
        file.write(_SECONDS.pack(seconds))


async def _true(around: Surroundings) -> str:
    for node in around.cluster.everybody:
        if around.cluster.clock_path(node).exists():
            _set_clock(around.cluster.clock_path(node), 0.0)
    return "clocks true again"


def _lacks(around: Surroundings) -> str:
    program = around.cluster.program
    return (
        "" if program.clock_can_jump else f"the wall clock of {program.name} alone cannot be moved: it asks the kernel"
    )


CLOCK_FAULTS: Final[Mapping[str, Fault]] = {
    "clock-jump": Fault(
        _jump,
        _true,
        _lacks,
        "wall clocks jump, by half a second to a year",
        needs=frozenset({CLOCKS}),
        subject="clocks",
    ),
}
"""By name."""
