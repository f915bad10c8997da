"""As of when the state of a follower is surely current. Pure: times are of its own monotonic clock.

A message that was read late proves nothing about now: a server that was stopped, or cut off, finds heartbeats that
waited for it. What proves something is an answer of its own. It says at `t` that it heard the round `seq`; when the
leader, which surely led and knew all that was committed, says that it had this answer, then what it calls committed
holds all that was committed before `t`, anywhere. So a state that has applied that much is current as of `t`.

What this rests on:

* the leader vouches for an answer only when it has it and surely leads (`answers`);
* rounds belong to a term, and a term has one leader;
* a process that was started anew in the same term does not take an answer of the former one for its own: the leader's
  rounds only grow, so the first one that is heard may have been answered before, and any later one not;
* of rounds that follow closely one is kept, and the answer to a later one confirms it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["CLAIMS_MAX", "SENDINGS_MAX", "Evidence"]

SENDINGS_MAX: Final = 64
"""Times of sending kept; of more the oldest are lost, and an answer that took longer to come back proves nothing."""
CLAIMS_MAX: Final = 64
"""Claims kept that wait for their entries to be applied; of more the last one takes in the next."""


class Evidence:
    """What one server knows of the age of its state while it follows, whoever leads."""

    def __init__(self, kept_s: float) -> None:
        """`kept_s`: for how long an answer may be on its way, to the leader and back."""
        self._apart_s = kept_s / SENDINGS_MAX
        self._term = -1
        self._last_seq = 0
        self._sendings: deque[tuple[int, float]] = deque(maxlen=SENDINGS_MAX)
        self._claims: deque[tuple[int, float]] = deque()
        """What must be applied, and as of when the state is current then."""
        self._current_at: float | None = None

    def heard(self, term: int, seq: int, answered: int | None, commit_index: int, now: float) -> None:
        """The leader of `term` sent the round `seq`: it calls all up to `commit_index` committed, and had our answer to
        the round `answered`, 0 for none.

        None: it is of a version that does not say; then the message counts as if it had not waited anywhere.
        """
        if term != self._term:
            self._term, self._last_seq = term, seq
            self._sendings.clear()
        at = now if answered is None else self._said_at(answered)
        if at is not None:
            self._claim(commit_index, at)

    def said(self, seq: int, now: float) -> None:
        """This server answers the round `seq` of the term that was heard last, at `now` or later."""
        if seq <= self._last_seq:
            return
        self._last_seq = seq
        if not self._sendings or now >= self._sendings[-1][1] + self._apart_s:
            self._sendings.append((seq, now))

    def led(self, at: float) -> None:
        """This server led, and its own state was current as of `at`."""
        self._current_at = at if self._current_at is None else max(self._current_at, at)

    def current_at(self, applied_index: int) -> float | None:
        """As of when the state that has applied so much is surely current; None when it never was since the start."""
        claims = self._claims
        while claims and claims[0][0] <= applied_index:
            self.led(claims.popleft()[1])
        return self._current_at

    def _said_at(self, seq: int) -> float | None:
        sendings = self._sendings
        while len(sendings) > 1 and sendings[1][0] <= seq:
            sendings.popleft()
        return sendings[0][1] if sendings and sendings[0][0] <= seq else None

    def _claim(self, commit_index: int, at: float) -> None:
        claims = self._claims
        if claims and (commit_index <= claims[-1][0] or len(claims) == CLAIMS_MAX):
            commit_index = max(commit_index, claims.pop()[0])
        claims.append((commit_index, at))
