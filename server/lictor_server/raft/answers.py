"""What followers had answered by a moment when this leader surely led: what it may vouch for. Pure.

A follower takes it as proof of how fresh it is (`evidence`), so an answer that a leader has is not enough: it may have
been deposed without knowing, as after a stop. It surely leads while its lease holds. In a term whose lease was
forfeited, the way of reads is left (`readindex`): once a majority has answered a round, the leader surely led when that
round left, and had by then what it had.
"""

from __future__ import annotations

from collections.abc import Container

__all__ = ["Answers"]


class Answers:
    """The newest round that each server has answered to one leader in one term, voter or not."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._vouched: dict[str, int] = {}
        self._has_news = False
        self._last_seq = 0
        self._awaited: tuple[int, dict[str, int]] | None = None
        """A round that has left, and what had been answered then."""

    def note(self, id: str, seq: int) -> None:
        """A server has answered the round `seq`."""
        if seq > self._newest.get(id, 0):
            self._newest[id] = seq
            self._has_news = True

    def keep(self, ids: Container[str]) -> None:
        """Forget all servers but these."""
        self._newest = {id: seq for id, seq in self._newest.items() if id in ids}
        self._has_news = True

    def vouched(self, id: str) -> int:
        """The round that this server had answered when the leader last surely led; 0 for none."""
        return self._vouched.get(id, 0)

    def leads(self, seq: int) -> None:
        """The leader surely leads, and messages with `seq` leave."""
        self._last_seq = seq
        self._awaited = None
        if self._has_news:
            self._vouched = self._newest.copy()
            self._has_news = False

    def may_lead(self, seq: int, confirmed: int) -> None:
        """Messages with `seq` leave; a majority has answered `confirmed`."""
        if self._awaited is not None and confirmed >= self._awaited[0]:
            self._vouched = self._awaited[1]
            self._awaited = None
        # A number that left before may have been answered before, too: that proves nothing about now.
        if self._awaited is None and seq > self._last_seq:
            self._awaited = seq, self._newest.copy()
        self._last_seq = seq
