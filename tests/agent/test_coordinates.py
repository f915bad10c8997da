"""A client agent measures the way to its server and reports where it stands."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import cast

from lictor_agent.coordinates import FIRST_SAMPLES, CoordinateKeeper
from lictor_agent.identity import Identity
from lictor_config.sections import Coordinates
from lictor_core.clock import SeededRng
from lictor_core.coordinates import NodeCoordinate, Position, distance_s
from lictor_core.errors import NoLeaderError
from lictor_core.registry import Registry
from lictor_core.vivaldi import ORIGIN
from tests.agent.builders import identity
from tests.server.build import placed
from tests.server.conftest import Log, made_log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

QUICK_S = 0.002
QUICKLY = Coordinates(interval_min_s=0.01, rate_target=1e9)


class Far:
    """A server that is 40 ms away by the clock of the test, and may be silent."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked = 0
        self.is_silent = False
        self.reports: list[NodeCoordinate] = []

    async def position(self) -> Position:
        self.asked += 1
        if self.is_silent:
            raise NoLeaderError
        self.clock.advance(0.040)
        return Position(node="s1", coord=placed("s1", 0.0).coord)

    async def place(self, update: NodeCoordinate, *, token: str = "") -> None:
        self.reports.append(update)


def keeper(far: Far, log: Log, *, who: Identity | None = None, settings: Coordinates | None = None) -> CoordinateKeeper:
    client = dataclasses.replace(identity(), server=False)
    return CoordinateKeeper(
        cast(Registry, far),
        who or client,
        settings or QUICKLY,
        far.clock,
        SeededRng(3),
        log.logger,
        measure_s=QUICK_S,
    )


async def test_the_way_to_the_server_is_measured_and_reported() -> None:
    log = made_log()
    far = Far(ManualClock())
    kept = keeper(far, log)
    running = asyncio.ensure_future(kept.run())
    await eventually(lambda: len(far.reports) >= 2, what="two reports")
    running.cancel()
    assert far.reports[0].node == identity().node_name
    assert far.reports[-1].coord != ORIGIN


async def test_a_silent_server_ends_nothing() -> None:
    log = made_log()
    far = Far(ManualClock())
    far.is_silent = True
    running = asyncio.ensure_future(keeper(far, log).run())
    await eventually(lambda: far.asked >= 3, what="asking on")
    far.is_silent = False
    await eventually(lambda: far.reports != [], what="a report in the end")
    running.cancel()
    assert log.named("agent.coordinate.missed") != []


async def test_servers_and_whoever_switched_coordinates_off_measure_nothing() -> None:
    log = made_log()
    far = Far(ManualClock())
    await keeper(far, log, who=identity()).run()
    await keeper(far, log, settings=Coordinates(disabled=True)).run()
    assert far.asked == 0
    assert (await keeper(far, log, who=identity()).coordinate()).vec == [0.0] * 8
    assert far.asked == 1, "a server's place is the server's to know"


class Several(Far):
    """The same, with other servers beside it that are 10 ms away, and slow to be connected to."""

    server = "127.0.0.1:1"
    servers = ("127.0.0.1:1", "127.0.0.1:2")

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.far: list[str] = []

    async def position_of(self, server: str) -> Position:
        self.far.append(server)
        self.clock.advance(0.010 if len(self.far) % 2 == 0 else 3.0)
        return Position(node="s2", coord=placed("s2", 0.05).coord)


async def test_other_servers_are_measured_now_and_then_without_the_time_to_connect() -> None:
    far = Several(ManualClock())
    kept = keeper(far, made_log())
    running = asyncio.ensure_future(kept.run())
    await eventually(lambda: len(far.far) >= 40 and far.asked >= 100, what="many measurements", within_s=20.0)
    running.cancel()
    assert set(far.far) == {"127.0.0.1:2"}
    assert far.asked > len(far.far), "the server in use is measured more often"
    place = await kept.coordinate()
    assert distance_s(place, placed("s2", 0.05).coord) < 0.1, "three seconds were the dial's"


async def test_reports_and_measurements_are_rarer_the_more_nodes_there_are() -> None:
    far = Far(ManualClock())
    small = pauses(far, nodes=100)
    large = pauses(far, nodes=5000)
    assert (small[0], small[-1]) == (5.0, 15.0)
    assert large[0] == 5000 / 256
    assert large[-1] == 5000 / 64


def pauses(far: Far, *, nodes: int) -> list[float]:
    """The mean pauses before the first measurement, and after the quick ones."""
    client = dataclasses.replace(identity(), server=False)
    kept = CoordinateKeeper(
        cast(Registry, far), client, Coordinates(), far.clock, SeededRng(1), made_log().logger, nodes=lambda: nodes
    )
    first = kept.pause_s()
    kept.samples = FIRST_SAMPLES
    return [first, kept.pause_s()]
