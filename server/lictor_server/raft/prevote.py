"""Asking before an election whether it could be won. Pure. Raft thesis, section 9.6.

A server that was cut off would come back with a higher term and depose a healthy leader. So it asks first, with its
term unchanged, and the others refuse while they hear a leader.
"""

from __future__ import annotations

from lictor_server.raft.messages import PreVote

__all__ = ["PreVotes", "would_vote"]


class PreVotes:
    """The round under way at the asker, if any."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._granted: set[str] = set()

    def begin(self, term: int) -> None:
        """Ask anew, for `term`."""
        self._asked = term
        self._granted.clear()

    def cancel(self) -> None:
        """A leader was heard, or an election began."""
        self._asked = None

    def granted(self, node_id: str, term: int, voters: int) -> bool:
        """Count a grant for `term`; True, once in a round, when with the asker's own a majority of `voters` is met."""
        if term != self._asked:
            return False
        self._granted.add(node_id)
        if 2 * (len(self._granted) + 1) <= voters:
            return False
        self.cancel()
        return True


def would_vote(ask: PreVote, *, term: int, last_term: int, last_index: int, follows: bool) -> bool:
    """Whether a server with this term and log would vote; `follows`: it leads, or has heard its leader lately."""
    return not follows and ask.term > term and (ask.last_term, ask.last_index) >= (last_term, last_index)
