"""When the state is written down, so that the log behind it may go: after so many bytes of log, or when asked.

The tables are copied on the event loop, since nothing else sees them at one index; encoding, writing and reading back
happen in a thread. The log is shortened only once the snapshot is durable and was loaded into a scratch store.

The newest snapshot is also what followers get who are too far behind for the log. When it ends before the log in memory
begins, another one is made for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.errors import DataDamagedError, StorageError
from lictor_core.pace import Pace
from lictor_server.figures import ServerFigures
from lictor_server.raft import RaftCore
from lictor_server.raft.files import storage_errors
from lictor_server.raft.reader import FileReader
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.snapshot_file import SnapshotHead, list_snapshots, read_head, write_snapshot
from lictor_server.state import Store
from lictor_server.state.snapshot import restore, take
from lictor_server.storage import Storage, collector_paused

__all__ = ["SnapshotKeeper"]

_RETRY_FRACTION = 4
"""After a failure the next snapshot is tried when a fourth of the usual amount was written."""
_ASKED_RETRY_S = 5.0
"""And one that a follower needs, after this time."""


class SnapshotKeeper:
    """Makes snapshots of one server, one at a time; all methods belong to the event loop.

    `thread`, with one worker, writes them, and whatever else is done in their directory. `ready` is called when more of
    an opened one can be sent.
    """

    def __init__(
        self,
        store: Store,
        core: RaftCore,
        storage: Storage,
        settings: RaftSettings,
        *,
        thread: ThreadPoolExecutor,
        ready: Callable[[], None],
        figures: ServerFigures | None = None,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._store = store
        self._core = core
        self._storage = storage
        self._settings = settings
        self._ready = ready
        self._figures = figures
        self._clock = clock
        self._log = log
        self._thread = thread
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="raft-snapshot-read")
        self._under_way: asyncio.Future[None] | None = None
        self._last_index = storage.wal.snapshot_index
        self._suspect: SnapshotHead | None = None
        self._asked_again_at = 0.0
        self._stopped = False
        self._due_bytes = settings.snapshot_log_bytes

    def consider(self) -> None:
        """Begin a snapshot when it is time for one."""
        if self._under_way is None and self._storage.wal.bytes_added >= self._due_bytes:
            self.begin()

    def begin(self) -> asyncio.Future[None] | None:
        """Begin a snapshot now; what it returns ends with it. None when one is under way, or nothing is new.

        The log on disk must reach as far as the snapshot, so what is applied but not yet durable here has to wait.
        """
        last = self._core.applied_index
        is_news = last > self._last_index or (self._suspect is not None and last == self._last_index)
        if self._under_way is not None or not is_news or last > self._storage.wal.durable_index:
            return None
        began, added = self._clock.monotonic(), self._storage.wal.bytes_added
        peer_set = self._core.peer_set_at(last)
        head = SnapshotHead(last, self._core.term_of(last), peer_set if peer_set.servers else None)
        pace = Pace()
        chunks, index = take(self._store, pace), self._store.index
        taken = self._clock.monotonic()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        job = loop.run_in_executor(self._thread, _write, self._storage.snapshots, head, chunks, index, pace)

        def written(job: asyncio.Future[Path]) -> None:
            error = None if job.cancelled() else job.exception()
            if error is not None:
                self._due_bytes = added + self._settings.snapshot_log_bytes // _RETRY_FRACTION
                self._asked_again_at = self._clock.monotonic() + _ASKED_RETRY_S
                self._log.error("raft.snapshot.failed", index=last, reason=str(error))
            elif not job.cancelled():
                elapsed_ms = round((self._clock.monotonic() - began) * 1000, 1)
                self._log.info("raft.snapshot.written", index=last, file=str(job.result()), elapsed_ms=elapsed_ms)
                if self._figures is not None:
                    self._figures.note_snapshot(began, taken, elapsed_ms)
                self.have(head, added)
            self._under_way = None
            if not done.done():
                done.set_result(None)
            if error is None and not self._stopped:
                self.consider()  # much may have been written meanwhile

        self._under_way = done
        job.add_done_callback(written)
        return done

    def have(self, head: SnapshotHead, bytes_added: int) -> None:
        """There is a snapshot now, made here or sent by a leader, when the log had grown by `bytes_added`."""
        if head.last_index < self._last_index:
            return  # an own one that ended after a leader's newer one was installed
        self._last_index = head.last_index
        self._suspect = None
        self._due_bytes = bytes_added + self._settings.snapshot_log_bytes
        self._storage.wal.snapshot_made(head.last_index)
        self._shorten(head.last_index)
        self._ready()

    async def stop(self) -> None:
        """Wait for a snapshot under way."""
        self._stopped = True
        if self._under_way is not None:
            await asyncio.wait([self._under_way])
        self._reading.shutdown()

    # For followers: `shipping.Depot`.

    def open(self, at_least: int) -> FileReader | None:
        """The newest snapshot, when it reaches `at_least` and can be read; else another one is begun."""
        paths = list_snapshots(self._storage.snapshots) if self._last_index >= at_least else []
        if paths and self._suspect is None:
            try:
                head = read_head(paths[-1])
                return FileReader(
                    paths[-1], head, self._reading, ready=self._ready, failed=lambda error: self._distrust(head, error)
                )
            except StorageError as error:
                self._distrust(SnapshotHead(self._last_index, 0), error)
        if self._clock.monotonic() >= self._asked_again_at:
            self.begin()
        return None

    def refused(self, head: SnapshotHead) -> None:
        """A follower could not load it: make another one."""
        self._distrust(head, "a follower could not load it")

    def _distrust(self, head: SnapshotHead, reason: object) -> None:
        self._log.error("raft.snapshot.distrusted", index=head.last_index, reason=str(reason))
        if head.last_index == self._last_index:
            self._suspect = head

    # The log.

    def _shorten(self, last: int) -> None:
        first_kept = last - self._settings.snapshot_trailing + 1
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._storage.thread, self._storage.segments.drop_before, first_kept)
        job.add_done_callback(self._shortened)

    def _shortened(self, job: asyncio.Future[int]) -> None:
        if job.cancelled():
            return
        error = job.exception()
        if error is not None:
            self._log.error("raft.log.not_shortened", reason=str(error))
        elif job.result():
            self._log.info("raft.log.shortened", files=job.result())


def _write(directory: Path, head: SnapshotHead, chunks: Iterator[bytes], index: int, pace: Pace) -> Path:
    """Write, verify, and delete what is older; in the thread."""

    def verify(written: Iterator[bytes]) -> None:
        with collector_paused():
            loaded = restore(written, pace)
            loaded.dismantle(pace)
        if loaded.index != index:
            raise DataDamagedError(f"the snapshot of index {index} was read back as one of {loaded.index}")

    path = write_snapshot(directory, head, chunks, verify)
    with storage_errors("delete old snapshots in", directory):
        for older in list_snapshots(directory):
            if older < path:
                older.unlink()
    return path
