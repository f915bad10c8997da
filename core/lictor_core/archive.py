"""The file of a saved state: a gzip'd tar of what it is, the state itself, and checksums of both.

    meta.json     which snapshot it is, and whose
    state.bin     the state, for its own product only
    SHA256SUMS    a line for each of the two, as `sha256sum` writes and checks them

This is the layout of Consul's snapshots (its document `api-docs/snapshot`, and what Consul 1.8.7 writes), so that each
product's tools can say what a file is; what `state.bin` holds differs. Reading trusts nothing: whatever the bytes, it
ends with the whole content or with one `RequestError`, and never holds more than a few blocks in memory.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import BinaryIO, Final

import msgspec

from lictor_core.codec import from_json, to_json
from lictor_core.errors import RequestError
from lictor_core.limits import STATE_BYTES_MAX

__all__ = ["ARCHIVE_FORMAT", "PRODUCT", "ArchiveMeta", "ArchiveServer", "new_meta", "read_archive", "write_archive"]

PRODUCT: Final = "Lictor"
ARCHIVE_FORMAT: Final = 1
"""Raised with every change of `state.bin` that older code cannot find its way in."""
_LAYOUT_VERSION: Final = 1
"""Consul's number for this layout of the archive."""
_META: Final = "meta.json"
_STATE: Final = "state.bin"
_SUMS: Final = "SHA256SUMS"
_SMALL_BYTES_MAX: Final = 1024 * 1024
"""Largest `meta.json` and `SHA256SUMS`."""
_PADDING_BYTES_MAX: Final = 64 * 1024
_BLOCK: Final = tarfile.BLOCKSIZE
_READ_BYTES: Final = 64 * 1024
_GZIP_LEVEL: Final = 1
"""A snapshot is mostly names and small values: higher levels take several times as long for a tenth less."""


class ArchiveServer(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A server of the cluster that was saved: for people, nothing is restored from it. `suffrage` 0 is a voter."""

    suffrage: int = 0
    id: str = msgspec.field(default="", name="ID")
    address: str = ""


class ArchiveServers(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """All servers, under the key that Consul has for them."""

    servers: list[ArchiveServer] = []


class ArchiveMeta(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a saved state is. `size` are the bytes of `state.bin`; `product` is empty in a file of Consul's."""

    version: int
    id: str = msgspec.field(default="", name="ID")
    index: int = 0
    term: int = 0
    size: int = 0
    product: str = ""
    format: int = 0
    datacenter: str = ""
    configuration: ArchiveServers = ArchiveServers()

    @property
    def is_ours(self) -> bool:
        """Whether a server of ours wrote it."""
        return self.product == PRODUCT

    def check_ours(self) -> None:
        """Raise `RequestError` unless this code reads what `state.bin` holds."""
        if not self.is_ours:
            whose = self.product or "Consul"
            raise RequestError(
                f"this is a snapshot of {whose}, whose state {PRODUCT} does not read: "
                f"restore it there, and take over keys with `kv export` and `kv import`"
            )
        if self.format != ARCHIVE_FORMAT:
            raise RequestError(
                f"this snapshot has format {self.format}, this version reads {ARCHIVE_FORMAT}: "
                f"restore it with the version of {PRODUCT} that wrote it"
            )

    def of_size(self, size: int) -> ArchiveMeta:
        """The same, for a state that turned out to have `size` bytes."""
        return msgspec.structs.replace(self, size=size)


def new_meta(*, id: str, index: int, term: int, datacenter: str, servers: Iterable[ArchiveServer] = ()) -> ArchiveMeta:
    """The description of a state that we write, its size not yet known."""
    return ArchiveMeta(
        version=_LAYOUT_VERSION,
        id=id,
        index=index,
        term=term,
        product=PRODUCT,
        format=ARCHIVE_FORMAT,
        datacenter=datacenter,
        configuration=ArchiveServers(servers=list(servers)),
    )


def write_archive(target: BinaryIO, meta: ArchiveMeta, state: BinaryIO) -> None:
    """Write `meta` and the `meta.size` bytes that `state` gives. Waits for the disk: for a thread.

    The archive ends with the two empty blocks that end a tar, and no more: Consul's command takes the padding with
    which tar programs fill a record for damage.
    """
    described = to_json(meta)
    digest = hashlib.sha256()
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0) as packed:
        _put(packed, _META, len(described), [described])
        _put(packed, _STATE, meta.size, _digested(state, digest.update))
        sums = f"{hashlib.sha256(described).hexdigest()}  {_META}\n{digest.hexdigest()}  {_STATE}\n".encode()
        _put(packed, _SUMS, len(sums), [sums])
        packed.write(bytes(2 * _BLOCK))


def _put(packed: gzip.GzipFile, name: str, size: int, parts: Iterable[bytes]) -> None:
    packed.write(_member(name, size).tobuf(tarfile.USTAR_FORMAT))
    written = 0
    for part in parts:
        packed.write(part)
        written += len(part)
    assert written == size, f"{name} has {written} bytes, not {size}"
    packed.write(bytes(-size % _BLOCK))


def _digested(source: BinaryIO, note: Callable[[bytes], None]) -> Iterator[bytes]:
    """What a file gives, part by part, shown to `note` before."""
    while data := source.read(_READ_BYTES):
        note(data)
        yield data


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    return member


def read_archive(
    source: BinaryIO, take: Callable[[bytes], object], *, check: Callable[[ArchiveMeta], None] | None = None
) -> ArchiveMeta:
    """What the archive is, once all of it was read and found whole; `take` is given the state part by part.

    `check` may refuse what the archive says it is by a `RequestError`, before `take` is given anything. Nothing that
    `take` was given may be relied on before this returns. Raises `RequestError` for an archive that is not one, is cut
    or damaged, or goes beyond a bound. Waits for the disk: for a thread.
    """
    with _speaking_of_the_archive(), gzip.GzipFile(fileobj=source, mode="rb") as unpacked:
        return _Reader(unpacked).read(take, check)


@contextlib.contextmanager
def _speaking_of_the_archive() -> Generator[None]:
    try:
        yield
    except gzip.BadGzipFile as error:
        raise RequestError("not a snapshot: it is no gzip file, or damaged") from error
    except EOFError as error:
        raise RequestError("the snapshot is cut off, its end is missing: copy it again, or take another") from error
    except zlib.error as error:
        raise RequestError(f"the snapshot is damaged: it cannot be decompressed ({error})") from error


class _Reader:
    """Reads the members of one archive in the order in which they are written."""

    def __init__(self, unpacked: gzip.GzipFile) -> None:
        self._unpacked = unpacked

    def read(self, take: Callable[[bytes], object], check: Callable[[ArchiveMeta], None] | None) -> ArchiveMeta:
        """Everything, checked."""
        digests: dict[str, str] = {}
        described = self._small(_META, digests)
        try:
            meta = from_json(described, ArchiveMeta)
        except RequestError as error:
            raise RequestError(f"the snapshot is damaged: {_META} cannot be read: {error}") from error
        if meta.version != _LAYOUT_VERSION:
            raise RequestError(f"the snapshot has version {meta.version}, this version reads {_LAYOUT_VERSION}")
        if check is not None:
            check(meta)
        size = self._state(take, digests)
        if size != meta.size:
            raise RequestError(f"the snapshot is damaged: {_STATE} has {size} bytes instead of {meta.size}")
        sums = self._small(_SUMS, {})
        self._end()
        _check_sums(sums, digests)
        return meta

    def _small(self, name: str, digests: dict[str, str]) -> bytes:
        data = bytearray()
        size = self._header(name, _SMALL_BYTES_MAX)
        self._content(size, data.extend)
        digests[name] = hashlib.sha256(data).hexdigest()
        return bytes(data)

    def _state(self, take: Callable[[bytes], object], digests: dict[str, str]) -> int:
        digest = hashlib.sha256()
        size = self._header(_STATE, STATE_BYTES_MAX)

        def note(part: bytes) -> None:
            digest.update(part)
            take(part)

        self._content(size, note)
        digests[_STATE] = digest.hexdigest()
        return size

    def _header(self, name: str, size_max: int) -> int:
        try:
            member = tarfile.TarInfo.frombuf(self._exactly(_BLOCK), "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
            raise RequestError(f"not a snapshot, or a damaged one: {name} belongs here ({error})") from error
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.name != name:
            raise RequestError(f"not a snapshot: it has a member {member.name[:64]!r} where {name} belongs")
        if not 0 <= member.size <= size_max:
            raise RequestError(f"{name} in the snapshot has {member.size} bytes; at most {size_max} are read")
        return member.size

    def _content(self, size: int, take: Callable[[bytes], object]) -> None:
        left = size
        while left:
            part = self._exactly(min(left, _READ_BYTES))
            left -= len(part)
            take(part)
        self._exactly(-size % _BLOCK)

    def _exactly(self, size: int) -> bytes:
        data = self._unpacked.read(size) if size else b""
        while len(data) < size:
            more = self._unpacked.read(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _end(self) -> None:
        """Two blocks of zeros end a tar; writers may fill up with more. Reading on checks gzip's own checksum."""
        padding = self._unpacked.read(_PADDING_BYTES_MAX + 1)
        while len(padding) <= _PADDING_BYTES_MAX and (more := self._unpacked.read(_PADDING_BYTES_MAX)):
            padding += more
        if padding.strip(b"\0") or len(padding) > _PADDING_BYTES_MAX:
            raise RequestError(f"not a snapshot: it has something behind {_SUMS}")


def _check_sums(sums: bytes, digests: dict[str, str]) -> None:
    found: dict[str, str] = {}
    for line in sums.decode(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if name not in digests or name in found:
            raise RequestError(f"the snapshot is damaged: {_SUMS} has a line that does not belong there")
        found[name] = digest
    for name, digest in digests.items():
        if name not in found:
            raise RequestError(f"the snapshot is damaged: {_SUMS} has no line for {name}")
        if found[name] != digest:
            raise RequestError(f"the snapshot is damaged: the checksum of {name} is wrong")
