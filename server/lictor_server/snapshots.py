"""When the state is written down, so that the log behind it may go: after so many bytes of log.

The tables are copied on the event loop, since nothing else sees them at one index; encoding, writing and reading back
happen in a thread. The log is shortened only once the snapshot is durable and was loaded into a scratch store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.errors import DataDamagedError
from lictor_server.pace import Pace
from lictor_server.raft import RaftCore
from lictor_server.raft.files import storage_errors
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.snapshot_file import SnapshotHead, list_snapshots, write_snapshot
from lictor_server.state import Store
from lictor_server.state.snapshot import restore, take
from lictor_server.storage import Storage, collector_paused

__all__ = ["SnapshotKeeper"]

_RETRY_FRACTION = 4
"""After a failure the next snapshot is tried when a fourth of the usual amount was written."""


class SnapshotKeeper:
    """Makes snapshots of one server, one at a time; all methods belong to the event loop."""

    def __init__(
        self,
        store: Store,
        core: RaftCore,
        storage: Storage,
        settings: RaftSettings,
        *,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._store = store
        self._core = core
        self._storage = storage
        self._settings = settings
        self._clock = clock
        self._log = log
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="raft-snapshot")
        self._under_way: asyncio.Future[None] | None = None
        self._last_index = storage.wal.snapshot_index
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
        if self._under_way is not None or not self._last_index < last <= self._storage.wal.durable_index:
            return None
        began, added = self._clock.monotonic(), self._storage.wal.bytes_added
        head = SnapshotHead(last, self._core.term_of(last))
        pace = Pace()
        chunks, index = take(self._store, pace), self._store.index
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        job = loop.run_in_executor(self._thread, _write, self._storage.snapshots, head, chunks, index, pace)

        def written(job: asyncio.Future[Path]) -> None:
            error = None if job.cancelled() else job.exception()
            if error is not None:
                self._due_bytes = added + self._settings.snapshot_log_bytes // _RETRY_FRACTION
                self._log.error("raft.snapshot.failed", index=last, reason=str(error))
            elif not job.cancelled():
                self._last_index = last
                self._due_bytes = added + self._settings.snapshot_log_bytes
                elapsed_ms = round((self._clock.monotonic() - began) * 1000, 1)
                self._log.info("raft.snapshot.written", index=last, file=str(job.result()), elapsed_ms=elapsed_ms)
                self._shorten(last)
            self._under_way = None
            if not done.done():
                done.set_result(None)

        self._under_way = done
        job.add_done_callback(written)
        return done

    async def stop(self) -> None:
        """Wait for a snapshot under way."""
        if self._under_way is not None:
            await asyncio.wait([self._under_way])
        self._thread.shutdown()

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
