"""The core while servers come, go and hand over leadership. Several of them run on a virtual clock and network."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from lictor_core.errors import PeerError, RequestError
from lictor_core.peers import PeerSet
from lictor_server.raft.core import RaftCore
from lictor_server.raft.members import encoded
from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.messages import Append, Reply
from lictor_server.raft.outcome import Reason
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.wire import LoneWire, Message
from tests.simulation.alone import Alone
from tests.simulation.clock import READING_S, VirtualClock, virtual
from tests.simulation.operator import another_set
from tests.simulation.stage import Stage
from tests.simulation.voters import SETTINGS
from tests.support.peers import peers


@pytest.fixture
def alone() -> Iterator[Alone]:
    clock = VirtualClock()
    with virtual(clock, random.Random(1)):
        yield Alone(clock)


@pytest.fixture
def three() -> Iterator[Stage]:
    """`n1` leads `n2` and `n3`; `s1` and `s2` are blank, and everybody reaches everybody."""
    stage = Stage(3)
    with stage.live():
        stage.elect("n1", *stage.nodes)
        stage.spend(0.3, *stage.nodes)
        yield stage
        assert not stage.invariants.violations


class One:
    """A server of its own, by hand."""

    def __init__(self, log: MemoryLog | None = None, snapshot: PeerSet | None = None) -> None:
        self.log = MemoryLog() if log is None else log
        self.told: list[PeerSet] = []
        self.applied: list[bytes] = []
        self.core = RaftCore(
            "n1",
            snapshot,
            settings=RaftSettings(),
            log=self.log,
            wire=LoneWire(),
            apply=self._apply,
            on_peers=self.told.append,
        )

    def _apply(self, index: int, payload: bytes) -> object:
        self.applied.append(payload)
        return index

    def pump(self) -> None:
        for _ in range(3):
            self.core.pump()


# Founding.


def test_a_blank_server_waits() -> None:
    one = One()
    one.pump()
    assert (one.core.is_blank, one.core.is_voter, one.core.is_leader, one.core.term) == (True, False, False, 0)
    assert not one.core.peers_committed


def test_a_founded_cluster_of_one_leads_at_once_and_stays_founded() -> None:
    one = One()
    one.core.found(peers("n1"))
    assert one.told == [peers("n1", index=2)]
    one.pump()
    assert one.core.is_leader
    assert one.core.peers_committed
    again = One(one.log)
    assert again.core.peer_set == peers("n1", index=2)
    again.pump()
    assert again.core.is_leader


def test_a_log_from_before_there_were_sets_becomes_a_cluster_of_one_with_its_data() -> None:
    log = MemoryLog()
    log.add(b"\x01", 1, 0)
    log.add(b"\x01", 2, 4)
    log.add(b"\x00data", 3, 4)
    one = One(log)
    with pytest.raises(RequestError, match="alone only"):
        one.core.found(peers("n1", "n2"))
    one.core.found(peers("n1"))
    one.pump()
    assert one.applied == [b"data"]
    assert one.core.peer_set.index == 4


@pytest.mark.parametrize(
    ("peer_set", "reason"),
    [(peers("n2"), "no voter in it"), (peers("n2", others=("n1",)), "no voter in it"), (PeerSet(), "no voter")],
)
def test_a_cluster_that_cannot_be_is_not_founded(peer_set: PeerSet, reason: str) -> None:
    one = One()
    with pytest.raises(RequestError, match=reason):
        one.core.found(peer_set)
    assert one.core.is_blank


def test_a_server_is_founded_once() -> None:
    one = One()
    one.core.found(peers("n1"))
    with pytest.raises(RequestError, match="belongs to the cluster c1 already"):
        one.core.found(peers("n1"))


def test_the_set_of_a_snapshot_is_in_effect() -> None:
    one = One(snapshot=peers("n1", "n2", index=7))
    assert one.core.peer_set.index == 7
    assert one.core.is_voter
    assert one.core.has_peers


def test_a_blank_server_takes_entries_and_votes(three: Stage) -> None:
    assert three.lives["s1"].core.is_blank
    assert three.changed("n1", another_set(three.lives["n1"].core.peer_set, "s1", voter=False))
    three.spend(0.5, *three.nodes)
    newcomer = three.lives["s1"].core
    assert newcomer.peer_set == three.lives["n1"].core.peer_set
    assert not newcomer.is_voter
    assert newcomer.applied_index == three.lives["n1"].core.applied_index
    assert three.lives["s2"].core.is_blank


# Changes.


def test_a_change_counts_from_the_moment_it_is_in_the_log_and_is_told_when_it_is_applied(alone: Alone) -> None:
    alone.lead()
    alone.replicated("n2", "n3")
    before = alone.core.peer_set
    alone.core.change_peers(another_set(before, "n5", voter=None), alone.done)
    assert alone.core.peer_set.voters == {"n1", "n2", "n3", "n4"}
    assert not alone.core.peers_committed
    alone.sync()
    alone.replicated("n2")
    assert alone.answers == []
    alone.replicated("n3")
    assert alone.answers == [(None, Reason.SUCCESS)]
    assert alone.core.peers_committed


def test_a_change_is_refused_with_the_reason(alone: Alone) -> None:
    alone.core.change_peers(peers("n1"), alone.done)
    alone.lead()
    four = another_set(alone.core.peer_set, "n5", voter=None)
    alone.core.change_peers(four, alone.done)
    alone.replicated("n2", "n3")
    alone.core.change_peers(peers("n1"), alone.done)
    alone.core.change_peers(four, alone.done)
    alone.core.change_peers(peers("n1", "n2", "n3"), alone.done)
    assert [reason for _, reason in alone.answers] == [Reason.NOT_LEADER] + 3 * [Reason.REQUEST_DENIED]
    sentences = [str(sentence) for sentence, _ in alone.answers[1:]]
    for sentence, part in zip(
        sentences, ("what is committed", "more than one voter differs", "another change is under way"), strict=True
    ):
        assert part in sentence


def test_a_non_voter_holds_nothing_up(three: Stage) -> None:
    leader = three.lives["n1"].core
    three.changed("n1", another_set(leader.peer_set, "s1", voter=False))
    three.spend(0.3, *three.nodes)
    three.crash("s1")
    three.crash("n2")
    three.write("n1")
    three.spend(0.5, "n1", "n3")
    assert leader.applied_index == leader.last_index
    assert leader.is_leader
    assert three.lives["n1"].core.progress()["s1"].silent_s > 0.3


def test_a_voter_is_added_and_counts(three: Stage) -> None:
    leader = three.lives["n1"].core
    for voter in (False, True):
        assert three.changed("n1", another_set(leader.peer_set, "s1", voter=voter))
        three.spend(0.3, *three.nodes)
    assert three.lives["s1"].core.is_voter
    three.among("n1", "n2", "s1")
    three.write("n1")
    three.spend(0.3, *three.nodes)
    assert leader.applied_index == leader.last_index
    three.among("n1", "n2")
    three.write("n1")
    three.spend(0.3, *three.nodes)
    assert leader.applied_index < leader.last_index


def test_a_removed_server_learns_it_and_stays_quiet(three: Stage) -> None:
    leader = three.lives["n1"].core
    assert three.changed("n1", another_set(leader.peer_set, "n3", voter=None))
    three.spend(0.5, *three.nodes)
    assert not three.lives["n3"].core.is_voter
    three.spend(5.0, *three.nodes)
    assert leader.is_leader
    assert {life.core.term for life in three.lives.values()} == {leader.term, 0}


def test_a_removed_server_that_does_not_know_deposes_nobody(three: Stage) -> None:
    leader, term = three.lives["n1"].core, three.lives["n1"].core.term
    three.among("n1", "n2")
    assert three.changed("n1", another_set(leader.peer_set, "n3", voter=None))
    three.spend(3.0, "n1", "n2", "n3")
    for queue in three.network.links.values():
        queue.clear()
    three.among(*three.nodes)
    three.spend(5.0, *three.nodes)
    assert three.lives["n3"].core.is_voter
    assert (leader.is_leader, leader.term) == (True, term)


def test_a_leader_that_removes_itself_leaves_the_lead_to_another_at_once(three: Stage) -> None:
    assert three.changed("n1", another_set(three.lives["n1"].core.peer_set, "n1", voter=None))
    three.spend(SETTINGS.election_min_s / 2, *three.nodes)
    (leader,) = three.leaders()
    assert leader in {"n2", "n3"}
    assert three.lives[leader].core.peer_set.voters == {"n2", "n3"}
    three.spend(5.0, *three.nodes)
    assert three.leaders() == [leader]


def test_a_leader_that_is_made_a_non_voter_follows(three: Stage) -> None:
    assert three.changed("n1", another_set(three.lives["n1"].core.peer_set, "n1", voter=False))
    three.spend(1.0, *three.nodes)
    (leader,) = three.leaders()
    three.write(leader)
    three.spend(0.5, *three.nodes)
    assert three.lives["n1"].core.applied_index == three.lives[leader].core.applied_index
    assert not three.lives["n1"].core.is_voter


def test_a_cluster_shrinks_to_one_and_grows_again(three: Stage) -> None:
    leader = three.lives["n1"].core
    for node in ("n3", "n2"):
        assert three.changed("n1", another_set(leader.peer_set, node, voter=None))
        three.spend(0.3, *three.nodes)
    three.write("n1")
    three.spend(0.1, "n1")
    assert leader.applied_index == leader.last_index
    for voter in (False, True):
        assert three.changed("n1", another_set(leader.peer_set, "n2", voter=voter))
        three.spend(0.3, *three.nodes)
    three.crash("n2")
    three.write("n1")
    three.spend(0.3, "n1")
    assert leader.applied_index < leader.last_index


def test_a_set_is_told_when_it_comes_and_when_it_is_cut_off(alone: Alone) -> None:
    told: list[PeerSet] = []
    log = MemoryLog()
    core = RaftCore(
        "n1", None, settings=SETTINGS, log=log, wire=alone, apply=lambda index, payload: None, on_peers=told.append
    )
    first: Message = {
        "type": "append_entries",
        "term": 1,
        "prevLogIdx": 1,
        "prevLogTerm": 0,
        "commit_index": 1,
        "seq": 0,
    }
    core.receive("n2", first | {"entries": [(encoded(peers("n1", "n2")), 2, 1)]})
    core.receive("n3", first | {"term": 2, "entries": [(b"\x00x", 2, 2)]})
    assert told == [peers("n1", "n2", index=2), PeerSet()]
    assert core.is_blank


def test_who_connected_before_it_belonged_is_sent_the_log_once_it_does(alone: Alone) -> None:
    alone.core.connected("n9")
    alone.lead()
    alone.replicated("n2", "n3")
    alone.core.change_peers(another_set(alone.core.peer_set, "n9", voter=False), alone.done)
    alone.core.pump()
    assert alone.said("append_entries", "n9")
    alone.core.disconnected("n9")
    alone.sent.clear()
    alone.clock.advance(1.0)
    alone.core.pump()
    assert not alone.said("append_entries", "n9")


# Handing over.


def ended(stage: Stage, target: str | None) -> list[tuple[object, Reason]]:
    told: list[tuple[object, Reason]] = []
    with stage.at("n1") as life:
        life.core.transfer(target, lambda result, reason: told.append((result, reason)))
    return told


def test_leadership_goes_to_the_one_named_within_a_moment(three: Stage) -> None:
    term = three.lives["n1"].core.term
    told = ended(three, "n3")
    three.spend(SETTINGS.election_min_s / 4, *three.nodes)
    assert three.leaders() == ["n3"]
    assert three.lives["n3"].core.term == term + 1
    assert told == [(None, Reason.SUCCESS)]


def test_leadership_goes_to_the_furthest_when_nobody_is_named(three: Stage) -> None:
    three.among("n1", "n3", "s1", "s2")
    three.write("n1")
    three.spend(0.2, "n1", "n3")
    three.among(*three.nodes)
    told = ended(three, None)
    three.spend(0.2, *three.nodes)
    assert three.leaders() == ["n3"]
    assert told == [(None, Reason.SUCCESS)]


def test_a_target_behind_is_brought_up_to_date_and_no_command_enters_meanwhile(three: Stage) -> None:
    three.among("n1", "n2", "s1", "s2")
    for _ in range(50):
        three.write("n1")
    three.spend(0.2, "n1", "n2")
    three.among(*three.nodes)
    told = ended(three, "n3")
    refused: list[Reason] = []
    with three.at("n1") as life:
        assert life.core.is_handing_over
        life.core.submit(b"late", lambda result, reason: refused.append(reason))
        life.core.change_peers(peers("n1"), lambda result, reason: refused.append(reason))
    assert refused == [Reason.NOT_LEADER, Reason.REQUEST_DENIED]
    three.spend(0.5, *three.nodes)
    assert told == [(None, Reason.SUCCESS)]
    assert three.lives["n3"].core.applied_index >= 50


@pytest.mark.parametrize("target", ["n1", "s1", "nobody"])
def test_leadership_goes_to_other_voters_only(three: Stage, target: str) -> None:
    three.changed("n1", another_set(three.lives["n1"].core.peer_set, "s1", voter=False))
    three.spend(0.2, *three.nodes)
    assert ended(three, target) == [
        (f"leadership cannot be handed over: {target} is no other voter", Reason.REQUEST_DENIED)
    ]


def test_one_transfer_at_a_time(three: Stage) -> None:
    ended(three, "n2")
    assert [reason for _, reason in ended(three, "n3")] == [Reason.REQUEST_DENIED]
    three.spend(0.5, *three.nodes)


def test_a_leader_whose_target_does_not_answer_goes_on(three: Stage) -> None:
    three.write("n1")
    three.crash("n3")
    told = ended(three, "n3")
    three.spend(SETTINGS.election_max_s + 0.2, "n1", "n2")
    assert [reason for _, reason in told] == [Reason.REQUEST_DENIED]
    three.write("n1")
    three.spend(0.2, "n1", "n2")
    leader = three.lives["n1"].core
    assert leader.is_leader
    assert leader.applied_index == leader.last_index
    assert leader.lease_holds


def test_a_target_that_was_told_and_says_nothing_may_lead_yet_so_the_lease_is_gone(three: Stage) -> None:
    told = ended(three, "n3")
    three.work("n1", passes=1)
    three.crash("n3")
    three.spend(SETTINGS.election_max_s + 0.2, "n1", "n2")
    assert [reason for _, reason in told] == [Reason.UNKNOWN_OUTCOME]
    leader = three.lives["n1"].core
    assert leader.is_leader
    assert not leader.is_handing_over
    assert not leader.lease_holds


def test_only_the_leader_of_this_term_can_make_a_server_stand(alone: Alone) -> None:
    alone.follow("n2", 3)
    for node, term in (("n3", 3), ("n2", 2), ("n2", 4)):
        alone.core.receive(node, {"type": "timeout_now", "term": term})
        alone.core.pump()
    assert not alone.said("request_vote")
    alone.core.receive("n2", {"type": "timeout_now", "term": 3})
    alone.follow("n2", 3)
    alone.core.pump()
    (request, *_) = alone.said("request_vote")
    assert (request["term"], request["transfer"]) == (4, True)
    assert not alone.said("pre_vote")


def test_who_lost_a_transfer_asks_first_again(alone: Alone) -> None:
    alone.follow("n2", 3)
    alone.core.receive("n2", {"type": "timeout_now", "term": 3})
    alone.core.pump()
    alone.sent.clear()
    alone.clock.advance(SETTINGS.election_max_s + 0.1)
    alone.core.pump()
    assert not alone.said("request_vote")
    assert alone.said("pre_vote")


def test_a_vote_is_given_beside_a_leader_when_that_leader_asked_for_it(alone: Alone) -> None:
    alone.follow("n2", 3)
    request: Message = {"type": "request_vote", "term": 4, "last_log_index": 9, "last_log_term": 3, "transfer": True}
    alone.core.receive("n3", request)
    alone.sync()
    assert alone.said("response_vote", "n3")


@pytest.mark.parametrize(("verified", "rejected"), [(1, 0), (1, 1), (0, 1)])
def test_who_judges_what_the_leader_does_not_have_is_not_believed(alone: Alone, verified: int, rejected: int) -> None:
    alone.lead()
    beyond = alone.core.last_index + 1
    with pytest.raises(PeerError, match="which its leader does not have"):
        alone.core.receive("n2", Reply(alone.core.term, verified * beyond, rejected * beyond).message())
    alone.core.pump()
    assert alone.core.is_leader


def test_only_who_has_data_and_its_own_vote_and_no_set_has_led_alone() -> None:
    def one(voted_for: str | None, snapshot: PeerSet | None = None, *, entries: int = 2) -> bool:
        log = MemoryLog()
        for index in range(1, entries + 1):
            log.add(b"\x01", index, 0)
        log.setCurrentTerm(1, voted_for)
        return One(log, snapshot).core.has_led_alone

    assert one("n1")
    assert not one("n2"), "it followed somebody who had led alone, and has not heard of the set yet"
    assert not one("n1", entries=1), "it was founding a cluster of several, and its set is lost"
    assert not one(None)
    assert not one("n1", peers("n1", "n2", "n3"))


def test_entries_that_hold_no_set_where_one_should_be_are_not_taken(alone: Alone) -> None:
    with pytest.raises(PeerError, match="holds no peer set"):
        alone.follow("n2", 1, (b"\x02nonsense", 2, 1))
    assert alone.core.last_index == 1


# How fresh.


def test_last_contact_is_the_age_of_the_leaders_last_word(alone: Alone) -> None:
    assert alone.core.last_contact_s is None
    alone.follow("n2", 1)
    alone.clock.advance(0.25)
    assert alone.core.last_contact_s == pytest.approx(0.25, abs=1e-3)
    alone.lead()
    assert alone.core.last_contact_s == 0


def test_a_round_is_answered_once_until_there_is_another(alone: Alone) -> None:
    def tell(term: int, seq: int, node_id: str = "n2") -> None:
        alone.core.receive(node_id, Append(term, 1, 0, (), 1, seq).message())

    for seq in (4, 4, 5, 5):
        tell(1, seq)
    assert [message["seq"] for message in alone.said("heard", "n2")] == [4, 5]
    tell(2, 5)
    tell(3, 5, "n3")
    assert [message["term"] for message in alone.said("heard")] == [1, 1, 2, 3]


def test_a_leader_without_a_majority_counts_its_contact_from_the_end_of_its_reign(alone: Alone) -> None:
    alone.lead()
    alone.clock.advance(SETTINGS.leader_fallback_s + 0.1)
    alone.core.pump()
    assert not alone.core.is_leader
    alone.clock.advance(3.0)
    assert alone.core.last_contact_s == pytest.approx(3.0, abs=1e-2)
    assert alone.core.leader is None


def test_a_lease_waits_for_the_no_op_and_ends_with_silence(alone: Alone) -> None:
    alone.lead()
    alone.heard(alone.last_seq(), "n2", "n3")
    assert not alone.core.lease_holds
    assert not alone.core.is_current
    alone.replicated("n2", "n3")
    assert alone.core.lease_holds
    alone.core.pump()
    assert alone.core.is_current
    alone.clock.advance(SETTINGS.election_min_s)
    assert not alone.core.lease_holds
    assert not alone.core.is_current


def test_a_quorum_of_non_voters_keeps_nobody_in_the_lead(three: Stage) -> None:
    for node in ("s1", "s2"):
        assert three.changed("n1", another_set(three.lives["n1"].core.peer_set, node, voter=False))
        three.spend(0.3, *three.nodes)
    three.among("n1", "s1", "s2")
    three.spend(SETTINGS.leader_fallback_s + 0.3, "n1", "s1", "s2")
    assert three.leaders() == []


@pytest.mark.parametrize("looks", [0.5, 1.5, 2.5, 3.5, 4.5])
def test_a_deadline_that_passes_between_two_looks_at_the_clock_elects_nobody(looks: float) -> None:
    clock = VirtualClock()
    with virtual(clock, random.Random(1)):
        blank = One()
        blank.core.connected("n2")
        vars(blank.core)["_SyncObj__raftElectionDeadline"] = clock.monotonic() + looks * READING_S
        blank.core.pump()
        assert not blank.core.is_leader
        assert blank.core.term == 0
