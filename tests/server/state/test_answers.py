import pytest

from lictor_core.codec import to_json
from lictor_core.queries import (
    AllServiceHealthQuery,
    BehindGatewayQuery,
    NodeInFullQuery,
    NodeServiceListQuery,
    NodeServicesQuery,
    NodesInFullQuery,
    NodesQuery,
    Query,
    ServiceHealthQuery,
    ServiceInstancesQuery,
    ServicesQuery,
)
from lictor_server.state import Store, answer, apply
from tests.server.build import check, config, node, register, service


def filled() -> Store:
    store = Store("dc1")
    for index, command in enumerate(
        [
            register(node("n2", meta={"rack": "1"}), service=service(tags=["v1", "EU"])),
            register(node("N1"), service=service(tags=["v2"]), checks=[check(status="warning")]),
            register(node("n3"), service=service("web-proxy", proxy_for="Web")),
            register(node("n3"), service=service("native", native=True)),
        ],
        5,
    ):
        apply(store, index, command)
    return store


def nodes_of(store: Store, query: ServiceHealthQuery) -> list[str]:
    return [row.node.node for row in answer(store, query)]


def test_instances_come_by_node_whatever_the_order_of_registration() -> None:
    assert nodes_of(filled(), ServiceHealthQuery(service="WEB")) == ["N1", "n2"]


def test_every_tag_must_be_there_and_case_does_not_count() -> None:
    store = filled()
    assert nodes_of(store, ServiceHealthQuery(service="web", tags=("eu", "V1"))) == ["n2"]
    assert nodes_of(store, ServiceHealthQuery(service="web", tags=("eu", "v2"))) == []


def test_passing_leaves_out_what_has_a_warning() -> None:
    assert nodes_of(filled(), ServiceHealthQuery(service="web", passing=True)) == ["n2"]


def test_node_meta_selects_nodes_services_and_instances() -> None:
    store, meta = filled(), (("rack", "1"),)
    assert [one.node for one in answer(store, NodesQuery(node_meta=meta))] == ["n2"]
    assert answer(store, ServicesQuery(node_meta=meta)) == {"web": ["EU", "v1"]}
    assert [one.node for one in answer(store, ServiceInstancesQuery(service="web", node_meta=meta))] == ["n2"]


def test_mesh_capable_instances_are_proxies_and_native_ones() -> None:
    store = filled()
    assert [row.service.id for row in answer(store, ServiceHealthQuery(service="web", connect=True))] == ["web-proxy"]
    assert [row.service.id for row in answer(store, ServiceHealthQuery(service="native", connect=True))] == ["native"]


def test_unknown_node_is_null_or_empty() -> None:
    assert answer(filled(), NodeServicesQuery(node="nobody")) is None
    assert to_json(answer(filled(), NodeServiceListQuery(node="nobody"))) == b'{"Node":null,"Services":[]}'


def test_lists_of_health_are_shared_until_something_in_them_changes() -> None:
    store = filled()
    query = ServiceHealthQuery(service="web")
    first = answer(store, query)
    apply(store, 50, register(node("n3"), service=service("other")))
    assert answer(store, query) is first
    apply(store, 51, register(node("n1"), checks=[check(output="new")]))
    assert answer(store, query) is not first


def test_tags_are_never_null() -> None:
    rows = answer(filled(), ServiceInstancesQuery(service="native"))
    assert b'"ServiceTags":[]' in to_json(rows)
    assert b'"ServiceMeta":{}' in to_json(rows)


@pytest.mark.parametrize(
    "query",
    [NodesInFullQuery(), AllServiceHealthQuery(), BehindGatewayQuery(gateway="out"), NodeInFullQuery(node="n1")],
)
def test_who_looks_at_everything_is_woken_by_what_no_list_of_names_shows(query: Query[object]) -> None:
    store = Store("dc1")
    apply(store, 5, config("terminating-gateway", "out", {"Services": [{"Name": "web"}]}))
    apply(store, 6, register(service=service("web", port=80)))
    before = answer(store, query)
    apply(store, 7, register(service=service("web", port=81)))
    assert answer(store, query) != before
    assert store.wake_index(query.topics()) == store.stamp(query.topics()) == 7


def test_an_instance_of_a_service_that_is_written_in_two_ways_is_dumped_once() -> None:
    store = Store("dc1")
    apply(store, 5, register(node("n1"), service=service("web")))
    apply(store, 6, register(node("n2"), service=service("Web")))
    rows = answer(store, AllServiceHealthQuery())
    assert [(row.service.service, row.node.node) for row in rows] == [("Web", "n2"), ("web", "n1")]
