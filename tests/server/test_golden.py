"""Today's code reads the files of every format that was ever written, and writes today's formats as it did.

When a test here fails because the bytes differ, a format has changed. If it was in a release: raise its number, keep
the old file, add a new one. If not: `python -m tests.server.golden.files`.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import shutil
from pathlib import Path
from typing import cast, get_args

import pytest

from lictor_core import commands
from lictor_core.archive import ArchiveMeta, read_archive
from lictor_core.clock import SeededRng, SystemClock, SystemRng
from lictor_core.codec import decode_proposal, unpack
from lictor_core.commands import KVSet
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from lictor_server.backups import check_archive
from lictor_server.offline import read_offline
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.snapshot_file import read_head, read_snapshot
from lictor_server.state import Store, apply
from lictor_server.state.loading import TABLES, Chunk, Loader
from lictor_server.state.snapshot import state_hash, take
from lictor_server.state.stream import StreamReader
from lictor_server.storage import Storage
from tests.server.conftest import SETTINGS, Log
from tests.server.golden.content import COMMANDS, FIRST_INDEX, filled, restoring
from tests.server.golden.files import ARCHIVE, DATA, GOLDEN, PEERS, write_archive_file, write_data_directory

NODE_ID = "11111111-1111-4111-8111-111111111111"
"""Of the server that wrote the data directories."""
OWN_TABLES = {"keyring", "restore", "restore-piece"}
"""What servers hand to one another, and to nobody else."""


def chunks_of(path: Path) -> tuple[ArchiveMeta, list[bytes]]:
    state = bytearray()
    meta = read_archive(io.BytesIO(path.read_bytes()), state.extend)
    reader = StreamReader()
    chunks = list(reader.feed(bytes(state)))
    reader.finish()
    return meta, chunks


def loaded(chunks: list[bytes]) -> Store:
    loader = Loader(Store, may_hold_restore=False)
    for chunk in chunks:
        loader.feed(chunk)
    return loader.finish()


def tables(chunks: list[bytes]) -> set[str]:
    return {unpack(chunk, Chunk).table for chunk in chunks[1:]}


LATER_TOPICS = {"config", "config-entry", "config-kind", "virtual-addresses"}
"""Kinds of what commands touch today, and did not when format 1 was written: nobody could ask for it."""
LATER_TABLE = "virtual-address"
"""In a state of format 1 they are given when it is loaded, by name; else in the order of the commands."""


def without_later_things(store: Store) -> list[tuple[str, object]]:
    """All rows of a state, but for what could not be asked for when it was written."""
    first, *chunks = take(store)
    found: list[tuple[str, object]] = [("", unpack(first, object))]
    for chunk in (unpack(one, Chunk) for one in chunks):
        if chunk.table == LATER_TABLE:
            continue
        for row in (unpack(one, object) for one in chunk.rows):
            if not (chunk.table.startswith("topic") and cast("list[object]", row)[0] in LATER_TOPICS):
                found.append((chunk.table, row))
    return found


def copied(source: Path, target: Path) -> Path:
    """A copy that tests may lock and change."""
    shutil.copytree(source, target)
    return target


def test_archives_of_format_1_are_read() -> None:
    path = GOLDEN / "snapshot-v1.snap"
    with path.open("rb") as file:
        meta = check_archive(file, datacenter="dc1")
    store = loaded(chunks_of(path)[1])
    expected = filled()
    expected.keyring.sealed = None
    assert state_hash(store) == state_hash(expected)
    assert (meta.format, meta.index) == (1, store.index + store.index_shift)


def test_archives_are_written_as_they_were(tmp_path: Path) -> None:
    write_archive_file(tmp_path / "new.snap")
    assert chunks_of(tmp_path / "new.snap") == chunks_of(ARCHIVE)
    written = (tmp_path / "new.snap").read_bytes()
    assert gzip.decompress(written) == gzip.decompress(ARCHIVE.read_bytes())  # zlib itself may pack in other ways


def test_the_golden_files_hold_every_table_and_every_command() -> None:
    assert tables(chunks_of(ARCHIVE)[1]) == set(TABLES) - OWN_TABLES
    snapshot = next((DATA / "raft" / "snapshots").iterdir())
    assert tables(list(read_snapshot(snapshot))) == set(TABLES)
    assert commands_in_the_log() == {kind.__name__ for kind in get_args(commands.Command)}


def commands_in_the_log() -> set[str]:
    from lictor_server.raft.segments import Segments

    found = Segments(DATA / "raft" / "log", SeededRng(1)).read()
    return {type(decode_proposal(payload[1:]).command).__name__ for payload, _, _ in found.entries if payload[0] == 0}


def test_data_directories_of_format_1_are_read(tmp_path: Path) -> None:
    """Snapshots without servers, state of format 1, commands without a request."""
    found = read_offline(copied(GOLDEN / "data-1", tmp_path / "data"))
    store = Store("dc1")
    for index, command in enumerate(COMMANDS, FIRST_INDEX):
        apply(store, index, command)
    assert found.snapshot_index == store.index
    apply(store, store.index + 2, KVSet(key="behind", value=b"1"))
    assert without_later_things(found.store) == without_later_things(store)
    given = [{row.service for row in one.virtual.all()} for one in (found.store, store)]
    assert given == [{"db", "web"}, {"db", "web"}]
    assert (found.last_index, found.term, found.peers.servers) == (store.index, 3, ())


def test_data_directories_of_format_2_are_read(tmp_path: Path) -> None:
    found = read_offline(copied(GOLDEN / "data-2", tmp_path / "data"))
    assert found.snapshot_index == restoring().index
    assert found.peers.servers == PEERS.servers
    assert found.store.kv.get("behind") is None, "the restore in the log came after it"
    assert found.store.kv.get("later") is not None
    snapshot = next((GOLDEN / "data-2" / "raft" / "snapshots").iterdir())
    assert read_head(snapshot).peers == PEERS
    assert list(read_snapshot(snapshot)) == list(take(restoring()))


def test_data_directories_are_written_as_they_were(tmp_path: Path) -> None:
    write_data_directory(tmp_path / "data")
    assert files(tmp_path / "data") == files(DATA)


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["data-1", "data-2"])
async def test_a_server_starts_on_a_data_directory_of_any_format(name: str, tmp_path: Path, log: Log) -> None:
    data = copied(GOLDEN / name, tmp_path / "data")
    storage = Storage(data, "dc1", RaftSettings(), rng=SeededRng(1), log=log.logger)
    assert len(storage.wal) > 0
    await storage.close()
    assert cast("list[object]", log.named("raft.tail.cut")) == []


@pytest.mark.timeout(30)
async def test_data_from_before_there_were_several_servers_is_a_cluster_of_its_own(tmp_path: Path, log: Log) -> None:
    data_dir = copied(GOLDEN / "data-1", tmp_path / "data")
    settings = dataclasses.replace(
        SETTINGS,
        node_id=NODE_ID,
        data_dir=str(data_dir),
        bootstrap_expect=3,
        retry_join=("127.0.0.1:1",),
        datacenter="dc1",
    )
    server = Server(settings, clock=SystemClock(), rng=SystemRng(), log=log.logger)
    await server.start()
    try:
        key = await server.read(KeyQuery(key="a"), ReadOptions())
        status = await server.leader_status()
        assert key.known_leader
        assert status.is_self
        assert [(one.id, one.voter) for one in status.peer_set.servers] == [(settings.node_id, True)]
    finally:
        await server.stop()
