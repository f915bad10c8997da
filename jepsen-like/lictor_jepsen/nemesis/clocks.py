"""Faults of wall clocks. The monotonic clock is never moved: no kernel lets a process that runs lose or gain by it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from typing import Final

from lictor_jepsen.clock import lacks_libfaketime, set_libc_clock, set_wall_clock
from lictor_jepsen.nemesis.base import CLOCKS, LIBC_CLOCKS, Fault, Surroundings, some

__all__ = ["CLOCK_FAULTS"]

_JUMPS_S: Final = (-86_400.0, -300.0, -10.0, 0.5, 10.0, 300.0, 86_400.0, 400 * 86_400.0)
"""How far clocks jump: within a lease, past one, past the life of a leaf certificate, past that of a root."""
_SAYS: Final = r"the agent cannot start: (cert_file: .* expired at|ca_file: every certificate in .* is expired)"
"""What a process says that starts by a clock at which the certificates of its cluster have ended."""
_DRIFTS: Final = (-0.5, -0.1, -0.01, 0.01, 0.1, 1.0)
"""What clocks lose or gain in a second: from half as fast to twice as fast. They never go backwards."""


async def _jump(around: Surroundings, rng: Random) -> str:
    """Some wall clocks jump, each its own way; at the end they jump back."""
    jumps = {victim: rng.choice(_JUMPS_S) for victim in some(around.cluster.everybody, rng)}
    for victim, seconds in jumps.items():
        set_wall_clock(around.cluster.clock_path(victim), seconds, 0.0, time.monotonic())
    return "clocks off by " + ", ".join(f"{node.name} {seconds:+g} s" for node, seconds in jumps.items())


async def _drift(around: Surroundings, rng: Random) -> str:
    """Some wall clocks go too fast or too slow, each its own way; at the end they jump back to the truth."""
    drifts = {victim: rng.choice(_DRIFTS) for victim in some(around.cluster.everybody, rng)}
    for victim, drift in drifts.items():
        set_wall_clock(around.cluster.clock_path(victim), 0.0, drift, time.monotonic())
    return "clocks go at " + ", ".join(f"{node.name} {1 + drift:g}" for node, drift in drifts.items())


async def _true(around: Surroundings) -> str:
    for node in around.cluster.everybody:
        if around.cluster.clock_path(node).exists():
            set_wall_clock(around.cluster.clock_path(node), 0.0, 0.0, time.monotonic())
    return "clocks true again"


async def _jump_all_code(around: Surroundings, rng: Random) -> str:
    """Some wall clocks jump for OpenSSL too: a certificate that ended, or one of the future, is met as such."""
    jumps = {victim: rng.choice(_JUMPS_S) for victim in some(around.cluster.everybody, rng)}
    for victim, seconds in jumps.items():
        set_libc_clock(around.cluster.libc_clock_path(victim), seconds)
    return "clocks of all code off by " + ", ".join(f"{node.name} {seconds:+g} s" for node, seconds in jumps.items())


async def _true_all_code(around: Surroundings) -> str:
    for node in around.cluster.everybody:
        if around.cluster.libc_clock_path(node).exists():
            set_libc_clock(around.cluster.libc_clock_path(node), 0.0)
    return "clocks of all code true again"


def _lacks(around: Surroundings) -> str:
    program = around.cluster.program
    return (
        "" if program.clock_can_jump else f"the wall clock of {program.name} alone cannot be moved: it asks the kernel"
    )


def _lacks_libc(around: Surroundings) -> str:
    return _lacks(around) or lacks_libfaketime()


CLOCK_FAULTS: Final[Mapping[str, Fault]] = {
    "clock-jump": Fault(
        _jump,
        _true,
        _lacks,
        "wall clocks jump, by half a second to a year",
        needs=frozenset({CLOCKS}),
        subject="clocks",
    ),
    "clock-drift": Fault(
        _drift,
        _true,
        _lacks,
        "wall clocks go too slow or too fast, from half to twice their pace",
        needs=frozenset({CLOCKS}),
        subject="clocks",
    ),
    "clock-jump-all-code": Fault(
        _jump_all_code,
        _true_all_code,
        _lacks_libc,
        "wall clocks jump for C code too, such as OpenSSL's judgement of certificates; by libfaketime",
        may_end=_SAYS,
        needs=frozenset({CLOCKS, LIBC_CLOCKS}),
        subject="clocks",
    ),
}
"""By name."""
