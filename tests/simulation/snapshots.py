"""Snapshots of a simulated server: the production installer over a played disk, whose jobs take their time."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import structlog

from lictor_core.errors import DataDamagedError
from lictor_server.raft.core import RaftCore
from lictor_server.raft.install import Installer
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.snapshot_file import SnapshotHead
from tests.simulation.disk import Disk, DiskLog, Snapshot

__all__ = ["Snapshots"]

R = TypeVar("R")
_SILENT = 50
"""The level above all that an installer logs."""


class _Reader:
    """A snapshot that stays what it is."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._data = snapshot.data
        self.head = snapshot.head
        self.size = len(snapshot.data)

    def read(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]

    def close(self) -> None:
        pass


class _Shelf:
    """The unfinished file is gone after a crash; what has a name stays."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._incoming = b""
        self.steps: list[Callable[[], None]] = []
        """Of taking a name: what of it is still to do."""

    def begin(self) -> None:
        self._incoming = b""

    def write(self, data: bytes) -> None:
        self._incoming += data

    def judge(self, last_index: int, term: int) -> tuple[SnapshotHead, Snapshot]:
        snapshot = Snapshot.read(self._incoming)
        if snapshot.head[:2] != (last_index, term):
            raise DataDamagedError("another snapshot than was said")
        self.steps = self._disk.publish(snapshot)
        return snapshot.head, snapshot

    def publish(self, head: SnapshotHead) -> None:
        while self.steps:
            self.steps.pop(0)()

    def settle(self) -> None:
        self._disk.note = None

    def drop(self) -> None:
        self._incoming, self.steps = b"", []


class Snapshots:
    """What a server of a simulation has for its snapshots, between a start and a crash."""

    def __init__(
        self,
        core: RaftCore,
        log: DiskLog,
        settings: RaftSettings,
        *,
        adopt: Callable[[Snapshot], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._core = core
        self._log = log
        self._settings = settings
        self._jobs: deque[Callable[[], None]] = deque()
        self._unsettled: deque[tuple[int, Callable[[], None]]] = deque()
        self._is_making = False
        self._shelf = _Shelf(log.disk)
        self.installed = 0

        def count(head: SnapshotHead) -> None:
            self.installed += 1

        installer: Installer[Snapshot] = Installer(
            core,
            self._shelf,
            self._run,
            adopt=adopt,
            installed=count,
            settle_later=lambda settle: self._unsettled.append((log.written_mark, settle)),
            fail=fail,
            log=structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(_SILENT)),
        )
        core.exchange_snapshots(self, installer)

    def work(self) -> None:
        """One job of the thread ends; what waited for the log goes on."""
        while self._unsettled and self._unsettled[0][0] <= self._log.durable_mark:
            self._unsettled.popleft()[1]()
        if self._jobs:
            self._jobs.popleft()()

    def crash(self, chance: random.Random) -> None:
        """A snapshot that was taking its name may have got anywhere."""
        for step in self._shelf.steps[: chance.randrange(len(self._shelf.steps) + 1)]:
            step()

    def make(self) -> None:
        """Begin a snapshot of what is applied, if that is durable and news."""
        last = self._core.applied_index
        if self._is_making or not self._log.snapshot_index < last <= self._log.durable_index:
            return
        self._is_making = True
        snapshot = Snapshot(self._log.whole()[:last])
        assert self._core.peer_set_at(last) == (snapshot.head.peers or self._core.peer_set_at(0))

        def made(_: object) -> None:
            self._is_making = False
            self._log.snapshot_made(last)

        self._run(lambda: self._log.disk.take(snapshot, self._settings.snapshot_trailing), made, _raise)

    # `shipping.Depot`.

    def open(self, at_least: int) -> _Reader | None:
        snapshot = self._log.disk.snapshot
        if snapshot is not None and snapshot.head.last_index >= at_least:
            return _Reader(snapshot)
        self.make()
        return None

    def refused(self, head: SnapshotHead) -> None:
        raise AssertionError(f"the snapshot of {head.last_index} was damaged, though nothing damages any")

    def _run(self, job: Callable[[], R], done: Callable[[R], None], failed: Callable[[Exception], None]) -> None:
        def both() -> None:
            try:
                result = job()
            except DataDamagedError as error:
                failed(error)
            else:
                done(result)

        self._jobs.append(both)


def _raise(error: Exception) -> None:
    raise error
