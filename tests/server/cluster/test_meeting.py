"""Servers that find one another, over a network without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest

from lictor_core.errors import ClusterError, ConfigurationError, PeerError, RequestError
from lictor_core.peers import PeerSet
from lictor_server.cluster import MeetingSettings
from tests.server.cluster.build import Network, Node, card
from tests.support.conditions import eventually

SEED = MeetingSettings(retry_join=("127.0.0.1:8301",), retry_interval_s=0.2)


@asynccontextmanager
async def running(*nodes: Node) -> AsyncGenerator[None]:
    tasks = [asyncio.ensure_future(node.meeting.run()) for node in nodes]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def clusters(*nodes: Node) -> set[str]:
    return {node.peer_set.cluster_id for node in nodes} - {""}


async def test_three_servers_with_one_seed_found_one_cluster_of_all_three() -> None:
    network = Network()
    nodes = [Node(network, card(number), SEED) for number in (1, 2, 3)]
    async with running(*nodes):
        await eventually(lambda: bool(nodes[0].peer_set.cluster_id), what="founding")
    assert nodes[0].peer_set.voters == {"id-1", "id-2", "id-3"}
    assert clusters(*nodes) == {nodes[0].peer_set.cluster_id}
    assert {node.meeting.cluster_id for node in nodes} == clusters(*nodes), "the others have promised themselves to it"


async def test_two_of_three_expected_servers_wait() -> None:
    network = Network()
    nodes = [Node(network, card(number), SEED) for number in (1, 2)]
    async with running(*nodes):
        await eventually(lambda: network.calls > 20, what="several rounds")
    assert not clusters(*nodes)


async def test_five_servers_that_expect_three_found_one_cluster() -> None:
    network = Network()
    nodes = [Node(network, card(number), SEED) for number in (1, 2, 3, 4, 5)]
    async with running(*nodes):
        await eventually(lambda: bool(clusters(*nodes)), what="founding")
        before = network.calls
        await eventually(lambda: network.calls > before + 40, what="several more rounds")
    assert len(clusters(*nodes)) == 1


async def test_a_founding_that_fails_releases_its_promises_and_succeeds_later() -> None:
    network = Network()
    nodes = [Node(network, card(number), SEED) for number in (1, 2, 3)]
    nodes[0].directory.heard(card(2), 1e12)
    nodes[0].directory.heard(card(3), 1e12)
    network.cut.add("127.0.0.1:8303")
    async with running(nodes[0], nodes[1]):
        await eventually(lambda: nodes[0].events("cluster.founding.failed") > 0, what="a failed founding")
        await eventually(lambda: not nodes[1].meeting.cluster_id, what="a released promise")
        assert not clusters(*nodes)
        network.cut.clear()
        await eventually(lambda: bool(nodes[0].peer_set.cluster_id), what="founding")
    assert len(clusters(*nodes)) == 1


async def test_a_blank_server_learns_from_a_member_who_leads() -> None:
    network = Network()
    member = Node(network, card(1, expect=1))
    member.leader = member.card
    blank = Node(network, card(2, expect=0), SEED)
    async with running(member, blank):
        await eventually(lambda: blank.meeting.leader_hint is not None, what="a hint")
    assert blank.meeting.leader_hint == member.leader
    assert not blank.peer_set.cluster_id


async def test_servers_of_two_clusters_refuse_each_other() -> None:
    network = Network()
    one, other = Node(network, card(1)), card(2, cluster_id="other")
    one.peer_set = PeerSet(cluster_id="own")
    with pytest.raises(RequestError, match="belongs to another cluster"):
        one.meeting.introduced(other)
    assert one.directory.card("id-2") is None


async def test_a_server_of_another_datacenter_is_refused() -> None:
    one = Node(Network(), card(1))
    with pytest.raises(RequestError, match="datacenter 'dc2'"):
        one.meeting.introduced(card(2, datacenter="dc2"))


@pytest.mark.parametrize(
    "wrong", [{"id": ""}, {"address": ""}, {"address": "h:x"}, {"name": "x" * 513}, {"id": "x" * 513}]
)
async def test_a_server_that_is_nobody_or_nowhere_is_not_remembered(wrong: dict[str, str]) -> None:
    one = Node(Network(), card(1))
    with pytest.raises(RequestError):
        one.meeting.introduced(msgspec.structs.replace(card(2), **wrong))
    assert one.directory.heard_since(0.0) == []


async def test_a_leader_that_is_nowhere_is_no_hint() -> None:
    network = Network()
    member = Node(network, card(1, expect=1))
    member.leader = msgspec.structs.replace(card(3), address=":")
    blank = Node(network, card(2, expect=0), SEED)
    assert await blank.meeting.join((member.card.address,)) == 1
    assert blank.meeting.leader_hint is None
    member.leader = msgspec.structs.replace(card(3), name="")
    assert await blank.meeting.join((member.card.address,)) == 1
    assert blank.meeting.leader_hint == member.leader


async def test_a_server_that_came_back_as_another_one_is_no_second_founder() -> None:
    network = Network()
    lost, reborn = card(2), msgspec.structs.replace(card(3), address=card(2).address)
    first = Node(network, card(1), MeetingSettings(retry_join=(lost.address,)))
    first.meeting.introduced(lost)
    Node(network, reborn)
    async with running(first):
        await eventually(lambda: network.calls > 5, what="several rounds")
    assert not first.peer_set.cluster_id


async def test_a_server_that_keeps_nothing_cannot_be_joined() -> None:
    one = Node(Network(), card(1), MeetingSettings(may_be_joined=False))
    with pytest.raises(RequestError, match="alone for good"):
        one.meeting.introduced(card(2))


async def test_a_copied_node_id_is_told() -> None:
    one = Node(Network(), card(1))
    with pytest.raises(RequestError, match="both have the node id id-1"):
        one.meeting.introduced(card(1, port=9999))


async def test_an_address_that_changed_is_news() -> None:
    one = Node(Network(), card(1))
    one.meeting.introduced(card(2))
    one.meeting.introduced(card(2))
    assert one.news == 1
    one.meeting.introduced(card(2, port=9999))
    assert one.news == 2
    assert one.directory.addresses(one.peer_set)["id-2"] == "127.0.0.1:9999"


async def test_joining_fails_when_nobody_answers_and_says_where() -> None:
    one = Node(Network(), card(1))
    with pytest.raises(ClusterError, match=r"no server answered at 127\.0\.0\.9:1: .*; client agents join servers"):
        await one.meeting.join(("127.0.0.9:1",))


async def test_joining_counts_who_answered() -> None:
    network = Network()
    one, other = Node(network, card(1)), Node(network, card(2))
    assert await one.meeting.join((other.card.address, "127.0.0.9:1")) == 1


async def test_a_server_that_is_told_to_join_itself_has_joined() -> None:
    network = Network()
    one, other = Node(network, card(1)), Node(network, card(2))
    assert await one.meeting.join((one.card.address, "127.0.0.9:1")) == 1
    assert await one.meeting.join((one.card.address, other.card.address)) == 2


@pytest.mark.parametrize("port", [8301, 9301])
async def test_retry_max_ends_no_search_of_a_server_that_is_in_its_own_list(port: int) -> None:
    network = Network()
    settings = MeetingSettings(retry_join=(f"127.0.0.1:{port}", "127.0.0.9:1"), retry_max=2, retry_interval_s=0.01)
    one = Node(network, card(1), settings)
    network.nodes["127.0.0.1:9301"] = one
    async with running(one):
        await eventually(lambda: one.events("cluster.founding.awaited") > 0, what="more rounds than retry_max")


async def test_retry_max_ends_the_search() -> None:
    lonely = Node(Network(), card(1), MeetingSettings(retry_join=("127.0.0.9:1",), retry_max=2, retry_interval_s=0.01))
    with pytest.raises(ConfigurationError, match="in 2 attempts"):
        await asyncio.wait_for(lonely.meeting.run(), 30)


async def test_a_name_that_cannot_be_resolved_is_told_and_tried_again() -> None:
    one = Node(Network(), card(1), MeetingSettings(retry_join=("no-such-host.invalid",), retry_interval_s=0.05))
    async with running(one):
        await eventually(lambda: one.events("cluster.name.unresolved") > 1, what="two attempts")


async def test_a_name_that_no_dns_can_hold_is_told_and_tried_again() -> None:
    one = Node(Network(), card(1), MeetingSettings(retry_join=("a..b", "x" * 300), retry_interval_s=0.05))
    async with running(one):
        await eventually(lambda: one.events("cluster.name.unresolved") > 3, what="two attempts")
    assert "Errno" not in str(one.told("cluster.name.unresolved")["reason"])


async def test_servers_that_expect_different_numbers_are_told() -> None:
    network = Network()
    nodes = [Node(network, card(1), SEED), Node(network, card(2, expect=5), SEED)]
    async with running(*nodes):
        await eventually(lambda: nodes[0].events("cluster.expectation.unlike") > 0, what="a warning")
    assert not clusters(*nodes)


async def test_a_blank_server_tells_what_it_waits_for() -> None:
    network = Network()
    settings = MeetingSettings(retry_join=("127.0.0.1:8301",), retry_interval_s=0.01)
    nodes = [Node(network, card(1), settings), Node(network, card(2), settings)]
    async with running(*nodes):
        await eventually(lambda: nodes[0].events("cluster.founding.awaited") > 0, what="a warning")
    told = nodes[0].told("cluster.founding.awaited")
    assert (told["expected"], told["met"]) == (3, ["s2"])
    assert "start 3 servers with -bootstrap-expect=3" in str(told["remedy"])


@pytest.mark.parametrize(
    ("expect", "retry_join", "remedy"),
    [
        (0, (), "name a server to join with -retry-join, or found a cluster with -bootstrap-expect"),
        (0, ("127.0.0.9:1",), "start servers that belong to a cluster"),
        (5, (), "start 5 servers with -bootstrap-expect=5"),
    ],
)
async def test_a_blank_server_that_was_told_too_little_says_what_is_missing(
    expect: int, retry_join: tuple[str, ...], remedy: str
) -> None:
    settings = MeetingSettings(retry_join=retry_join, retry_interval_s=0.01)
    one = Node(Network(), card(1, expect=expect), settings)
    async with running(one):
        await eventually(lambda: one.events("cluster.founding.awaited") > 0, what="a warning")
    assert remedy in str(one.told("cluster.founding.awaited")["remedy"])


async def test_a_server_that_leads_a_cluster_of_its_own_is_told_once_that_others_refuse_it() -> None:
    network = Network()
    other = Node(network, card(2))
    other.peer_set = PeerSet(cluster_id="other")
    other.card = card(2, cluster_id="other")
    settings = MeetingSettings(retry_join=(other.card.address,), retry_interval_s=0.01)
    one = Node(network, card(1, cluster_id="own"), settings)
    one.peer_set, one.leader = PeerSet(cluster_id="own"), card(1)
    async with running(one):
        await eventually(lambda: one.events("cluster.join.refused") > 0, what="a warning")
        for calls in range(network.calls, network.calls + 3):
            one.meeting.poke()
            await eventually(partial(network.called_more_often_than, calls), what="another round")
    assert one.events("cluster.join.refused") == 1
    assert "belongs to another cluster" in str(one.told("cluster.join.refused")["reason"])


async def test_a_reason_names_its_place_once() -> None:
    class Unreachable(Network):
        async def call(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
            raise PeerError(f"{address} cannot be reached: connection refused")

    one = Node(Unreachable(), card(1))
    with pytest.raises(ClusterError, match=r"at 127\.0\.0\.9:1: 127\.0\.0\.9:1 cannot be reached: connection refused;"):
        await one.meeting.join(("127.0.0.9:1",))


async def test_a_blank_server_that_met_a_cluster_without_a_leader_says_so() -> None:
    network = Network()
    member = Node(network, card(2))
    member.peer_set = PeerSet(cluster_id="theirs")
    settings = MeetingSettings(retry_join=(member.card.address,), retry_interval_s=0.01)
    one = Node(network, card(1, expect=1), settings)
    async with running(one):
        await eventually(lambda: one.events("cluster.founding.awaited") > 0, what="a warning")
    assert "nobody leads" in str(one.told("cluster.founding.awaited")["remedy"])


async def test_a_blank_server_that_a_leader_does_not_take_in_is_told_where_to_look() -> None:
    network = Network()
    member = Node(network, card(2))
    member.peer_set, member.leader = PeerSet(cluster_id="theirs"), card(2)
    settings = MeetingSettings(retry_join=(member.card.address,), retry_interval_s=0.01)
    one = Node(network, card(1, expect=0), settings)
    async with running(one):
        await eventually(lambda: one.events("cluster.founding.awaited") > 0, what="a warning")
    remedy = str(one.told("cluster.founding.awaited")["remedy"])
    assert remedy.startswith("s2 leads the cluster")
    assert "agent.lease.refused" in remedy
