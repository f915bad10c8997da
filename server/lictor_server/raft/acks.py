"""Replies that wait for the disk. Pure.

A follower's reply says that entries are on its disk, so it leaves only when they are.
"""

from __future__ import annotations

from collections import deque

from lictor_server.raft.wire import Message

__all__ = ["HELD_MAX", "HeldReplies", "is_current", "may_leave"]

HELD_MAX = 4096
"""Replies waiting for one fsync; of more the oldest are lost, as on any network."""

Held = tuple[int, int, str, Message]
"""Mark of the log, term, to whom, what."""


class HeldReplies:
    """Replies in the order they were made."""

    def __init__(self) -> None:
        self._held: deque[Held] = deque(maxlen=HELD_MAX)

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, mark: int, term: int, node_id: str, message: Message) -> None:
        """Keep `message` until the log's first `mark` records are durable."""
        self._held.append((mark, term, node_id, message))

    def release(self, durable_mark: int, term: int) -> list[tuple[str, Message]]:
        """What may leave now, in order. What was made in an earlier term is dropped.

        While it waited, the leader of a later term may have cut the entries that the reply vouches for.
        """
        ready: list[tuple[str, Message]] = []
        while self._held and self._held[0][0] <= durable_mark:
            _, made_in, node_id, message = self._held.popleft()
            if is_current(made_in, term):
                ready.append((node_id, message))
        return ready


def is_current(made_in: int, term: int) -> bool:
    """Whether a reply made in the term `made_in` still says something in `term`."""
    return made_in == term


def may_leave(written_mark: int, durable_mark: int) -> bool:
    """Whether a reply about the log as it stands may leave at once."""
    return durable_mark >= written_mark
