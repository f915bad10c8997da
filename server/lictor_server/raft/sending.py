"""What a leader cuts out of its log for a follower. Pure."""

from __future__ import annotations

from typing import Final

from lictor_server.raft.log import Log, LogEntry

__all__ = ["BATCH_ENTRIES_MAX", "batch", "predecessor"]

BATCH_ENTRIES_MAX: Final = 4096
"""Entries in one message, however small they are."""


def batch(log: Log, index: int, bytes_max: int) -> tuple[LogEntry, ...]:
    """The entries from `index` on whose commands fit `bytes_max`; at least one. The log must hold `index`."""
    start, size = index - log[0][1], 0
    entries = log[start : start + BATCH_ENTRIES_MAX]
    for count, (command, _, _) in enumerate(entries):
        size += len(command)
        if count and size > bytes_max:
            return tuple(entries[:count])
    return tuple(entries)


def predecessor(log: Log, index: int) -> LogEntry:
    """The entry before `index`. Where the log begins later, its first one: what follows can be claimed of that only."""
    return log[max(index - 1 - log[0][1], 0)]
