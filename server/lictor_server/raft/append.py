"""What a follower does with entries it is sent. Pure: decides, changes nothing.

Raft paper, section 5.3, and three rules that stock pysyncobj breaks:

* entries that are there already are skipped, not cut off and written again: a late message must not shorten the log;
* what is acknowledged is what this message proves to be equal, not whatever the log happens to hold after it;
* what is committed is capped at the same place.
"""

from __future__ import annotations

import dataclasses

from lictor_server.raft.log import Log, LogEntry
from lictor_server.raft.messages import Append

__all__ = ["Mismatch", "Taken", "committed_up_to", "examined", "first_unlike", "proven", "try_after"]


@dataclasses.dataclass(frozen=True)
class Taken:
    """The message fits: `entries` follow the entry at `after`; the log is equal with the leader's up to `verified`."""

    after: int
    after_term: int
    entries: tuple[LogEntry, ...]
    verified: int


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """No entry at `index` with the leader's term; the leader should try the entry after `hint` next."""

    index: int
    hint: int


def examined(log: Log, append: Append, commit_index: int) -> Taken | Mismatch:
    """What `append` means for `log`. An assertion fails when it would cut what is committed: a broken invariant."""
    first, last = log[0][1], log[-1][1]
    prev = append.prev_index
    if prev > last:
        return Mismatch(prev, last)
    if prev >= first and log[prev - first][2] != append.prev_term:
        assert prev > commit_index, f"the leader of term {append.term} disputes the committed entry {prev}"
        return Mismatch(prev, try_after(log, prev, commit_index))
    # Entries before the first are in the snapshot, hence committed, hence equal.
    keep = first_unlike(log, append.entries)
    verified = proven(log, append)
    if keep == len(append.entries):
        return Taken(last, log[-1][2], (), verified)
    after = prev + keep
    assert after >= commit_index, f"the leader of term {append.term} disputes the committed entry {after + 1}"
    return Taken(after, log[after - first][2], append.entries[keep:], verified)


def first_unlike(log: Log, entries: tuple[LogEntry, ...]) -> int:
    """How many of `entries`, from the first on, the log holds already with the same term."""
    first, size = log[0][1], len(log)
    for number, (_, index, term) in enumerate(entries):
        position = index - first
        if position >= size or (position >= 0 and log[position][2] != term):
            return number
    return len(entries)


def proven(log: Log, append: Append) -> int:
    """Up to where `append` proves this log equal with the leader's; the log itself may be longer."""
    return max(append.prev_index + len(append.entries), log[0][1])


def committed_up_to(leader_commit_index: int, verified: int) -> int:
    """How far a follower may take the leader's word: entries after `verified` may be others than the leader's."""
    return min(leader_commit_index, verified)


def try_after(log: Log, index: int, commit_index: int) -> int:
    """The last index before the run of the term that stands at `index`, but no committed one is doubted.

    A whole term is skipped with each try, so that a long unlike tail does not cost one message an entry.
    """
    first = log[0][1]
    term, position = log[index - first][2], index - first
    while position > 0 and log[position - 1][2] == term and position - 1 + first > commit_index:
        position -= 1
    return max(position - 1 + first, commit_index)
