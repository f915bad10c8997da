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


def test_an_address_of_a_family_takes_the_place_of_the_one_for_all() -> None:
    node = identity(advertise_address="192.0.2.1", lan_ipv4="192.0.2.2", wan_ipv4="192.0.2.3", wan_ipv6="2001:db8::2")
    assert node.node().tagged_addresses == {
        "lan": "192.0.2.1",
        "lan_ipv4": "192.0.2.2",
        "wan": "192.0.2.1",
        "wan_ipv4": "192.0.2.3",
        "wan_ipv6": "2001:db8::2",
    }


def test_the_wide_area_has_the_ipv6_address_of_the_datacenter_unless_it_has_its_own() -> None:
    assert _tagged(lan_ipv6="2001:db8::1")["wan_ipv6"] == "2001:db8::1"
    assert _tagged(lan_ipv6="2001:db8::1", wan_address="2001:db8::3")["wan_ipv6"] == "2001:db8::3"
    assert _tagged(lan_ipv6="2001:db8::1", wan_ipv6="2001:db8::2")["wan_ipv6"] == "2001:db8::2"


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


def _tagged(**addresses: str) -> dict[str, str]:
    return identity(**addresses).node().tagged_addresses or {}
