"""A slice holds what operations name, and no more. That it is enough is shown by `test_transactions`."""

from __future__ import annotations

from lictor_core.commands import KVSet, SessionCreate
from lictor_core.transactions import CheckOperation, KeyOperation, NodeOperation, Operation, ServiceOperation
from lictor_server.state import Store, apply
from lictor_server.state.slices import slice_of
from tests.server.build import check, node, register, service, session

HOLDER = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def filled() -> Store:
    store = Store("dc1")
    checks = [check("serfHealth"), check("c1", service_id="s1"), check("c2")]
    apply(store, 1, register(node("n1"), service=service("web", id="s1"), checks=checks))
    apply(store, 2, register(node("n1"), service=service("web", id="s2")))
    apply(store, 3, register(node("n2")))
    apply(store, 4, SessionCreate(session=session(HOLDER, checks=["c1"])))
    apply(store, 5, KVSet(key="held", value=b"1", acquire=HOLDER))
    apply(store, 6, KVSet(key="other", value=b"1"))
    apply(store, 7, KVSet(key="t/1", value=b"1"))
    apply(store, 8, KVSet(key="t/2", value=b"1"))
    return store


def names(operation: Operation) -> dict[str, list[str]]:
    sliced = slice_of(filled(), [operation])
    catalog = sliced.catalog
    return {
        "nodes": [one.node for one in catalog.nodes()],
        "services": [one.id for node in catalog.nodes() for one in catalog.services_on(node.node)],
        "checks": [one.check_id for one in catalog.checks_in_state("any")],
        "sessions": [one.id for one in sliced.sessions.all()],
        "keys": [one.key for one in sliced.kv.under("")],
    }


NOTHING: dict[str, list[str]] = {"nodes": [], "services": [], "checks": [], "sessions": [], "keys": []}


def test_a_key_comes_with_the_session_that_holds_it() -> None:
    assert names(KeyOperation(verb="set", key="other")) == {**NOTHING, "keys": ["other"]}
    assert names(KeyOperation(verb="set", key="held")) == {**NOTHING, "keys": ["held"], "sessions": [HOLDER]}
    assert names(KeyOperation(verb="lock", key="new", session=HOLDER)) == {**NOTHING, "sessions": [HOLDER]}


def test_a_tree_comes_whole_and_a_key_of_that_name_alone() -> None:
    assert names(KeyOperation(verb="delete-tree", key="t/"))["keys"] == ["t/1", "t/2"]
    assert names(KeyOperation(verb="delete", key="t/"))["keys"] == []


def test_of_a_node_that_goes_only_its_record_comes_and_whether_it_lives() -> None:
    gone = NodeOperation(verb="delete", node=node("N1"))
    assert names(gone) == {**NOTHING, "nodes": ["n1"], "checks": ["serfHealth"]}


def test_an_instance_comes_without_the_others_of_its_node() -> None:
    gone = ServiceOperation(verb="delete", node="n1", service=service("web", id="S1"))
    assert names(gone) == {**NOTHING, "nodes": ["n1"], "services": ["s1"]}


def test_a_check_comes_with_the_instance_that_it_is_for() -> None:
    wanted = CheckOperation(verb="set", check=check("c2", node="n1", service_id="s2"))
    assert names(wanted) == {**NOTHING, "nodes": ["n1"], "services": ["s2"], "checks": ["c2"]}


def test_the_checks_of_a_session_come_where_its_node_is_named() -> None:
    operations: list[Operation] = [
        KeyOperation(verb="get", key="held"),
        NodeOperation(verb="get", node=node("n1")),
    ]
    assert [one.check_id for one in slice_of(filled(), operations).catalog.checks_on("n1")] == ["c1", "serfHealth"]


def test_the_store_itself_does_not_follow_what_happens_in_a_slice() -> None:
    store = filled()
    sliced = slice_of(store, [KeyOperation(verb="set", key="held")])
    apply(sliced, 9, KVSet(key="held", value=b"2"))
    entry = store.kv.get("held")
    assert entry is not None
    assert entry.value == b"1"
