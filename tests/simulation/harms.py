"""The harm that each guard prevents: a conversation or a staged run, and whether it came to harm."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from lictor_core.errors import DataDamagedError
from lictor_server.raft.flow import Flow
from lictor_server.raft.log import LogEntry
from lictor_server.raft.members import encoded
from lictor_server.raft.messages import Append, PreVote, Reply, SnapshotChunk
from lictor_server.raft.outcome import Reason
from lictor_server.raft.snapshot_file import SnapshotHead
from tests.simulation.alone import FIVE, Alone
from tests.simulation.disk import Disk, DiskLog, Snapshot
from tests.simulation.operator import another_set
from tests.simulation.stage import Stage
from tests.simulation.voters import SETTINGS
from tests.support.peers import peers

__all__ = ["CONVERSATIONS", "STAGED"]

OLD: Final[LogEntry] = (b"\x00old", 2, 1)
OLDER_TAIL: Final[LogEntry] = (b"\x00tail", 3, 1)


def answer_to_an_earlier_term_commits(alone: Alone) -> bool:
    alone.lead()
    last = alone.core.last_index
    for node in ("n2", "n3"):
        alone.core.receive(node, Reply(alone.core.term - 1, last, 0).message())
    alone.core.pump()
    return alone.core.commit_index >= last


def late_copy_shortens_the_log(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD, OLDER_TAIL)
    alone.follow("n2", 1, OLD)
    return alone.core.last_index < 3


def unproven_tail_is_vouched_for(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD, OLDER_TAIL)
    alone.sync()
    alone.core.receive("n3", Append(2, 2, 1, (), 1, 0).message())
    return alone.said("append_reply", "n3")[-1]["verified"] != 2


def unproven_tail_is_committed(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD, OLDER_TAIL)
    alone.core.receive("n3", Append(2, 2, 1, (), 3, 0).message())
    return alone.core.commit_index > 2


def unsynced_entry_is_vouched_for(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD)
    return bool(alone.said("append_reply"))


def cut_entry_is_vouched_for(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD)
    alone.follow("n3", 2, (b"\x00new", 2, 2))
    alone.sync()
    return any(reply["term"] == 1 for reply in alone.said("append_reply", "n2"))


def entry_on_two_disks_of_five_is_committed(alone: Alone) -> bool:
    alone.lead()
    alone.core.submit(b"x", alone.done)
    alone.core.pump()
    alone.replicated("n2", "n3")
    return alone.applied == [b"x"]


def term_grows_while_cut_off(alone: Alone) -> bool:
    for _ in range(20):
        alone.clock.advance(1.0)
        alone.core.pump()
    return alone.core.term > 0


def pre_vote_is_granted_beside_a_leader(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD)
    alone.core.receive("n3", PreVote(2, 2, 1).message())
    return any(reply["granted"] is True for reply in alone.said("pre_vote_reply"))


def one_voter_elects(alone: Alone) -> bool:
    alone.campaign()
    alone.vote("n2")
    alone.vote("n2")
    return alone.core.is_leader


def stale_leader_hears_nothing(alone: Alone) -> bool:
    alone.follow("n2", 2)
    alone.follow("n3", 1)
    return not any(reply["term"] == 2 for reply in alone.said("append_reply", "n3"))


def old_refusal_moves_the_search(alone: Alone) -> bool:
    flow = Flow(20, 4)
    flow.refused(20, 5)
    flow.refused(19, 18)
    return flow.next_index != 6


def late_answer_sends_again(alone: Alone) -> bool:
    flow = Flow(10, 4)
    flow.verified(10)
    flow.sent(15)
    flow.sent(20)
    flow.verified(15)
    return flow.next_index != 21


def read_is_answered_unasked(alone: Alone) -> bool:
    alone.lead()
    alone.replicated("n2", "n3")
    alone.core.read_barrier(alone.reads.append)
    alone.core.pump()
    return alone.reads == [Reason.SUCCESS]


def read_misses_what_an_earlier_leader_committed(alone: Alone) -> bool:
    alone.lead()
    alone.core.read_barrier(alone.reads.append)
    alone.core.pump()
    alone.heard(alone.last_seq(), "n2", "n3")
    alone.core.pump()
    return alone.reads == [Reason.SUCCESS]


def second_change_is_taken(alone: Alone) -> bool:
    alone.lead()
    alone.replicated("n2", "n3")
    for node in ("n5", "n4"):
        alone.core.change_peers(another_set(alone.core.peer_set, node, voter=None), alone.done)
    return alone.answers == []


def two_voters_are_exchanged_at_once(alone: Alone) -> bool:
    alone.lead()
    alone.replicated("n2", "n3")
    alone.core.change_peers(peers("n1", "n2", "n3"), alone.done)
    return alone.answers == []


def set_that_was_cut_off_stays(alone: Alone) -> bool:
    alone.follow("n2", 1, (encoded(peers("n1", "n2", "n3", "n4")), 2, 1))
    assert alone.core.peer_set.voters == {"n1", "n2", "n3", "n4"}
    alone.follow("n3", 2, (b"\x00new", 2, 2))
    return alone.core.peer_set != FIVE


def strangers_elect(alone: Alone) -> bool:
    alone.campaign()
    alone.vote("removed")
    alone.vote("unknown")
    return alone.core.is_leader


def non_voter_stands(alone: Alone) -> bool:
    alone.follow("n2", 1, (encoded(peers("n2", "n3", others=("n1",))), 2, 1), commit=2)
    alone.clock.advance(2.0)
    alone.core.pump()
    return bool(alone.said("pre_vote") or alone.said("request_vote"))


def vote_is_given_beside_a_leader(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD)
    alone.core.receive("n3", {"type": "request_vote", "term": 2, "last_log_index": 9, "last_log_term": 1})
    return alone.core.term == 2


def acknowledged_tail_is_dropped_by_a_snapshot(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD, OLDER_TAIL)
    alone.sync()
    alone.core.install(SnapshotHead(2, 1, FIVE), lambda: None)
    return alone.core.last_index < 3


def unproven_tail_is_committed_by_a_piece(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD, OLDER_TAIL)
    alone.core.receive("n3", SnapshotChunk(2, 9, 1, 100, 0, b"piece").message())
    return alone.core.commit_index > 1


def _told(alone: Alone, seq: int, answered: int, commit: int = 2) -> None:
    alone.core.receive("n2", Append(1, 2, 1, (), commit, seq, answered).message())
    alone.core.pump()


def _fresh(alone: Alone) -> None:
    """It follows `n2`, and knows to be current."""
    alone.follow("n2", 1, OLD, commit=2)
    for seq in range(1, 4):
        _told(alone, seq, seq - 1)
        alone.clock.advance(SETTINGS.heartbeat_s)
    assert _age_s(alone) < 3 * SETTINGS.heartbeat_s


def _age_s(alone: Alone) -> float:
    age_s = alone.core.age_s
    assert age_s is not None
    return age_s


def heartbeat_that_waited_makes_fresh(alone: Alone) -> bool:
    _fresh(alone)
    alone.clock.advance(5.8)
    _told(alone, 4, 3)
    return _age_s(alone) < 5.8


def state_that_lacks_entries_is_fresh(alone: Alone) -> bool:
    _fresh(alone)
    alone.clock.advance(5.8)
    for seq in range(4, 7):
        _told(alone, seq, seq - 1, commit=9)
    return _age_s(alone) < 5.8


def former_process_makes_fresh(alone: Alone) -> bool:
    """Two copies wait, when it starts, of a round that the former process answered."""
    for _ in range(2):
        alone.core.receive("n2", Append(1, 1, 0, (OLD,), 2, 4, 4).message())
        alone.core.pump()
    return alone.core.age_s is not None


def deposed_leader_vouches(alone: Alone) -> bool:
    """One of four still reaches it; by now the others may have elected somebody."""
    alone.lead()
    alone.replicated("n2", "n3")
    alone.heard(alone.last_seq(), "n2", "n3")
    while alone.core.lease_holds:
        alone.clock.advance(SETTINGS.heartbeat_s)
        alone.core.pump()
    late = alone.last_seq()
    alone.heard(late, "n2")
    alone.clock.advance(SETTINGS.heartbeat_s)
    alone.core.pump()
    assert alone.core.is_leader
    return alone.said("append_entries", "n2")[-1]["answered"] == late


def leader_that_does_not_know_vouches(alone: Alone) -> bool:
    """What its predecessor committed is in its log, and it does not know it to be committed."""
    alone.lead()
    for _ in range(3):
        alone.heard(alone.last_seq(), "n2", "n3")
        alone.clock.advance(SETTINGS.heartbeat_s)
        alone.core.pump()
    return any(message["answered"] for message in alone.said("append_entries", "n2"))


def deposed_leader_is_fresh(alone: Alone) -> bool:
    alone.lead()
    alone.replicated("n2", "n3")
    alone.heard(alone.last_seq(), "n2", "n3")
    alone.core.pump()
    assert _age_s(alone) == 0
    alone.clock.advance(5.8)
    return _age_s(alone) < 5.8 - SETTINGS.election_min_s


CONVERSATIONS: Final[dict[str, Callable[[Alone], bool]]] = {
    "a snapshot that the log covers leaves it alone": acknowledged_tail_is_dropped_by_a_snapshot,
    "a piece of a snapshot commits nothing": unproven_tail_is_committed_by_a_piece,
    "answers to an earlier term are not counted": answer_to_an_earlier_term_commits,
    "entries that are there are skipped": late_copy_shortens_the_log,
    "what is proven is acknowledged, not the whole log": unproven_tail_is_vouched_for,
    "the commit index is capped at what is proven": unproven_tail_is_committed,
    "replies wait for the disk": unsynced_entry_is_vouched_for,
    "held replies of an earlier term are dropped": cut_entry_is_vouched_for,
    "a leader counts only what is on its own disk": entry_on_two_disks_of_five_is_committed,
    "an election is asked for first": term_grows_while_cut_off,
    "nobody grants a pre-vote who hears a leader": pre_vote_is_granted_beside_a_leader,
    "one vote a voter and term": one_voter_elects,
    "a stale leader is told": stale_leader_hears_nothing,
    "an old refusal is no news": old_refusal_moves_the_search,
    "the next index never goes back on success": late_answer_sends_again,
    "a read waits for its round": read_is_answered_unasked,
    "a read waits for the leader's no-op": read_misses_what_an_earlier_leader_committed,
    "one change of the peers at a time": second_change_is_taken,
    "two sets differ by one voter": two_voters_are_exchanged_at_once,
    "a set that is cut off is in effect no more": set_that_was_cut_off_stays,
    "who is no voter does not count": strangers_elect,
    "only a voter stands for election": non_voter_stands,
    "a message that waited is no news of now": heartbeat_that_waited_makes_fresh,
    "a state is as fresh as what it has applied": state_that_lacks_entries_is_fresh,
    "an answer of a former process is not one's own": former_process_makes_fresh,
    "a leader vouches while it surely leads": deposed_leader_vouches,
    "a leader that does not know what is committed vouches for nothing": leader_that_does_not_know_vouches,
    "a leader is as fresh as its lease": deposed_leader_is_fresh,
}
"""By the guard that prevents it."""


def committed_change_is_undone() -> bool:
    """The erratum to the Raft thesis: two leaders each have a first change of their own in flight."""
    stage = Stage(4)
    with stage.live():
        stage.elect("n1", "n2", "n3", "n4")
        stage.spend(0.5, "n1")
        four = stage.lives["n1"].core.peer_set
        stage.among("n1", "s1")
        assert stage.changed("n1", another_set(four, "s1", voter=True))
        stage.spend(0.3, "n1")
        stage.elect("n2", "n3", "n4")
        stage.among("n2", "n3")
        stage.changed("n2", another_set(four, "n1", voter=None))
        stage.write("n2")
        stage.spend(0.5, "n2")
        stage.elect("n1", "n4", "s1")
    return stage.is_broken


def removed_leader_commits_by_a_minority() -> bool:
    stage = Stage(3)
    with stage.live():
        stage.elect("n1", "n2", "n3")
        stage.spend(0.5, "n1")
        stage.among("n1", "n2")
        assert stage.changed("n1", another_set(stage.lives["n1"].core.peer_set, "n1", voter=None))
        stage.write("n1")
        stage.spend(0.5, "n1")
    return stage.is_broken


def removed_leader_goes_on() -> bool:
    stage = Stage(3)
    with stage.live():
        stage.elect("n1", "n2", "n3")
        stage.spend(0.5, "n1")
        assert stage.changed("n1", another_set(stage.lives["n1"].core.peer_set, "n1", voter=None))
        stage.spend(0.5, "n1")
        return stage.lives["n1"].voter.is_leader


def removal_of_the_leader_leaves_nobody_to_lead() -> bool:
    """The leader alone has the entry by which it is removed, and stops leading before anybody else gets it."""
    stage = Stage(2)
    with stage.live():
        stage.elect("n1", "n2")
        stage.spend(0.5, "n1")
        stage.among("n1")
        assert stage.changed("n1", another_set(stage.lives["n1"].core.peer_set, "n1", voter=None))
        stage.spend(2 * SETTINGS.leader_fallback_s, "n1")
        assert stage.leaders() == []
        stage.among(*stage.nodes)
        stage.spend(10.0, *stage.nodes)
        return stage.leaders() != ["n2"]


@contextmanager
def _leased(**rates: float) -> Generator[Stage, None, None]:
    """`n1` leads and is heard by `n2`, while `n3` has heard nothing for long. Clocks run alike, but for `rates`."""
    stage = Stage(3)
    stage.rates |= rates
    with stage.live():
        stage.elect("n1", "n2", "n3")
        stage.spend(0.5, "n1")
        stage.among("n1", "n2")
        stage.spend(2 * SETTINGS.election_max_s, "n1")
        stage.read_by_lease("n1")
        assert stage.invariants.lease_reads == 1
        yield stage


def _overtake(stage: Stage) -> bool:
    """`n3` tries to lead by the vote of `n2`, and to write; then `n1` answers, in no time."""
    stage.among("n2", "n3")
    stage.work("n3", passes=20)
    stage.write("n3")
    stage.work("n3", passes=20)
    stage.read_by_lease("n1")
    return stage.is_broken


def vote_is_given_within_a_lease() -> bool:
    with _leased() as stage:
        return _overtake(stage)


def restarted_voter_forgets_the_lease() -> bool:
    with _leased() as stage:
        stage.crash("n2")
        stage.start("n2")
        return _overtake(stage)


def transfer_breaks_the_lease() -> bool:
    with _leased() as stage:
        stage.among("n1", "n2", "n3")
        stage.work("n1")
        with stage.at("n1") as life:
            life.core.transfer("n3", lambda result, reason: None)
        stage.work("n1")
        return _overtake(stage)


def lease_outlasts_a_pause() -> bool:
    with _leased() as stage:
        stage.among("n2", "n3")
        stage.clock.advance(5.0)
        stage.spend(1.0, "n3")
        stage.write("n3")
        stage.spend(0.2, "n3")
        stage.read_by_lease("n1")
        return stage.is_broken


def clocks_run_apart() -> bool:
    """The clock of the leader is slow, that of its follower fast."""
    with _leased(n1=0.95, n2=1.05) as stage:
        stage.clock.advance(2 * SETTINGS.heartbeat_s)
        stage.work("n1")
        stage.clock.advance(SETTINGS.election_min_s / 1.04)
        return _overtake(stage)


def crash_while_a_snapshot_is_installed_is_the_end() -> bool:
    for steps in range(3):
        disk = Disk()
        disk.entries = [(b"\x00x", index, 1) for index in range(1, 4)]
        for step in disk.publish(Snapshot([(b"\x00y", index, 2) for index in range(1, 11)]))[:steps]:
            step()
        try:
            log = DiskLog(disk, SETTINGS)
        except DataDamagedError:
            return True
        assert log.whole()[-1][1:] == ((3, 1), (3, 1), (10, 2))[steps]
    return False


STAGED: Final[dict[str, Callable[[], bool]]] = {
    "a start empties a log that does not fit an installed snapshot": crash_while_a_snapshot_is_installed_is_the_end,
    "a change of the peers waits for the leader's no-op": committed_change_is_undone,
    "a leader that is no voter does not count itself": removed_leader_commits_by_a_minority,
    "who is being removed may still stand": removal_of_the_leader_leaves_nobody_to_lead,
    "a leader that is no voter resigns": removed_leader_goes_on,
    "who hears a leader votes for nobody else": vote_is_given_within_a_lease,
    "a restarted voter waits before it votes": restarted_voter_forgets_the_lease,
    "the lease ends with a transfer": transfer_breaks_the_lease,
    "the lease is looked up by the clock": lease_outlasts_a_pause,
    "the lease is shorter than what voters keep": clocks_run_apart,
}
"""By the guard that prevents it."""
