"""Which entries a log keeps in memory. Pure.

Others need entries from us until a snapshot holds them; some more stay, so that a short outage of another server needs
no snapshot; and what a live follower still lacks stays too. All this only up to a size: beyond it the oldest applied
entries go, and whoever needed them gets a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lictor_server.raft.log import Log, LogEntry

__all__ = ["DROP_MAX", "ENTRY_BYTES", "droppable", "memory_bytes"]

DROP_MAX: Final = 4096
"""Entries dropped in one go: freeing very many would hold up the event loop."""
ENTRY_BYTES: Final = 160
"""What an entry takes in memory besides its command, roughly: the tuple, two numbers, the head of the bytes."""

_SLACK_FRACTION: Final = 16


def droppable(
    log: Log, *, applied: int, covered: int, trailing: int, needed: int | None, bytes_max: int, at_once: int
) -> int:
    """How many entries at the front may go, up to `DROP_MAX` and never the last applied one; few than `at_once` stay.

    `covered` is the last entry that nobody needs from this log, as a snapshot holds it; `trailing` more stay before it.
    The entry `needed` stays too, as it is the one before the next that a follower gets. `bytes_max` goes before both,
    and then by some more at once.
    """
    first = log[0][1]
    keep = min(covered, applied) - trailing
    if needed is not None:
        keep = min(keep, needed)
    count = keep - first if keep - first >= at_once else 0
    excess = log.memory_bytes - bytes_max
    if excess > 0:
        excess += bytes_max // _SLACK_FRACTION
        count = max(count, _first_bytes(log, excess, min(applied - first, DROP_MAX)))
    return min(count, DROP_MAX)


def memory_bytes(entries: Iterable[LogEntry]) -> int:
    """What `entries` take in memory, roughly."""
    return sum(len(command) + ENTRY_BYTES for command, _, _ in entries)


def _first_bytes(log: Log, size: int, count_max: int) -> int:
    """How many entries at the front make up `size` bytes; at most `count_max`."""
    count = 0
    while count < count_max and size > 0:
        size -= len(log[count][0]) + ENTRY_BYTES
        count += 1
    return count
