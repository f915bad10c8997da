from lictor_server.raft.memory_log import MemoryLog


def filled(last: int) -> MemoryLog:
    log = MemoryLog()
    for index in range(1, last + 1):
        log.add(b"x", index, 1)
    return log


def test_older_half_goes_when_too_much_is_applied() -> None:
    log = filled(100)
    log.drop_applied(99, keep_max=40)
    assert log[0][1] == 79
    assert log[-1][1] == 100


def test_little_is_kept_whole() -> None:
    log = filled(30)
    log.drop_applied(30, keep_max=40)
    assert len(log) == 30


def test_last_applied_entry_stays() -> None:
    log = filled(10)
    log.drop_applied(10, keep_max=1)
    assert [entry[1] for entry in log[:]] == [10]


def test_deletions_at_both_ends() -> None:
    log = filled(10)
    log.deleteEntriesFrom(8)
    log.deleteEntriesTo(3)
    assert [entry[1] for entry in log[:]] == [4, 5, 6, 7, 8]
    log.clear()
    assert len(log) == 0


def test_term_and_vote_are_kept() -> None:
    log = MemoryLog()
    assert (log.getCurrentTerm(), log.getVotedForNodeId(), log.getRaftCommitIndex()) == (0, None, 1)
    log.setCurrentTerm(4, "n2")
    assert (log.getCurrentTerm(), log.getVotedForNodeId()) == (4, "n2")
