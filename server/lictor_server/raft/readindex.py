"""Reads that are never stale, without a write: rounds of ReadIndex. Pure. Raft thesis, section 6.4.

A read notes what was committed when it came, then waits until a majority has answered a message that left *after*
that: nobody else can have led, and committed more, before the read came. Reads that come before the next message
leaves share its round.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from lictor_server.raft.members import agreed
from lictor_server.raft.outcome import Reason

__all__ = ["READS_MAX", "ReadDone", "ReadRounds"]

READS_MAX = 65_536
"""Reads waiting for a round; one more is refused as overload."""

ReadDone = Callable[[Reason], None]
"""Told `SUCCESS` when the state may be read, else why not. Never raises."""

_Waiting = tuple[int, int, ReadDone]
"""Round, index that must be applied, whom to tell."""


class ReadRounds:
    """The reads of one leader in one term."""

    def __init__(self) -> None:
        self._open_round = 1
        self._answered: dict[str, int] = {}
        self._waiting: deque[_Waiting] = deque()

    @property
    def is_waiting(self) -> bool:
        """Whether there are reads at all."""
        return bool(self._waiting)

    @property
    def is_due(self) -> bool:
        """Whether reads wait whose round has not left yet."""
        return bool(self._waiting) and self._waiting[-1][0] == self._open_round

    def register(self, index: int, done: ReadDone) -> None:
        """Add a read that may be answered once `index` is applied and its round is confirmed."""
        if len(self._waiting) >= READS_MAX:
            done(Reason.QUEUE_FULL)
            return
        self._waiting.append((self._open_round, index, done))

    def stamp(self, *, anew: bool) -> int:
        """The number for messages that leave now; reads that come later belong to the next.

        Without waiting reads the number stays, unless it shall be a new one.
        """
        if anew or self.is_due:
            self._open_round += 1
        return self._open_round - 1

    def answered(self, node_id: str, seq: int) -> None:
        """A follower has answered a message that carried `seq`."""
        self._answered[node_id] = max(self._answered.get(node_id, 0), seq)

    def confirmed(self, voters: Iterable[str], *, counts_self: bool) -> int:
        """The last round that a majority has answered: of the other `voters`, and of the leader if it is one."""
        rounds = [self._answered.get(node_id, 0) for node_id in voters]
        return agreed(self._open_round if counts_self else None, rounds)

    def serve(self, confirmed: int, applied_index: int) -> None:
        """Tell the reads that may be answered now, when the round `confirmed` is."""
        while self._waiting and self._waiting[0][0] <= confirmed and self._waiting[0][1] <= applied_index:
            self._waiting.popleft()[2](Reason.SUCCESS)

    def end(self) -> None:
        """Leadership ended: refuse what waits."""
        waiting, self._waiting = self._waiting, deque()
        for _, _, done in waiting:
            done(Reason.NOT_LEADER)
