"""What one server keeps in its data directory: opened at the start, closed at the end.

    DATA/raft/lock          held while a server runs
    DATA/raft/vote          the term and the vote given in it
    DATA/raft/log/          the write-ahead log
    DATA/raft/snapshots/    the newest snapshot of the state, and a note while one of the leader's is being installed

A start reads the snapshot, then the log behind it. Files that are not as they were written stop the start: nothing is
repaired by guess, except that the torn tail of the log, which nobody was ever told of, is cut off. So do files that are
whole and hold what this version does not know: a newer one wrote them, and finds them as it left them.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Rng
from lictor_core.codec import decode_proposal
from lictor_core.errors import ConfigurationError, DataDamagedError, NewerDataError, RequestError
from lictor_core.protocol import OWN
from lictor_server.raft.files import (
    DAMAGE_REMEDY,
    TEMPORARY,
    lock_directory,
    storage_errors,
    sync_directory,
    unlock_directory,
)
from lictor_server.raft.segments import Loaded, Segments
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.shelf import delete_note, read_note
from lictor_server.raft.snapshot_file import SnapshotHead, list_snapshots, read_head, read_snapshot
from lictor_server.raft.term_vote import TermVote, load_term_vote, save_term_vote
from lictor_server.raft.wal import COMMAND, NO_OP, Wal, align, emptied, fits
from lictor_server.state import Store
from lictor_server.state.snapshot import restore

__all__ = ["Storage", "collector_paused"]

_FOREIGN = "raft.db"
"""Where Consul keeps its log, in a directory of the same name."""


class Storage:
    """An opened data directory: the state of its snapshot, and the log behind that."""

    def __init__(self, data_dir: Path, datacenter: str, settings: RaftSettings, *, rng: Rng, log: FilteringBoundLogger):
        """Open `data_dir`, made when it is not there. Waits for the disk: call before anybody is served.

        Raises `StorageError` for files that cannot be used, `ConfigurationError` for a directory of somebody else.
        """
        self._directory = data_dir / "raft"
        self.snapshots = self._directory / "snapshots"
        self._make_directories()
        self._lock = lock_directory(self._directory)
        try:
            self._delete_unfinished()
            vote = self._load_vote()
            self.store, head = self._load_state(datacenter)
            self.segments = Segments(self._directory / "log", rng, segment_bytes_max=settings.segment_bytes_max)
            loaded = self.segments.load()
            if loaded.tail_cut is not None:
                log.warning(
                    "raft.tail.cut",
                    file=str(loaded.tail_cut.path),
                    offset=loaded.tail_cut.offset,
                    cut_bytes=loaded.tail_cut.cut_bytes,
                )
            self._check_known(loaded.entries, head.last_index)
            self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="raft-log")
            loaded = self._finish_install(loaded, head, log)
            self.peer_set = head.peers
            self.wal = Wal(
                self.segments,
                align(
                    loaded.entries, loaded.last_index, head.last_index, head.term, trailing=settings.snapshot_trailing
                ),
                snapshot_index=head.last_index,
                vote_path=self._vote_path,
                vote=vote,
                thread=self.thread,
            )
        except BaseException:
            unlock_directory(self._lock)
            raise
        log.info("raft.log.opened", directory=str(self._directory), snapshot=head.last_index, last=loaded.last_index)

    async def close(self) -> None:
        """Wait for the batch under way, mark the end of the log, and let others have the directory."""
        self.wal.stop()
        try:
            await asyncio.get_running_loop().run_in_executor(self.thread, self.segments.finish)
        finally:
            self.thread.shutdown()
            unlock_directory(self._lock)

    def _finish_install(self, loaded: Loaded, head: SnapshotHead, log: FilteringBoundLogger) -> Loaded:
        """Empty the log when a crash came between naming a leader's snapshot and that; see `shelf`."""
        note = read_note(self.snapshots)
        if note is None:
            return loaded
        # Another snapshot than the note's: the crash came before the name, or a later one proved that the log fits.
        named = (note.last_index, note.term) == (head.last_index, head.term)
        if named and not fits(loaded.entries, loaded.last_index, head.last_index, head.term):
            self.segments.append(emptied(head.last_index, head.term))
            log.warning("raft.install.completed", index=head.last_index, dropped=len(loaded.entries))
            loaded = Loaded([(NO_OP, head.last_index, head.term)], head.last_index, loaded.tail_cut)
        delete_note(self.snapshots)
        return loaded

    @property
    def _vote_path(self) -> Path:
        return self._directory / "vote"

    def _make_directories(self) -> None:
        if (self._directory / _FOREIGN).exists():
            raise ConfigurationError(
                f"{self._directory / _FOREIGN} is Consul's log, which Lictor does not read: "
                "name another directory with -data-dir"
            )
        with storage_errors("make", self._directory):
            # Each by itself: a mode is for the last of a path alone.
            for directory in (self._directory.parent, self._directory, self._directory / "log", self.snapshots):
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_directory(self._directory)
            sync_directory(self._directory.parent)

    def _delete_unfinished(self) -> None:
        with storage_errors("clean", self._directory):
            for directory in (self._directory, self.snapshots):
                for path in directory.glob(f"*{TEMPORARY}"):
                    path.unlink()

    def _load_vote(self) -> TermVote:
        vote = load_term_vote(self._vote_path)
        if vote is not None:
            return vote
        if any((self._directory / "log").iterdir()) or list_snapshots(self.snapshots):
            raise DataDamagedError(
                f"{self._vote_path} is missing, yet there is a log or a snapshot: without it this server could vote "
                f"twice; {DAMAGE_REMEDY}"
            )
        save_term_vote(self._vote_path, TermVote())
        return TermVote()

    def _check_known(self, entries: Iterable[tuple[bytes, int, int]], applied: int) -> None:
        """Raise `NewerDataError` for a command behind entry `applied` that this version could not apply."""
        for payload, index, _ in entries:
            if index > applied and payload[:1] == COMMAND:
                try:
                    decode_proposal(payload[1:])
                except RequestError as error:
                    raise self._newer(f"entry {index} in {self._directory / 'log'}", error) from error

    def _newer(self, what: str, error: RequestError) -> NewerDataError:
        return NewerDataError(
            f"{what} is whole, and nothing that this server knows, which speaks {OWN}: {error}; a newer version wrote "
            f"it, so start that one again: {self._directory} was left as it is"
        )

    def _load_state(self, datacenter: str) -> tuple[Store, SnapshotHead]:
        paths = list_snapshots(self.snapshots)
        if not paths:
            return Store(datacenter), SnapshotHead(0, 0)
        try:
            with collector_paused():
                store = restore(read_snapshot(paths[-1]))
        except RequestError as error:
            # Its checksums are right, chunk by chunk: what stands there was written so.
            raise self._newer(f"{paths[-1]}", error) from error
        if store.datacenter != datacenter:
            raise ConfigurationError(
                f"the data directory {self._directory.parent} is of datacenter {store.datacenter!r}, this agent is of "
                f"{datacenter!r}: change -datacenter or -data-dir"
            )
        return store, read_head(paths[-1])


@contextmanager
def collector_paused() -> Generator[None]:
    """Keep the garbage collector from walking many new records again and again: they hold no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
