"""Where this node stands in the network: a client agent measures the way to its server and tells it now and then.

A server finds its own place (room `server`); the agent beside it asks it. What a client measures is the time of a small
call on the connection it has anyway.
"""

from __future__ import annotations

import asyncio
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.identity import Identity
from lictor_config.sections import Coordinates
from lictor_core.clock import Clock, Rng
from lictor_core.coordinates import Coordinate, NodeCoordinate, Report
from lictor_core.errors import LictorError
from lictor_core.registry import Registry
from lictor_core.vivaldi import Locator

__all__ = ["MEASURE_S", "CoordinateKeeper"]

MEASURE_S: Final = 5.0
"""How often the way to a server is measured, on average."""


class CoordinateKeeper:
    """This node's coordinate. `run` keeps it, on client agents; servers keep theirs themselves."""

    def __init__(
        self,
        registry: Registry,
        identity: Identity,
        settings: Coordinates,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        *,
        measure_s: float = MEASURE_S,
    ) -> None:
        self._registry = registry
        self._identity = identity
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._log = log
        self._measure_s = measure_s
        self._locator = Locator(rng)
        self._report = Report()
        self._report_at = clock.monotonic() + rng.uniform(0.0, settings.interval_min_s)

    async def coordinate(self) -> Coordinate:
        """Where this node stands."""
        return (await self._registry.position()).coord if self._identity.server else self._locator.coordinate

    async def run(self) -> None:
        """Measure and report, for as long as the agent runs."""
        while not self._identity.server and not self._settings.disabled:
            await asyncio.sleep(self._rng.uniform(self._measure_s / 2, 3 * self._measure_s / 2))
            try:
                await self._measure()
                await self._tell()
            except LictorError as error:
                self._log.debug("agent.coordinate.missed", reason=str(error))

    async def _measure(self) -> None:
        began = self._clock.monotonic()
        found = await self._registry.position()
        self._locator.observe(found.node, found.coord, self._clock.monotonic() - began)

    async def _tell(self) -> None:
        now = self._clock.monotonic()
        place = self._locator.coordinate
        if now < self._report_at or not self._report.is_due(place, now):
            return
        await self._registry.place(NodeCoordinate(node=self._identity.node_name, segment="", coord=place))
        self._report.note(place, now)
        interval_s = self._settings.interval_min_s
        self._report_at = now + self._rng.uniform(interval_s, 17 * interval_s / 16)
