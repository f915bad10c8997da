"""The networks between servers. What needs namespaces is shown by whole runs (`test_run`)."""

import ipaddress

import pytest

from lictor_jepsen.net import Link, Loopback, Namespaces, NetError


@pytest.mark.parametrize("kind", [Loopback, Namespaces])
def test_every_node_has_a_name_and_an_address_of_its_own(kind: type[Loopback | Namespaces]) -> None:
    nodes = kind(5).nodes
    assert [node.name for node in nodes] == ["n1", "n2", "n3", "n4", "n5"]
    assert len({ipaddress.ip_address(node.address) for node in nodes}) == 5


@pytest.mark.parametrize("kind", [Loopback, Namespaces])
def test_agents_have_places_beside_the_servers(kind: type[Loopback | Namespaces]) -> None:
    net = kind(9, 9)
    assert [node.name for node in net.agents][:2] == ["a1", "a2"]
    assert len({ipaddress.ip_address(node.address) for node in (*net.nodes, *net.agents)}) == 18


def test_loopback_addresses_are_loopback() -> None:
    assert all(ipaddress.ip_address(node.address).is_loopback for node in Loopback(5).nodes)


async def test_loopback_refuses_to_cut_links() -> None:
    net = Loopback(2)
    with pytest.raises(NetError, match="netns"):
        await net.drop([Link(net.nodes[0], net.nodes[1])])
    assert net.lacks_cuts


def test_programs_of_a_node_run_in_its_network() -> None:
    net = Namespaces(2)
    assert net.within(net.nodes[1]) == ["nsenter", "--net=/run/netns/n2"]
    assert Loopback(2).within(net.nodes[1]) == []


async def test_places_of_servers_that_come_later_were_never_used_and_end_before_those_of_agents() -> None:
    net = Loopback(3, 2)
    later = [await net.place(), await net.place("n2"), await net.place()]
    assert [node.name for node in later] == ["n4", "n2", "n5"]
    assert len({node.address for node in (*net.nodes, *net.agents, *later)}) == 8
    with pytest.raises(NetError, match="no address is left"):
        await _use_up(net)


async def _use_up(net: Loopback) -> None:
    taken = {node.address for node in (*net.nodes, *net.agents)}
    while True:
        node = await net.place()
        assert node.address not in taken
        taken.add(node.address)
