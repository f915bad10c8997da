"""Files that survive a crash."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lictor_core.errors import ConfigurationError, DiskFailedError, DiskFullError, StorageError
from lictor_server.raft.files import (
    ROOM_KEPT_BYTES_MAX,
    keep_room,
    lock_directory,
    storage_errors,
    sync_directory,
    unlock_directory,
    write_all,
    write_atomically,
)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, DiskFullError), (errno.EDQUOT, DiskFullError), (errno.EIO, DiskFailedError)],
)
def test_errors_of_the_disk_are_told_apart_and_name_the_path(number: int, kind: type[StorageError]) -> None:
    with pytest.raises(kind, match=r"cannot write /x/y: .*start the server again") as caught, _storage_errors():
        raise OSError(number, os.strerror(number))
    assert not caught.value.definite


def _storage_errors() -> AbstractContextManager[None]:
    return storage_errors("write", Path("/x/y"))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomically(path, [b"old"])
    write_atomically(path, [b"n", b"ew"])
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_keeps_what_it_held_when_writing_it_anew_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    write_atomically(path, [b"old"])

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DiskFailedError):
        write_atomically(path, [b"new"])
    assert path.read_bytes() == b"old"


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def write_little(descriptor: int, data: memoryview) -> int:
        return write(descriptor, data[:3])

    monkeypatch.setattr(os, "write", write_little)
    write_atomically(tmp_path / "f", [b"0123456789"])
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_device_is_a_full_disk() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(DiskFullError), storage_errors("write", Path("/dev/full")):
            write_all(descriptor, b"x")
    finally:
        os.close(descriptor)


def test_one_process_at_a_time_holds_a_directory(tmp_path: Path) -> None:
    held = lock_directory(tmp_path)
    with pytest.raises(ConfigurationError, match="another agent uses"):
        lock_directory(tmp_path)
    unlock_directory(held)
    unlock_directory(lock_directory(tmp_path))


def test_a_missing_directory_cannot_be_synced(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_directory(tmp_path / "missing")


@pytest.mark.parametrize(("size", "kept"), [(2 * 2**20, 2**20 // 10), (2**40, ROOM_KEPT_BYTES_MAX)])
def test_what_can_be_put_off_leaves_room_for_the_log(
    size: int, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statvfs(left: int) -> Callable[[object], os.statvfs_result]:
        return lambda _: os.statvfs_result((1, 1, size, left, left, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs(kept + 10))
    keep_room(tmp_path, 10)
    monkeypatch.setattr(os, "statvfs", statvfs(kept + 9))
    with pytest.raises(DiskFullError, match="kept for the log"):
        keep_room(tmp_path, 10)
