"""The records that follow from who an agent is."""

from __future__ import annotations

from lictor_core.version import member_build
from tests.agent.builders import NODE_ID, identity


def test_a_node_carries_the_tagged_addresses_of_its_family() -> None:
    tagged = (("site", "192.0.2.4"), ("lan", "192.0.2.5"))
    node = identity(advertise_address="198.51.100.7", wan_address="203.0.113.1", tagged_addresses=tagged).node()
    assert node.tagged_addresses == {
        "lan": "198.51.100.7",
        "lan_ipv4": "198.51.100.7",
        "site": "192.0.2.4",
        "wan": "203.0.113.1",
        "wan_ipv4": "203.0.113.1",
    }
    assert "lan_ipv6" in (identity(advertise_address="::1").node().tagged_addresses or {})


def test_a_node_carries_its_metadata_and_its_segment() -> None:
    assert identity(meta=(("rack", "7"),)).node().meta == {"rack": "7", "consul-network-segment": ""}


def test_a_server_is_a_member_with_the_tags_of_servers() -> None:
    member = identity().member()
    assert (member.tags["role"], member.tags["port"], member.tags["id"]) == ("consul", "8300", NODE_ID)
    assert member.tags["build"] == member_build()
    assert identity(bootstrap=True, expect=1).member().tags["bootstrap"] == "1"
    assert "expect" not in identity(expect=1).member().tags
    assert identity(expect=3).member().tags["expect"] == "3"


def test_a_client_is_a_member_without_them() -> None:
    tags = identity(server=False).member().tags
    assert tags["role"] == "node"
    assert "port" not in tags
