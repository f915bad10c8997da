"""The loop around anti-entropy: on a change at once, in full every minute, later and later while the servers are away.

`sync.diff` decides; here it is only carried out. Source of the intervals: Consul's `docs/internals/anti-entropy`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.local import Change, LocalState, Subject
from lictor_agent.sync import Observed, Scope, adopted_tags, diff, output_due
from lictor_core.clock import Clock, Rng
from lictor_core.commands import Command, Deregister, Register
from lictor_core.errors import LictorError, RequestError
from lictor_core.queries import NodeChecksQuery, NodeServicesQuery
from lictor_core.records import Node
from lictor_core.registry import ReadOptions, Registry

__all__ = ["SYNC_EVERY_S", "SyncLoop", "full_sync_interval"]

SYNC_EVERY_S: Final = 60.0
"""Between full comparisons in a cluster of up to `_MEMBERS_AT_BASE` members; each doubling adds the same again."""
_MEMBERS_AT_BASE: Final = 128
_RETRY_S_MIN: Final = 0.05
_RETRY_S_MAX: Final = 15.0
_QUIET_RETRY_S: Final = 1.0
"""Failures that are tried again sooner than this are no news: a leader is being elected."""
_WRITES_AT_ONCE_MAX: Final = 32
"""Commands under way at once: enough to fill a batch of the log, too few to crowd out others."""


def full_sync_interval(members: int) -> float:
    """Seconds between full comparisons in a cluster of this size, before jitter."""
    doublings = math.ceil(math.log2(max(members, 1) / _MEMBERS_AT_BASE))
    return SYNC_EVERY_S * (1 + max(doublings, 0))


class SyncLoop:
    """Keeps the catalog's picture of one node in agreement with its local state while `run` runs."""

    def __init__(
        self,
        local: LocalState,
        node: Node,
        registry: Registry,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        *,
        output_wait_s: float,
    ) -> None:
        self._local = local
        self._node = node
        self._registry = registry
        self._clock = clock
        self._rng = rng
        self._log = log
        self._output_wait_s = output_wait_s
        self._observed = Observed()
        self._scope = Scope()
        self._wake = asyncio.Event()
        self._full_at = clock.monotonic()
        self._retry_at: float | None = None
        self._retry_s = _RETRY_S_MIN
        self._waiting: list[asyncio.Future[None]] = []
        self._telling = False
        local.subscribe(self._changed)

    async def run(self) -> None:
        """Compare and tell, for ever, until cancelled."""
        while True:
            await self._until_due()
            waiting, self._waiting = self._waiting, []
            self._telling = True
            try:
                await (self._sync_everything() if self._clock.monotonic() >= self._full_at else self._sync_changes())
            except LictorError as error:
                self._failed(error)
            else:
                self._retry_at, self._retry_s = None, _RETRY_S_MIN
            self._telling = False
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def set_node(self, node: Node) -> None:
        """Tell the catalog another record of this node; its name is the same."""
        self._node = node
        self._scope.node = True
        self._wake.set()

    async def flushed(self, wait_s_max: float) -> None:
        """Return when all changes made so far were tried to be told, or after `wait_s_max` seconds. Never raises."""
        if not self._scope and not self._telling:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake.set()
        await asyncio.wait([future], timeout=wait_s_max)

    def _changed(self, change: Change) -> None:
        (self._scope.services if change.subject is Subject.SERVICE else self._scope.checks).add(change.id)
        self._wake.set()

    async def _until_due(self) -> None:
        while (pause_s := self._next_due() - self._clock.monotonic()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _next_due(self) -> float:
        if self._retry_at is not None:
            return self._retry_at
        if self._scope or self._waiting:
            return self._clock.monotonic()
        return min(self._full_at, *self._output_dues().values()) if self._local.untold_outputs else self._full_at

    def _output_dues(self) -> dict[str, float]:
        dues = {key: output_due(self._local.checks[key], self._output_wait_s) for key in self._local.untold_outputs}
        return {key: due for key, due in dues.items() if due is not None}

    async def _sync_everything(self) -> None:
        services = await self._registry.read(NodeServicesQuery(node=self._node.node), ReadOptions())
        checks = await self._registry.read(NodeChecksQuery(node=self._node.node), ReadOptions())
        self._observed = Observed(
            None if services.value is None else services.value.node,
            {} if services.value is None else dict(services.value.services),
            {check.check_id: check for check in checks.value},
        )
        for service_id, tags in adopted_tags(self._local, self._observed):
            self._local.adopt_tags(service_id, tags)
        self._scope = Scope()
        members = len(await self._registry.members())
        self._full_at = self._clock.monotonic() + full_sync_interval(members) * self._rng.uniform(0.75, 1.25)
        await self._carry_out(None)

    async def _sync_changes(self) -> None:
        scope, self._scope = self._scope, Scope()
        now = self._clock.monotonic()
        scope.checks |= {key for key, due in self._output_dues().items() if due <= now}
        await self._carry_out(scope)

    async def _carry_out(self, scope: Scope | None) -> None:
        now = self._clock.monotonic()
        commands = diff(self._node, self._local, self._observed, now, output_wait_s=self._output_wait_s, scope=scope)
        removals = [command for command in commands if isinstance(command, Deregister)]
        registrations = [command for command in commands if isinstance(command, Register)]
        # A check may move from an instance that goes to one that comes: removals must be over before.
        for part in (removals, registrations):
            for start in range(0, len(part), _WRITES_AT_ONCE_MAX):
                await self._write_all(part[start : start + _WRITES_AT_ONCE_MAX])

    async def _write_all(self, commands: Sequence[Command]) -> None:
        outcomes = await asyncio.gather(*(self._write(command) for command in commands), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _write(self, command: Command) -> None:
        try:
            await self._registry.write(command, token=self._token(command))
        except RequestError as error:
            # The same command would be refused again: look at the whole catalog first, but not at once.
            self._full_at = min(self._full_at, self._clock.monotonic() + _RETRY_S_MAX)
            self._log.warning("agent.sync.refused", reason=str(error), **_subjects(command))
            return
        self._observed.note(command)
        if isinstance(command, Register):
            for check in command.checks:
                self._told(check.check_id, check.output)
        self._log.debug("agent.sync.written", **_subjects(command))

    def _told(self, check_id: str, output: str) -> None:
        current = self._local.checks.get(check_id)
        if current is not None and current.check.output == output:
            self._local.output_told(check_id)

    def _token(self, command: Command) -> str:
        if isinstance(command, Register):
            if command.service is not None and (service := self._local.services.get(command.service.id)) is not None:
                return service.token
            if command.checks and (check := self._local.checks.get(command.checks[0].check_id)) is not None:
                return check.token
        return ""

    def _failed(self, error: LictorError) -> None:
        # What was under way may or may not have happened: look at the catalog again before going on.
        now = self._clock.monotonic()
        self._full_at = now
        self._retry_at = now + self._rng.uniform(self._retry_s / 2, self._retry_s)
        retry_ms = round((self._retry_at - now) * 1000)
        if self._retry_s < _QUIET_RETRY_S:
            self._log.debug("agent.sync.failed", reason=str(error), retry_ms=retry_ms)
        else:
            self._log.warning("agent.sync.failed", reason=str(error), retry_ms=retry_ms)
        self._retry_s = min(self._retry_s * 2, _RETRY_S_MAX)


def _subjects(command: Command) -> dict[str, object]:
    """What a command is about, as keys of a log event."""
    if isinstance(command, Deregister):
        return {"service_id": command.service_id, "check_ids": [command.check_id] if command.check_id else []}
    if isinstance(command, Register):
        service_id = "" if command.service is None else command.service.id
        return {"service_id": service_id, "check_ids": [check.check_id for check in command.checks]}
    return {}
