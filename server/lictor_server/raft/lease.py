"""For how long nobody else can lead: a leader's lease. Pure. Raft thesis, section 6.4.1.

A voter that hears a leader refuses its vote for `election_min_s` from then on. So once a majority has answered a
message that left at `t`, no other leader can be elected before `t + election_min_s`, and until then a read needs no
round of its own. What this rests on:

* a voter refuses also the request that follows a granted pre-vote, and does not let it raise its term;
* a voter that was restarted has forgotten whom it heard, and refuses everybody for `election_min_s`;
* a transfer of leadership goes around the refusal, so with it the lease ends for good in that term: the message that
  starts the election may arrive at any time;
* a majority is counted over the set in effect when the answers come. That is enough while sets change: two in a row
  share a server in any two majorities, and each was in the log, and so heard of, later than `t` or counted itself;
* clocks of two servers run equally fast within 10 %. What they show does not matter: only monotonic clocks are read,
  and at the moment of the read, since a process may have been stopped before it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["LEASE_SHARE", "SENDINGS_MAX", "Lease"]

LEASE_SHARE: Final = 0.9
"""Of `election_min_s`: what clocks may differ by is taken off."""
SENDINGS_MAX: Final = 64
"""Times of sending kept; of more the oldest are lost, and the lease begins with a later one."""


class Lease:
    """The lease of one leader in one term. All times are of its own monotonic clock."""

    def __init__(self, election_min_s: float) -> None:
        self._length_s = LEASE_SHARE * election_min_s
        self._apart_s = election_min_s / SENDINGS_MAX
        self._sendings: deque[tuple[int, float]] = deque(maxlen=SENDINGS_MAX)
        self._last_seq = 0
        self._since: float | None = None
        self._is_forfeit = False

    def sent(self, seq: int, now: float) -> None:
        """Messages with the number `seq` leave; numbers grow, and only the first time of each counts.

        Numbers that follow closely are not kept: an answer to one of them confirms the kept one before it.
        """
        if seq <= self._last_seq:
            return
        self._last_seq = seq
        if not self._sendings or now >= self._sendings[-1][1] + self._apart_s:
            self._sendings.append((seq, now))

    def confirmed(self, seq: int) -> None:
        """A majority has answered messages with `seq` or a later number."""
        sendings = self._sendings
        while len(sendings) > 1 and sendings[1][0] <= seq:
            sendings.popleft()
        if sendings and sendings[0][0] <= seq:
            self._since = sendings[0][1]

    def holds(self, now: float) -> bool:
        """Whether nobody else can lead at `now`."""
        return self._since is not None and not self._is_forfeit and now < self._since + self._length_s

    def led_at(self, now: float) -> float | None:
        """The last moment up to `now` before which nobody else can have committed anything; None for never."""
        if self._since is None or self._is_forfeit:
            return self._since
        return min(now, self._since + self._length_s)

    def forfeit(self) -> None:
        """Leadership is being handed over: no lease any more in this term."""
        self._is_forfeit = True
