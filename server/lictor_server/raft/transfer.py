"""Handing leadership over. Pure. Raft thesis, section 3.10.

The leader takes no more commands, brings the target up to date and tells it to stand for election at once. When the
target does not lead after `election_max_s`, the leader goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from lictor_core.errors import RequestError
from lictor_server.raft.flow import Progress
from lictor_server.raft.outcome import Done

__all__ = ["Transfer", "best_target", "chosen_target"]


@dataclasses.dataclass
class Transfer:
    """One attempt."""

    target: str
    until: float
    """When the leader gives up, by its monotonic clock."""
    done: Done
    is_told: bool = False
    """Whether the target was told; from then on it may take over at any time."""


def chosen_target(
    wish: str | None, voters: Mapping[str, Progress], connected: Collection[str], *, is_under_way: bool
) -> str:
    """Whom to hand over to: the one wished for, else the best of the other `voters` that are connected.

    Raises `RequestError` when nobody can be it.
    """
    target = wish
    if target is None:
        target = best_target({id: progress for id, progress in voters.items() if id in connected})
    if is_under_way:
        problem = "it is being handed over already"
    elif target is None:
        problem = "no other voter is connected"
    elif target not in voters:
        problem = f"{target} is no other voter"
    else:
        return target
    raise RequestError(f"leadership cannot be handed over: {problem}")


def best_target(voters: Mapping[str, Progress]) -> str | None:
    """Who needs the least to lead: the furthest log, then the latest answer. None of nobody."""
    return max(voters, key=lambda id: (voters[id].match_index, -voters[id].silent_s, id), default=None)
