"""Processes that do nothing, for faults to hit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lictor_jepsen.db import Cluster
from lictor_jepsen.disk import Folders
from lictor_jepsen.nemesis import Surroundings
from lictor_jepsen.net import Loopback, Node
from tests.jepsen_like.nemesis.cables import Cables
from tests.jepsen_like.nemesis.idle import IDLE


@pytest.fixture(params=[0, 2], ids=["servers", "servers and agents"])
async def around(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Surroundings]:
    cluster = Cluster(IDLE, Loopback(3, request.param), Folders(tmp_path / "data"), tmp_path)
    await asyncio.gather(*(cluster.start(node) for node in cluster.everybody))

    async def leader() -> Node | None:
        return cluster.nodes[1]

    yield Surroundings(cluster, Folders(tmp_path / "data"), leader)
    await cluster.stop()


@pytest.fixture
def net() -> Cables:
    return Cables(5, 3)


@pytest.fixture
def wired(net: Cables, tmp_path: Path) -> Surroundings:
    """Surroundings whose links can be cut and made bad, without processes."""
    disks = Folders(tmp_path / "data")

    async def leader() -> Node | None:
        return net.nodes[2]

    return Surroundings(Cluster(IDLE, net, disks, tmp_path), disks, leader)
