"""The data directory: whose it is, what a start makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lictor_core.clock import SystemClock, SystemRng
from lictor_core.codec import encode_command, pack, unpack
from lictor_core.commands import KVSet
from lictor_core.errors import ConfigurationError, DataDamagedError, NewerDataError, StorageError
from lictor_core.peers import PeerSet, RaftServer
from lictor_core.queries import KeyQuery, TreeQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server, ServerSettings
from lictor_server.machine import Machine
from lictor_server.raft.records import Kind
from lictor_server.raft.segments import Change, Segments
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.shelf import FileShelf, read_note
from lictor_server.raft.snapshot_file import SnapshotHead, read_snapshot, write_snapshot
from lictor_server.state import Store, Watches
from lictor_server.state.loading import Chunk
from lictor_server.state.snapshot import restore, state_hash, take
from lictor_server.storage import Storage
from tests.server.conftest import SETTINGS, Log
from tests.support.conditions import eventually

NOW = ReadOptions()
SMALL = RaftSettings(segment_bytes_max=4096, snapshot_log_bytes=20_000, snapshot_trailing=10, log_entries_max=20)


def settings(directory: Path, raft: RaftSettings | None = None) -> ServerSettings:
    return dataclasses.replace(SETTINGS, data_dir=str(directory), raft=raft or RaftSettings())


def made(directory: Path, log: Log, raft: RaftSettings | None = None) -> Server:
    return Server(settings(directory, raft), clock=SystemClock(), rng=SystemRng(), log=log.logger)


@asynccontextmanager
async def running(directory: Path, log: Log, raft: RaftSettings | None = None) -> AsyncGenerator[Server]:
    server = made(directory, log, raft)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


def hash_of(server: Server) -> str:
    return state_hash(getattr(server, "_store"))  # noqa: B009 the state has no public face, and needs none


async def hash_on_disk(directory: Path, log: Log, raft: RaftSettings | None = None) -> str:
    """The hash of the state that the files in `directory` give."""
    storage = Storage(directory, "dc1", raft or RaftSettings(), rng=SystemRng(), log=log.logger)
    machine = Machine(storage.store, Watches())
    for command, index, _ in storage.wal[:]:
        if index > storage.wal.snapshot_index and command[:1] == b"\0":
            machine.apply(index, command[1:])
    await storage.close()
    return state_hash(storage.store)


async def test_what_was_acknowledged_is_there_after_a_restart_at_the_same_index(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log) as server:
        outcome = await server.write(KVSet(key="a", value=b"1"))
        status = await server.leader_status()
    assert await hash_on_disk(tmp_path, log) == hash_of(server)
    async with running(tmp_path, log) as server:
        reading = await server.read(KeyQuery(key="a"), NOW)
        assert reading.value is not None
        assert (reading.value.value, reading.index) == (b"1", outcome.index)
        again = await server.leader_status()
        assert again.term == status.term + 1
        assert again.applied_index > status.applied_index
        assert (await server.write(KVSet(key="b", value=b"1"))).index > again.applied_index


async def test_snapshots_shorten_the_log_and_change_nothing(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log, SMALL) as server:
        for number in range(400):
            await server.write(KVSet(key=f"k{number % 50}", value=b"%d" % number * 20))
        await eventually(lambda: len(log.named("raft.log.shortened")) >= 2, what="two shortened logs")
        await server.write(KVSet(key="last", value=b"x"))
    assert await hash_on_disk(tmp_path, log, SMALL) == hash_of(server)
    assert len(list((tmp_path / "raft" / "snapshots").iterdir())) == 1
    assert sum(path.stat().st_size for path in (tmp_path / "raft" / "log").iterdir()) < 60_000
    async with running(tmp_path, log, SMALL) as server:
        tree = await server.read(TreeQuery(prefix=""), NOW)
        assert len(tree.value) == 51
    opened = log.named("raft.log.opened")[-1]
    assert opened["snapshot"] > 0


async def test_a_snapshot_that_fails_is_told_and_the_log_stays(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log, SMALL) as server:
        (tmp_path / "raft" / "snapshots").rmdir()
        for number in range(300):
            await server.write(KVSet(key="k", value=b"%d" % number * 20))
        await eventually(lambda: log.named("raft.snapshot.failed") != [], what="the failure")
        (tmp_path / "raft" / "snapshots").mkdir()
    assert await hash_on_disk(tmp_path, log, SMALL) == hash_of(server)


async def test_one_server_at_a_time_uses_a_directory(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log):
        with pytest.raises(ConfigurationError, match="another agent uses the data directory"):
            made(tmp_path, log)


async def test_a_directory_of_consul_is_refused(tmp_path: Path, log: Log) -> None:
    (tmp_path / "raft").mkdir()
    (tmp_path / "raft" / "raft.db").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="Consul's log"):
        made(tmp_path, log)


async def test_a_directory_of_another_datacenter_is_refused(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log, SMALL) as server:
        for _ in range(300):
            await server.write(KVSet(key="k", value=bytes(100)))
        await eventually(lambda: log.named("raft.snapshot.written") != [], what="a snapshot")
    other = dataclasses.replace(settings(tmp_path, SMALL), datacenter="dc2")
    with pytest.raises(ConfigurationError, match="is of datacenter 'dc1'"):
        Server(other, clock=SystemClock(), rng=SystemRng(), log=log.logger)


async def test_a_log_without_its_vote_is_refused(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log) as server:
        await server.write(KVSet(key="a", value=b"1"))
    (tmp_path / "raft" / "vote").unlink()
    with pytest.raises(DataDamagedError, match="could vote twice"):
        made(tmp_path, log)


async def test_a_refused_directory_is_not_held(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log) as server:
        await server.write(KVSet(key="a", value=b"1"))
    (path,) = (tmp_path / "raft" / "log").iterdir()
    data = path.read_bytes()
    path.write_bytes(data[:40] + b"\xff" + data[41:])
    for _ in range(2):
        with pytest.raises(DataDamagedError, match=path.name):
            made(tmp_path, log)
    path.write_bytes(data)
    async with running(tmp_path, log):
        pass


async def test_a_torn_tail_is_cut_with_one_event(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log) as server:
        await server.write(KVSet(key="a", value=b"1"))
    (path,) = (tmp_path / "raft" / "log").iterdir()
    path.write_bytes(path.read_bytes() + b"half a record")
    async with running(tmp_path, log) as server:
        assert (await server.read(KeyQuery(key="a"), NOW)).value is not None
    (event,) = log.named("raft.tail.cut")
    assert (event["file"], event["cut_bytes"]) == (str(path), 13)


async def test_what_was_left_unfinished_is_deleted(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log):
        pass
    left = tmp_path / "raft" / "snapshots" / "1.snapshot.tmp"
    left.write_bytes(b"half")
    async with running(tmp_path, log):
        assert not left.exists()


def test_a_path_that_is_a_file_is_told(tmp_path: Path, log: Log) -> None:
    (tmp_path / "raft").write_text("")
    with pytest.raises(StorageError, match="cannot make"):
        Storage(tmp_path, "dc1", RaftSettings(), rng=SystemRng(), log=log.logger)


PEERS = PeerSet(cluster_id="c", servers=(RaftServer(id="a", name="n1", address="127.0.0.1:8300"),), index=900)


def leaders_snapshot(directory: Path, head: SnapshotHead) -> bytes:
    """What a leader would send."""
    directory.mkdir()
    return write_snapshot(directory, head, take(Store("dc1")), lambda chunks: [*chunks].clear()).read_bytes()


async def followers_directory(tmp_path: Path, log: Log) -> Path:
    """A data directory with some log and no snapshot."""
    async with running(tmp_path / "own", log) as server:
        for number in range(5):
            await server.write(KVSet(key=f"k{number}", value=b"1"))
    return tmp_path / "own"


def publish(directory: Path, data: bytes, head: SnapshotHead) -> None:
    """All that installing does before it empties the log."""
    shelf = FileShelf(directory / "raft" / "snapshots", lambda path: restore(read_snapshot(path)))
    shelf.begin()
    shelf.write(data)
    shelf.judge(head.last_index, head.term)
    shelf.publish(head)


@pytest.mark.parametrize("head", [SnapshotHead(1000, 7, PEERS), SnapshotHead(3, 7)], ids=["ahead", "another entry"])
async def test_an_install_that_a_crash_cut_off_is_finished_by_the_next_start(
    tmp_path: Path, log: Log, head: SnapshotHead
) -> None:
    directory = await followers_directory(tmp_path, log)
    publish(directory, leaders_snapshot(tmp_path / "leader", head), head)
    for _ in range(2):
        storage = Storage(directory, "dc1", RaftSettings(), rng=SystemRng(), log=log.logger)
        assert [entry[1:] for entry in storage.wal[:]] == [(head.last_index, head.term)]
        assert storage.wal.snapshot_index == head.last_index
        assert storage.peer_set == head.peers
        assert read_note(storage.snapshots) is None
        assert state_hash(storage.store) == state_hash(Store("dc1"))
        await storage.close()
    (event,) = log.named("raft.install.completed")
    assert event["index"] == head.last_index


async def test_a_log_that_holds_the_installed_entry_is_kept(tmp_path: Path, log: Log) -> None:
    directory = await followers_directory(tmp_path, log)
    storage = Storage(directory, "dc1", RaftSettings(), rng=SystemRng(), log=log.logger)
    before, head = storage.wal[:], SnapshotHead(storage.wal[-2][1], storage.wal[-2][2])
    await storage.close()
    publish(directory, leaders_snapshot(tmp_path / "leader", head), head)
    storage = Storage(directory, "dc1", RaftSettings(), rng=SystemRng(), log=log.logger)
    assert storage.wal[:] == before
    assert read_note(storage.snapshots) is None
    await storage.close()
    assert not log.named("raft.install.completed")


async def test_without_the_note_a_log_that_ends_before_the_snapshot_is_damage(tmp_path: Path, log: Log) -> None:
    directory = await followers_directory(tmp_path, log)
    head = SnapshotHead(1000, 7)
    publish(directory, leaders_snapshot(tmp_path / "leader", head), head)
    (directory / "raft" / "snapshots" / "installing").unlink()
    with pytest.raises(DataDamagedError, match="before the snapshot's last one, 1000"):
        Storage(directory, "dc1", RaftSettings(), rng=SystemRng(), log=log.logger)


async def test_a_note_whose_snapshot_never_took_its_name_changes_nothing(tmp_path: Path, log: Log) -> None:
    directory = await followers_directory(tmp_path, log)
    head = SnapshotHead(1000, 7)
    publish(directory, leaders_snapshot(tmp_path / "leader", head), head)
    (path,) = (directory / "raft" / "snapshots").glob("*.snapshot")
    path.rename(path.with_name("incoming.tmp"))
    async with running(directory, log) as server:
        assert len((await server.read(TreeQuery(prefix=""), NOW)).value) == 5
    assert [entry.name for entry in (directory / "raft" / "snapshots").iterdir()] == []


LATER_COMMANDS = [
    pack({"type": "KVRename", "key": "a", "to": "b"}),
    pack({"type": "KVSet", "key": "a", "value": b"", "expires": "1h"}),
    pack([b"request", 0, False, {"type": "KVRename", "key": "a", "to": "b"}]),
]
"""Of a version that does not exist yet: a new kind, a new field, and the kind as somebody proposed it."""


def files(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def appended(directory: Path, payload: bytes) -> int:
    """The index of an entry that a later version put behind what is there."""
    segments = Segments(directory / "raft" / "log", SystemRng())
    loaded = segments.load()
    _, _, term = loaded.entries[-1]
    segments.append([Change(Kind.ENTRY, loaded.last_index + 1, term, b"\0" + payload)])
    segments.finish()
    return loaded.last_index + 1


@pytest.mark.parametrize("payload", LATER_COMMANDS)
async def test_a_log_with_what_only_a_later_version_knows_stops_the_start_and_stays(
    payload: bytes, tmp_path: Path, log: Log
) -> None:
    async with running(tmp_path, log) as server:
        await server.write(KVSet(key="a", value=b"1"))
    index = appended(tmp_path, payload)
    before = files(tmp_path)
    for _ in range(2):
        with pytest.raises(NewerDataError, match=rf"entry {index} in .*log is whole.*start that one again"):
            made(tmp_path, log)
    assert files(tmp_path) == before


async def test_what_later_versions_wrote_in_forms_that_are_known_is_taken(tmp_path: Path, log: Log) -> None:
    async with running(tmp_path, log) as server:
        await server.write(KVSet(key="a", value=b"1"))
    appended(tmp_path, encode_command(KVSet(key="b", value=b"2")))
    async with running(tmp_path, log) as server:
        assert (await server.read(KeyQuery(key="b"), NOW)).value is not None


@pytest.mark.parametrize("later", ["format", "table", "field"])
async def test_a_snapshot_with_what_only_a_later_version_knows_stops_the_start_and_stays(
    later: str, tmp_path: Path, log: Log
) -> None:
    async with running(tmp_path, log) as server:
        await server.write(KVSet(key="a", value=b"1"))
    store = Store("dc1")
    store.index = 2
    header, *chunks = take(store)
    if later == "format":
        header = pack({**unpack(header, dict[str, object]), "format": 99})
    elif later == "table":
        chunks = [pack(Chunk(table="leases", rows=[]))]
    else:
        chunks = [pack(Chunk(table="node", rows=[pack({"Node": "n", "Colour": "red"})]))]
    write_snapshot(tmp_path / "raft" / "snapshots", SnapshotHead(2, 1), [header, *chunks], lambda _: None)
    before = files(tmp_path)
    with pytest.raises(NewerDataError, match=r"snapshot is whole.*start that one again"):
        made(tmp_path, log)
    assert files(tmp_path) == before
