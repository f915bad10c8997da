"""What each grudge cuts, for three and five servers and many seeds."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.nemesis.grudge import (
    Links,
    alone,
    apart,
    apart_from_some,
    bridge,
    everyone,
    halves,
    one_way,
    ring,
)
from lictor_jepsen.net import Node

SEEDS = range(30)
COUNTS = st.integers(1, 9)
RANDOMS = st.integers(0, 2**32).map(Random)


def _nodes(count: int) -> list[Node]:
    return [Node(number, f"n{number}", f"10.0.0.{number}") for number in range(1, count + 1)]


def _heard(nodes: list[Node], links: Links) -> dict[Node, frozenset[Node]]:
    """Whom each node hears, itself among them."""
    return {node: frozenset(other for other in nodes if (other, node) not in links) for node in nodes}


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_halves_leave_one_majority_that_is_whole(count: int, seed: int) -> None:
    nodes = _nodes(count)
    sides = Counter(_heard(nodes, halves(nodes, Random(seed))).values())
    assert sorted(len(side) for side in sides) == [count // 2, count // 2 + 1]
    assert all(times == len(side) for side, times in sides.items())


@pytest.mark.parametrize("count", [5, 9])
@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_ring_all_reach_a_majority_and_no_two_the_same(count: int, seed: int) -> None:
    nodes = _nodes(count)
    heard = _heard(nodes, ring(nodes, Random(seed)))
    assert {len(majority) for majority in heard.values()} == {count // 2 + 1}
    assert len(set(heard.values())) == count
    assert all(node in heard[other] for node in nodes for other in heard[node])


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_agents_lose_some_servers_both_ways_and_keep_one_where_there_are_several(count: int, seed: int) -> None:
    servers = _nodes(count)
    agents = [Node(number, f"a{number}", f"10.0.1.{number}") for number in (1, 2)]
    links = apart_from_some(agents, servers, Random(seed))
    assert {(b, a) for a, b in links} == set(links)
    for agent in agents:
        lost = [server for server in servers if (agent, server) in links]
        assert 1 <= len(lost) <= max(1, count - 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_three_in_a_ring_lose_one_link_in_both_directions(seed: int) -> None:
    nodes = _nodes(3)
    links = ring(nodes, Random(seed))
    assert len(links) == 2
    assert links[0] == links[1][::-1]


@pytest.mark.parametrize("count", [3, 5])
def test_alone_cuts_one_off_both_ways_and_nobody_else(count: int) -> None:
    nodes = _nodes(count)
    heard = _heard(nodes, alone(nodes, nodes[1]))
    assert heard.pop(nodes[1]) == frozenset({nodes[1]})
    assert set(heard.values()) == {frozenset(nodes) - {nodes[1]}}


@pytest.mark.parametrize("count", [3, 5])
def test_one_way_makes_a_server_mute_or_deaf_and_not_both(count: int) -> None:
    nodes = _nodes(count)
    victim = nodes[0]
    seen = set[str]()
    for seed in SEEDS:
        heard = _heard(nodes, one_way(nodes, victim, Random(seed)))
        deaf = heard[victim] == frozenset({victim})
        mute = all(victim not in heard[other] for other in nodes if other != victim)
        assert deaf != mute
        seen.add("deaf" if deaf else "mute")
    assert seen == {"deaf", "mute"}


@given(COUNTS.filter(lambda count: count >= 3), RANDOMS)
def test_a_bridge_hears_all_and_two_halves_hear_nobody_of_each_other(count: int, rng: Random) -> None:
    nodes = _nodes(count)
    heard = _heard(nodes, bridge(nodes, rng))
    everybody = frozenset(nodes)
    [bridging] = [node for node in nodes if heard[node] == everybody]
    left, right = sorted(set(heard.values()) - {everybody}, key=len)
    assert left & right == {bridging}
    assert [len(left) - 1, len(right) - 1] == [(count - 1) // 2, count // 2]


@given(COUNTS)
def test_when_all_are_apart_nobody_hears_anybody(count: int) -> None:
    nodes = _nodes(count)
    assert _heard(nodes, everyone(nodes)) == {node: frozenset({node}) for node in nodes}


@given(COUNTS, st.integers(0, 5))
def test_two_groups_apart_hear_themselves_and_not_each_other(count: int, cut: int) -> None:
    nodes = _nodes(count)
    first, second = nodes[:cut], nodes[cut:]
    heard = _heard(nodes, apart(first, second))
    assert all(heard[node] == frozenset(first) for node in first)
    assert all(heard[node] == frozenset(second) for node in second)


@given(COUNTS, RANDOMS)
def test_no_grudge_cuts_a_link_twice_or_one_from_a_node_to_itself(count: int, rng: Random) -> None:
    nodes = _nodes(count)
    for links in (halves(nodes, rng), ring(nodes, rng), bridge(nodes, rng), one_way(nodes, nodes[0], rng)):
        assert len(set(links)) == len(links)
        assert all(link.source != link.target for link in links)


@given(COUNTS, RANDOMS)
def test_all_but_one_way_cuts_are_two_way(count: int, rng: Random) -> None:
    nodes = _nodes(count)
    for links in (halves(nodes, rng), ring(nodes, rng), bridge(nodes, rng), alone(nodes, nodes[0]), everyone(nodes)):
        assert {(b, a) for a, b in links} == set(links)
