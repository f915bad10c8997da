"""Going on without a majority: what is written, and that a server then does go on."""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from pathlib import Path

import msgspec
import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import pack
from lictor_core.commands import KVSet
from lictor_core.errors import ConfigurationError, DataDamagedError, NoLeaderError, RequestError
from lictor_core.peers import PeerSet, RaftServer
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server, ServerSettings
from lictor_server.raft.members import BLANK, encoded
from lictor_server.raft.records import Kind
from lictor_server.raft.segments import Change, Segments
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.shelf import NOTE, InstallNote
from lictor_server.raft.term_vote import TermVote, load_term_vote, save_term_vote
from lictor_server.recovery import Recovery, RecoveryPlan, planned
from tests.server.conftest import NODE_ID, SETTINGS, Log

B = "bbbbbbbb-0000-4000-8000-000000000000"
C = "cccccccc-0000-4000-8000-000000000000"
D = "dddddddd-0000-4000-8000-000000000000"
NOW = ReadOptions()


def server(id: str, *, voter: bool = True, address: str = "192.0.2.1:8300") -> RaftServer:
    return RaftServer(id=id, name=id[:4], address=address, voter=voter)


THREE = PeerSet(cluster_id="cluster", servers=(server(NODE_ID), server(B), server(C)), index=2)


def settings(directory: Path) -> ServerSettings:
    return dataclasses.replace(SETTINGS, data_dir=str(directory), raft=RaftSettings(hold_s=0.3))


def made(directory: Path, log: Log) -> Server:
    return Server(settings(directory), clock=SystemClock(), rng=SeededRng(1), log=log.logger)


@pytest.fixture
async def directory(tmp_path: Path, log: Log) -> Path:
    """The data directory of a server with one key, which then became one of three, of which two are lost."""
    running = made(tmp_path, log)
    await running.start()
    await running.write(KVSet(key="a", value=b"kept"))
    await running.stop()
    append(tmp_path, THREE)
    return tmp_path


def append(directory: Path, peers: PeerSet, term: int = 1) -> None:
    """Write a peer set as a leader of `term` would have."""
    segments = Segments(directory / "raft" / "log", SeededRng(2))
    last = segments.load().last_index
    with Recovery(directory, NODE_ID, SeededRng(3)) as recovery:
        known = msgspec.structs.replace(peers, cluster_id=recovery.peers.cluster_id)
    segments.append([Change(Kind.ENTRY, last + 1, term, encoded(known))])
    segments.finish()


def recovered(directory: Path, *servers: RaftServer) -> RecoveryPlan:
    with Recovery(directory, NODE_ID, SeededRng(4)) as recovery:
        plan = recovery.plan(servers)
        recovery.write(plan)
        return plan


def content(directory: Path) -> dict[str, str]:
    """A digest of every file."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.rglob("*") if path.is_file()}


async def test_one_of_three_leads_nobody_until_it_is_recovered(directory: Path, log: Log) -> None:
    running = made(directory, log)
    await running.start()
    with pytest.raises(NoLeaderError):
        await running.read(KeyQuery(key="a"), NOW)
    await running.stop()
    plan = recovered(directory, server(NODE_ID))
    running = made(directory, log)
    await running.start()
    try:
        entry = (await running.read(KeyQuery(key="a"), NOW)).value
        assert entry is not None
        assert entry.value == b"kept"
        await running.write(KVSet(key="b", value=b"new"))
        found = await running.raft_servers()
        assert (found.leader, found.peers.voters) == (NODE_ID, frozenset({NODE_ID}))
        assert found.peers.cluster_id == plan.before.cluster_id != ""
        assert found.peers.index >= plan.index
    finally:
        await running.stop()


def test_looking_and_planning_change_no_file(directory: Path) -> None:
    before = content(directory)
    with Recovery(directory, NODE_ID, SeededRng(4)) as recovery:
        assert recovery.peers.voters == {NODE_ID, B, C}
        recovery.plan([server(NODE_ID), server(B)])
    assert content(directory) == before


def test_a_torn_tail_is_told_and_cut_only_by_writing(directory: Path) -> None:
    last = max((directory / "raft" / "log").iterdir())
    whole = last.stat().st_size
    last.write_bytes(last.read_bytes() + b"torn")
    with Recovery(directory, NODE_ID, SeededRng(4)) as recovery:
        assert recovery.tail_cut is not None
        assert (recovery.tail_cut.offset, recovery.tail_cut.cut_bytes) == (whole, 4)
        plan = recovery.plan([server(NODE_ID)])
        assert last.stat().st_size == whole + 4
        recovery.write(plan)
    with Recovery(directory, NODE_ID, SeededRng(4)) as recovery:
        assert recovery.tail_cut is None
        assert recovery.peers == msgspec.structs.replace(plan.after, index=plan.index)


def test_the_vote_keeps_up_with_the_term_and_never_goes_back(directory: Path) -> None:
    path = directory / "raft" / "vote"
    plan = recovered(directory, server(NODE_ID))
    assert load_term_vote(path) == TermVote(term=plan.term)
    ahead = TermVote(term=plan.term + 2**21, voted_for=B)
    save_term_vote(path, ahead)
    assert recovered(directory, server(NODE_ID)).last_term == plan.term
    assert load_term_vote(path) == ahead


async def test_a_running_server_is_left_alone(tmp_path: Path, log: Log) -> None:
    running = made(tmp_path, log)
    await running.start()
    await running.write(KVSet(key="a", value=b""))
    try:
        with pytest.raises(ConfigurationError, match="another agent uses"):
            Recovery(tmp_path, NODE_ID, SeededRng(1))
    finally:
        await running.stop()


def test_a_directory_without_a_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no log in"):
        Recovery(tmp_path, NODE_ID, SeededRng(1))


def test_a_directory_that_is_not_whole_is_told_and_let_go(directory: Path) -> None:
    (directory / "raft" / "vote").unlink()
    for _ in range(2):  # the first refusal holds no lock
        with pytest.raises(DataDamagedError, match="vote is missing"):
            Recovery(directory, NODE_ID, SeededRng(1))


def test_an_installation_that_was_broken_off_comes_first(directory: Path) -> None:
    body = pack(InstallNote(last_index=3, term=1))
    (directory / "raft" / "snapshots" / NOTE).write_bytes(zlib.crc32(body).to_bytes(4, "big") + body)
    with pytest.raises(RequestError, match="start it once"):
        Recovery(directory, NODE_ID, SeededRng(1))


@pytest.mark.parametrize(
    ("servers", "reason"),
    [
        ([server(NODE_ID), server(D)], "the log knows no server dddd"),
        ([server(NODE_ID), server(B), server(B)], "is named twice"),
        ([server(B), server(C)], "is not among those named"),
        ([server(NODE_ID, voter=False), server(B, voter=False)], "none of the servers named has a vote"),
        ([server(NODE_ID, address="192.0.2.1")], "has no port"),
        ([server(NODE_ID, address="192.0.2.1:x")], "which is none"),
        ([], "is not among those named"),
    ],
)
def test_lists_that_cannot_be_are_refused(servers: list[RaftServer], reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        planned(NODE_ID, THREE, servers, last_index=9, last_term=3)


def test_a_log_that_names_nobody_needs_no_recovery() -> None:
    with pytest.raises(RequestError, match="starts as it is"):
        planned(NODE_ID, BLANK, [server(NODE_ID)], last_index=9, last_term=3)


def test_the_same_list_gives_the_same_step_of_terms_in_any_order() -> None:
    one = planned(NODE_ID, THREE, [server(NODE_ID), server(B)], last_index=9, last_term=3)
    other = planned(B, THREE, [server(B), server(NODE_ID)], last_index=20, last_term=5)
    assert one.after == other.after
    assert one.term - 3 == other.term - 5 >= 1


def test_another_list_at_the_same_place_is_another_entry() -> None:
    """Raft takes two entries of one index and term for the same."""
    one = planned(NODE_ID, THREE, [server(NODE_ID), server(B)], last_index=9, last_term=3)
    other = planned(NODE_ID, THREE, [server(NODE_ID), server(C)], last_index=9, last_term=3)
    assert (one.index, one.before) == (other.index, other.before)
    assert one.term != other.term


def test_the_new_set_stands_behind_everything() -> None:
    plan = planned(NODE_ID, THREE, [server(NODE_ID, address="192.0.2.9:1")], last_index=9, last_term=3)
    assert plan.index == 10
    assert plan.after == PeerSet(cluster_id="cluster", servers=(server(NODE_ID, address="192.0.2.9:1"),))
