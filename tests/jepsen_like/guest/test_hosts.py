"""A cluster of others can be asked, and that is all."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_jepsen.guest.file import ClusterFile
from lictor_jepsen.guest.hosts import Hosts
from lictor_jepsen.net import NetError, Node

S1, A1 = Node(1, "s1", "10.0.0.1"), Node(1, "web", "10.0.1.1")
FILE = ClusterFile("x", (S1,), (A1,), {"s1": "http://10.0.0.1:1", "web": "http://10.0.1.1:2"}, (), None)


async def test_nothing_of_it_is_started_or_added_and_no_link_can_be_cut(tmp_path: Path) -> None:
    hosts = Hosts(FILE, tmp_path, "jepsen/x/")
    with pytest.raises(NetError, match="s1 is its owner's"):
        await hosts.start(S1)
    with pytest.raises(NetError, match="no place is made"):
        await hosts.admit()
    assert hosts.net.lacks_cuts
    assert not hosts.runs(S1)


def test_it_is_asked_where_the_file_says_and_its_agents_rather_than_its_servers(tmp_path: Path) -> None:
    hosts = Hosts(FILE._replace(dns={"web": ("10.0.1.1", 53)}, domain="lan."), tmp_path, "jepsen/x/")
    assert [hosts.url(node) for node in hosts.asked] == ["http://10.0.1.1:2"]
    assert (hosts.dns(A1), hosts.domain) == (("10.0.1.1", 53), "lan.")
    assert hosts.prefix == hosts.owner == "jepsen/x/"
