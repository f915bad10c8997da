"""Faults of memory: a process gets no more of it than it has.

A limit is set on what the process may map (`RLIMIT_AS`), so the machine itself is never short: nothing is taken from
others. What the kernel does when a whole machine runs out is SIGKILL to somebody, which the faults of processes are.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

from lictor_jepsen.nemesis.base import Fault, Surroundings, nothing_lacks, revive, some
from lictor_jepsen.net import Node

__all__ = ["MEMORY"]

_MIB: Final = 1024 * 1024
_MORE_MIB: Final = (0, 1, 4, 16)
"""How much more than it has a process gets: nothing at all, or enough for a while."""
_SAYS: Final = r"MemoryError|[Cc]annot allocate memory|out of memory"
"""What is said by Python, by the system, and by Go, for want of memory."""

_GONE: Final = (ProcessLookupError, FileNotFoundError)
"""A process that ended, of which the loop has not heard yet, such as by another fault of this moment."""


async def _short(around: Surroundings, rng: Random) -> str:
    given: list[str] = []
    victims = [node for node in some(around.cluster.nodes, rng) if around.cluster.runs(node)]
    around.holds.take(around.fault, "short", victims)
    for victim in sorted(victims):
        more = rng.choice(_MORE_MIB)
        pid = around.cluster.pid(victim)
        with contextlib.suppress(*_GONE):
            _limit(pid, _mapped(pid) + more * _MIB)
            given.append(f"{victim.name} {more} MiB")
    return f"from now on no more memory than they have and {', '.join(given) or 'nobody runs'}"


async def _enough(around: Surroundings) -> str:
    """Those that ended for want of memory are started, as a service manager would, with no limit."""
    for node in around.cluster.nodes:
        if around.cluster.runs(node):
            with contextlib.suppress(*_GONE):
                _limit(around.cluster.pid(node), resource.RLIM_INFINITY)
    around.holds.release(around.fault, "short", Node)
    return f"memory for all; {await revive(around)}"


def _mapped(pid: int) -> int:
    """How many bytes the process has mapped."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def _limit(pid: int, size_bytes: int) -> None:
    hard = resource.prlimit(pid, resource.RLIMIT_AS)[1]
    resource.prlimit(pid, resource.RLIMIT_AS, (hard if size_bytes == resource.RLIM_INFINITY else size_bytes, hard))


MEMORY: Final[Mapping[str, Fault]] = {
    "memory-short": Fault(
        _short,
        _enough,
        nothing_lacks,
        "some servers get no more memory than they have, but for up to 16 MiB",
        may_end=_SAYS,
        may_trace=True,
        subject="memory",
    ),
}
"""By name."""
