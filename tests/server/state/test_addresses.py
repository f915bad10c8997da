from lictor_core.queries import AddressQuery
from lictor_server.state import Store, answer, apply
from tests.server.build import node, register, service


def test_addresses_compare_as_addresses() -> None:
    store = Store("dc1")
    apply(store, 5, register(node("six", address="2001:DB8:0::1")))
    apply(store, 6, register(node("named", address="Host.example")))
    assert [one.node for one in store.addresses.nodes_at("2001:db8::1")] == ["six"]
    assert [one.node for one in store.addresses.nodes_at("host.EXAMPLE")] == ["named"]
    assert store.addresses.nodes_at("192.0.2.200") == []


def test_instances_are_found_by_an_address_of_their_own_alone() -> None:
    store = Store("dc1")
    apply(store, 5, register(node(address="192.0.2.1"), service=service("web")))
    apply(store, 6, register(node(address="192.0.2.1"), service=service("api", address="192.0.2.50")))
    assert [row.service.service for row in store.addresses.instances_at("192.0.2.50")] == ["api"]
    assert store.addresses.instances_at("192.0.2.1") == []


def test_a_moved_node_is_found_at_its_new_address_only() -> None:
    store = Store("dc1")
    apply(store, 5, register(node(address="192.0.2.1")))
    assert [one.node for one in store.addresses.nodes_at("192.0.2.1")] == ["n1"]
    apply(store, 6, register(node(address="192.0.2.2")))
    assert store.addresses.nodes_at("192.0.2.1") == []
    assert [one.node for one in store.addresses.nodes_at("192.0.2.2")] == ["n1"]


def test_an_instance_that_moves_alone_is_news_for_who_asked_by_address() -> None:
    store, query = Store("dc1"), AddressQuery(address="192.0.2.50")
    apply(store, 5, register(service=service("web", address="192.0.2.50")))
    assert [one.name for one in answer(store, query).services] == ["web"]
    apply(store, 6, register(service=service("web", address="192.0.2.51")))
    assert answer(store, query).services == []
    assert store.wake_index(query.topics()) == 6
