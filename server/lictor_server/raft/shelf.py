"""The directory of snapshots while one comes in pieces from a leader: an unfinished file, a name, and a note beside it.

The note, `SNAPSHOTS/installing`, names the entry of a snapshot that took its name although the log did not fit it. It
is written before the name and deleted after the log was emptied. A start that finds it empties the log itself, if that
has not happened (`wal.align`); without it a log that does not fit its snapshot is damage.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from lictor_core.errors import DataDamagedError
from lictor_server.raft.checked_file import load_checked, save_checked
from lictor_server.raft.files import (
    TEMPORARY,
    storage_errors,
    sync_directory,
    write_all,
)
from lictor_server.raft.snapshot_file import SnapshotHead, list_snapshots, path_of, read_head

__all__ = ["NOTE", "FileShelf", "InstallNote", "delete_note", "read_note"]

NOTE: Final = "installing"
SYNC_BYTES: Final = 4 * 1024 * 1024
"""After so much the file is synced, so that no sync is long and holds up those of the log."""

S = TypeVar("S")


class InstallNote(msgspec.Struct, frozen=True, kw_only=True):
    """The last entry of the snapshot that is being installed."""

    last_index: int
    term: int


class FileShelf(Generic[S]):
    """See `install.Shelf`; for one thread. `load` reads a state from a whole file."""

    def __init__(self, directory: Path, load: Callable[[Path], S]) -> None:
        self._directory = directory
        self._load = load
        self._path = directory / f"incoming{TEMPORARY}"
        self._descriptor = -1
        self._unsynced = 0

    def begin(self) -> None:
        """Make an empty unfinished file; one that was there goes. Raises `StorageError`."""
        self._close()
        with storage_errors("write", self._path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
        self._unsynced = 0

    def write(self, data: bytes) -> None:
        """Append to it. Raises `StorageError`."""
        if self._descriptor < 0:
            return  # it was dropped while this waited
        with storage_errors("write", self._path):
            write_all(self._descriptor, data)
            self._unsynced += len(data)
            if self._unsynced >= SYNC_BYTES:
                os.fdatasync(self._descriptor)
                self._unsynced = 0

    def judge(self, last_index: int, term: int) -> tuple[SnapshotHead, S]:
        """Sync it, check it and load it. Raises `StorageError`, and what `load` raises."""
        with storage_errors("write", self._path):
            os.fsync(self._descriptor)
        self._close()
        head = read_head(self._path)
        if (head.last_index, head.term) != (last_index, term):
            raise DataDamagedError(
                f"the leader's snapshot of entry {last_index} of term {term} is one of entry {head.last_index} of term "
                f"{head.term}: it is dropped and asked for again"
            )
        return head, self._load(self._path)

    def publish(self, head: SnapshotHead) -> None:
        """Give it its name, durably, with the note beside it; older ones go. Raises `StorageError`."""
        path = path_of(self._directory, head)
        save_checked(self._directory / NOTE, InstallNote(last_index=head.last_index, term=head.term))
        with storage_errors("name", path):
            self._path.rename(path)
            sync_directory(self._directory)
        with storage_errors("delete old snapshots in", self._directory):
            for older in list_snapshots(self._directory):
                if older < path:
                    older.unlink()

    def settle(self) -> None:
        """Delete the note. Raises `StorageError`."""
        delete_note(self._directory)

    def drop(self) -> None:
        """Delete the unfinished file, if any. Raises `StorageError`."""
        self._close()
        with storage_errors("delete", self._path):
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_note(directory: Path) -> InstallNote | None:
    """The note in a directory of snapshots; None when nothing was being installed. Raises `StorageError`."""
    return load_checked(directory / NOTE, InstallNote)


def delete_note(directory: Path) -> None:
    """Delete the note, durably, if there is one. Raises `StorageError`."""
    with storage_errors("delete", directory / NOTE):
        (directory / NOTE).unlink(missing_ok=True)
        sync_directory(directory)
