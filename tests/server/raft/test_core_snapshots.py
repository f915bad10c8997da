"""Snapshots as the core sees them: who is sent one, what a piece means, and going on behind one."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from lictor_server.raft.messages import Append, Reply, SnapshotChunk, SnapshotReply
from lictor_server.raft.outcome import Reason
from lictor_server.raft.snapshot_file import SnapshotHead
from tests.simulation.alone import FIVE, Alone
from tests.simulation.clock import VirtualClock, virtual
from tests.simulation.voters import SETTINGS
from tests.support.peers import peers

FILE = bytes(range(256)) * 10
NINE = SnapshotHead(9, 1, peers("n1", "n2", index=7))


class Reader:
    def __init__(self, head: SnapshotHead) -> None:
        self.head = head
        self.size = len(FILE)
        self.is_closed = False

    def read(self, offset: int, size: int) -> bytes:
        return FILE[offset : offset + size]

    def close(self) -> None:
        self.is_closed = True


class Bench(Alone):
    """One server of five with a depot and an intake in our hands."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.newest: SnapshotHead | None = None
        self.opened: list[Reader] = []
        self.asked: list[int] = []
        self.distrusted: list[SnapshotHead] = []
        self.taken: list[tuple[str, SnapshotChunk]] = []
        self.core.exchange_snapshots(self, self)

    def open(self, at_least: int) -> Reader | None:
        self.asked.append(at_least)
        if self.newest is None or self.newest.last_index < at_least:
            return None
        self.opened.append(Reader(self.newest))
        return self.opened[-1]

    def refused(self, head: SnapshotHead) -> None:
        self.distrusted.append(head)

    def take(self, node_id: str, chunk: SnapshotChunk) -> None:
        self.taken.append((node_id, chunk))

    def lead_long(self) -> int:
        """Lead with a log that begins late, a snapshot that ends in it, and n2 too far behind; where the log begins."""
        self.lead()
        self.core.disconnected("n5")
        for _ in range(40):
            self.core.submit(b"x", self.done)
            self.core.pump()
            self.sync()
            self.replicated("n2", "n3")
        self.newest = SnapshotHead(self.core.applied_index - 5, self.core.term, FIVE)
        self.log.snapshot_made(self.newest.last_index)
        for _ in range(int(SETTINGS.connection_timeout_s / 0.2) + 2):
            self.pass_time(0.2)  # until n4 and n5 are given up
        assert self.core.is_leader
        assert self.log[0][1] > 5
        return self.log[0][1]

    def refuse(self, node_id: str) -> None:
        """A follower has nothing but the first entry."""
        before = self.said("append_entries", node_id)[-1]["prevLogIdx"]
        assert isinstance(before, int)
        self.core.receive(node_id, Reply(self.core.term, 1, before).message())

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.replicated("n2", "n3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    clock = VirtualClock()
    with virtual(clock, random.Random(1)):
        yield Bench(clock)


def chunk(term: int = 2, last_index: int = 9, last_term: int = 1) -> SnapshotChunk:
    return SnapshotChunk(term, last_index, last_term, 100, 0, b"piece")


def test_who_needs_entries_that_are_gone_gets_a_window_of_the_newest_snapshot(bench: Bench) -> None:
    first = bench.lead_long()
    bench.pass_time(0.2)
    bench.refuse("n4")
    bench.pass_time(0.2)
    pieces = bench.said("snapshot_chunk", "n4")
    assert [piece["offset"] for piece in pieces] == [0, 300, 600]
    assert bench.asked == [first]
    assert not bench.said("snapshot_chunk", "n2")


def test_heartbeats_go_on_meanwhile_and_claim_what_the_log_begins_with(bench: Bench) -> None:
    first = bench.lead_long()
    bench.pass_time(0.2)
    bench.refuse("n4")
    for _ in range(3):
        bench.pass_time(0.2)
    heartbeat = bench.said("append_entries", "n4")[-1]
    assert (heartbeat["prevLogIdx"], heartbeat["entries"]) == (first, ())


def test_an_answer_lets_more_leave_and_the_log_goes_on_once_it_is_installed(bench: Bench) -> None:
    bench.lead_long()
    bench.pass_time(0.2)
    bench.refuse("n4")
    bench.pass_time(0.2)
    assert bench.newest is not None
    last = bench.newest.last_index
    bench.core.receive("n4", SnapshotReply(bench.core.term, last, 600, False).message())
    bench.core.pump()
    assert [piece["offset"] for piece in bench.said("snapshot_chunk", "n4")] == [0, 300, 600, 900, 1200]
    bench.core.receive("n4", Reply(bench.core.term, last, 0).message())
    bench.core.pump()
    entries = bench.said("append_entries", "n4")[-1]
    assert entries["prevLogIdx"] >= last  # type: ignore[operator]  # a count
    assert bench.opened[0].is_closed


def test_a_snapshot_that_was_refused_is_distrusted_and_opened_anew(bench: Bench) -> None:
    bench.lead_long()
    bench.pass_time(0.2)
    bench.refuse("n4")
    bench.pass_time(0.2)
    assert bench.newest is not None
    bench.core.receive("n4", SnapshotReply(bench.core.term, bench.newest.last_index, 0, True).message())
    assert bench.distrusted == [bench.newest]
    bench.pass_time(0.2)
    assert [reader.is_closed for reader in bench.opened] == [True, False]


def test_what_was_on_its_way_is_closed_when_leadership_ends(bench: Bench) -> None:
    bench.lead_long()
    bench.pass_time(0.2)
    bench.refuse("n4")
    bench.pass_time(0.2)
    bench.core.receive("n3", Append(bench.core.term + 1, 1, 0, (), 1, 0).message())
    assert all(reader.is_closed for reader in bench.opened)


def test_a_piece_tells_of_the_leader_and_goes_to_the_intake(bench: Bench) -> None:
    bench.core.receive("n3", chunk().message())
    assert (bench.core.term, bench.core.leader) == (2, "n3")
    assert bench.taken == [("n3", chunk())]
    assert not bench.said("append_reply")


def test_pieces_keep_a_follower_from_standing_for_election(bench: Bench) -> None:
    bench.core.receive("n3", chunk().message())
    for _ in range(20):
        bench.clock.advance(SETTINGS.election_min_s / 2)
        bench.core.receive("n3", chunk().message())
        bench.core.pump()
    assert not bench.said("pre_vote")


def test_a_leader_of_an_earlier_term_is_told_and_not_listened_to(bench: Bench) -> None:
    bench.follow("n2", 3)
    bench.core.receive("n3", chunk(term=2).message())
    assert bench.taken == []
    assert bench.said("append_reply", "n3") == [Reply(3, 0, 0).message()]


def test_a_snapshot_that_the_log_covers_is_acknowledged_and_not_taken(bench: Bench) -> None:
    bench.follow("n2", 1, (b"\x00a", 2, 1), (b"\x00b", 3, 1))
    bench.sync()
    bench.sent.clear()
    bench.core.receive("n2", chunk(term=1, last_index=2).message())
    assert bench.taken == []
    assert bench.said("append_reply", "n2") == [Reply(1, 2, 0).message()]
    assert bench.core.last_index == 3


def test_the_core_goes_on_behind_an_installed_snapshot(bench: Bench) -> None:
    bench.core.receive("n3", chunk().message())
    adopted: list[int] = []
    assert bench.core.install(NINE, lambda: adopted.append(1))
    assert adopted == [1]
    assert (bench.core.applied_index, bench.core.commit_index, bench.core.last_index) == (9, 9, 9)
    assert bench.core.peer_set == NINE.peers
    assert not bench.said("append_reply")  # not before the log is durable
    bench.sync()
    assert bench.said("append_reply", "n3") == [Reply(2, 9, 0).message()]
    bench.core.receive("n3", Append(2, 9, 1, ((b"\x00later", 10, 2),), 10, 0).message())
    bench.core.pump()
    assert bench.applied == [b"later"]


def test_an_installed_snapshot_is_not_installed_again_nor_an_older_one(bench: Bench) -> None:
    assert bench.core.install(NINE, lambda: None)
    for head in (NINE, SnapshotHead(5, 1)):
        assert not bench.core.install(head, lambda: pytest.fail("it was adopted"))


def test_commands_that_a_snapshot_jumped_over_have_an_unknown_outcome(bench: Bench) -> None:
    bench.lead()
    bench.core.submit(b"x", bench.done)
    bench.core.pump()
    bench.core.receive("n3", Append(bench.core.term + 1, 1, 0, (), 1, 0).message())
    assert bench.answers == []
    assert bench.core.install(NINE, lambda: None)
    assert bench.answers == [(None, Reason.UNKNOWN_OUTCOME)]
