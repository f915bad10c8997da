"""The small pure parts: replies that wait, pre-votes, rounds of reads, the flow to one follower."""

from __future__ import annotations

from lictor_server.raft.acks import HELD_MAX, HeldReplies
from lictor_server.raft.flow import Flow
from lictor_server.raft.messages import PreVote
from lictor_server.raft.outcome import Reason
from lictor_server.raft.prevote import PreVotes, Votes, would_vote
from lictor_server.raft.readindex import READS_MAX, ReadRounds


def test_reply_leaves_when_its_mark_is_durable() -> None:
    held = HeldReplies()
    held.hold(3, 1, "n2", {"a": 1})
    held.hold(5, 1, "n2", {"a": 2})
    assert held.release(2, 1) == []
    assert held.release(4, 1) == [("n2", {"a": 1})]
    assert len(held) == 1


def test_held_replies_are_bounded() -> None:
    held = HeldReplies()
    for mark in range(HELD_MAX + 1):
        held.hold(mark, 1, "n2", {})
    assert len(held) == HELD_MAX


def test_pre_vote_needs_enough_grants_of_its_own_round_once() -> None:
    votes = PreVotes()
    votes.begin(4)
    assert not votes.granted("n2", 3, 2)
    assert not votes.granted("n2", 4, 2)
    assert not votes.granted("n2", 4, 2)
    assert votes.granted("n3", 4, 2)
    assert not votes.granted("n4", 4, 2)


def test_each_server_has_one_vote_in_a_term() -> None:
    votes = Votes()
    assert [votes.add("n2", 4), votes.add("n2", 4), votes.add("n3", 4), votes.add("n2", 5)] == [1, 1, 2, 1]


def test_pre_vote_is_granted_to_a_log_at_least_as_fresh() -> None:
    def asked(last_term: int, last_index: int) -> bool:
        return would_vote(PreVote(5, last_index, last_term), term=4, last_term=3, last_index=9, follows=False)

    assert [asked(3, 9), asked(4, 1), asked(3, 8), asked(2, 99)] == [True, True, False, False]
    assert not would_vote(PreVote(4, 9, 3), term=4, last_term=3, last_index=9, follows=False)


def test_reads_share_a_round_and_wait_for_a_majority_and_for_the_index() -> None:
    told: list[tuple[str, Reason]] = []
    rounds = ReadRounds()
    rounds.register(5, lambda reason: told.append(("a", reason)))
    rounds.register(7, lambda reason: told.append(("b", reason)))
    assert rounds.is_due
    seq = rounds.stamp(anew=False)
    rounds.register(5, lambda reason: told.append(("c", reason)))
    followers = ("n2", "n3", "n4", "n5")
    rounds.answered("n2", seq)
    rounds.serve(rounds.confirmed(followers, counts_self=True), 9)
    assert told == []
    rounds.answered("n3", seq)
    rounds.serve(rounds.confirmed(followers, counts_self=True), 6)
    assert told == [("a", Reason.SUCCESS)]
    rounds.serve(rounds.confirmed(followers, counts_self=True), 7)
    assert told[1:] == [("b", Reason.SUCCESS)]
    rounds.end()
    assert told[2:] == [("c", Reason.NOT_LEADER)]


def test_reads_are_bounded() -> None:
    told: list[Reason] = []
    rounds = ReadRounds()
    for _ in range(READS_MAX + 1):
        rounds.register(1, told.append)
    assert told == [Reason.QUEUE_FULL]


def test_streaming_stops_at_the_window_and_goes_on_with_answers() -> None:
    flow = Flow(10, 3)
    flow.verified(10)
    for last in (11, 12, 13):
        assert flow.may_send
        flow.sent(last)
    assert not flow.may_send
    flow.verified(12)
    assert flow.may_send
    assert flow.next_index == 14


def test_lost_probe_is_sent_again_after_a_heartbeat() -> None:
    flow = Flow(10, 3)
    flow.sent(11)
    assert not flow.may_send
    flow.forget_under_way()
    assert flow.may_send
    assert flow.next_index == 11


def test_search_goes_down_with_every_refusal_and_never_below_the_match() -> None:
    flow = Flow(10, 3)
    flow.refused(10, 40)
    assert flow.next_index == 10
    flow.verified(9)
    flow.sent(15)
    flow.refused(15, 3)
    assert flow.next_index == 10
