"""The names of pysyncobj 0.3.17 that `core` builds on, private ones included, and their check at import. Pure.

`_X__y` is how Python spells the attribute `__y` of the class `X`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = ["PINNED_VERSION", "PRIVATE_METHODS", "PRIVATE_NAMES", "guard"]

PINNED_VERSION: Final = "0.3.17"
PRIVATE_METHODS: Final = frozenset(
    {
        "_SyncObj__applyLogEntries",
        "_SyncObj__doApplyCommand",
        "_SyncObj__generateRaftTimeout",
        "_SyncObj__onMessageReceived",
        "_SyncObj__parseChangeClusterRequest",
        "_SyncObj__sendAppendEntries",
        "_SyncObj__sendNextNodeIdx",
        "_SyncObj__setState",
        "_applyCommand",
        "_getLeader",
        "_isLeader",
        "_onNodeConnected",
        "_onNodeDisconnected",
        "_onTick",
    }
)
"""Methods overridden or called; the two of `_onNode` are the transport's."""
PRIVATE_ATTRIBUTES: Final = frozenset(
    {
        "_SyncObj__commandsQueue",
        "_SyncObj__commandsWaitingCommit",
        "_SyncObj__commandsWaitingReply",
        "_SyncObj__lastResponseTime",
        "_SyncObj__newAppendEntriesTime",
        "_SyncObj__noopIDx",
        "_SyncObj__otherNodes",
        "_SyncObj__raftCommitIndex",
        "_SyncObj__raftElectionDeadline",
        "_SyncObj__raftLastApplied",
        "_SyncObj__raftLeader",
        "_SyncObj__raftLog",
        "_SyncObj__raftMatchIndex",
        "_SyncObj__transferInProgress",
        "_poller",
    }
)
"""Attributes read or written; they exist once an instance is made."""
PRIVATE_NAMES: Final = PRIVATE_METHODS | PRIVATE_ATTRIBUTES


def guard(version: str, names: frozenset[str], owned: Callable[[str], bool]) -> None:
    """Refuse a pysyncobj other than the one this module was written for. Raises `ImportError`."""
    if version != PINNED_VERSION:
        raise ImportError(f"pysyncobj is {version}, but Lictor needs exactly {PINNED_VERSION}: install that version")
    missing = sorted(name for name in names if not owned(name))
    if missing:
        raise ImportError(f"pysyncobj {version} lacks what Lictor builds on: {', '.join(missing)}")
