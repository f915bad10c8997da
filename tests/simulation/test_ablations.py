"""Each guard has a conversation or a seed that harms without it, and does not with it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from lictor_server.raft.core import RaftCore
from lictor_server.raft.flow import Flow
from lictor_server.raft.log import LogEntry
from lictor_server.raft.messages import Append, PreVote, PreVoteReply, Reply
from lictor_server.raft.wire import Message
from tests.simulation.ablations import ABLATIONS
from tests.simulation.clock import VirtualClock, virtual
from tests.simulation.disk import Disk, DiskLog
from tests.simulation.sim import run
from tests.simulation.voters import SETTINGS
from tests.support.peers import peers

OLD: LogEntry = (b"\x00old", 2, 1)
OLDER_TAIL: LogEntry = (b"\x00tail", 3, 1)


class Alone:
    """One voter of five, its messages in our hands."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.sent: list[tuple[str, Message]] = []
        self.log = DiskLog(Disk())
        others = ("n2", "n3", "n4", "n5")
        self.core = RaftCore("n1", peers("n1", *others), settings=SETTINGS, log=self.log, wire=self, apply=self.apply)
        for peer in others:
            self.core.connected(peer)

    def send(self, node_id: str, message: Message) -> bool:
        self.sent.append((node_id, message))
        return True

    def apply(self, index: int, payload: bytes) -> object:
        return index

    def replies(self, node_id: str) -> list[Message]:
        return [message for to, message in self.sent if to == node_id and message["type"] == "append_reply"]

    def sync(self) -> None:
        for _ in range(2):
            self.log.sync()
            self.core.log_synced()

    def campaign(self) -> None:
        """Ask, and stand for election."""
        self.clock.advance(SETTINGS.election_max_s + 0.1)
        self.core.pump()
        for node in ("n2", "n3"):
            self.core.receive(node, PreVoteReply(self.core.term, self.core.term + 1, True).message())
        self.core.pump()

    def vote(self, node_id: str) -> None:
        self.core.receive(node_id, {"type": "response_vote", "term": self.core.term})

    def lead(self) -> None:
        self.campaign()
        self.vote("n2")
        self.vote("n3")
        assert self.core.is_leader
        self.sync()

    def follow(self, node_id: str, term: int, *entries: LogEntry, commit: int = 1) -> None:
        self.core.receive(node_id, Append(term, 1, 0, entries, commit, 0).message())


@pytest.fixture
def alone() -> Iterator[Alone]:
    clock = VirtualClock()
    with virtual(clock, random.Random(1)):
        alone = Alone(clock)
        clock.advance(SETTINGS.election_min_s)  # as if it had been up for long
        yield alone


def answer_to_an_earlier_term_commits(alone: Alone) -> bool:
    alone.lead()
    last = alone.log[-1][1]
    for node in ("n2", "n3"):
        alone.core.receive(node, Reply(alone.core.term - 1, last, 0).message())
    alone.core.pump()
    return alone.core.commit_index >= last


def unproven_tail_is_committed(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD, OLDER_TAIL)
    alone.core.receive("n3", Append(2, 2, 1, (), 3, 0).message())
    return alone.core.commit_index > 2


def cut_entry_is_vouched_for(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD)
    alone.follow("n3", 2, (b"\x00new", 2, 2))
    alone.sync()
    return any(reply["term"] == 1 for reply in alone.replies("n2"))


def term_grows_while_cut_off(alone: Alone) -> bool:
    for _ in range(20):
        alone.clock.advance(1.0)
        alone.core.pump()
    return alone.core.term > 0


def pre_vote_is_granted_beside_a_leader(alone: Alone) -> bool:
    alone.follow("n2", 1, OLD)
    alone.core.receive("n3", PreVote(2, 2, 1).message())
    return any(message["type"] == "pre_vote_reply" and message["granted"] is True for _, message in alone.sent)


def one_voter_elects(alone: Alone) -> bool:
    alone.campaign()
    alone.vote("n2")
    alone.vote("n2")
    return alone.core.is_leader


def stale_leader_hears_nothing(alone: Alone) -> bool:
    alone.follow("n2", 2)
    alone.follow("n3", 1)
    return not any(reply["term"] == 2 for reply in alone.replies("n3"))


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


def seed_breaks(*seeds: int) -> Callable[[Alone], bool]:
    return lambda alone: any(run(seed, steps=2000).violations for seed in seeds)


HARMS: dict[str, Callable[[Alone], bool]] = {
    "answers to an earlier term are not counted": answer_to_an_earlier_term_commits,
    "entries that are there are skipped": seed_breaks(1),
    "what is proven is acknowledged, not the whole log": seed_breaks(2),
    "the commit index is capped at what is proven": unproven_tail_is_committed,
    "replies wait for the disk": seed_breaks(1),
    "held replies of an earlier term are dropped": cut_entry_is_vouched_for,
    "a leader counts only what is on its own disk": seed_breaks(1),
    "an election is asked for first": term_grows_while_cut_off,
    "nobody grants a pre-vote who hears a leader": pre_vote_is_granted_beside_a_leader,
    "one vote a voter and term": one_voter_elects,
    "a stale leader is told": stale_leader_hears_nothing,
    "an old refusal is no news": old_refusal_moves_the_search,
    "the next index never goes back on success": late_answer_sends_again,
    "a read waits for its round": seed_breaks(22),
    "a read waits for the leader's no-op": seed_breaks(6),
}


def test_every_guard_has_its_harm() -> None:
    assert HARMS.keys() == ABLATIONS.keys()


@pytest.mark.parametrize("guard", HARMS)
def test_guard_prevents_its_harm(guard: str, alone: Alone) -> None:
    assert not HARMS[guard](alone)


@pytest.mark.parametrize("guard", HARMS)
def test_harm_comes_without_the_guard(guard: str, alone: Alone) -> None:
    with ABLATIONS[guard].applied():
        assert HARMS[guard](alone)
