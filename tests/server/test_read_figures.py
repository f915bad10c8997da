"""What readers ask a server, in figures."""

from __future__ import annotations

import pytest

from lictor_core.config_queries import ConfigEntriesQuery, ConfigEntryQuery
from lictor_core.metrics import Meter, Series
from lictor_core.prepared_queries import PreparedQueryExecutionQuery, PreparedQueryRenderedQuery
from lictor_core.queries import KeyQuery, ServiceHealthQuery, ServiceInstancesQuery, TransactionQuery
from lictor_core.query import Query
from lictor_server.read_figures import SERVICES_MAX, ReadFigures
from tests.support.clock import ManualClock


def counted(meter: Meter) -> dict[tuple[str, ...], float]:
    """All counts, by name and the values of their labels."""
    return {(one.name, *(value for _, value in one.labels)): told.sum for one, told in meter.counters.items()}


def test_reads_of_a_service_are_counted_with_those_that_found_nothing() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    figures = ReadFigures(meter, clock.monotonic)
    for found in ([1], [1], []):
        figures.note(ServiceHealthQuery(service="web"), found, 0.0)
    figures.note(ServiceInstancesQuery(service="web"), [1], 0.0)
    figures.note(ServiceInstancesQuery(service="web", connect=True), [], 0.0)
    assert counted(meter) == {
        ("health.service.query", "web"): 3,
        ("health.service.not-found", "web"): 1,
        ("catalog.service.query", "web"): 1,
        ("catalog.connect.query", "web"): 1,
        ("catalog.connect.not-found", "web"): 1,
    }


def test_tags_that_are_asked_for_are_one_label() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    figures = ReadFigures(meter, clock.monotonic)
    figures.note(ServiceHealthQuery(service="web", tags=("b", "a")), [1], 0.0)
    figures.note(ServiceHealthQuery(service="web", tags=("a",)), [1], 0.0)
    assert counted(meter) == {
        ("health.service.query", "web"): 2,
        ("health.service.query-tags", "web", "a,b"): 1,
        ("health.service.query-tags", "web", "a"): 1,
    }


def test_ever_new_names_take_the_place_of_no_other_figures() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    figures = ReadFigures(meter, clock.monotonic)
    for number in range(SERVICES_MAX + 50):
        figures.note(ServiceHealthQuery(service=f"s{number}", tags=("t",)), [], 0.0)
    figures.note(ServiceHealthQuery(service="s0", tags=("t",)), [1], 0.0)
    found = counted(meter)
    assert len(found) == 3 * SERVICES_MAX
    assert found["health.service.query", "s0"] == 2
    assert meter.lost == 0


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (TransactionQuery(operations=()), "txn.read"),
        (PreparedQueryExecutionQuery(id_or_name="q"), "prepared-query.execute"),
        (PreparedQueryRenderedQuery(id_or_name="q"), "prepared-query.explain"),
        (ConfigEntryQuery(kind="service-defaults", name="web"), "config_entry.get"),
        (ConfigEntriesQuery(kind="service-defaults"), "config_entry.list"),
    ],
)
def test_reads_that_take_their_time_are_measured(query: Query[object], name: str) -> None:
    clock = ManualClock()
    meter = Meter(clock)
    figures = ReadFigures(meter, clock.monotonic)
    began = figures.now()
    clock.advance(0.25)
    figures.note(query, None, began)
    figures.note(KeyQuery(key="a"), None, began)
    assert {series: (told.count, told.sum) for series, told in meter.samples.items()} == {Series(name): (1, 250.0)}
