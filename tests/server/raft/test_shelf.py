"""A snapshot that comes in pieces: nothing has the name of a snapshot before it is whole and judged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lictor_core.errors import DataDamagedError, RequestError, StorageError
from lictor_server.raft.shelf import NOTE, SYNC_BYTES, FileShelf, InstallNote, delete_note, read_note
from lictor_server.raft.snapshot_file import (
    SnapshotHead,
    list_snapshots,
    path_of,
    read_head,
    read_snapshot,
    write_snapshot,
)

HEAD = SnapshotHead(42, 3)
CHUNKS = [b"one", b"two"]


def accept(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass


def load(path: Path) -> list[bytes]:
    return list(read_snapshot(path))


@pytest.fixture
def sent(tmp_path: Path) -> bytes:
    """The bytes of a leader's snapshot."""
    (tmp_path / "leader").mkdir()
    return write_snapshot(tmp_path / "leader", HEAD, CHUNKS, accept).read_bytes()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.fixture
def shelf(directory: Path) -> FileShelf[list[bytes]]:
    return FileShelf(directory, load)


def fill(shelf: FileShelf[list[bytes]], data: bytes) -> None:
    shelf.begin()
    for at in range(0, len(data), 10):
        shelf.write(data[at : at + 10])


def test_a_whole_snapshot_takes_its_name_and_older_ones_go(
    shelf: FileShelf[list[bytes]], directory: Path, sent: bytes
) -> None:
    write_snapshot(directory, SnapshotHead(7, 1), [], accept)
    fill(shelf, sent)
    assert shelf.judge(42, 3) == (HEAD, CHUNKS)
    assert [path.name for path in list_snapshots(directory)] == [path_of(directory, SnapshotHead(7, 1)).name]
    shelf.publish(HEAD)
    assert list_snapshots(directory) == [path_of(directory, HEAD)]
    assert read_head(path_of(directory, HEAD)) == HEAD
    assert read_note(directory) == InstallNote(last_index=42, term=3)
    shelf.settle()
    assert read_note(directory) is None
    assert os.listdir(directory) == [path_of(directory, HEAD).name]


def test_bytes_that_are_not_the_leaders_are_damage(shelf: FileShelf[list[bytes]], sent: bytes) -> None:
    for place in range(len(sent)):
        fill(shelf, sent[:place] + bytes([sent[place] ^ 1]) + sent[place + 1 :])
        with pytest.raises(DataDamagedError):
            shelf.judge(42, 3)
    for size in range(len(sent)):
        fill(shelf, sent[:size])
        with pytest.raises(DataDamagedError):
            shelf.judge(42, 3)


def test_another_snapshot_than_was_said_is_damage(shelf: FileShelf[list[bytes]], sent: bytes) -> None:
    for said in ((41, 3), (42, 2)):
        fill(shelf, sent)
        with pytest.raises(DataDamagedError, match="is one of entry 42 of term 3"):
            shelf.judge(*said)


def test_beginning_anew_forgets_what_came_before(shelf: FileShelf[list[bytes]], sent: bytes) -> None:
    fill(shelf, b"of another leader" * 10)
    fill(shelf, sent)
    assert shelf.judge(42, 3) == (HEAD, CHUNKS)


def test_dropping_leaves_nothing_and_late_pieces_go_nowhere(
    shelf: FileShelf[list[bytes]], directory: Path, sent: bytes
) -> None:
    fill(shelf, sent)
    shelf.drop()
    shelf.write(b"late")
    shelf.drop()
    assert os.listdir(directory) == []


def test_long_files_are_synced_on_the_way(
    shelf: FileShelf[list[bytes]], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", sync)
    shelf.begin()
    for _ in range(5):
        shelf.write(bytes(SYNC_BYTES // 2))
    assert synced == [SYNC_BYTES, 2 * SYNC_BYTES]


def test_a_note_that_is_not_what_was_written_is_damage(
    shelf: FileShelf[list[bytes]], directory: Path, sent: bytes
) -> None:
    fill(shelf, sent)
    shelf.judge(42, 3)
    shelf.publish(HEAD)
    data = (directory / NOTE).read_bytes()
    for place in range(len(data)):
        (directory / NOTE).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(DataDamagedError, match=NOTE):
            read_note(directory)
    delete_note(directory)
    delete_note(directory)


def test_a_directory_that_is_gone_is_told(shelf: FileShelf[list[bytes]], directory: Path) -> None:
    directory.rmdir()
    with pytest.raises(StorageError, match="incoming"):
        shelf.begin()


def test_what_cannot_be_loaded_is_not_named(directory: Path, sent: bytes) -> None:
    def refuse(path: Path) -> list[bytes]:
        raise RequestError("of another datacenter")

    shelf = FileShelf(directory, refuse)
    fill(shelf, sent)
    with pytest.raises(RequestError, match="datacenter"):
        shelf.judge(42, 3)
    assert list_snapshots(directory) == []
