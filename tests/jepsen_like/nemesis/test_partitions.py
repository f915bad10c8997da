"""Faults of links: what is cut is told, held, and mended when nobody holds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.db import Cluster
from lictor_jepsen.disk import Folders
from lictor_jepsen.nemesis import Surroundings
from lictor_jepsen.nemesis.partitions import PARTITIONS
from lictor_jepsen.net import Link, Loopback, Node
from tests.jepsen_like.nemesis.idle import IDLE


class _Cables(Loopback):
    """Remembers what is cut."""

    lacks_cuts = ""

    def __init__(self, count: int, agents: int = 0) -> None:
        super().__init__(count, agents)
        self.cut: list[Link] = []

    async def drop(self, links: Sequence[Link]) -> None:
        self.cut += [link for link in links if link not in self.cut]

    async def mend(self, links: Sequence[Link]) -> None:
        self.cut = [link for link in self.cut if link not in links]


@pytest.fixture
def net() -> _Cables:
    return _Cables(5, 3)


@pytest.fixture
def around(net: _Cables, tmp_path: Path) -> Surroundings:
    disks = Folders(tmp_path / "data")

    async def leader() -> Node | None:
        return net.nodes[2]

    return Surroundings(Cluster(IDLE, net, disks, tmp_path), disks, leader)


@pytest.mark.parametrize("fault", PARTITIONS)
async def test_a_partition_cuts_links_tells_them_and_mends_them_at_its_end(
    around: Surroundings, net: _Cables, fault: str
) -> None:
    told = await PARTITIONS[fault].begin(around.acting(fault), Random(7))
    assert net.cut
    assert told == "cut " + ", ".join(f"{a.name}>{b.name}" for a, b in net.cut)
    await PARTITIONS[fault].end(around.acting(fault))
    assert net.cut == []


async def test_links_that_two_partitions_cut_are_mended_when_both_ended(around: Surroundings, net: _Cables) -> None:
    await PARTITIONS["partition-leader"].begin(around.acting("partition-leader"), Random(7))
    alone = set(net.cut)
    await PARTITIONS["partition-all"].begin(around.acting("partition-all"), Random(7))
    await PARTITIONS["partition-all"].end(around.acting("partition-all"))
    assert set(net.cut) == alone
    await PARTITIONS["partition-leader"].end(around.acting("partition-leader"))
    assert net.cut == []


async def test_the_leader_is_the_one_that_is_left_alone(around: Surroundings, net: _Cables) -> None:
    await PARTITIONS["partition-leader"].begin(around.acting("partition-leader"), Random(7))
    assert all(net.nodes[2] in link for link in net.cut)


async def test_agents_that_are_cut_off_reach_no_server_and_servers_reach_each_other(
    around: Surroundings, net: _Cables
) -> None:
    await PARTITIONS["cut-agents-off"].begin(around.acting("cut-agents-off"), Random(7))
    victims = {link.source for link in net.cut if link.source in net.agents}
    assert victims
    assert set(net.cut) == {
        link for agent in victims for server in net.nodes for link in (Link(agent, server), Link(server, agent))
    }
