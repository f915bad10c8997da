"""The rules for entries that a follower is sent, against a naive twin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_server.raft.append import Mismatch, Taken, committed_up_to, examined
from lictor_server.raft.log import LogEntry
from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.messages import Append


def log_of(terms: list[int]) -> MemoryLog:
    log = MemoryLog()
    for index, term in enumerate(terms, 1):
        log.add(b"\x00", index, term)
    return log


def sent(leader: list[int], prev: int, count: int) -> Append:
    entries: tuple[LogEntry, ...] = tuple(
        (b"\x00", index, leader[index - 1]) for index in range(prev + 1, min(prev + count, len(leader)) + 1)
    )
    return Append(9, prev, leader[prev - 1], entries, 1, 0)


def test_late_message_does_not_shorten_the_log() -> None:
    assert examined(log_of([0, 1, 1, 1]), sent([0, 1, 1, 1], 1, 1), 1) == Taken(4, 1, (), 2)


def test_unlike_tail_is_cut_where_it_begins() -> None:
    result = examined(log_of([0, 1, 1, 1]), sent([0, 1, 2, 2], 1, 3), 2)
    assert result == Taken(2, 1, ((b"\x00", 3, 2), (b"\x00", 4, 2)), 4)


def test_gap_asks_for_what_comes_after_the_last_entry() -> None:
    assert examined(log_of([0, 1]), sent([0, 1, 1, 1, 1], 4, 1), 1) == Mismatch(4, 2)


def test_whole_run_of_a_term_is_doubted_at_once_but_nothing_committed() -> None:
    assert examined(log_of([0, 1, 2, 2, 2]), sent([0, 1, 3, 3, 3], 5, 0), 1) == Mismatch(5, 2)
    assert examined(log_of([0, 2, 2, 2, 2]), sent([0, 2, 2, 3, 3], 5, 0), 3) == Mismatch(5, 3)


def test_leader_that_disputes_a_committed_entry_is_a_broken_invariant() -> None:
    with pytest.raises(AssertionError, match="disputes the committed entry 3"):
        examined(log_of([0, 1, 1]), sent([0, 1, 2], 2, 1), 3)


def test_commit_index_is_capped() -> None:
    assert (committed_up_to(9, 4), committed_up_to(3, 4)) == (3 + 1, 3)


TERMS = st.lists(st.integers(1, 4), max_size=8).map(lambda terms: [0, *sorted(terms)])


@given(TERMS, TERMS, st.data())
def test_what_is_taken_makes_the_logs_equal_up_to_what_is_verified(
    own: list[int], leader: list[int], data: st.DataObject
) -> None:
    append = sent(leader, data.draw(st.integers(1, len(leader))), data.draw(st.integers(0, 4)))
    log = log_of(own)
    result = examined(log, append, 1)
    if isinstance(result, Mismatch):
        assert result.hint < result.index == append.prev_index
        return
    log.deleteEntriesFrom(result.after)
    for entry in result.entries:
        log.add(*entry)
    covered = [entry[2] for entry in log[append.prev_index - 1 : result.verified]]
    assert covered == leader[append.prev_index - 1 : result.verified]
