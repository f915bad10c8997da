"""Handing leadership over. Pure. Raft thesis, section 3.10.

The leader takes no more commands, brings the target up to date and tells it to stand for election at once. When the
target does not lead after `election_max_s`, the leader goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from lictor_server.raft.flow import Progress
from lictor_server.raft.outcome import Done

__all__ = ["Transfer", "best_target"]


@dataclasses.dataclass
class Transfer:
    """One attempt."""

    target: str
    until: float
    """When the leader gives up, by its monotonic clock."""
    done: Done
    is_told: bool = False
    """Whether the target was told; from then on it may take over at any time."""


def best_target(voters: Mapping[str, Progress]) -> str | None:
    """Who needs the least to lead: the furthest log, then the latest answer. None of nobody."""
    return max(voters, key=lambda id: (voters[id].match_index, -voters[id].silent_s, id), default=None)
