import msgspec

from lictor_core.membership import agent_member
from lictor_core.records import Member, MemberStatus
from lictor_server.leader.reconcile import reconcile
from lictor_server.leader.remembered import remembered_members
from lictor_server.state import Store, apply
from tests.server.build import node, register


def named(name: str, number: int, *, is_server: bool) -> Member:
    return agent_member(
        name=name,
        address=f"192.0.2.{number}",
        node_id=f"00000000-0000-4000-8000-{number:012d}",
        datacenter="dc1",
        server_port=8300 if is_server else None,
    )


OWN = named("s1", 1, is_server=True)
SERVER = named("s2", 2, is_server=True)
CLIENT = named("a1", 3, is_server=False)


def failed(one: Member) -> Member:
    return msgspec.structs.replace(one, status=MemberStatus.FAILED)


def reconciled(*rounds: list[Member]) -> Store:
    store = Store("dc1")
    for members in rounds:
        for command in reconcile(members, store.catalog):
            assert apply(store, store.index + 1, command)[0].rejection is None
    return store


def test_members_are_remembered_as_the_leader_made_nodes_of_them() -> None:
    store = reconciled([OWN, SERVER, CLIENT])
    assert remembered_members(store.catalog, OWN) == [CLIENT, OWN, SERVER]


def test_a_member_that_had_failed_is_remembered_as_failed() -> None:
    store = reconciled([OWN, SERVER], [OWN, failed(SERVER)])
    assert remembered_members(store.catalog, OWN) == [OWN, failed(SERVER)]


def test_this_server_is_a_member_whatever_the_catalog_says() -> None:
    assert remembered_members(Store("dc1").catalog, OWN) == [OWN]
    assert remembered_members(reconciled([OWN], [failed(OWN)]).catalog, OWN) == [OWN]


def test_a_node_that_no_agent_stands_behind_is_no_member() -> None:
    store = Store("dc1")
    apply(store, 1, register(node("external", address="198.51.100.1")))
    assert remembered_members(store.catalog, OWN) == [OWN]
