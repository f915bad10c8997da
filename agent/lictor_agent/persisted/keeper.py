"""Keeps the files of what is registered over HTTP in agreement with the local state, off the event loop.

Every change of the local state says which file must be written anew or go. What came together is written together,
while the next changes gather: a slow disk makes for larger batches, not for a longer queue. What fails is tried again
until the disk takes it, or it is wanted no more. What waits is bounded by what is registered and what is on the disk.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from structlog.typing import FilteringBoundLogger

from lictor_agent.local import Change, LocalService, LocalState, Origin, Subject
from lictor_agent.persisted.defaults import defaults_bytes
from lictor_agent.persisted.forms import SavedStatus, check_bytes, file_name, service_bytes, status_bytes
from lictor_agent.persisted.shelf import Item, Kind, Shelf
from lictor_config.definitions import CheckDefinition, CheckKind
from lictor_core.backoff import Backoff
from lictor_core.central_config import NOTHING_SAID
from lictor_core.clock import Clock, Rng
from lictor_core.config_queries import ServiceConfigQuery
from lictor_core.config_records import ServiceConfig
from lictor_core.errors import StorageError

__all__ = ["BATCH_MAX", "Keeper"]

BATCH_MAX: Final = 256
"""Files in one go: each holds a descriptor until all are synced."""
_RETRY_S_MIN: Final = 1.0
_RETRY_S_MAX: Final = 60.0

_Waiter = asyncio.Future[StorageError | None]


class _CheckContent(NamedTuple):
    """What the file of a check is made of: all of it but its state."""

    check_id: str
    name: str
    notes: str
    service_id: str
    definition: CheckDefinition | None
    token: str
    origin: Origin


_Content = LocalService | _CheckContent


@dataclass
class _Wish:
    """What a file is to hold (None: nothing, it goes), and who waits for that."""

    data: bytes | None
    waiters: list[_Waiter] = field(default_factory=list["_Waiter"])

    def settle(self, problem: StorageError | None) -> None:
        """Tell those who wait."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(problem)


class Keeper:
    """Keeps one local state on one shelf while `run` runs."""

    def __init__(self, local: LocalState, shelf: Shelf, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> None:
        self._local = local
        self._shelf = shelf
        self._clock = clock
        self._log = log
        self._backoff = Backoff(rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        self._made_of: dict[Item, _Content] = {}
        """From what each file was made, or is to be made."""
        self._on_disk: set[Item] = set()
        self._pending: dict[Item, _Wish] = {}
        self._under_way: dict[Item, _Wish] = {}
        self._postponed: dict[Item, bytes | None] = {}
        self._retry_at: float | None = None
        self._is_failing = False
        self._statuses: dict[str, SavedStatus] = {}
        self._wake = asyncio.Event()

    def begin(self, found: Iterable[Item]) -> None:
        """Follow the local state from now on. `found` are the files that are there: those of nothing here go."""
        self._on_disk = set(found)
        wanted: set[Item] = set()
        for service_id in self._local.services:
            name = file_name(service_id)
            self._begin_with(Item(Kind.SERVICE, name), self._service(service_id), wanted)
            wanted.add(Item(Kind.DEFAULTS, name))
        for check_id in self._local.checks:
            name = file_name(check_id)
            self._begin_with(Item(Kind.CHECK, name), self._check(check_id), wanted)
            wanted.add(Item(Kind.STATUS, name))
        for item in self._on_disk - wanted:
            self._put(item, None)
        self._local.subscribe(self._changed)

    async def run(self) -> None:
        """Write what changed, for ever, until cancelled; what was asked for until then is done first."""
        try:
            while True:
                await self._until_due()
                await self._work()
        finally:
            if self._pending:
                self._shelf.apply({item: one.data for item, one in self._pending.items()})

    async def kept(self, services: Collection[str] = (), checks: Collection[str] = ()) -> None:
        """Return when the files of these services and checks are as the local state had them at the call.

        Raises `StorageError` with the first reason why one of them is not.
        """
        items = [Item(Kind.SERVICE, file_name(one)) for one in services]
        items += [Item(Kind.CHECK, file_name(one)) for one in checks]
        waiters: list[_Waiter] = []
        for item in items:
            if item in self._postponed:
                self._put(item, self._postponed[item])
            wish = self._pending.get(item) or self._under_way.get(item)
            if wish is not None:
                waiters.append(asyncio.get_running_loop().create_future())
                wish.waiters.append(waiters[-1])
        problems = [await waiter for waiter in waiters]
        for problem in problems:
            if problem is not None:
                raise problem

    def status_told(self, check_id: str) -> None:
        """Somebody spoke up for a TTL check: its state is kept until it would expire. Nobody waits for that.

        A state that says the same as the one that is kept is written anew only when half of its time is over.
        """
        current = self._local.checks.get(check_id)
        if current is None or current.definition is None or current.definition.kind is not CheckKind.TTL:
            return
        now, ttl_s = self._clock.now(), current.definition.ttl_s
        record = current.check
        told = SavedStatus(check_id=check_id, output=record.output, status=record.status, expires=int(now + ttl_s))
        before = self._statuses.get(check_id)
        says_the_same = before is not None and (before.status, before.output) == (told.status, told.output)
        if before is not None and says_the_same and now + ttl_s / 2 < before.expires <= told.expires:
            return
        self._statuses[check_id] = told
        self._put(Item(Kind.STATUS, file_name(check_id)), status_bytes(told))

    def defaults_told(self, service_id: str, question: ServiceConfigQuery, config: ServiceConfig) -> None:
        """The servers said this of an instance: it is kept for a start without them. Nobody waits for that."""
        if service_id in self._local.services:
            data = None if config == NOTHING_SAID else defaults_bytes(service_id, question, config)
            self._put(Item(Kind.DEFAULTS, file_name(service_id)), data)

    def _changed(self, change: Change) -> None:
        name = file_name(change.id)
        if change.subject is Subject.SERVICE:
            self._follow(Item(Kind.SERVICE, name), self._service(change.id))
            if change.removed:
                self._put(Item(Kind.DEFAULTS, name), None)
            return
        self._follow(Item(Kind.CHECK, name), self._check(change.id))
        if change.removed:
            self._statuses.pop(change.id, None)
            self._put(Item(Kind.STATUS, name), None)

    def _service(self, service_id: str) -> _Content | None:
        """What the file of an instance is made of; None when there is to be none."""
        one = self._local.services.get(service_id)
        if one is None or one.origin is Origin.FILE:
            return None
        # What the cluster adds is the cluster's, and asked for anew.
        return one if one.own is None else replace(one, service=one.own, own=None)

    def _check(self, check_id: str) -> _Content | None:
        one = self._local.checks.get(check_id)
        if one is None or one.origin is Origin.FILE:
            return None
        record = one.check
        return _CheckContent(
            check_id, record.name, record.notes, record.service_id, one.definition, one.token, one.origin
        )

    def _begin_with(self, item: Item, made_of: _Content | None, wanted: set[Item]) -> None:
        if made_of is None:
            return
        wanted.add(item)
        if item in self._on_disk:
            self._made_of[item] = made_of
        else:
            self._follow(item, made_of)

    def _follow(self, item: Item, made_of: _Content | None) -> None:
        if self._made_of.get(item) == made_of:
            return
        if made_of is None:
            del self._made_of[item]
            self._put(item, None)
            return
        self._made_of[item] = made_of
        if isinstance(made_of, LocalService):
            self._put(item, service_bytes(made_of))
        else:
            self._put(item, check_bytes(self._local.checks[made_of.check_id]))

    def _put(self, item: Item, data: bytes | None) -> None:
        self._postponed.pop(item, None)
        before = self._pending.pop(item, None)
        if data is None and item not in self._on_disk and item not in self._under_way:
            if before is not None:
                before.settle(None)
            return
        self._pending[item] = _Wish(data, [] if before is None else before.waiters)
        self._wake.set()

    async def _until_due(self) -> None:
        while not self._pending:
            self._wake.clear()
            pause_s = None if self._retry_at is None else self._retry_at - self._clock.monotonic()
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                self._retry_at = None
                again, self._postponed = self._postponed, {}
                for item, data in again.items():
                    self._put(item, data)

    async def _work(self) -> None:
        """One batch, to its end also when this is cancelled meanwhile."""
        for item in list(self._pending)[:BATCH_MAX]:
            self._under_way[item] = self._pending.pop(item)
        changes = {item: wish.data for item, wish in self._under_way.items()}
        job = asyncio.get_running_loop().run_in_executor(None, self._shelf.apply, changes)
        try:
            failed = await asyncio.shield(job)
        except asyncio.CancelledError:
            await asyncio.wait([job])
            raise
        done, self._under_way = self._under_way, {}
        for item, wish in done.items():
            self._note(item, wish, failed.get(item))
        self._judge(failed)

    def _note(self, item: Item, wish: _Wish, problem: StorageError | None) -> None:
        if problem is None:
            (self._on_disk.discard if wish.data is None else self._on_disk.add)(item)
        else:
            if wish.data is not None and os.path.exists(self._shelf.path(item)):  # `Path.exists` may raise
                self._on_disk.add(item)
            if item not in self._pending:
                self._postponed[item] = wish.data
        wish.settle(problem)

    def _judge(self, failed: dict[Item, StorageError]) -> None:
        if failed:
            self._is_failing = True
            if self._retry_at is None:
                self._retry_at = self._clock.monotonic() + self._backoff.next_s()
                reason = str(next(iter(failed.values())))
                self._log.warning("agent.shelf.failed", reason=reason, files=len(failed))
        elif self._is_failing and not self._postponed:
            self._is_failing, self._retry_at = False, None
            self._backoff.reset()
            self._log.info("agent.shelf.recovered")
