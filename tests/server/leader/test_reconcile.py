import msgspec
import pytest

from lictor_core.commands import Deregister, Register
from lictor_core.records import Member, MemberStatus
from lictor_server.leader.reconcile import reconcile
from lictor_server.state import Store, apply
from tests.server.build import check, member, node, register, service

A = "11111111-1111-1111-1111-111111111111"
ALIVE = member("a1", id=A, address="192.0.2.9")
SERVER = member("s1", id=A, role="consul")


def applied(store: Store, commands: list[Register | Deregister]) -> Store:
    for command in commands:
        assert apply(store, store.index + 1, command)[0].rejection is None
    return store


def test_living_member_gets_a_node_with_a_passing_check() -> None:
    store = applied(Store("dc1"), reconcile([ALIVE], Store("dc1").catalog))
    found, health = store.catalog.node("a1"), store.catalog.check_on("a1", "serfHealth")
    assert found is not None
    assert health is not None
    assert (found.id, found.address, found.datacenter) == (A, "192.0.2.9", "dc1")
    assert (health.name, health.status, health.output) == (
        "Serf Health Status",
        "passing",
        "Agent alive and reachable",
    )
    assert list(store.catalog.services_on("a1")) == []


def test_server_gets_the_service_consul_with_its_meta() -> None:
    store = applied(Store("dc1"), reconcile([SERVER], Store("dc1").catalog))
    found = store.catalog.service_on("s1", "consul")
    assert found is not None
    assert found.port == 8300
    assert found.meta == {
        "non_voter": "false",
        "raft_version": "3",
        "serf_protocol_current": "2",
        "serf_protocol_max": "5",
        "serf_protocol_min": "1",
        "version": "1.2.3",
    }


@pytest.mark.parametrize("one", [ALIVE, SERVER, msgspec.structs.replace(ALIVE, status=MemberStatus.FAILED)])
def test_reconciling_twice_does_nothing_the_second_time(one: Member) -> None:
    alive = msgspec.structs.replace(one, status=MemberStatus.ALIVE)
    store = applied(Store("dc1"), reconcile([alive], Store("dc1").catalog))
    applied(store, reconcile([one], store.catalog))
    assert reconcile([one], store.catalog) == []


def test_what_an_agent_registered_about_its_node_stays() -> None:
    store = applied(Store("dc1"), [register(node("a1", id=A, address="192.0.2.9", meta={"rack": "1"}))])
    applied(store, reconcile([ALIVE], store.catalog))
    found = store.catalog.node("a1")
    assert found is not None
    assert (found.meta, found.create_index, found.modify_index) == ({"rack": "1"}, 1, 1)


def test_moved_member_moves_its_node_and_keeps_its_meta() -> None:
    store = applied(Store("dc1"), [register(node("a1", id=A, address="192.0.2.1", meta={"rack": "1"}))])
    applied(store, reconcile([ALIVE], store.catalog))
    found = store.catalog.node("a1")
    assert found is not None
    assert (found.address, found.meta) == ("192.0.2.9", {"rack": "1"})


def test_failed_member_keeps_its_node_with_a_critical_check() -> None:
    store = applied(Store("dc1"), reconcile([ALIVE], Store("dc1").catalog))
    applied(store, [register(node("a1", id=A, address="192.0.2.9"), service=service())])
    applied(store, reconcile([msgspec.structs.replace(ALIVE, status=MemberStatus.FAILED)], store.catalog))
    health = store.catalog.check_on("a1", "serfHealth")
    assert health is not None
    assert (health.status, health.output) == ("critical", "Agent not live or unreachable")
    assert store.catalog.service_on("a1", "web") is not None


def test_failed_member_without_a_node_gets_none() -> None:
    assert reconcile([msgspec.structs.replace(ALIVE, status=MemberStatus.FAILED)], Store("dc1").catalog) == []


def test_member_that_left_loses_its_node() -> None:
    store = applied(Store("dc1"), reconcile([ALIVE], Store("dc1").catalog))
    left = msgspec.structs.replace(ALIVE, status=MemberStatus.LEFT)
    assert reconcile([left], store.catalog) == [Deregister(node="a1")]
    assert reconcile([left], Store("dc1").catalog) == []


def test_forgotten_member_loses_its_node_and_outside_nodes_stay() -> None:
    store = applied(Store("dc1"), reconcile([ALIVE], Store("dc1").catalog))
    applied(store, [register(node("outside"), checks=[check("mine", status="critical")])])
    assert reconcile([], store.catalog) == [Deregister(node="a1")]


def test_member_that_came_back_passes_again() -> None:
    store = applied(Store("dc1"), reconcile([ALIVE], Store("dc1").catalog))
    applied(store, reconcile([msgspec.structs.replace(ALIVE, status=MemberStatus.FAILED)], store.catalog))
    applied(store, reconcile([ALIVE], store.catalog))
    health = store.catalog.check_on("a1", "serfHealth")
    assert health is not None
    assert health.status == "passing"
