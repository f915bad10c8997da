"""Snapshot files: whole and verified, or not there."""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import DataDamagedError, DiskFullError
from lictor_core.peers import PeerSet, RaftServer
from lictor_server.raft.snapshot_file import SnapshotHead, list_snapshots, read_head, read_snapshot, write_snapshot

PEERS = PeerSet(
    cluster_id="5c1f8a52-3f4e-4b39-a2a4-7a0d51e4a6b1",
    servers=(
        RaftServer(id="a", name="n1", address="127.0.0.1:8300"),
        RaftServer(id="b", name="n2", address="127.0.0.2:8300", voter=False),
    ),
    index=40,
)
HEAD = SnapshotHead(42, 3, PEERS)


def accept(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass


def small(directory: Path) -> Path:
    return write_snapshot(directory, HEAD, [b"one", b"two"], accept)


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=5))
def test_reading_what_was_written_is_the_identity(chunks: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = write_snapshot(Path(name), HEAD, chunks, accept)
        assert list(read_snapshot(path)) == chunks
        assert read_head(path) == HEAD
        assert list_snapshots(Path(name)) == [path]


def test_any_flipped_byte_is_damage(tmp_path: Path) -> None:
    path = small(tmp_path)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with pytest.raises(DataDamagedError, match=path.name):
            list(read_snapshot(path))


def test_a_file_cut_anywhere_or_with_more_behind_is_damage(tmp_path: Path) -> None:
    path = small(tmp_path)
    data = path.read_bytes()
    for wrong in (*(data[:size] for size in range(len(data))), data + b"x"):
        path.write_bytes(wrong)
        with pytest.raises(DataDamagedError):
            list(read_snapshot(path))


def test_a_snapshot_that_cannot_be_loaded_is_not_announced(tmp_path: Path) -> None:
    before = small(tmp_path)

    def refuse(chunks: Iterator[bytes]) -> None:
        assert list(chunks) == [b"three"]
        raise DataDamagedError("no")

    with pytest.raises(DataDamagedError):
        write_snapshot(tmp_path, SnapshotHead(43, 3), [b"three"], refuse)
    assert os.listdir(tmp_path) == [before.name]


def test_names_sort_as_indexes_do(tmp_path: Path) -> None:
    for index in (1000, 9, 30):
        write_snapshot(tmp_path, SnapshotHead(index, 1), [b"x"], accept)
    assert [read_head(path).last_index for path in list_snapshots(tmp_path)] == [9, 30, 1000]


def test_a_head_without_servers_reads_as_such(tmp_path: Path) -> None:
    assert read_head(write_snapshot(tmp_path, SnapshotHead(9, 1), [], accept)) == SnapshotHead(9, 1, None)


def test_servers_of_a_later_entry_are_damage(tmp_path: Path) -> None:
    with pytest.raises(DataDamagedError, match="not those of its last entry"):
        write_snapshot(tmp_path, SnapshotHead(39, 3, PEERS), [], accept)


def test_format_1_is_still_read_and_has_no_servers(tmp_path: Path) -> None:
    first = struct.pack(">8sIQQ", b"lictorsn", 1, 42, 3)
    data = first + struct.pack(">I", zlib.crc32(first))
    data += struct.pack(">II", 3, zlib.crc32(b"one")) + b"one" + struct.pack(">II", 0, 1)
    path = tmp_path / "old.snapshot"
    path.write_bytes(data + hashlib.sha256(data).digest())
    assert read_head(path) == SnapshotHead(42, 3, None)
    assert list(read_snapshot(path)) == [b"one"]


def test_a_later_format_names_itself(tmp_path: Path) -> None:
    first = struct.pack(">8sIQQ", b"lictorsn", 3, 42, 3)
    path = tmp_path / "new.snapshot"
    path.write_bytes(first + struct.pack(">I", zlib.crc32(first)))
    with pytest.raises(DataDamagedError, match="format 3, this version reads 1 to 2"):
        read_head(path)


def test_a_snapshot_for_which_there_is_too_little_room_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = small(tmp_path)

    def nearly_full(_: object) -> os.statvfs_result:
        return os.statvfs_result((1, 1, 2**30, 5, 5, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", nearly_full)
    with pytest.raises(DiskFullError):
        write_snapshot(tmp_path, SnapshotHead(43, 3), [b"three"], accept)
    assert os.listdir(tmp_path) == [before.name]
