"""Asking before an election whether it could be won, and counting who votes. Pure. Raft thesis, section 9.6.

A server that was cut off would come back with a higher term and depose a healthy leader. So it asks first, with its
term unchanged, and the others refuse while they hear a leader.
"""

from __future__ import annotations

from lictor_server.raft.messages import PreVote

__all__ = ["PreVotes", "Votes", "would_vote"]


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

    def granted(self, node_id: str, term: int, needed: int) -> bool:
        """Count a grant for `term`; True, once in a round, when there are `needed`."""
        if term != self._asked:
            return False
        self._granted.add(node_id)
        if len(self._granted) < needed:
            return False
        self.cancel()
        return True


class Votes:
    """The votes that came for this server as a candidate."""

    def __init__(self) -> None:
        self._term = 0
        self._voters: set[str] = set()

    def add(self, node_id: str, term: int) -> int:
        """Count a vote in `term`; how many servers have voted in it. Each has one vote, however often it is heard."""
        if self._term != term:
            self._term = term
            self._voters.clear()
        self._voters.add(node_id)
        return len(self._voters)


def would_vote(ask: PreVote, *, term: int, last_term: int, last_index: int, follows: bool) -> bool:
    """Whether a server with this term and log would vote; `follows`: it leads, or has heard its leader lately."""
    return not follows and ask.term > term and (ask.last_term, ask.last_index) >= (last_term, last_index)
