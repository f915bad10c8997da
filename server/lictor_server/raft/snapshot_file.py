"""Snapshot files: chunks of bytes under a head that says which entry of the log they end with.

    magic 8 | format 4 | index 8 | term 8 | crc32 of these 4 | servers | chunks | end

    chunk: length 4 | crc32 4 | bytes        end: length 0 | count of chunks 4 | SHA-256 of all before it 32

All numbers are big-endian. `servers` is a chunk with the set of servers in effect at that entry, or with none; format
1, which is still read, lacks it. What the other chunks hold is `state`'s.

A file is written under a temporary name, synced, read back and judged by its reader before it takes its own name: what
is there under that name was whole, and could be loaded.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from lictor_core.codec import pack, unpack
from lictor_core.errors import DataDamagedError, RequestError
from lictor_core.peers import PeerSet
from lictor_server.raft.files import DAMAGE_REMEDY, TEMPORARY, keep_room, storage_errors, sync_directory, write_all

__all__ = [
    "FORMAT",
    "SUFFIX",
    "SnapshotHead",
    "list_snapshots",
    "path_of",
    "read_head",
    "read_snapshot",
    "write_snapshot",
]

FORMAT: Final = 2
"""Raised with every change that older code cannot read."""
SUFFIX: Final = ".snapshot"
_WITHOUT_SERVERS: Final = 1
_MAGIC: Final = b"lictorsn"
_HEAD: Final = struct.Struct(">8sIQQ")
_PAIR: Final = struct.Struct(">II")
_CRC: Final = struct.Struct(">I")
_DIGEST_BYTES: Final = 32
_DIGITS: Final = 20


class SnapshotHead(NamedTuple):
    """The last entry that a snapshot holds, and who the servers were then."""

    last_index: int
    term: int
    peers: PeerSet | None = None
    """None before the log named any."""


def path_of(directory: Path, head: SnapshotHead) -> Path:
    """The file of a snapshot; names sort as indexes do."""
    return directory / f"{head.last_index:0{_DIGITS}d}{SUFFIX}"


def list_snapshots(directory: Path) -> list[Path]:
    """The snapshots in a directory, oldest first. Raises `StorageError`."""
    with storage_errors("read", directory):
        return sorted(path for path in directory.iterdir() if path.suffix == SUFFIX)


def write_snapshot(
    directory: Path, head: SnapshotHead, chunks: Iterable[bytes], verify: Callable[[Iterator[bytes]], None]
) -> Path:
    """Write a snapshot, durably, once `verify` has read it back without raising. Waits for the disk: for a thread.

    Raises `StorageError`, and what `verify` raises; the directory is as it was then.
    """
    path = path_of(directory, head)
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with storage_errors("write", path):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                for part in _parts(head, chunks):
                    keep_room(directory, len(part))
                    write_all(descriptor, part)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        verify(read_snapshot(temporary))
        with storage_errors("name", path):
            temporary.rename(path)
            sync_directory(directory)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _parts(head: SnapshotHead, chunks: Iterable[bytes]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    first = _HEAD.pack(_MAGIC, FORMAT, head.last_index, head.term)
    part = first + _CRC.pack(zlib.crc32(first))
    digest.update(part)
    yield part
    count = 0
    for count, chunk in enumerate(itertools.chain((_packed(head.peers),), chunks), 1):  # noqa: B007 the last one counts
        part = _PAIR.pack(len(chunk), zlib.crc32(chunk)) + chunk
        digest.update(part)
        yield part
    end = _PAIR.pack(0, count)
    digest.update(end)
    yield end + digest.digest()


def _packed(peers: PeerSet | None) -> bytes:
    return pack(() if peers is None else (peers,))


def read_head(path: Path) -> SnapshotHead:
    """Which entry the snapshot ends with, and the servers then. Raises `DataDamagedError`."""
    with storage_errors("read", path), path.open("rb") as file:
        return _Reading(path, file).head()


def read_snapshot(path: Path) -> Iterator[bytes]:
    """The chunks of a snapshot. Raises `DataDamagedError` at the chunk that is not what was written, or at the end."""
    with storage_errors("read", path), path.open("rb") as file:
        reading = _Reading(path, file)
        reading.head()
        while (chunk := reading.chunk()) is not None:
            yield chunk


class _Reading:
    """A snapshot read from its first byte to its last, each checked."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._bytes = os.fstat(file.fileno()).st_size
        self._digest = hashlib.sha256()
        self._count = 0

    def head(self) -> SnapshotHead:
        """What comes before the state."""
        data = self._take(_HEAD.size + _CRC.size)
        first, crc = data[: _HEAD.size], data[_HEAD.size :]
        if _CRC.pack(zlib.crc32(first)) != crc:
            raise _damage(self._path, 0, "its head is not what was written")
        magic, version, last_index, term = _HEAD.unpack(first)
        if magic != _MAGIC:
            raise _damage(self._path, 0, "it is no snapshot")
        if version == _WITHOUT_SERVERS:
            return SnapshotHead(last_index, term)
        if version != FORMAT:
            raise DataDamagedError(
                f"{self._path} has format {version}, this version reads {_WITHOUT_SERVERS} to {FORMAT}: "
                "start the version that wrote it"
            )
        offset = self._file.tell()
        try:
            sets = unpack(self.chunk() or b"", tuple[PeerSet, ...])
        except RequestError as error:
            raise _damage(self._path, offset, f"its servers cannot be read: {error}") from error
        if len(sets) > 1 or any(peers.index > last_index for peers in sets):
            raise _damage(self._path, offset, "its servers are not those of its last entry")
        return SnapshotHead(last_index, term, sets[0] if sets else None)

    def chunk(self) -> bytes | None:
        """The next chunk; None at the end, once the checksum of the whole was right."""
        offset = self._file.tell()
        length, crc = _PAIR.unpack(self._take(_PAIR.size))
        if length == 0:
            wanted = self._digest.digest()
            if crc != self._count or self._file.read(_DIGEST_BYTES + 1) != wanted:
                raise _damage(self._path, offset, "the checksum of the whole is wrong")
            return None
        if length > self._bytes:
            raise _damage(self._path, offset, "a length is wrong")
        chunk = self._take(length)
        if zlib.crc32(chunk) != crc:
            raise _damage(self._path, offset, "a checksum is wrong")
        self._count += 1
        return chunk

    def _take(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise _damage(self._path, self._file.tell(), "the file ends too soon")
        self._digest.update(data)
        return data


def _damage(path: Path, offset: int, reason: str) -> DataDamagedError:
    return DataDamagedError(f"{path} is damaged at offset {offset}: {reason}; {DAMAGE_REMEDY}")
