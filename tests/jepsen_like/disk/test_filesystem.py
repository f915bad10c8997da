"""The calls of a disk under orders, without a mount."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lictor_jepsen.disk.filesystem import BLOCK_BYTES, Filesystem
from lictor_jepsen.disk.image import Loss
from lictor_jepsen.disk.orders import ALL, Behave, Flip, KeepCopy, Lose, Wipe


def _disk(capacity: int = 1024 * 1024, sync_s: float = 0.0) -> Filesystem:
    return Filesystem(capacity, sync_s, lambda: 42)


def _written(disk: Filesystem, path: str = "/f", data: bytes = b"data") -> int:
    handle = disk.create(path, 0o600, os.O_WRONLY)
    disk.write(path, data, 0, handle)
    return handle


def _read(disk: Filesystem, path: str = "/f") -> bytes:
    return disk.read(path, 100_000, 0, disk.open(path, os.O_RDONLY))


def _fails(number: int, call: Callable[[], object]) -> None:
    with pytest.raises(OSError) as caught:
        call()
    assert caught.value.errno == number


def test_a_power_cut_takes_what_was_not_synced() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.fsync(None, 0, handle)
    disk.fsyncdir(None, 0, disk.opendir("/"))
    disk.write(None, b"more", 4, handle)
    assert _read(disk) == b"datamore"
    answer = disk.carry_out(Lose(seed=1, loss=Loss.FORGOTTEN))
    assert answer.said == "1 files were not synced, changes forgotten"
    assert _read(disk) == b"data"


def test_without_power_nothing_is_done_and_a_sync_under_way_does_not_succeed() -> None:
    disk = _disk(sync_s=30.0)
    handle = _written(disk)
    raised: list[int | None] = []

    def sync() -> None:
        try:
            disk.fsync(None, 0, handle)
        except OSError as error:
            raised.append(error.errno)

    syncing = threading.Thread(target=sync)
    syncing.start()
    began = time.monotonic()
    disk.carry_out(Behave(off=True))
    syncing.join(20)
    assert raised == [errno.EIO], "it ends at once, and fails"
    assert time.monotonic() - began < 20
    _fails(errno.EIO, lambda: disk.write(None, b"x", 0, handle))
    _fails(errno.EIO, lambda: disk.read(None, 1, 0, handle))
    disk.carry_out(Lose(seed=1, loss=Loss.FORGOTTEN))
    disk.carry_out(Behave())
    _fails(errno.ENOENT, lambda: disk.getattr("/f"))


def test_one_sync_fails_and_the_next_does_not_bring_back_what_it_lost() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.fsyncdir(None, 0, disk.opendir("/"))
    disk.carry_out(Behave(failing_syncs=1, seed=1))
    _fails(errno.EIO, lambda: disk.fsync(None, 0, handle))
    disk.fsync(None, 0, handle)
    assert disk.carry_out(Lose(seed=1, loss=Loss.FORGOTTEN)).refused == 1
    assert _read(disk) == b""


def test_all_syncs_fail_until_told_otherwise() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.carry_out(Behave(failing_syncs=ALL))
    for _ in range(3):
        _fails(errno.EIO, lambda: disk.fsync(None, 0, handle))
    _fails(errno.EIO, lambda: disk.fsyncdir(None, 0, disk.opendir("/")))
    disk.carry_out(Behave())
    disk.fsync(None, 0, handle)


def test_a_full_disk_takes_what_needs_no_room() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.carry_out(Behave(full=True))
    _fails(errno.ENOSPC, lambda: disk.write(None, b"x", 4, handle))
    _fails(errno.ENOSPC, lambda: disk.truncate("/f", 5))
    disk.write(None, b"DATA", 0, handle)
    disk.fsync(None, 0, handle)
    assert disk.statfs("/")["f_bavail"] == 0
    assert disk.carry_out(Behave()).refused == 2
    disk.write(None, b"x", 4, handle)
    assert _read(disk) == b"DATAx"


def test_a_disk_holds_no_more_than_it_can() -> None:
    disk = _disk(capacity=2 * BLOCK_BYTES)
    handle = _written(disk, data=bytes(BLOCK_BYTES + 1))
    assert disk.statfs("/")["f_bavail"] == 0
    assert disk.statfs("/")["f_blocks"] == 2
    _fails(errno.ENOSPC, lambda: disk.write(None, bytes(BLOCK_BYTES), BLOCK_BYTES + 1, handle))
    disk.unlink("/f")
    _written(disk, "/g", bytes(2 * BLOCK_BYTES))


def test_a_read_only_disk_is_read_and_not_changed() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.carry_out(Behave(read_only=True))
    calls: list[Callable[[], object]] = [
        lambda: disk.write(None, b"x", 0, handle),
        lambda: disk.fsync(None, 0, handle),
        lambda: disk.create("/g", 0o600, os.O_WRONLY),
        lambda: disk.open("/f", os.O_WRONLY),
        lambda: disk.mkdir("/d", 0o700),
        lambda: disk.rmdir("/d"),
        lambda: disk.unlink("/f"),
        lambda: disk.rename("/f", "/g"),
        lambda: disk.truncate("/f", 0),
        lambda: disk.chmod("/f", 0o400),
        lambda: disk.utimens("/f"),
    ]
    for call in calls:
        _fails(errno.EROFS, call)
    assert _read(disk) == b"data"
    disk.carry_out(Behave())
    disk.fsync(None, 0, handle)


def test_a_disk_that_cannot_be_read_can_be_listed() -> None:
    disk = _disk()
    _written(disk)
    disk.carry_out(Behave(failing_reads=True))
    handle = disk.open("/f", os.O_RDONLY)
    _fails(errno.EIO, lambda: disk.read("/f", 4, 0, handle))
    assert list(disk.readdir("/", disk.opendir("/"))) == [".", "..", "f"]


def test_a_slow_disk_takes_its_time_and_lets_others_go_on() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.carry_out(Behave(sync_ms=200.0, write_ms=50.0))
    began = time.monotonic()
    syncing = threading.Thread(target=disk.fsync, args=(None, 0, handle))
    syncing.start()
    assert _read(disk) == b"data"
    read_after = time.monotonic() - began
    disk.write(None, b"x", 4, handle)
    assert time.monotonic() - began >= 0.05
    syncing.join(20)
    assert time.monotonic() - began >= 0.2
    assert read_after < 0.2


def test_appending_writes_go_to_the_end_whatever_the_kernel_takes_for_it() -> None:
    disk = _disk()
    _written(disk)
    handle = disk.open("/f", os.O_WRONLY | os.O_APPEND)
    disk.write(None, b"+", 0, handle)
    assert _read(disk) == b"data+"


def test_opening_can_empty_a_file() -> None:
    disk = _disk()
    _written(disk)
    disk.open("/f", os.O_WRONLY | os.O_TRUNC)
    assert _read(disk) == b""


def test_an_open_file_lives_on_without_a_name() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.unlink("/f")
    assert disk.read(None, 4, 0, handle) == b"data"
    disk.release(None, handle)
    _fails(errno.EBADF, lambda: disk.read(None, 4, 0, handle))


def test_what_is_known_of_files_and_folders() -> None:
    disk = _disk()
    disk.mkdir("/d", 0o700)
    _written(disk, "/d/f")
    disk.chmod("/d/f", 0o640)
    known = disk.getattr("/d/f")
    assert (known["st_mode"], known["st_size"], known["st_mtime"]) == (stat.S_IFREG | 0o640, 4, 42)
    disk.utimens("/d/f", (1, 2))
    assert disk.getattr("/d/f")["st_mtime"] == 2
    assert disk.getattr("/d")["st_mode"] == stat.S_IFDIR | 0o700
    _fails(errno.EISDIR, lambda: disk.open("/d", os.O_RDONLY))
    _fails(errno.ENOTDIR, lambda: disk.readdir("/d/f", disk.opendir("/d/f")))
    disk.rename("/d/f", "/d/g")
    disk.unlink("/d/g")
    disk.rmdir("/d")
    _fails(errno.ENOENT, lambda: disk.getattr("/d"))


def test_a_socket_is_a_name() -> None:
    disk = _disk()
    disk.mknod("/s", stat.S_IFSOCK | 0o600, 0)
    disk.chmod("/s", 0o660)
    assert disk.getattr("/s")["st_mode"] == stat.S_IFSOCK | 0o660


def test_an_open_file_without_a_path_is_cut_off_and_gets_its_mode_by_its_number() -> None:
    disk = _disk()
    handle = _written(disk)
    disk.truncate(None, 1, handle)
    disk.chmod(None, 0o640, handle)
    disk.utimens(None)
    assert (disk.getattr("/f")["st_size"], disk.getattr("/f")["st_mode"]) == (1, stat.S_IFREG | 0o640)


def test_a_bit_is_turned_over_where_told_and_a_folder_emptied(tmp_path: Path) -> None:
    disk = _disk()
    disk.mkdir("/raft", 0o700)
    _written(disk, "/raft/log", b"abc")
    _written(disk, "/raft-not", b"abc")
    said = disk.carry_out(Flip(seed=3, under="/raft")).said
    assert said.endswith("of /raft/log")
    assert _read(disk, "/raft/log") != b"abc"
    assert _read(disk, "/raft-not") == b"abc"
    assert disk.carry_out(KeepCopy(into=str(tmp_path))).said == "2 files copied"
    assert (tmp_path / "raft-not").read_bytes() == b"abc"
    disk.carry_out(Wipe(under="/raft"))
    assert list(disk.readdir("/raft", disk.opendir("/raft"))) == [".", ".."]
    disk.carry_out(Lose(seed=1, loss=Loss.FORGOTTEN))
    answer = disk.carry_out(Flip(seed=3, under="/raft"))
    assert "no file with a bit" in answer.error
