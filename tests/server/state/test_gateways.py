"""What is behind gateways, and where gateways stand in for services. Wakes are a law of test_configuring."""

from __future__ import annotations

from hypothesis import given, settings

from lictor_core import topics as on
from lictor_core.commands import Command, Deregister
from lictor_core.queries import GatewayServicesQuery, IngressHealthQuery, ServiceHealthQuery, ServiceInstancesQuery
from lictor_core.records import ServiceKind
from lictor_server.state import Store, answer, apply
from lictor_server.state.snapshot import restore, state_hash, take
from tests.server.build import check, config, node, register, service, unconfig
from tests.server.state import strategies as any_of
from tests.server.state.test_configuring import done

WEB = register(service=service("web"))
OUT = register(node("n2"), service=service("out", kind=ServiceKind.TERMINATING_GATEWAY))
IN = register(node("n3"), service=service("in", kind=ServiceKind.INGRESS_GATEWAY), checks=[check(service_id="in")])


def behind(store: Store, gateway: str) -> list[tuple[str, str, bool]]:
    rows = answer(store, GatewayServicesQuery(gateway=gateway))
    return [(row.service.name, row.ca_file, row.from_wildcard) for row in rows]


def test_a_wildcard_means_what_is_there_and_follows_it() -> None:
    store = done(config("terminating-gateway", "out", {"Services": [{"Name": "*", "CAFile": "w"}]}), WEB)
    assert behind(store, "OUT") == [("web", "w", True)]
    apply(store, 20, register(service=service("web", id="web", kind=ServiceKind.MESH_GATEWAY)))
    assert behind(store, "out") == []
    apply(store, 21, register(service=service("db")))
    assert behind(store, "out") == [("db", "w", True)]
    apply(store, 22, Deregister(node="n1", service_id="db"))
    assert behind(store, "out") == []


def test_what_an_entry_names_goes_before_its_wildcard() -> None:
    body = {"Services": [{"Name": "*", "CAFile": "w"}, {"Name": "WEB", "CAFile": "own"}]}
    assert behind(done(WEB, config("terminating-gateway", "out", body)), "out") == [("WEB", "own", False)]


def test_the_servers_are_meant_by_no_wildcard() -> None:
    store = done(register(service=service("consul")), config("terminating-gateway", "o", {"Services": [{"Name": "*"}]}))
    assert behind(store, "o") == []


def test_a_terminating_gateway_takes_connections_for_its_services_after_their_own_proxies() -> None:
    proxy = register(node("n9"), service=service("web-proxy", proxy_for="web"))
    entry = config("terminating-gateway", "out", {"Services": [{"Name": "web"}]})
    store = done(WEB, proxy, OUT, entry)
    assert [row.service.service for row in answer(store, ServiceHealthQuery(service="web", connect=True))] == [
        "web-proxy",
        "out",
    ]
    flat = answer(store, ServiceInstancesQuery(service="WEB", connect=True))
    assert [row.service_name for row in flat] == ["web-proxy", "out"]
    apply(store, 20, unconfig("terminating-gateway", "out"))
    assert [row.service.service for row in answer(store, ServiceHealthQuery(service="web", connect=True))] == [
        "web-proxy"
    ]


def test_an_ingress_gateway_is_found_by_what_is_behind_it_with_its_checks() -> None:
    entry = config("ingress-gateway", "in", {"Listeners": [{"Port": 80, "Services": [{"Name": "web"}]}]})
    store = done(IN, entry)
    (row,) = answer(store, IngressHealthQuery(service="web"))
    assert (row.service.service, [one.status for one in row.checks]) == ("in", ["passing"])
    apply(store, 20, register(node("n3"), checks=[check(service_id="in", status="critical")]))
    assert answer(store, IngressHealthQuery(service="web", passing=True)) == []
    assert answer(store, IngressHealthQuery(service="other")) == []


def test_an_instance_of_another_kind_is_no_gateway_whatever_its_name() -> None:
    entry = config("terminating-gateway", "out", {"Services": [{"Name": "web"}]})
    store = done(register(service=service("out")), entry)
    assert answer(store, ServiceHealthQuery(service="web", connect=True)) == []


@given(any_of.config_logs)
@settings(deadline=None, max_examples=60)
def test_links_are_those_that_a_fresh_look_finds(log: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate(log, 3):
        apply(store, index, command)
        seen = [
            (list(store.gateways.mesh_instances(name)), list(store.gateways.ingress_instances(name)))
            for name in ("web", "db")
        ] + [store.gateways.services_of(name) for name in ("in", "out")]
        store.gateways.forget()
        fresh = [
            (list(store.gateways.mesh_instances(name)), list(store.gateways.ingress_instances(name)))
            for name in ("web", "db")
        ] + [store.gateways.services_of(name) for name in ("in", "out")]
        assert seen == fresh


EVERYTHING = config("terminating-gateway", "out", {"Services": [{"Name": "*"}]})


def test_a_node_may_go_with_a_gateway_and_all_that_its_wildcard_means_on_it() -> None:
    store = done(EVERYTHING, WEB, register(service=service("out", kind=ServiceKind.TERMINATING_GATEWAY)))
    assert behind(store, "out") == [("web", "", True)]
    _, change = apply(store, 20, Deregister(node="n1"))
    assert behind(store, "out") == []
    assert {on.connect("web"), on.gateway("out")} <= change.woken.keys()


def test_the_order_in_which_a_node_was_filled_changes_nothing() -> None:
    """A server that came back from a snapshot has the instances of a node in another order than the others."""
    straight = done(
        EVERYTHING,
        register(service=service("web", id="z")),
        register(service=service("db", id="a"), checks=[check()]),
    )
    copied = restore(take(straight))
    for store in (straight, copied):
        apply(store, 20, Deregister(node="n1"))
    assert state_hash(straight) == state_hash(copied)


def test_who_waits_learns_that_a_service_is_written_otherwise() -> None:
    store = done(EVERYTHING, WEB, register(node("n2"), service=service("Web")))
    assert behind(store, "out") == [("web", "", True)]
    _, change = apply(store, 20, Deregister(node="n1"))
    assert behind(store, "out") == [("Web", "", True)]
    assert on.gateway("out") in change.woken


def test_a_gateway_that_takes_connections_for_its_own_name_stands_there_once() -> None:
    native = service("out", kind=ServiceKind.TERMINATING_GATEWAY, native=True)
    store = done(config("terminating-gateway", "out", {"Services": [{"Name": "out"}]}), register(service=native))
    assert len(answer(store, ServiceHealthQuery(service="out", connect=True))) == 1
