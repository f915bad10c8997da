"""Where this node stands in the network: a client agent measures the way to its server and tells it now and then.

A server finds its own place (room `server`); the agent beside it asks it. What a client measures is the time of a
small call on the connection it has anyway; now and then it calls another server, so that it knows a direction, too. All
agents together measure and report `sync_coordinate_rate_target` times a second each, about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol, runtime_checkable

from structlog.typing import FilteringBoundLogger

from lictor_agent.identity import Identity
from lictor_config.sections import Coordinates
from lictor_core.clock import Clock, Rng
from lictor_core.coordinates import Coordinate, NodeCoordinate, Position, Report
from lictor_core.errors import LictorError
from lictor_core.registry import Registry
from lictor_core.vivaldi import Locator

__all__ = ["MEASURE_S", "CoordinateKeeper", "FarServers"]

MEASURE_S: Final = 5.0
"""How often the way to a server is measured at first, on average, while there are few nodes."""
FIRST_SAMPLES: Final = 20
"""So many samples are taken quickly: a node that has just come knows nothing."""
FAR_EVERY: Final = 6
"""One sample in so many is of another server than that in use."""


@runtime_checkable
class FarServers(Protocol):
    """The servers beside the one in use, for who talks to them over connections."""

    @property
    def server(self) -> str:
        """The one in use."""
        ...

    @property
    def servers(self) -> tuple[str, ...]:
        """All of them."""
        ...

    async def position_of(self, server: str) -> Position:
        """Where another one stands."""
        ...


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
        nodes: Callable[[], int] = lambda: 0,
        token: Callable[[], str] = lambda: "",
        measure_s: float = MEASURE_S,
    ) -> None:
        """`nodes` is how many the cluster has, as far as is known; `token` what this node speaks for itself with."""
        self._registry = registry
        self._identity = identity
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._log = log
        self._nodes = nodes
        self._token = token
        self._measure_s = measure_s
        self.samples = 0
        """Measurements that were taken."""
        self._locator = Locator(rng)
        self._report = Report()
        self._report_at = clock.monotonic() + rng.uniform(0.0, settings.interval_min_s)

    async def coordinate(self) -> Coordinate:
        """Where this node stands."""
        return (await self._registry.position()).coord if self._identity.server else self._locator.coordinate

    async def run(self) -> None:
        """Measure and report, for as long as the agent runs."""
        while not self._identity.server and not self._settings.disabled:
            mean_s = self.pause_s()
            await asyncio.sleep(self._rng.uniform(mean_s / 2, 3 * mean_s / 2))
            try:
                await self._measure()
                await self._tell()
            except LictorError as error:
                self._log.debug("agent.coordinate.missed", reason=str(error))

    def _interval_s(self) -> float:
        return max(self._settings.interval_min_s, self._nodes() / max(self._settings.rate_target, 1.0))

    def pause_s(self) -> float:
        """How long to wait before the next measurement, on average."""
        interval_s = self._interval_s()
        return interval_s if self.samples >= FIRST_SAMPLES else max(self._measure_s, self._nodes() / 256)

    async def _measure(self) -> None:
        ask = await self._whom_to_ask()
        began = self._clock.monotonic()
        found = await ask()
        self._locator.observe(found.node, found.coord, self._clock.monotonic() - began)
        self.samples += 1

    async def _whom_to_ask(self) -> Callable[[], Awaitable[Position]]:
        """The server in use, or now and then another one; the connection to it is made before time is taken."""
        far = self._registry
        if not isinstance(far, FarServers) or self._rng.below(FAR_EVERY):
            return self._registry.position
        others = [one for one in far.servers if one != far.server]
        if not others:
            return self._registry.position
        server = others[self._rng.below(len(others))]
        await far.position_of(server)
        return partial(far.position_of, server)

    async def _tell(self) -> None:
        now = self._clock.monotonic()
        place = self._locator.coordinate
        if now < self._report_at or not self._report.is_due(place, now):
            return
        update = NodeCoordinate(node=self._identity.node_name, segment="", coord=place)
        await self._registry.place(update, token=self._token())
        self._report.note(place, now)
        interval_s = self._interval_s()
        self._report_at = now + self._rng.uniform(interval_s, 17 * interval_s / 16)
