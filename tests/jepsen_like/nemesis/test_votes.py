"""Who voted loses power and is asked again: the order of what happens, against processes that do nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.db import Cluster
from lictor_jepsen.disk import Behave, Lose, Loss, Order
from lictor_jepsen.nemesis import FAULTS, Surroundings, votes
from lictor_jepsen.nemesis.grudge import alone
from lictor_jepsen.net import Link, Loopback, Node
from tests.jepsen_like.nemesis.test_disks import IDLE, Unmounted

FAULT = "power-loss-voters"


class _Links(Loopback):
    """Loopback whose links are said to be cut."""

    lacks_cuts = ""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.cut: set[Link] = set()
        self.steps: list[set[str]] = []
        self.hear: list[bool] = []
        """At each step: whether the first two hear each other."""

    async def drop(self, links: Sequence[Link]) -> None:
        self.cut |= set(links)
        self._note()

    async def mend(self, links: Sequence[Link]) -> None:
        self.cut -= set(links)
        self._note()

    def _note(self) -> None:
        """Who is alone."""
        self.hear.append(Link(self.nodes[0], self.nodes[1]) not in self.cut)
        self.steps.append({node.name for node in self.nodes if set(alone(self.nodes, node)) <= self.cut})


class _Disks(Unmounted):
    def __init__(self, root: Path) -> None:
        super().__init__(root, 3)
        self.lost: list[tuple[str, Loss]] = []

    async def order(self, node: Node, order: Order) -> str:
        if isinstance(order, Lose):
            self.lost.append((node.name, order.loss))
        return await super().order(node, order)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(IDLE, _Links(3), _Disks(tmp_path / "data"), tmp_path)
    await asyncio.gather(*(made.start(node) for node in made.nodes))
    yield made
    await made.stop()


def _around(cluster: Cluster, disks: _Disks, leaders: Sequence[int]) -> Surroundings:
    """`leaders` are those who lead, one after another; the last one stays."""
    waiting = list(leaders)

    async def leader() -> Node | None:
        await asyncio.sleep(0)
        return cluster.nodes[waiting.pop(0) if len(waiting) > 1 else waiting[0]]

    return Surroundings(cluster, disks, leader).acting(FAULT)


async def test_who_voted_forgets_all_that_was_not_synced_and_meets_the_old_leader_again(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes, "_WRITING_S", 0.0)
    disks = _Disks(tmp_path / "more")
    around = _around(cluster, disks, [0, 0, 1, 1, 2])
    net = cluster.net
    assert isinstance(net, _Links)
    pid = cluster.pid(cluster.nodes[2])
    told = await FAULTS[FAULT].begin(around, Random(1))
    assert net.steps[0] == {"n1"}, "the leader is cut off"
    assert {"n2"} in net.steps, "then the one that was elected is"
    assert net.steps[-1] == {"n3"}, "in the end the one that was elected without it is"
    assert not any(net.hear[: net.steps.index(set())]), "the two leaders did not hear of each other"
    assert disks.lost == [("n3", Loss.FORGOTTEN)]
    assert cluster.runs(cluster.nodes[2])
    assert cluster.pid(cluster.nodes[2]) != pid
    assert told.startswith("cut off n1, then n2, whom n3 had elected")
    assert told.endswith("n3 was elected without it, and cut off in its turn")
    await FAULTS[FAULT].end(around)
    assert not net.cut


async def test_nobody_loses_power_when_nobody_was_elected(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes, "_ELECTION_S_MAX", 0.2)
    disks = _Disks(tmp_path / "more")
    told = await FAULTS[FAULT].begin(_around(cluster, disks, [0]), Random(1))
    assert told.startswith("cut off n1; nobody else was elected")
    assert {how for wanted in disks.wanted.values() for how in wanted.values()} <= {Behave()}
    assert disks.lost == []


async def test_it_needs_three_servers_their_links_and_their_disks(tmp_path: Path) -> None:
    disks = _Disks(tmp_path)
    two = Surroundings(Cluster(IDLE, _Links(2), disks, tmp_path), disks, _nobody)
    assert "three" in FAULTS[FAULT].lacks(two)
    linked = Surroundings(Cluster(IDLE, Loopback(3), disks, tmp_path), disks, _nobody)
    assert "loopback" in FAULTS[FAULT].lacks(linked)


async def _nobody() -> Node | None:
    return None
