"""The files of the write-ahead log: appended to in batches, each synced; read at a start; dropped once a snapshot holds
what they hold. Everything here waits for the disk, so it runs in the log's thread, one call at a time.

Files are numbered without gaps. The next one is made only after the one before ended with an `END` record and was
synced: bytes that are no record are a torn tail in the last file alone, and there only with no mark behind them
(`records`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lictor_core.clock import Rng
from lictor_core.errors import DataDamagedError
from lictor_server.raft.files import DAMAGE_REMEDY, storage_errors, sync_directory, write_all
from lictor_server.raft.memory_log import LogEntry
from lictor_server.raft.records import FORMAT, Kind, Record, Scan, Start, encode, encode_start, mark, scan

__all__ = ["SEGMENT_BYTES_MAX", "Change", "Loaded", "Segments", "TailCut"]

SEGMENT_BYTES_MAX: Final = 16 * 1024 * 1024
"""A file that is this large is followed by another one; a batch is never split, so a file may be larger."""
_SUFFIX: Final = ".log"
_DIGITS: Final = 16
_SALT_BITS: Final = 32


class Change(NamedTuple):
    """One change of the log, to be written: an entry, a truncation from `entry` on, or a clearing."""

    kind: Kind
    entry: int
    term: int
    payload: bytes


class TailCut(NamedTuple):
    """The end of the last file was no whole record, as a crash leaves it, and was cut off."""

    path: Path
    offset: int
    cut_bytes: int


class Loaded(NamedTuple):
    """What the files held."""

    entries: list[LogEntry]
    last_index: int
    """Of the last entry, also when no file holds it any more; 0 for a new log."""
    tail_cut: TailCut | None


class _Segment(NamedTuple):
    number: int
    path: Path
    last_index: int
    """Of the entry before its first one."""


class Segments:
    """The log's directory, which no other process may use meanwhile. `load` comes first, once."""

    def __init__(self, directory: Path, rng: Rng, *, segment_bytes_max: int = SEGMENT_BYTES_MAX) -> None:
        self._directory = directory
        self._rng = rng
        self._bytes_max = segment_bytes_max
        self._segments: list[_Segment] = []
        self._descriptor = -1
        self._salt = 0
        self._size = 0
        self._marked_to = 0
        self._ended = False
        self._failed = False
        self._last_index = 0

    @property
    def all_marked(self) -> bool:
        """Whether what was synced last has its mark, so that damage to it would be known for what it is."""
        return self._marked_to == self._size

    def load(self) -> Loaded:
        """Read all files, cut a torn tail, and be ready to append.

        Raises `DataDamagedError` for anything else than what was written, and `StorageError` when files cannot be read.
        """
        paths = self._paths()
        loaded = self._read(paths)
        with storage_errors("open", self._directory):
            self._open_last(paths, loaded.tail_cut)
        return loaded

    def read(self) -> Loaded:
        """What `load` gives and raises, without touching a file; nothing can be appended."""
        return self._read(self._paths())

    def _read(self, paths: Sequence[Path]) -> Loaded:
        entries: list[LogEntry] = []
        tail_cut = None
        for place, path in enumerate(paths):
            with storage_errors("read", path):
                data = path.read_bytes()
            found, is_last = scan(data), place == len(paths) - 1
            if found.end < len(data) or found.start is None:
                tail_cut = _torn(path, data, found, is_last)
            if found.start is None:
                continue
            self._check_start(path, found.start)
            self._replay(path, found, entries)
            ended = bool(found.records) and found.records[-1].kind is Kind.END
            if not ended and not is_last:
                raise _damage(path, found.end, "it lacks its last record, yet another file follows it")
            self._continue_in(found, ended)
        return Loaded(entries, self._last_index, tail_cut)

    def append(self, changes: Sequence[Change]) -> None:
        """Write `changes` behind a mark and sync them; without any, the mark alone. Raises `StorageError`.

        What follows a clearing comes in the same batch, since only that says with which index the log goes on.
        """
        assert not self._failed, "a log that could not be written is not written any more"
        assert not changes or changes[-1].kind is not Kind.CLEAR, "nothing follows a clearing"
        with storage_errors("write the log in", self._directory):
            if self._descriptor < 0 or self._ended or self._size >= self._bytes_max:
                self._begin_segment()
            number = self._segments[-1].number
            parts = [mark(Kind.MARK, number, self._size, self._salt)]
            self._marked_to = self._size + len(parts[0])
            parts += [encode(*change, self._salt) for change in changes]
            self._write(b"".join(parts))
        if changes:
            self._last_index = changes[-1].entry - (changes[-1].kind is Kind.TRUNCATE)

    def drop_before(self, index: int) -> int:
        """Delete files that hold no entry at `index` or behind it, oldest first; how many. Raises `StorageError`."""
        count = 0
        with storage_errors("delete old files of the log in", self._directory):
            while len(self._segments) > 1 and self._segments[1].last_index < index:
                self._segments[0].path.unlink()
                del self._segments[0]
                count += 1
            if count:
                sync_directory(self._directory)
        return count

    def finish(self) -> None:
        """Mark what was appended last, and let go of the files. Raises `StorageError`."""
        try:
            if not self.all_marked and not self._failed:
                self.append(())
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the files; what was appended is synced already."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # Reading.

    def _paths(self) -> list[Path]:
        with storage_errors("read", self._directory):
            paths = sorted(path for path in self._directory.iterdir() if path.suffix == _SUFFIX)
        for before, path in zip([None, *paths], paths, strict=False):
            if not path.stem.isdecimal():
                raise DataDamagedError(f"{path} is no file of the log: move it out of the data directory")
            if before is not None and int(path.stem) != int(before.stem) + 1:
                raise DataDamagedError(f"the log has no file between {before} and {path}: {DAMAGE_REMEDY}")
        return paths

    def _check_start(self, path: Path, start: Start) -> None:
        if start.format != FORMAT:
            raise DataDamagedError(
                f"{path} has format {start.format}, this version reads {FORMAT}: start the version that wrote it"
            )
        if start.number != int(path.stem):
            raise _damage(path, 0, f"it was file {start.number} of the log, not this one")
        if self._segments and start.last_index != self._last_index:
            raise _damage(
                path, 0, f"it goes on behind entry {start.last_index}, but the file before ends with {self._last_index}"
            )
        self._segments.append(_Segment(start.number, path, start.last_index))
        self._last_index = start.last_index

    def _replay(self, path: Path, found: Scan, entries: list[LogEntry]) -> None:
        """Carry out the records of one file on `entries`."""
        last = self._last_index
        free = False
        for record in found.records:
            match record.kind:
                case Kind.ENTRY:
                    if record.entry != last + 1 and not free:
                        raise _damage(path, record.offset, f"entry {record.entry} follows entry {last}")
                    entries.append((record.payload, record.entry, record.term))
                    last, free = record.entry, False
                case Kind.TRUNCATE:
                    while entries and entries[-1][1] >= record.entry:
                        entries.pop()
                    last = record.entry - 1
                case Kind.CLEAR:
                    entries.clear()
                    free = True
                case Kind.MARK | Kind.END:
                    _check_mark(path, record, found)
                case Kind.START:
                    raise _damage(path, record.offset, "a second first record")
        self._last_index = last

    def _continue_in(self, found: Scan, ended: bool) -> None:
        assert found.start is not None, "a file without a start holds nothing to go on with"
        self._salt = found.start.salt
        self._size = self._marked_to = found.end
        self._ended = ended

    def _open_last(self, paths: Sequence[Path], tail_cut: TailCut | None) -> None:
        """Cut the tail, and sync what was found: a process that was killed may have left it unsynced."""
        if len(paths) > len(self._segments):  # the last file was being made when the process died: nothing was in it
            paths[-1].unlink()
        if self._segments:
            self._descriptor = os.open(self._segments[-1].path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            if tail_cut is not None and tail_cut.path == self._segments[-1].path:
                os.ftruncate(self._descriptor, tail_cut.offset)
            os.fsync(self._descriptor)
        sync_directory(self._directory)

    # Writing.

    def _write(self, data: bytes) -> None:
        self._failed = True
        write_all(self._descriptor, data)
        os.fdatasync(self._descriptor)
        self._size += len(data)
        self._failed = False

    def _begin_segment(self) -> None:
        number = 1
        if self._segments:
            number = self._segments[-1].number + 1
            if not self._ended:
                self._write(mark(Kind.END, number - 1, self._size, self._salt))
            os.close(self._descriptor)
            self._descriptor = -1
        path = self._directory / f"{number:0{_DIGITS}d}{_SUFFIX}"
        self._salt = self._rng.bits(_SALT_BITS)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size, self._ended = 0, False
        self._segments.append(_Segment(number, path, self._last_index))
        self._write(encode_start(Start(FORMAT, number, self._salt, self._last_index)))
        os.fsync(self._descriptor)
        sync_directory(self._directory)


def _torn(path: Path, data: bytes, found: Scan, is_last: bool) -> TailCut:
    if not is_last:
        raise _damage(path, found.end, "no record is there, yet another file follows this one")
    if found.mark_behind is not None:
        raise _damage(
            path, found.end, f"no record is there, yet what is at offset {found.mark_behind} was written later"
        )
    return TailCut(path, found.end, len(data) - found.end)


def _check_mark(path: Path, record: Record, found: Scan) -> None:
    assert found.start is not None, "records are read behind a start alone"
    if record.entry != found.start.number or record.term != record.offset:
        raise _damage(path, record.offset, "its mark belongs to another place")
    if record.kind is Kind.END and record is not found.records[-1]:
        raise _damage(path, record.offset, "records follow its last one")


def _damage(path: Path, offset: int, reason: str) -> DataDamagedError:
    return DataDamagedError(f"{path} is damaged at offset {offset}: {reason}; {DAMAGE_REMEDY}")
