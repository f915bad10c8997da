"""Reports of coordinates on their way into the log, and servers that find their own places."""

from __future__ import annotations

import dataclasses

import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import ReadMode
from lictor_core.coordinates import Coordinate, NodeCoordinate, Report
from lictor_core.errors import RequestError
from lictor_core.queries import CoordinatesQuery, NodeCoordinatesQuery
from lictor_core.registry import ReadOptions
from lictor_core.vivaldi import ORIGIN
from lictor_server import Server
from lictor_server.coordinates import ABSENT_S_MAX, CoordinateBatches, CoordinateSettings
from tests.server.build import node, placed, register, renewal
from tests.server.cluster.servers import cluster_of, until
from tests.server.conftest import SETTINGS, Log

QUICK = CoordinateSettings(update_period_s=0.05, measure_s=0.02)


def test_the_newest_report_of_a_node_is_written_and_in_batches() -> None:
    batches = CoordinateBatches(CoordinateSettings(update_batch_size=2, update_max_batches=2))
    for number in range(3):
        batches.add(placed(f"n{number}", 0.1), 0.0)
    batches.add(placed("N1", 0.2), 0.0)
    assert batches.take(lambda _: True, 0.0) == [[placed("n0", 0.1), placed("N1", 0.2)], [placed("n2", 0.1)]]
    assert batches.take(lambda _: True, 0.0) == []


def test_reports_beyond_the_bound_of_a_period_are_dropped_and_counted() -> None:
    batches = CoordinateBatches(CoordinateSettings(update_batch_size=2, update_max_batches=2))
    for number in range(9):
        batches.add(placed(f"n{number}", 0.1), 0.0)
    batches.add(placed("n0", 0.3), 0.0)
    assert (len(batches), batches.dropped) == (4, 5)
    assert batches.take(lambda _: True, 0.0)[0][0] == placed("n0", 0.3), (
        "a report that waits is still brought up to date"
    )


def test_a_report_waits_for_its_node_but_not_for_ever() -> None:
    batches = CoordinateBatches(CoordinateSettings())
    batches.add(placed("late", 0.1), 0.0)
    assert batches.take(lambda _: False, ABSENT_S_MAX / 2) == []
    assert batches.take(lambda _: True, ABSENT_S_MAX / 2) == [[placed("late", 0.1)]]
    batches.add(placed("never", 0.1), 100.0)
    assert batches.take(lambda _: False, 100.0 + ABSENT_S_MAX) == []
    assert len(batches) == 0


def test_a_place_is_reported_when_it_moved_and_now_and_then() -> None:
    report = Report()
    assert report.is_due(ORIGIN, 0.0)
    report.note(ORIGIN, 0.0)
    assert not report.is_due(ORIGIN, 10.0), "a cluster at rest writes nothing"
    assert report.is_due(placed("n", 0.001).coord, 10.0)
    assert report.is_due(Coordinate(vec=ORIGIN.vec, error=0.1, adjustment=0.0, height=ORIGIN.height), 10.0)
    assert report.is_due(ORIGIN, 300.0)


async def test_reports_come_into_the_state_and_the_server_places_itself(log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, coordinates=QUICK)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    try:
        await server.write(register(node("far")))
        await server.place(placed("far", 0.25))
        await server.place(placed("nobody", 0.25))

        async def both() -> bool:
            rows = (await server.read(CoordinatesQuery(), ReadOptions())).value
            return [row.node for row in rows] == ["far", "n1"]

        await until(both, what="the place that was reported and the server's own")
        assert (await server.read(NodeCoordinatesQuery(node="FAR"), ReadOptions())).value == [placed("far", 0.25)]
        assert (await server.position()).node == "n1"
    finally:
        await server.stop()


async def test_a_report_that_cannot_be_compared_is_refused_at_once(server: Server) -> None:
    short = Coordinate(vec=[0.0], error=0.1, adjustment=0.0, height=0.0)
    with pytest.raises(RequestError, match="incompatible coordinate"):
        await server.place(NodeCoordinate(node="n1", segment="", coord=short))


async def test_servers_measure_one_another_and_agree_on_who_is_where(log: Log) -> None:
    async with cluster_of(3, log, coordinates=QUICK) as cluster:
        for server in cluster.servers.values():
            await server.renew(renewal(server.member()))  # as the agent beside it does

        async def all_placed() -> bool:
            return [sorted(row.node for row in await placed_at(server)) for server in cluster.servers.values()] == [
                ["s1", "s2", "s3"]
            ] * 3

        async def all_moved() -> bool:
            positions = [await server.position() for server in cluster.servers.values()]
            return all(one.coord.error < ORIGIN.error for one in positions)

        await until(all_moved, what="servers that have measured the way to others")
        await until(all_placed, what="every place on every server")
        assert log.named("coordinate.sample.missed") == []


async def placed_at(server: Server) -> list[NodeCoordinate]:
    return (await server.read(CoordinatesQuery(), ReadOptions(mode=ReadMode.STALE))).value
