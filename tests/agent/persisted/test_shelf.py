"""The directories of what is kept: whole files or none, private, and what cannot be used stays."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest

from lictor_agent.persisted.shelf import FILE_BYTES_MAX, Found, Item, Kind, Shelf
from lictor_core.errors import DiskFailedError, DiskFullError, StorageError

SERVICE = Item(Kind.SERVICE, "aa")
CHECK = Item(Kind.CHECK, "bb")
STATUS = Item(Kind.STATUS, "cc")


def _found(shelf: Shelf) -> dict[Item, bytes]:
    return {one.item: one.data for one in shelf.find() if isinstance(one, Found)}


def test_what_was_written_is_found(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "data")
    assert _found(shelf) == {}
    assert shelf.apply({SERVICE: b"s", CHECK: b"c", STATUS: b"t"}) == {}
    assert _found(Shelf(tmp_path / "data")) == {SERVICE: b"s", CHECK: b"c", STATUS: b"t"}
    assert shelf.apply({SERVICE: b"new", CHECK: None, STATUS: None}) == {}
    assert _found(shelf) == {SERVICE: b"new"}
    assert shelf.apply({CHECK: None}) == {}


def test_files_and_directories_are_private(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.apply({SERVICE: b"s", STATUS: b"t"})
    for item in (SERVICE, STATUS):
        path = shelf.path(item)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_set_aside_is_not_found_and_not_lost(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.apply({SERVICE: b"s"})
    aside = shelf.set_aside(SERVICE)
    assert (aside.read_bytes(), _found(shelf)) == (b"s", {})


def test_what_a_crash_left_unfinished_is_removed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.apply({SERVICE: b"s"})
    unfinished = shelf.path(SERVICE).with_name("aa.tmp")
    unfinished.write_bytes(b"half")
    assert _found(shelf) == {SERVICE: b"s"}
    assert not unfinished.exists()


def test_a_file_of_any_size_is_read_up_to_a_bound(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.apply({SERVICE: b"x" * (FILE_BYTES_MAX + 9)})
    assert len(_found(shelf)[SERVICE]) == FILE_BYTES_MAX + 1


def test_a_full_disk_fails_what_does_not_fit_and_keeps_what_was_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.apply({SERVICE: b"old"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        failed = shelf.apply({SERVICE: b"x" * 5000, CHECK: b"small"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert set(failed) == {SERVICE}
    assert isinstance(failed[SERVICE], DiskFullError)
    assert str(shelf.path(SERVICE)) in str(failed[SERVICE])
    assert _found(shelf) == {SERVICE: b"old", CHECK: b"small"}
    assert os.listdir(tmp_path / "services") == ["aa"]


def test_a_directory_that_is_none_fails_its_files_alone(tmp_path: Path) -> None:
    (tmp_path / "services").write_text("in the way")
    shelf = Shelf(tmp_path)
    failed = shelf.apply({SERVICE: b"s", CHECK: b"c"})
    assert set(failed) == {SERVICE}
    assert isinstance(failed[SERVICE], DiskFailedError)
    found = list(shelf.find())
    assert [one for one in found if isinstance(one, Found)] == [Found(CHECK, b"c")]
    assert len([one for one in found if isinstance(one, StorageError)]) == 2  # of it, and of what would be beneath it


def test_everything_is_synced_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    rename, fdatasync, fsync = Path.rename, os.fdatasync, os.fsync

    def renamed(self: Path, target: Path) -> Path:
        steps.append(f"rename {self.name}")
        return rename(self, target)

    def synced(descriptor: int) -> None:
        steps.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        (fsync if os.path.isdir(f"/proc/self/fd/{descriptor}") else fdatasync)(descriptor)

    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(os, "fdatasync", synced)
    monkeypatch.setattr(os, "fsync", synced)
    Shelf(tmp_path).apply({SERVICE: b"s"})
    assert steps == ["sync aa.tmp", "rename aa.tmp", "sync services"]
