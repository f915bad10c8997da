"""The servers' part in network coordinates: reports of nodes are gathered and written in batches, and this server finds
its own place by measuring the way to the others.

Reports are worth little each and come all the time: so they are gathered by whichever server they come to, only the
newest of a node is kept, and so many go into the log in a period at most. What does not fit is dropped; the next report
brings it anew. Consul's settings of the same names have the same defaults.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock, Rng
from lictor_core.codec import unpack
from lictor_core.commands import Command, CoordinatesSet, Outcome
from lictor_core.coordinates import NodeCoordinate, Position, Report
from lictor_core.errors import LictorError
from lictor_core.vivaldi import ROUND_TRIP_S_MAX, Locator
from lictor_server.endpoints.coordinates import check_update
from lictor_server.rpc import RpcPool

__all__ = ["ABSENT_S_MAX", "CoordinateBatches", "CoordinateSettings", "ServerCoordinates"]

ABSENT_S_MAX: Final = 60.0
"""How long a report waits for its node to come into the catalog: who just started is placed before it is registered."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoordinateSettings:
    """Times are in seconds. `update_max_batches` times `update_batch_size` reports are written in a period at most."""

    enabled: bool = True
    update_period_s: float = 5.0
    update_batch_size: int = 128
    update_max_batches: int = 5
    measure_s: float = 5.0
    """How often another server is measured, on average."""


class CoordinateBatches:
    """Reports that wait for their turn. Pure."""

    def __init__(self, settings: CoordinateSettings) -> None:
        self._settings = settings
        self._waiting: dict[tuple[str, str], tuple[NodeCoordinate, float]] = {}
        self.dropped = 0
        """Reports that did not fit since the start."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, update: NodeCoordinate, now: float) -> None:
        """Take a report; it takes the place of an earlier one of the same node."""
        key = (update.node.lower(), update.segment)
        if key not in self._waiting and len(self._waiting) >= self._reports_max:
            self.dropped += 1
            return
        self._waiting[key] = (update, now)

    def take(self, is_known: Callable[[str], bool], now: float) -> list[list[NodeCoordinate]]:
        """The batches to write now. Reports of nodes that are not known wait on, for `ABSENT_S_MAX`."""
        absent = {key: row for key, row in self._waiting.items() if not is_known(row[0].node)}
        ready = [row for key, (row, _) in self._waiting.items() if key not in absent]
        self._waiting = {key: row for key, row in absent.items() if now - row[1] < ABSENT_S_MAX}
        size = self._settings.update_batch_size
        return [ready[start : start + size] for start in range(0, len(ready), size)]

    @property
    def _reports_max(self) -> int:
        return self._settings.update_batch_size * self._settings.update_max_batches


class ServerCoordinates:
    """Where this server stands, and what it was told of others. All methods belong to the event loop."""

    def __init__(
        self,
        settings: CoordinateSettings,
        *,
        node_name: str,
        is_known: Callable[[str], bool],
        servers: Callable[[], Mapping[str, str]],
        pool: RpcPool,
        write: Callable[[Command], Awaitable[Outcome]],
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        """`servers` are the others by id, with their addresses, and `pool` the way there."""
        self._settings = settings
        self._node_name = node_name
        self._is_known = is_known
        self._servers = servers
        self._pool = pool
        self._write = write
        self._clock = clock
        self._rng = rng
        self._log = log
        self._locator = Locator(rng)
        self._batches = CoordinateBatches(settings)
        self._report = Report()

    def position(self) -> Position:
        """Where this server stands."""
        return Position(node=self._node_name, coord=self._locator.coordinate)

    def take(self, update: NodeCoordinate) -> None:
        """A node reports its place. Raises `RequestError` for one that cannot be compared."""
        check_update(update)
        if self._settings.enabled:
            self._batches.add(update, self._clock.monotonic())

    async def measure(self) -> None:
        """Measure the way to others, for as long as the server runs."""
        mean_s = self._settings.measure_s
        while self._settings.enabled:
            await asyncio.sleep(self._rng.uniform(mean_s / 2, 3 * mean_s / 2))
            addresses = sorted(self._servers().values())
            if addresses:
                await self._measure_one(addresses[self._rng.below(len(addresses))])

    async def _measure_one(self, address: str) -> None:
        began = self._clock.monotonic()
        try:
            found = unpack(await self._pool.call(address, "position", b"", timeout_s=ROUND_TRIP_S_MAX), Position)
            self._locator.observe(found.node, found.coord, self._clock.monotonic() - began)
        except LictorError as error:
            self._log.debug("coordinate.sample.missed", address=address, reason=str(error))

    async def write(self) -> None:
        """Write what was reported, for as long as the server runs."""
        period_s = self._settings.update_period_s
        while self._settings.enabled:
            await asyncio.sleep(self._rng.uniform(period_s / 2, period_s))
            now = self._clock.monotonic()
            own = self._locator.coordinate
            if self._report.is_due(own, now):
                self._report.note(own, now)
                self._batches.add(NodeCoordinate(node=self._node_name, segment="", coord=own), now)
            await self._write_batches(self._batches.take(self._is_known, now))

    async def _write_batches(self, batches: list[list[NodeCoordinate]]) -> None:
        try:
            for batch in batches:
                await self._write(CoordinatesSet(updates=batch))
        except LictorError as error:
            # They come again; a cluster without a leader has other worries.
            self._log.debug("coordinate.update.failed", reason=str(error))
