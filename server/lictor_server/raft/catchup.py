"""Whether a server that was started has seen all that was committed before its start. Pure.

What it finds on its own disk may be long out of date, and a leader that was just elected may not know yet how far its
predecessors committed. So the server is caught up once it has applied what a leader said to be committed, and an entry
of that leader's own term with it: only such an entry proves that the leader knew (Raft paper, section 5.4.2).
"""

from __future__ import annotations

__all__ = ["CatchUp"]


class CatchUp:
    """One life of one server; once caught up it stays so."""

    def __init__(self) -> None:
        self.is_done = False
        self._term = -1
        self._commit_index = 0

    def learnt(self, term: int, commit_index: int) -> None:
        """The leader of `term` says that `commit_index` is committed. What it says first in its term counts."""
        if not self.is_done and term != self._term:
            self._term, self._commit_index = term, commit_index

    def applied(self, index: int, term: int) -> None:
        """Everything up to the entry `index` of `term` is applied here."""
        self.is_done = self.is_done or (term == self._term and index >= self._commit_index)
