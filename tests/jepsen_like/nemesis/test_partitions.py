"""Faults of links: what is cut is told, held, and mended when nobody holds it."""

from __future__ import annotations

from random import Random

import pytest

from lictor_jepsen.nemesis import Surroundings
from lictor_jepsen.nemesis.partitions import PARTITIONS
from lictor_jepsen.net import Link
from tests.jepsen_like.nemesis.cables import Cables


@pytest.mark.parametrize("fault", PARTITIONS)
async def test_a_partition_cuts_links_tells_them_and_mends_them_at_its_end(
    wired: Surroundings, net: Cables, fault: str
) -> None:
    told = await PARTITIONS[fault].begin(wired.acting(fault), Random(7))
    assert net.cut
    assert told == "cut " + ", ".join(f"{a.name}>{b.name}" for a, b in net.cut)
    await PARTITIONS[fault].end(wired.acting(fault))
    assert net.cut == []


async def test_links_that_two_partitions_cut_are_mended_when_both_ended(wired: Surroundings, net: Cables) -> None:
    await PARTITIONS["partition-leader"].begin(wired.acting("partition-leader"), Random(7))
    alone = set(net.cut)
    await PARTITIONS["partition-all"].begin(wired.acting("partition-all"), Random(7))
    await PARTITIONS["partition-all"].end(wired.acting("partition-all"))
    assert set(net.cut) == alone
    await PARTITIONS["partition-leader"].end(wired.acting("partition-leader"))
    assert net.cut == []


async def test_the_leader_is_the_one_that_is_left_alone(wired: Surroundings, net: Cables) -> None:
    await PARTITIONS["partition-leader"].begin(wired.acting("partition-leader"), Random(7))
    assert all(net.nodes[2] in link for link in net.cut)


async def test_agents_that_are_cut_off_reach_no_server_and_servers_reach_each_other(
    wired: Surroundings, net: Cables
) -> None:
    await PARTITIONS["cut-agents-off"].begin(wired.acting("cut-agents-off"), Random(7))
    victims = {link.source for link in net.cut if link.source in net.agents}
    assert victims
    assert set(net.cut) == {
        link for agent in victims for server in net.nodes for link in (Link(agent, server), Link(server, agent))
    }
