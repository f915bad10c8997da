"""Files that survive a crash: written whole or not at all, synced with their directory; the errors of disks told apart.

fsync(2) and rename(2): a new name lasts only once its directory is synced too. A failed fsync is final, since the
kernel may have dropped what it could not write: nothing here tries again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Final

from lictor_core.errors import ConfigurationError, DiskFailedError, DiskFullError, StorageError

__all__ = [
    "DAMAGE_REMEDY",
    "ROOM_KEPT_BYTES_MAX",
    "TEMPORARY",
    "keep_room",
    "lock_directory",
    "storage_errors",
    "sync_directory",
    "unlock_directory",
    "write_all",
    "write_atomically",
]

DAMAGE_REMEDY: Final = (
    "empty the data directory, and this server gets everything from the others again; if there are none, restore a "
    "snapshot"
)
"""What helps a server whose own files are damaged. An older copy of them does not: what it acknowledged since, and how
it voted, would be forgotten."""
TEMPORARY: Final = ".tmp"
"""How names of files end that are not finished; whoever opens the directory deletes what was left."""
ROOM_KEPT_BYTES_MAX: Final = 32 * 1024 * 1024
"""What is written besides the log leaves so much room on the disk, or a part of a small one."""
_ROOM_KEPT_PARTS: Final = 20
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def storage_errors(doing: str, path: Path) -> Generator[None]:
    """Turn an `OSError` of the block into a `DiskFullError` or `DiskFailedError` that names the path."""
    try:
        yield
    except OSError as error:
        raise _storage_error(doing, path, error) from error


def _storage_error(doing: str, path: Path, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        return DiskFullError(f"cannot {doing} {path}: {reason}; make room on that disk, then start the server again")
    return DiskFailedError(
        f"cannot {doing} {path}: {reason}; check the disk and the rights of that path, then start the server again"
    )


def keep_room(path: Path, size: int) -> None:
    """Raise `DiskFullError` when `size` more bytes on the disk of `path` would leave too little room for the log.

    For what can be put off. The log that cannot be written ends the server, so nothing else may take its last room.
    """
    with storage_errors("look at the disk of", path):
        disk = os.statvfs(path)
    kept = min(ROOM_KEPT_BYTES_MAX, disk.f_blocks * disk.f_frsize // _ROOM_KEPT_PARTS)
    left = disk.f_bavail * disk.f_frsize
    if left - size < kept:
        raise DiskFullError(
            f"cannot write {size} bytes to {path}: the disk has {left} left, of which {kept} are kept for the log; "
            "make room on that disk"
        )


def sync_directory(path: Path) -> None:
    """Make the names in a directory last."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, however many calls it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_atomically(path: Path, parts: Iterable[bytes]) -> None:
    """Make `path` hold `parts`, durably: after a crash it holds them all, or what it held before.

    Raises `StorageError`.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    with storage_errors("write", path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            for part in parts:
                write_all(descriptor, part)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
        sync_directory(path.parent)


def lock_directory(path: Path) -> int:
    """Keep other processes out of a directory until `unlock_directory`, or until this process ends.

    Raises `ConfigurationError` when another one is in it.
    """
    with storage_errors("open", path):
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ConfigurationError(
            f"another agent uses the data directory {path.parent}: end it, or name another directory with -data-dir"
        ) from error
    return descriptor


def unlock_directory(descriptor: int) -> None:
    """Let others in again."""
    os.close(descriptor)
