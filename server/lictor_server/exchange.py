"""Snapshots of one server: made, sent to followers, taken from a leader; and the thread that waits for the disk.

Everything in the directory of snapshots is done in one thread, in order: a snapshot is not made while another one takes
its name.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.errors import RequestError
from lictor_core.pace import Pace
from lictor_server.figures import ServerFigures
from lictor_server.raft import Driver
from lictor_server.raft.install import Installer
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.shelf import FileShelf
from lictor_server.raft.snapshot_file import SnapshotHead, read_snapshot
from lictor_server.snapshots import SnapshotKeeper
from lictor_server.state import Store, Watches
from lictor_server.state.snapshot import restore
from lictor_server.storage import Storage, collector_paused

__all__ = ["SnapshotExchange"]

R = TypeVar("R")


class SnapshotExchange:
    """What `core.exchange_snapshots` is given. All methods belong to the event loop, but for jobs in the thread."""

    def __init__(
        self,
        store: Store,
        watches: Watches,
        driver: Driver,
        storage: Storage,
        settings: RaftSettings,
        figures: ServerFigures | None = None,
        *,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._store = store
        self._watches = watches
        self._driver = driver
        self._storage = storage
        self._log = log
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="raft-snapshot")
        self._unsettled: deque[tuple[int, Callable[[], None]]] = deque()
        self._stopped = False
        core = driver.core
        self.keeper = SnapshotKeeper(
            store,
            core,
            storage,
            settings,
            thread=self._thread,
            ready=self._send_soon,
            figures=figures,
            clock=clock,
            log=log,
        )
        installer: Installer[Store] = Installer(
            core,
            FileShelf(storage.snapshots, self._load),
            self._run,
            adopt=self._adopt,
            installed=self._installed,
            settle_later=self._settle_later,
            fail=driver.fail,
            log=log,
        )
        core.exchange_snapshots(self.keeper, installer)

    def consider(self) -> None:
        """More of the log is durable: do what waited for it, and begin a snapshot when it is time for one."""
        self._settle()
        self.keeper.consider()

    async def stop(self) -> None:
        """Wait for what is under way in the thread; nothing comes of it any more."""
        self._stopped = True
        await self.keeper.stop()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    def _run(self, job: Callable[[], R], done: Callable[[R], None], failed: Callable[[Exception], None]) -> None:
        """See `install.Run`. What `done` raises is a broken invariant, and ends the server."""

        def ended(future: asyncio.Future[R]) -> None:
            if self._stopped or future.cancelled():
                return
            error = future.exception()
            try:
                if error is None:
                    done(future.result())
                elif isinstance(error, Exception):
                    failed(error)
            except Exception as broken:
                self._driver.fail(broken)

        if not self._stopped:
            asyncio.get_running_loop().run_in_executor(self._thread, job).add_done_callback(ended)

    def _load(self, path: Path) -> Store:
        """Read a leader's snapshot; in the thread. Raises `DataDamagedError` or `RequestError`."""
        with collector_paused():
            loaded = restore(read_snapshot(path), Pace())
        if loaded.datacenter != self._store.datacenter:
            raise RequestError(
                f"the leader's snapshot is of datacenter {loaded.datacenter!r}, this server is of "
                f"{self._store.datacenter!r}: servers of one cluster must have the same datacenter"
            )
        return loaded

    def _adopt(self, loaded: Store) -> None:
        """The state in `loaded` is the running one from now on; whoever watches looks again. The former one goes."""
        self._store.become(loaded)
        self._watches.fire_all()
        self._run(lambda: loaded.dismantle(Pace()), _nothing, self._driver.fail)

    def _installed(self, head: SnapshotHead) -> None:
        self.keeper.have(head, self._storage.wal.bytes_added)
        self._driver.kick()

    def _settle_later(self, settle: Callable[[], None]) -> None:
        self._unsettled.append((self._storage.wal.written_mark, settle))
        self._settle()

    def _settle(self) -> None:
        while self._unsettled and self._unsettled[0][0] <= self._storage.wal.durable_mark:
            self._unsettled.popleft()[1]()

    def _send_soon(self) -> None:
        self._driver.core.send_soon()
        self._driver.kick()


def _nothing(_: object) -> None:
    pass
