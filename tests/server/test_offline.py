"""A data directory read without its server."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from lictor_core.clock import SeededRng
from lictor_core.codec import encode_command
from lictor_core.commands import Command, KVSet, NoOp
from lictor_core.errors import ConfigurationError, DataDamagedError, NewerDataError
from lictor_core.peers import PeerSet, RaftServer
from lictor_server.backups import check_archive
from lictor_server.offline import read_offline, save_offline
from lictor_server.raft.members import encoded
from lictor_server.raft.records import Kind
from lictor_server.raft.segments import Change, Segments
from lictor_server.raft.snapshot_file import SnapshotHead, write_snapshot
from lictor_server.state import Store, apply
from lictor_server.state.snapshot import state_hash, take
from tests.server.build import node, register
from tests.server.conftest import Log
from tests.server.test_storage import SMALL, hash_of, running

THREE = PeerSet(
    cluster_id="c",
    servers=tuple(RaftServer(id=f"s{number}", name=f"n{number}", address=f"192.0.2.{number}:8300") for number in "123"),
)


def entry(index: int, command: Command, term: int = 1) -> Change:
    return Change(Kind.ENTRY, index, term, b"\0" + encode_command(command))


def write_log(data_dir: Path, *changes: Change) -> None:
    directory = data_dir / "raft" / "log"
    directory.mkdir(parents=True)
    segments = Segments(directory, SeededRng(1))
    segments.load()
    segments.append(changes)
    segments.finish()


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != "lock"
    }


async def test_what_a_stopped_server_had_is_there_and_no_file_is_changed(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log, SMALL) as server:
        for number in range(400):
            await server.write(KVSet(key=f"k{number % 50}", value=b"%d" % number * 20))
    before = files(tmp_path)
    found = read_offline(tmp_path)
    assert state_hash(found.store) == hash_of(server)
    assert found.is_certain
    assert 0 < found.snapshot_index < found.last_index
    assert found.store.datacenter == "dc1"
    assert files(tmp_path) == before


async def test_an_archive_made_offline_is_as_one_made_online(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log) as server:
        await server.write(register(node("n9")))
        await server.write(KVSet(key="a", value=b"1"))
    archive = io.BytesIO()
    meta, found = save_offline(tmp_path, archive, now_s=1.5)
    archive.seek(0)
    assert check_archive(archive, datacenter="dc1") == check_archive(io.BytesIO(archive.getvalue()))
    assert meta.id == f"{found.term}-{found.store.index}-1500"
    assert len(meta.configuration.servers) == 1


async def test_a_directory_with_an_agent_in_it_is_refused(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log):
        with pytest.raises(ConfigurationError, match="another agent uses the data directory"):
            read_offline(tmp_path)
    read_offline(tmp_path)
    read_offline(tmp_path)


@pytest.mark.parametrize("name", ["", "raft", "raft/snapshots"])
def test_a_directory_without_a_log_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(ConfigurationError, match="no data directory of a server"):
        read_offline(tmp_path)


def test_the_end_of_a_log_that_others_kept_too_is_not_certain(tmp_path: Path) -> None:
    write_log(tmp_path, Change(Kind.ENTRY, 1, 1, encoded(THREE)), entry(2, KVSet(key="a", value=b"1")))
    found = read_offline(tmp_path)
    assert not found.is_certain
    assert (found.snapshot_index, found.last_index, found.term) == (0, 2, 1)
    assert len(found.peers.voters) == 3
    assert found.store.kv.get("a") is not None


def test_the_name_of_the_datacenter_comes_from_the_log_or_the_caller(tmp_path: Path) -> None:
    record = register(node("n1"))
    write_log(tmp_path, entry(1, NoOp()), entry(2, record))
    assert read_offline(tmp_path).store.datacenter == record.node.datacenter == "dc1"
    assert read_offline(tmp_path, "dc7").store.datacenter == "dc7"


def test_what_a_crash_left_unfinished_is_left_out_and_told(tmp_path: Path) -> None:
    write_log(tmp_path, entry(1, KVSet(key="a", value=b"1")))
    path = next((tmp_path / "raft" / "log").iterdir())
    with path.open("ab") as file:
        file.write(b"torn")
    found = read_offline(tmp_path)
    assert found.tail_cut is not None
    assert (found.tail_cut.cut_bytes, found.last_index) == (4, 1)
    assert path.read_bytes().endswith(b"torn")


def test_damage_is_told_with_its_file_and_offset(tmp_path: Path) -> None:
    write_log(tmp_path, entry(1, KVSet(key="a", value=b"1" * 100)), entry(2, NoOp()))
    path = next((tmp_path / "raft" / "log").iterdir())
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataDamagedError, match=r"\.log is damaged at offset"):
        read_offline(tmp_path)


def test_an_entry_that_this_version_does_not_know_is_told(tmp_path: Path) -> None:
    write_log(tmp_path, Change(Kind.ENTRY, 1, 1, b"\0nonsense"))
    with pytest.raises(NewerDataError, match="use the one that wrote it"):
        read_offline(tmp_path)


def test_a_snapshot_without_a_log_behind_it_is_certain(tmp_path: Path) -> None:
    """As a server has it that was just given a leader's snapshot."""
    store = Store("dc9")
    apply(store, 7, KVSet(key="a", value=b"1"))
    (tmp_path / "raft" / "snapshots").mkdir(parents=True)
    write_log(tmp_path, Change(Kind.CLEAR, 0, 0, b""), Change(Kind.ENTRY, 7, 2, b"\1"))
    head = SnapshotHead(7, 2, THREE)
    write_snapshot(tmp_path / "raft" / "snapshots", head, take(store), lambda chunks: None)
    found = read_offline(tmp_path)
    assert found.is_certain
    assert (found.snapshot_index, found.last_index, found.term) == (7, 7, 2)
    assert found.store.datacenter == "dc9"
    assert state_hash(found.store) == state_hash(store)


def test_the_lock_is_given_back_after_a_failure(tmp_path: Path) -> None:
    write_log(tmp_path, Change(Kind.ENTRY, 1, 1, b"\0nonsense"))
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(NewerDataError):
        read_offline(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == descriptors
