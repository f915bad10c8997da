"""When checks run: one scheduler for all checks of an agent, which follows what is registered.

A check first runs soon, at a random moment, then every interval, and sooner as long as it never was good: no check
overlaps itself, and checks that were registered together stay spread. `lanes` says how many ask at once.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from structlog.typing import FilteringBoundLogger

from lictor_agent.checks.alias import aliased_here
from lictor_agent.checks.alias_watch import watch_node
from lictor_agent.checks.asking import ASKED, PROGRAMS, Asker
from lictor_agent.checks.lanes import CONNECTIONS_MAX, PROGRAMS_MAX, SLOW_S, Lane
from lictor_agent.checks.status import (
    Result,
    Streak,
    clipped_note,
    first_pause_s,
    judged,
    next_due,
    next_pause_s,
    require_status,
)
from lictor_agent.checks.tls import CheckTls
from lictor_agent.checks.ttl import expired_output
from lictor_agent.local import Change, LocalState, Subject
from lictor_agent.settings import AgentSettings
from lictor_config.definitions import CheckDefinition, CheckKind
from lictor_core.clock import Clock, Rng
from lictor_core.errors import RequestError
from lictor_core.records import CRITICAL, Check
from lictor_core.registry import Registry

__all__ = ["INTERVAL_S_MIN", "CheckRunner"]

INTERVAL_S_MIN: Final = 1.0
"""The shortest time between two runs of a check, however short the one it asks for; Consul's bound."""
_STOP_S_MAX: Final = 0.5
_GRAIN_S: Final = 0.01
"""Checks that are due within so little time start together: one waking of the process is for several."""
_STALE_DUES_MAX: Final = 256
"""Due times kept beyond two for each check, before those that no longer hold are dropped."""


Through: TypeAlias = Callable[[str, CheckDefinition], CheckDefinition]
"""A check's id and its definition, to what is asked."""


@dataclass(eq=False)
class _Entry:
    """One running check, when it is to run, and how many of its runs were not good while none ever was."""

    check_id: str
    definition: CheckDefinition
    lane: Lane[_Entry]
    due: float | None = None
    last_due: float = 0.0
    was_slow: bool = False
    was_good: bool = False
    runs_never_good: int = 0
    streak: Streak = field(default_factory=Streak)
    task: asyncio.Task[None] | None = None


class CheckRunner:
    """Runs the checks of one `LocalState` while `run` runs, and puts their results there."""

    def __init__(
        self,
        local: LocalState,
        registry: Registry,
        node: str,
        settings: AgentSettings,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        asker: Asker | None = None,
        *,
        through: Through | None = None,
        token: Callable[[], str] = str,
    ) -> None:
        """`through` says where a check is asked in place of where its definition says.

        `token` gives the one by which the servers are asked for what has none of its own.
        """
        self._token = token
        self._local = local
        self._registry = registry
        self._node = node
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._log = log
        self._through = through
        self._asker = asker or Asker(settings.environment, settings.check_tls)
        self._connections: Lane[_Entry] = Lane(CONNECTIONS_MAX)
        self._programs: Lane[_Entry] = Lane(PROGRAMS_MAX)
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, int, _Entry]] = []
        self._order = itertools.count()
        self._local_aliases: dict[str, set[str]] = {}
        self._stale_aliases: set[str] = set()
        self._wake = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        local.subscribe(self._changed)

    @property
    def dues_kept(self) -> int:
        """How many due times are remembered; bounded by twice the checks and a constant."""
        return len(self._heap)

    async def run(self) -> None:
        """Run checks until cancelled; then every program that a check started is killed."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for check_id in self._local.checks:
                    self._follow(check_id)
                while True:
                    self._refresh_aliases()
                    self._take_due()
                    self._start_ready()
                    await self._until_due()
        finally:
            self._group = None
            async with asyncio.timeout(_STOP_S_MAX):
                await self._asker.close()

    def use_tls(self, material: CheckTls | None) -> None:
        """Have checks believe and show this from their next run on."""
        self._asker.use_tls(material)

    def follow(self, settings: AgentSettings) -> None:
        """Use other settings from now on."""
        self._settings = settings

    def rearm(self, check_ids: Iterable[str]) -> None:
        """These checks were registered again: their time runs anew, also where nothing about them changed."""
        for check_id in check_ids:
            entry = self._entries.get(check_id)
            if entry is not None and entry.definition.kind is CheckKind.TTL:
                self._schedule_in(entry, entry.definition.ttl_s)

    def update_ttl(self, check_id: str, status: str, output: str) -> None:
        """Note what a service says of itself. Raises `RequestError` unless this is a TTL check and a status."""
        require_status(status)
        current = self._local.checks.get(check_id)
        definition = None if current is None else current.definition
        if definition is None or definition.kind is not CheckKind.TTL:
            raise RequestError(f'CheckID "{check_id}" does not have associated TTL')
        self._note(check_id, Result(status, clipped_note(output, self._output_bytes_max(definition))))
        entry = self._entries.get(check_id)
        if entry is not None:
            self._schedule_in(entry, definition.ttl_s)

    def _changed(self, change: Change) -> None:
        if change.subject is Subject.CHECK and self._group is not None:
            self._follow(change.id)
        self._mark_aliases(change)

    def _follow(self, check_id: str) -> None:
        """Start, restart or stop one check, as the local state has it."""
        current = self._local.checks.get(check_id)
        definition = None if current is None else current.definition
        entry = self._entries.get(check_id)
        if entry is not None:
            if entry.definition is definition or entry.definition == definition:
                return
            self._stop(check_id, entry)
        if definition is not None:
            self._start(check_id, definition)

    def _start(self, check_id: str, definition: CheckDefinition) -> None:
        lane = self._programs if definition.kind in PROGRAMS else self._connections
        entry = self._entries[check_id] = _Entry(check_id, definition, lane)
        match definition.kind:
            case CheckKind.TTL:
                self._schedule_in(entry, definition.ttl_s)
            case CheckKind.ALIAS if definition.alias_node.lower() in ("", self._node.lower()):
                self._local_aliases.setdefault(definition.alias_service, set()).add(check_id)
                self._stale_aliases.add(check_id)
                self._wake.set()
            case CheckKind.ALIAS:
                owned = definition.token or self._local.checks[check_id].token
                watch = watch_node(
                    check_id,
                    definition,
                    self._registry,
                    self._rng,
                    lambda it: self._note(check_id, it),
                    lambda: owned or self._token(),
                )
                entry.task = self._spawn(watch, check_id)
            case _:
                soon_s = first_pause_s(_interval_s(definition), len(self._entries))
                self._schedule_in(entry, self._rng.uniform(0, soon_s))

    def _stop(self, check_id: str, entry: _Entry) -> None:
        del self._entries[check_id]
        entry.due = None
        aliases = self._local_aliases.get(entry.definition.alias_service, set())
        aliases.discard(check_id)
        if not aliases:
            self._local_aliases.pop(entry.definition.alias_service, None)
        self._stale_aliases.discard(check_id)
        if entry.task is not None:
            entry.task.cancel()

    def _schedule_in(self, entry: _Entry, after_s: float) -> None:
        self._schedule(entry, self._clock.monotonic() + after_s)

    def _schedule(self, entry: _Entry, due: float) -> None:
        entry.due = due
        if len(self._heap) > 2 * len(self._entries) + _STALE_DUES_MAX:
            # Every word of a TTL check leaves its earlier due time behind: a talkative one must not fill the memory.
            self._heap = [one for one in self._heap if one[2].due == one[0]]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (due, next(self._order), entry))
        if self._heap[0][0] == due:
            self._wake.set()

    async def _until_due(self) -> None:
        while self._heap and self._heap[0][2].due != self._heap[0][0]:
            heapq.heappop(self._heap)  # was scheduled anew, or stopped
        timer: asyncio.TimerHandle | None = None
        if self._heap:
            pause_s = max(self._heap[0][0] - self._clock.monotonic(), _GRAIN_S)
            timer = asyncio.get_running_loop().call_later(pause_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()
        self._wake.clear()

    def _take_due(self) -> None:
        now = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now:
            due, _, entry = heapq.heappop(self._heap)
            if entry.due != due:
                continue
            entry.due, entry.last_due = None, due
            if entry.definition.kind is CheckKind.TTL:
                self._expire(entry.check_id)
            elif entry.definition.kind in ASKED:
                entry.lane.wait(entry, slow=entry.was_slow)

    def _expire(self, check_id: str) -> None:
        output = self._local.checks[check_id].check.output
        self._log.warning("agent.check.expired", check_id=check_id)
        self._note(check_id, Result(CRITICAL, expired_output(output)))

    def _start_ready(self) -> None:
        for lane in (self._connections, self._programs):
            while (found := lane.next()) is not None:
                entry, slow = found
                if self._entries.get(entry.check_id) is entry:
                    entry.task = self._spawn(self._probe(entry), entry.check_id)
                    # Not at the end of the coroutine: one that is cancelled at once never begins.
                    entry.task.add_done_callback(partial(self._leave, lane, slow))
                else:
                    lane.leave(slow=slow)  # was deregistered while it waited

    def _leave(self, lane: Lane[_Entry], slow: bool, _: asyncio.Task[None]) -> None:
        lane.leave(slow=slow)
        if lane.has_waiting:
            self._wake.set()

    async def _probe(self, entry: _Entry) -> None:
        definition = entry.definition
        if self._through is not None:
            definition = self._through(entry.check_id, definition)
        began = self._clock.monotonic()
        try:
            result = await self._asker.ask(definition, self._output_bytes_max(definition))
        except Exception:
            # A mistake of ours costs one check its result, and the agent nothing.
            self._log.exception("agent.check.crashed", check_id=entry.check_id)
            result = Result(CRITICAL, "The agent could not run this check; its log says why")
        finally:
            entry.task = None
        now = self._clock.monotonic()
        entry.was_slow = now - began > SLOW_S
        entry.streak, counted = judged(
            entry.streak,
            result,
            definition.success_before_passing,
            definition.failures_before_warning,
            definition.failures_before_critical,
        )
        if counted is not None:
            self._note(entry.check_id, counted)
        entry.was_good = entry.was_good or result.status != CRITICAL
        entry.runs_never_good = 0 if entry.was_good else entry.runs_never_good + 1
        self._schedule(entry, next_due(entry.last_due, now, _pause_s(entry)))

    def _spawn(self, job: Coroutine[None, None, None], check_id: str) -> asyncio.Task[None]:
        assert self._group is not None, "checks are started only while the runner runs"
        return self._group.create_task(job, name=f"check {check_id}")

    def _note(self, check_id: str, result: Result) -> None:
        output = "" if self._settings.discard_check_output else result.output
        change = self._local.set_status(check_id, result.status, output, self._clock.monotonic())
        if change is not None and change.status_changed:
            self._log.info("agent.check.changed", check_id=check_id, status=result.status)

    def _output_bytes_max(self, definition: CheckDefinition) -> int:
        return definition.output_max_size or self._settings.check_output_bytes_max

    def _mark_aliases(self, change: Change) -> None:
        """Note which aliases may have to change with this change."""
        if not self._local_aliases:
            return
        if change.subject is Subject.SERVICE:
            marked = self._local_aliases.get(change.id, set())
        else:
            current = self._local.checks.get(change.id)
            # A check that is gone no longer says whose it was; one of the node speaks for all instances.
            owner = "" if current is None else current.check.service_id
            marked = self._local_aliases.get(owner, set()) if owner else set[str]().union(*self._local_aliases.values())
        if marked:
            self._stale_aliases |= marked
            self._wake.set()

    def _refresh_aliases(self) -> None:
        """Bring the aliases up to date that may have changed; a change of an alias may make others stale in turn."""
        stale, self._stale_aliases = self._stale_aliases, set()
        for check_id in sorted(stale):
            result = aliased_here(
                check_id,
                self._node,
                aim_of=self._aim_of,
                checks_of=self._checks_for,
                service_exists=lambda service_id: service_id in self._local.services,
            )
            self._note(check_id, result)

    def _aim_of(self, check_id: str) -> str | None:
        """Of which service here a check is an alias, empty for the node; None when it is none."""
        entry = self._entries.get(check_id)
        if entry is None or check_id not in self._local_aliases.get(entry.definition.alias_service, ()):
            return None
        return entry.definition.alias_service

    def _checks_for(self, service_id: str) -> list[Check]:
        """The checks that count for an alias of a service (the node, when empty)."""
        found = [one.check for one in self._local.checks_of("")]
        return found + [one.check for one in self._local.checks_of(service_id)] if service_id else found


def _interval_s(definition: CheckDefinition) -> float:
    return max(definition.interval_s, INTERVAL_S_MIN)


def _pause_s(entry: _Entry) -> float:
    interval_s = _interval_s(entry.definition)
    # A program may do work, or cost; it runs as often as it was asked to.
    return interval_s if entry.definition.kind in PROGRAMS else next_pause_s(interval_s, entry.runs_never_good)
