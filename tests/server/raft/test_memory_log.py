from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.retention import memory_bytes


def filled(last: int) -> MemoryLog:
    log = MemoryLog()
    for index in range(1, last + 1):
        log.add(b"x", index, 1)
    return log


def test_deletions_at_both_ends() -> None:
    log = filled(10)
    log.deleteEntriesFrom(8)
    log.deleteEntriesTo(3)
    assert [entry[1] for entry in log[:]] == [4, 5, 6, 7, 8]
    assert log.memory_bytes == memory_bytes(log[:])
    log.clear()
    assert (len(log), log.memory_bytes) == (0, 0)


def test_term_and_vote_are_kept() -> None:
    log = MemoryLog()
    assert (log.getCurrentTerm(), log.getVotedForNodeId(), log.getRaftCommitIndex()) == (0, None, 1)
    log.setCurrentTerm(4, "n2")
    assert (log.getCurrentTerm(), log.getVotedForNodeId()) == (4, "n2")
