"""The store as DNS reads it."""

import pytest

from lictor_core.commands import Command, CoordinatesSet, PreparedQuerySet
from lictor_core.records import ServiceKind
from lictor_core.registry import CatalogView
from lictor_server.state import Store, apply
from lictor_server.state.snapshot import restore, take
from lictor_server.view import StoreView
from tests.server.build import config, node, placed, prepared_query, register, service, template

INGRESS = config(
    "ingress-gateway",
    "gw",
    {"Listeners": [{"Port": 1, "Protocol": "tcp", "Services": [{"Name": "web"}]}]},
)


def filled() -> Store:
    store = Store("dc1")
    apply(store, 10, register(node("n1"), service=service("gw", kind=ServiceKind.INGRESS_GATEWAY)))
    return store


@pytest.mark.parametrize(
    "command",
    [
        register(node("n2"), service=service("db")),
        INGRESS,
        PreparedQuerySet(query=prepared_query("q")),
        CoordinatesSet(updates=[placed("n1", 0.1)]),
        config("service-resolver", "web", {}),
    ],
    ids=["an instance", "a gateway's entry", "a prepared query", "a coordinate", "a virtual address"],
)
def test_its_version_grows_with_all_that_it_tells(command: Command) -> None:
    store = filled()
    view: CatalogView = StoreView(store, lambda: 0.0)
    before = view.version
    apply(store, 20, command)
    assert view.version > before


def test_its_version_stays_when_something_else_changes() -> None:
    store = filled()
    view = StoreView(store, lambda: 0.0)
    before = view.version
    apply(store, 20, config("service-defaults", "web", {"Protocol": "http"}))
    assert view.version == before


def test_its_version_does_not_stay_when_a_snapshot_takes_the_place_of_the_state() -> None:
    store = filled()
    apply(store, 20, PreparedQuerySet(query=prepared_query("q")))
    copy = restore(take(store))
    assert StoreView(copy, lambda: 0.0).version >= 20


def test_gateways_queries_and_places_are_told() -> None:
    store = filled()
    apply(store, 11, INGRESS)
    apply(store, 12, PreparedQuerySet(query=template("to-", service="${name.suffix}")))
    apply(store, 13, CoordinatesSet(updates=[placed("N1", 0.1)]))
    view = StoreView(store, lambda: 0.0)
    assert [row.service.service for row in view.ingress_health("WEB")] == ["gw"]
    query = view.prepared_query("to-web")
    assert query is not None
    assert query.service.service == "web"
    assert view.prepared_query("web") is None
    assert set(view.coordinates()) == {"n1"}
    assert view.virtual_address("web") is None
    apply(store, 14, register(service=service("web", native=True)))
    assert view.virtual_address("WEB") == "240.0.0.1"
