"""What a leader knows in its term: who is sent the log, who counts, and how it ends."""

from __future__ import annotations

from lictor_core.peers import PeerSet
from lictor_server.raft.flow import Progress
from lictor_server.raft.members import Members
from lictor_server.raft.outcome import Reason
from lictor_server.raft.reign import Reign
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.transfer import Transfer
from tests.support.peers import peers

SETTINGS = RaftSettings()


def reign_of(peer_set: PeerSet, last_index: int = 10) -> tuple[Members, Reign]:
    members = Members("n1", peer_set, [])
    return members, Reign(3, members, SETTINGS, last_index, 100.0)


def test_an_entry_is_agreed_on_by_voters_alone() -> None:
    _, reign = reign_of(peers("n1", "n2", "n3", others=("n4", "n5")))
    for id, index in (("n2", 8), ("n4", 10), ("n5", 10)):
        reign.flows[id].verified(index)
    assert reign.agreed_index(9) == 8
    assert reign.agreed_index(5) == 5


def test_a_leader_that_is_being_removed_does_not_count_itself() -> None:
    _, reign = reign_of(peers("n2", "n3"))
    reign.flows["n2"].verified(8)
    assert reign.agreed_index(10) == 0
    reign.flows["n3"].verified(7)
    assert reign.agreed_index(10) == 7
    reign.answered("n2", 105.0)
    assert reign.majority_heard_at(106.0) == 100.0


def test_the_quorum_is_heard_when_a_majority_of_voters_is() -> None:
    _, reign = reign_of(peers("n1", "n2", "n3", others=("n4",)))
    reign.answered("n4", 105.0)
    assert reign.majority_heard_at(106.0) == 100.0
    reign.answered("n3", 104.0)
    assert reign.majority_heard_at(106.0) == 104.0


def test_a_lone_voter_has_a_lease_whatever_its_non_voters_do() -> None:
    _, reign = reign_of(peers("n1", others=("n2",)))
    assert reign.lease_holds(1_000.0)


def test_a_lease_needs_the_answers_of_voters() -> None:
    _, reign = reign_of(peers("n1", "n2", "n3", others=("n4",)))
    seq = reign.reads.stamp(anew=True)
    reign.lease.sent(seq, 100.0)
    assert not reign.lease_holds(100.0)
    reign.heard("n2", seq)
    assert reign.lease_holds(100.0)


def test_who_is_removed_is_sent_the_set_without_it_for_a_moment() -> None:
    members, reign = reign_of(peers("n1", "n2", "n3"))
    members.append(peers("n1", "n2", index=11))
    reign.adopt(11, 101.0)
    assert set(reign.flows) == {"n2", "n3"}
    assert set(reign.progress(101.0)) == {"n2"}
    reign.dismiss(101.5)
    assert set(reign.flows) == {"n2", "n3"}
    reign.flows["n3"].verified(11)
    reign.dismiss(101.5)
    assert set(reign.flows) == {"n2"}


def test_who_is_removed_and_silent_is_given_up() -> None:
    members, reign = reign_of(peers("n1", "n2", "n3"))
    members.append(peers("n1", "n2", index=11))
    reign.adopt(11, 101.0)
    reign.dismiss(101.0 + SETTINGS.leader_fallback_s)
    assert set(reign.flows) == {"n2"}


def test_who_is_added_again_at_once_goes_on_where_it_was() -> None:
    members, reign = reign_of(peers("n1", "n2", "n3"))
    reign.flows["n3"].verified(9)
    members.append(peers("n1", "n2", index=11))
    reign.adopt(11, 101.0)
    members.append(peers("n1", "n2", others=("n3",), index=12))
    reign.adopt(12, 102.0)
    reign.dismiss(200.0)
    assert reign.progress(102.0)["n3"] == Progress(9, 2.0)


def test_the_end_tells_who_hands_over_whether_it_was_that() -> None:
    told: list[Reason] = []
    for succeeded in (True, False):
        _, reign = reign_of(peers("n1", "n2"))
        reign.transfer = Transfer("n2", 101.0, lambda result, reason: told.append(reason))
        reign.reads.register(1, told.append)
        reign.end(succeeded=succeeded)
    assert told == [Reason.NOT_LEADER, Reason.SUCCESS, Reason.NOT_LEADER, Reason.UNKNOWN_OUTCOME]
