"""Who may have the name of a node, and what its record becomes."""

from __future__ import annotations

from lictor_server.state import Store, apply
from lictor_server.state.indexes import Change
from lictor_server.state.registering import settle_node, why_not_these_checks, why_not_this_node
from tests.server.build import check, node, register, service

ONE, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def filled() -> Store:
    store = Store("dc1")
    apply(store, 1, register(node("n1", id=ONE), service=service("web"), checks=[check("serfHealth")]))
    return store


def test_the_name_of_a_living_node_is_not_given_to_another_id() -> None:
    store = filled()
    refusal = why_not_this_node(store, node("N1", id=OTHER), stays=False)
    assert refusal is not None
    assert ONE in refusal.message
    assert why_not_this_node(store, node("n1", id=OTHER), stays=True) is None
    assert why_not_this_node(store, node("n1", id=ONE), stays=False) is None


def test_the_name_of_a_dead_node_is() -> None:
    store = filled()
    apply(store, 2, register(node("n1", id=ONE), checks=[check("serfHealth", status="critical")]))
    assert why_not_this_node(store, node("n1", id=OTHER), stays=False) is None


def test_an_id_under_a_new_name_renames_its_node_which_stays_as_old() -> None:
    store = filled()
    stored = settle_node(store, Change(5), node("n2", id=ONE), stays=False)
    assert (stored.node, stored.create_index, stored.modify_index) == ("n2", 1, 5)
    assert store.catalog.node("n1") is None
    assert list(store.catalog.instances("web")) == []


def test_a_record_that_stays_is_not_touched() -> None:
    store = filled()
    change = Change(5)
    assert settle_node(store, change, node("n1", address="192.0.2.99"), stays=True).address == "192.0.2.1"
    assert not change


def test_a_check_needs_its_instance_there_or_coming() -> None:
    store, wanted = filled(), [check("c1", service_id="WEB")]
    assert why_not_these_checks(store, node("n1"), wanted, set(), frozenset()) is None
    assert why_not_these_checks(store, node("n1"), wanted, set(), frozenset({"web"})) is not None
    assert why_not_these_checks(store, node("n2"), wanted, set(), frozenset()) is not None
    assert why_not_these_checks(store, node("n2"), wanted, {"web"}, frozenset()) is None
