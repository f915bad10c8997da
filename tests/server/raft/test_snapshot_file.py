"""Snapshot files: whole and verified, or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import DataDamagedError
from lictor_server.raft.snapshot_file import SnapshotHead, list_snapshots, read_head, read_snapshot, write_snapshot

HEAD = SnapshotHead(42, 3)


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
