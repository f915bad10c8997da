"""Where an instance or node is reached: its address, or the host name it was registered with, and under which name.

Which of its addresses it is depends on what is asked: tags name further ones for each family, and for who asks from
another datacenter. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from lictor_core.records import Node, ServiceHealth
from lictor_dns.answer import Address, Record, RecordType, Target
from lictor_dns.names import IpAddress, Labels, Zone, address_target, labels_of, lowered, node_target, parse_ip

__all__ = [
    "Place",
    "Viewpoint",
    "address_record",
    "datacenter_of",
    "instance_place",
    "instance_port",
    "node_place",
    "within_number",
]

_NUMBER_MAX: Final = 65535
_WANTS_IPV4: Final = frozenset((RecordType.A, RecordType.ANY, RecordType.TXT, RecordType.SRV))
_WANTS_IPV6: Final = frozenset((RecordType.AAAA, RecordType.ANY, RecordType.TXT, RecordType.SRV))
_WAN: Final = "wan"


class Place(NamedTuple):
    """An address or a host name, exactly one of them, and the `target` that an SRV record points to."""

    ip: IpAddress | None
    host: Labels | None
    target: Labels


class Viewpoint(NamedTuple):
    """From where places are looked at.

    `translates` (`translate_wan_addrs`): what is in another datacenter is at its WAN addresses. `zone` is in whose
    names places are given, and `zone.datacenter` the one that is near.
    """

    zone: Zone
    translates: bool = False

    def is_far(self, node: Node) -> bool:
        """Whether WAN addresses count for what is on `node`."""
        return self.translates and datacenter_of(node, self.zone) != self.zone.datacenter


def node_place(node: Node, seen: Viewpoint, wanted: int = RecordType.ANY) -> Place | None:
    """Where `node` is for questions of type `wanted`; None when that is neither an IP nor a host name."""
    zone = seen.zone
    address = _address(node.address, node.tagged_addresses or {}, wanted, is_far=seen.is_far(node))
    ip = parse_ip(address)
    if ip is None:
        host = labels_of(address)
        return None if host is None else Place(None, host, host)
    datacenter = datacenter_of(node, zone)
    # The node's name leads to the node's address alone. And a node whose name no DNS name can hold is still reached.
    target = node_target(node.node, datacenter, zone) if address == node.address else None
    return Place(ip, None, target or address_target(ip, datacenter, zone))


def instance_place(
    instance: ServiceHealth, asked: Labels, seen: Viewpoint, wanted: int = RecordType.ANY
) -> Place | None:
    """Where an instance is: at its own address, else at its node's. `asked` would point to itself, so not there."""
    service = instance.service
    own = service.address
    if service.tagged_addresses:
        tagged = {tag: place.address for tag, place in service.tagged_addresses.items()}
        own = _address(own, tagged, wanted, is_far=seen.is_far(instance.node))
    if not own:
        return node_place(instance.node, seen, wanted)
    ip = parse_ip(own)
    if ip is not None:
        return Place(ip, None, address_target(ip, datacenter_of(instance.node, seen.zone), seen.zone))
    host = labels_of(own)
    if host is None or lowered(host) == lowered(asked):
        return node_place(instance.node, seen, wanted)
    return Place(None, host, host)


def instance_port(instance: ServiceHealth, seen: Viewpoint) -> int:
    """The port of an instance, 0..65535; from another datacenter that of its WAN address."""
    service = instance.service
    port = service.port
    if seen.is_far(instance.node):
        place = (service.tagged_addresses or {}).get(_WAN)
        port = place.port if place is not None and place.port else port
    return within_number(port)


def _address(address: str, tagged: Mapping[str, str], wanted: int, *, is_far: bool) -> str:
    """The one of several addresses that questions of type `wanted` get, as from Consul; it may be of either family.

    Questions for no family in particular get the tagged address of IPv6, then that of IPv4, then the plain one.
    """
    ipv4, ipv6 = tagged.get("lan_ipv4", ""), tagged.get("lan_ipv6", "")
    if is_far:
        address = tagged.get(_WAN) or address
        ipv4, ipv6 = tagged.get("wan_ipv4") or ipv4, tagged.get("wan_ipv6") or ipv6
    if wanted == RecordType.A:
        return ipv4 or address
    if wanted == RecordType.AAAA:
        return ipv6 or address
    return ipv6 or ipv4 or address


def address_record(name: Labels, place: Place, wanted: int, ttl: int) -> Record | None:
    """The record of `place` that a question of type `wanted` gets; None when it is of the other family.

    Questions for TXT and SRV get addresses of both families, as from Consul; a host name answers every type.
    """
    if place.ip is None:
        return Record(name, RecordType.CNAME, ttl, Target(place.target))
    if place.ip.version == 4:
        return Record(name, RecordType.A, ttl, Address(place.ip)) if wanted in _WANTS_IPV4 else None
    return Record(name, RecordType.AAAA, ttl, Address(place.ip)) if wanted in _WANTS_IPV6 else None


def within_number(number: int) -> int:
    """A port or weight as an SRV record can hold it: 0..65535."""
    return min(max(number, 0), _NUMBER_MAX)


def datacenter_of(node: Node, zone: Zone) -> str:
    """The datacenter in the names of `node`, lower case."""
    return node.datacenter.lower() or zone.datacenter
