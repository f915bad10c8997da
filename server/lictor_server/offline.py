"""A data directory read without a running server, and without changing a file in it: the last resort for what it holds.

The state is that of a server which starts from the directory and finds its whole log committed. With other voters the
end of the log may never have been: what was acknowledged is in it all the same, if it was on this server.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from lictor_core.archive import ArchiveMeta, ArchiveServer, new_meta
from lictor_core.clock import SeededRng
from lictor_core.codec import decode_proposal
from lictor_core.commands import Register
from lictor_core.errors import ConfigurationError, DataDamagedError, NewerDataError, PeerError, RequestError
from lictor_core.peers import PeerSet
from lictor_core.version import LICTOR
from lictor_server.backups import make_archive
from lictor_server.raft.files import lock_directory, unlock_directory
from lictor_server.raft.log import LogEntry
from lictor_server.raft.members import PEERS_KIND, decoded
from lictor_server.raft.segments import Segments, TailCut
from lictor_server.raft.shelf import read_note
from lictor_server.raft.snapshot_file import SnapshotHead, list_snapshots, read_head, read_snapshot
from lictor_server.raft.wal import align, fits
from lictor_server.state import Store, apply_proposal
from lictor_server.state.snapshot import restore, take
from lictor_server.storage import collector_paused

__all__ = ["OfflineState", "read_offline", "save_offline"]

_COMMAND_KIND: Final = 0
"""The first byte of a log entry that holds a proposal."""
_DATACENTER: Final = "dc1"
"""Whose state it is when nothing says: the default of a configuration."""
_REMEDY: Final = "save from the directory of another server"


class OfflineState(NamedTuple):
    """What a data directory holds, and how much of it is certain."""

    store: Store
    snapshot_index: int
    """Where the newest snapshot ends: up to here everything was committed."""
    last_index: int
    """Where the log ends."""
    term: int
    peers: PeerSet
    tail_cut: TailCut | None

    @property
    def is_certain(self) -> bool:
        """Whether all of it was committed: nobody else was needed for that, or no log follows the snapshot."""
        return len(self.peers.voters) <= 1 or self.last_index == self.snapshot_index


def read_offline(data_dir: Path, datacenter: str = "") -> OfflineState:
    """The state in `data_dir`; `datacenter` is its name, for a directory that does not say. Waits for the disk.

    Raises `ConfigurationError` for a directory without data or with an agent in it, and `StorageError`.
    """
    directory = data_dir / "raft"
    if not (directory / "log").is_dir():
        raise ConfigurationError(f"{data_dir} is no data directory of a server: there is no {directory / 'log'}")
    lock = lock_directory(directory)
    try:
        with collector_paused():
            return _read(directory, datacenter)
    finally:
        unlock_directory(lock)


def save_offline(
    data_dir: Path, archive: BinaryIO, *, datacenter: str = "", now_s: float
) -> tuple[ArchiveMeta, OfflineState]:
    """Write the state in `data_dir` to `archive`, verified; `now_s` is the time in seconds since 1970.

    Raises what `read_offline` does.
    """
    found = read_offline(data_dir, datacenter)
    store = found.store
    index = store.index + store.index_shift
    meta = new_meta(
        id=f"{found.term}-{index}-{round(now_s * 1000)}",
        index=index,
        term=found.term,
        datacenter=store.datacenter,
        servers=(
            ArchiveServer(suffrage=0 if one.voter else 1, id=one.id, address=one.address) for one in found.peers.servers
        ),
    )
    chunks = take(store, with_restore=False)
    make_archive(archive, meta, chunks, _new_file)
    return meta, found


def _new_file() -> BinaryIO:
    return cast(BinaryIO, tempfile.TemporaryFile())


def _read(directory: Path, datacenter: str) -> OfflineState:
    segments = Segments(directory / "log", SeededRng(0))  # nothing is written, so nothing is left to chance
    loaded = segments.read()
    head, snapshot = _newest_snapshot(directory / "snapshots")
    entries, last = loaded.entries, loaded.last_index
    if read_note(directory / "snapshots") is not None and not fits(entries, last, head.last_index, head.term):
        entries, last = [], head.last_index  # a crash came between a leader's snapshot and the emptying of the log
    tail = [entry for entry in align(entries, last, head.last_index, head.term) if entry[1] > head.last_index]
    try:
        store = snapshot or Store(datacenter or _datacenter_in(tail))
        peers = _replay(store, tail, head.peers or PeerSet())
    except RequestError as error:
        raise _newer(f"the log in {directory}", error) from error
    except PeerError as error:
        raise DataDamagedError(f"the log in {directory} holds what no server wrote: {error}; {_REMEDY}") from error
    term = tail[-1][2] if tail else head.term
    return OfflineState(store, head.last_index, last, term, peers, loaded.tail_cut)


def _newest_snapshot(directory: Path) -> tuple[SnapshotHead, Store | None]:
    paths = list_snapshots(directory) if directory.is_dir() else []
    if not paths:
        return SnapshotHead(0, 0), None
    try:
        return read_head(paths[-1]), restore(read_snapshot(paths[-1]))
    except RequestError as error:
        raise _newer(f"{paths[-1]}", error) from error


def _newer(what: str, error: RequestError) -> NewerDataError:
    """Checksums were right: what stands there was written so."""
    return NewerDataError(
        f"{what} is whole, and nothing that Lictor {LICTOR} knows: {error}; use the one that wrote it"
    )


def _datacenter_in(entries: Iterable[LogEntry]) -> str:
    """The datacenter that the first registration in a log names."""
    for payload, _, _ in entries:
        if payload[0] == _COMMAND_KIND:
            command = decode_proposal(payload[1:]).command
            if isinstance(command, Register) and command.node.datacenter:
                return command.node.datacenter
    return _DATACENTER


def _replay(store: Store, entries: Iterable[LogEntry], peers: PeerSet) -> PeerSet:
    """Apply `entries`; the set of servers that is in effect behind them."""
    for payload, index, _ in entries:
        if payload[0] == _COMMAND_KIND:
            apply_proposal(store, index, decode_proposal(payload[1:]))
        elif payload[0] == PEERS_KIND:
            peers = decoded(payload, index)
    return peers
