"""Which entries may go: those of a snapshot, less a tail and what others need; any applied one when memory is full."""

from __future__ import annotations

import pytest

from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.retention import DROP_MAX, ENTRY_BYTES, droppable, memory_bytes

PLENTY = 1 << 40


def log_of(count: int, *, command_bytes: int = 10, first: int = 1) -> MemoryLog:
    log = MemoryLog()
    for index in range(first, first + count):
        log.add(bytes(command_bytes), index, 1)
    return log


def may_go(
    log: MemoryLog, *, applied: int, covered: int, trailing: int = 0, needed: int | None = None, bytes_max: int = PLENTY
) -> int:
    return droppable(
        log, applied=applied, covered=covered, trailing=trailing, needed=needed, bytes_max=bytes_max, at_once=1
    )


@pytest.mark.parametrize(
    ("covered", "trailing", "needed", "first_left"),
    [
        (0, 0, None, 1),  # no snapshot: all stays
        (60, 0, None, 60),  # its last entry stays, as the one before the next
        (60, 20, None, 40),
        (60, 100, None, 1),
        (60, 0, 30, 30),
        (60, 20, 50, 40),
        (99, 0, None, 80),  # the last applied one stays
    ],
)
def test_what_a_snapshot_holds_goes_but_for_the_tail_and_what_is_needed(
    covered: int, trailing: int, needed: int | None, first_left: int
) -> None:
    log = log_of(100)
    log.deleteEntriesTo(may_go(log, applied=80, covered=covered, trailing=trailing, needed=needed))
    assert log[0][1] == first_left


def test_beyond_the_bound_of_memory_what_is_applied_goes_though_it_is_needed() -> None:
    log = log_of(100)
    log.deleteEntriesTo(may_go(log, applied=80, covered=0, needed=1, bytes_max=50 * (10 + ENTRY_BYTES)))
    assert len(log) == 46  # and a sixteenth more, so that it is not one entry at a time
    assert log.memory_bytes == memory_bytes(log[:])


def test_what_is_not_applied_never_goes() -> None:
    log = log_of(100)
    log.deleteEntriesTo(may_go(log, applied=30, covered=0, bytes_max=1))
    assert log[0][1] == 30
    assert may_go(log, applied=30, covered=90, bytes_max=1) == 0


def test_few_are_not_worth_it_and_many_go_in_portions() -> None:
    log = log_of(100)
    assert droppable(log, applied=90, covered=20, trailing=0, needed=None, bytes_max=PLENTY, at_once=20) == 0
    assert droppable(log, applied=90, covered=21, trailing=0, needed=None, bytes_max=PLENTY, at_once=20) == 20
    log = log_of(2 * DROP_MAX)
    assert may_go(log, applied=2 * DROP_MAX, covered=2 * DROP_MAX) == DROP_MAX
    assert may_go(log, applied=2 * DROP_MAX, covered=0, bytes_max=0) == DROP_MAX
