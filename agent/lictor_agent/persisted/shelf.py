"""The directories of what is kept, and the only module here that touches files.

Each thing is a file of its own, written whole or not at all: a temporary file, synced, renamed, and its directory
synced. Many changes are done in one go, so that the disk is asked to sync few times for all of them. All functions
block: they are for a thread of their own. What cannot be read is set aside under another name, never deleted.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from lictor_core.errors import DiskFailedError, DiskFullError, StorageError

__all__ = ["DAMAGED", "FILE_BYTES_MAX", "THREADS_MAX", "Found", "Item", "Kind", "Shelf"]

K = TypeVar("K")
T = TypeVar("T")

THREADS_MAX: Final = 8
"""Files that are synced, renamed or removed at the same time. One after the other each sync costs a write of the file
system's journal, and each name that is taken away a discard on some disks: with 64 files that was ten times slower."""
FILE_BYTES_MAX: Final = 2 * 1024 * 1024
"""The largest file that is read: twice the largest body of a registration."""
DAMAGED: Final = ".damaged"
"""How names of files end that could not be used; they stay until somebody removes them."""
_TEMPORARY: Final = ".tmp"
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PRIVATE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700


class Kind(enum.StrEnum):
    """What is kept; the values are the directories beneath the data directory."""

    SERVICE = "services"
    DEFAULTS = "services/configs"
    CHECK = "checks"
    STATUS = "checks/state"

    @property
    def is_synced(self) -> bool:
        """Whether it must outlive a loss of power too; the state of a TTL check is told again soon."""
        return self is not Kind.STATUS


class Item(NamedTuple):
    """One thing that is kept: its kind, and the name of its file."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was found."""

    item: Item
    data: bytes


class Shelf:
    """The files beneath one data directory. Directories are made when something is first kept."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def path(self, item: Item) -> Path:
        """Where something is kept."""
        return self._data_dir / item.kind / item.name

    def find(self, *kinds: Kind) -> Iterator[Found | StorageError]:
        """Everything that is kept of these kinds, by kind, and an error for each file or directory that cannot be read.

        Temporary files that a crash left are removed.
        """
        for kind in kinds or Kind:
            directory = self._data_dir / kind
            try:
                names = sorted(one.name for one in os.scandir(directory) if one.is_file())
            except FileNotFoundError:
                continue
            except OSError as error:
                yield _storage_error("read", directory, error)
                continue
            for name in names:
                if name.endswith(_TEMPORARY):
                    with contextlib.suppress(OSError):
                        (directory / name).unlink()
                elif not name.endswith(DAMAGED):
                    yield self._read(Item(kind, name))

    def set_aside(self, item: Item) -> Path:
        """Give a file that cannot be used another name; that name. Raises `StorageError`."""
        path = self.path(item)
        aside = path.with_name(path.name + DAMAGED)
        try:
            path.rename(aside)
        except OSError as error:
            raise _storage_error("rename", path, error) from error
        return aside

    def apply(self, changes: Mapping[Item, bytes | None]) -> dict[Item, StorageError]:
        """Write files, or remove them where there are no bytes; durable on return, but for what failed and why."""
        failed: dict[Item, StorageError] = {}
        written: dict[Item, int] = {}
        try:
            for item, data in changes.items():
                if data is not None:
                    try:
                        written[item] = self._write(item, data)
                    except OSError as error:
                        failed[item] = _storage_error("write", self.path(item), error)
            failed |= _each({item: one for item, one in written.items() if item.kind.is_synced}, self._sync_file)
        finally:
            for descriptor in written.values():
                os.close(descriptor)
        failed |= _each({item: changes[item] for item in changes if item not in failed}, self._put_in_place)
        directories = {item.kind: self._data_dir / item.kind for item in changes if item not in failed}
        unsynced = _each({kind: path for kind, path in directories.items() if kind.is_synced}, _sync_directory)
        return failed | {item: unsynced[item.kind] for item in changes if item.kind in unsynced and item not in failed}

    def _read(self, item: Item) -> Found | StorageError:
        path = self.path(item)
        try:
            with path.open("rb") as file:
                return Found(item, file.read(FILE_BYTES_MAX + 1))
        except OSError as error:
            return _storage_error("read", path, error)

    def _temporary(self, item: Item) -> Path:
        path = self.path(item)
        return path.with_name(path.name + _TEMPORARY)

    def _write(self, item: Item, data: bytes) -> int:
        """Write the temporary file; its descriptor."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        temporary = self._temporary(item)
        try:
            descriptor = os.open(temporary, flags, _PRIVATE)
        except FileNotFoundError:
            for directory in (temporary.parent.parent, temporary.parent):
                directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
            descriptor = os.open(temporary, flags, _PRIVATE)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        return descriptor

    def _sync_file(self, item: Item, descriptor: int) -> StorageError | None:
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            return _storage_error("write", self.path(item), error)
        return None

    def _put_in_place(self, item: Item, data: bytes | None) -> StorageError | None:
        path = self.path(item)
        try:
            if data is None:
                path.unlink(missing_ok=True)
            else:
                self._temporary(item).rename(path)
        except OSError as error:
            return _storage_error("remove" if data is None else "write", path, error)
        return None


def _sync_directory(_kind: Kind, path: Path) -> StorageError | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None  # nothing was ever kept here: what was removed was not there
    except OSError as error:
        return _storage_error("open", path, error)
    try:
        os.fsync(descriptor)
    except OSError as error:
        return _storage_error("sync", path, error)
    finally:
        os.close(descriptor)
    return None


def _each(things: Mapping[K, T], do: Callable[[K, T], StorageError | None]) -> dict[K, StorageError]:
    """Do something to many things at the same time, and tell what failed."""
    if len(things) <= 1:
        outcomes = [do(key, thing) for key, thing in things.items()]
    else:
        with ThreadPoolExecutor(min(len(things), THREADS_MAX)) as threads:
            outcomes = list(threads.map(do, things.keys(), things.values()))
    return {key: problem for key, problem in zip(things, outcomes, strict=True) if problem is not None}


def _storage_error(doing: str, path: Path, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        return DiskFullError(f"cannot {doing} {path}: {reason}; make room on that disk")
    return DiskFailedError(f"cannot {doing} {path}: {reason}; check the disk and the rights of that path")
