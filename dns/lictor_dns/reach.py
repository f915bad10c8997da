"""Where an instance or node is reached: its address, or the host name it was registered with, and under which name.

Pure, over a `CatalogView`; `resolve` puts what is here into answers.
"""

from __future__ import annotations

import functools
from typing import Final, NamedTuple

from lictor_core.records import CRITICAL, WARNING, Node, ServiceHealth
from lictor_dns.answer import Address, Record, RecordType, Target, Text
from lictor_dns.names import IpAddress, Labels, Zone, address_target, labels_of, node_target, parse_ip

__all__ = [
    "Place",
    "address_record",
    "datacenter_of",
    "instance_place",
    "is_serving",
    "metadata_texts",
    "node_place",
    "weight",
    "within_number",
]

_NUMBER_MAX: Final = 65535
_STRING_BYTES_MAX: Final = 255  # RFC 1035, section 3.3.14
_TEXTS_MAX: Final = 4096
"""Pairs of metadata whose text is remembered: many nodes say the same."""
_RAW_PREFIX: Final = "rfc1035-"
_WANTS_IPV4: Final = frozenset((RecordType.A, RecordType.ANY, RecordType.TXT, RecordType.SRV))
_WANTS_IPV6: Final = frozenset((RecordType.AAAA, RecordType.ANY, RecordType.TXT, RecordType.SRV))


class Place(NamedTuple):
    """An address or a host name, exactly one of them, and the `target` that an SRV record points to."""

    ip: IpAddress | None
    host: Labels | None
    target: Labels


def node_place(node: Node, zone: Zone) -> Place | None:
    """Where `node` is; None when its address is neither an IP nor a host name."""
    ip = parse_ip(node.address)
    if ip is None:
        host = labels_of(node.address)
        return None if host is None else Place(None, host, host)
    datacenter = datacenter_of(node, zone)
    # A node whose name no DNS name can hold is still reached, by the name of its address.
    return Place(ip, None, node_target(node.node, datacenter, zone) or address_target(ip, datacenter, zone))


def instance_place(instance: ServiceHealth, asked: Labels, zone: Zone) -> Place | None:
    """Where an instance is: at its own address, else at its node's. `asked` would point to itself, so not there."""
    own = instance.service.address
    if not own:
        return node_place(instance.node, zone)
    ip = parse_ip(own)
    if ip is not None:
        return Place(ip, None, address_target(ip, datacenter_of(instance.node, zone), zone))
    host = labels_of(own)
    if host is None or _lower(host) == _lower(asked):
        return node_place(instance.node, zone)
    return Place(None, host, host)


def address_record(name: Labels, place: Place, wanted: int, ttl: int) -> Record | None:
    """The record of `place` that a question of type `wanted` gets; None when it is of the other family.

    Questions for TXT and SRV get addresses of both families, as from Consul; a host name answers every type.
    """
    if place.ip is None:
        return Record(name, RecordType.CNAME, ttl, Target(place.target))
    if place.ip.version == 4:
        return Record(name, RecordType.A, ttl, Address(place.ip)) if wanted in _WANTS_IPV4 else None
    return Record(name, RecordType.AAAA, ttl, Address(place.ip)) if wanted in _WANTS_IPV6 else None


def is_serving(instance: ServiceHealth, *, only_passing: bool) -> bool:
    """Whether an instance's checks and its node's let it be given out."""
    # A loop, since a generator takes three times as long, and of a thousand instances each is looked at.
    for check in instance.checks:  # noqa: SIM110
        if check.status == CRITICAL or (only_passing and check.status == WARNING):
            return False
    return True


def weight(instance: ServiceHealth) -> int:
    """The SRV weight that the instance was registered with for its present health."""
    warned = any(check.status == WARNING for check in instance.checks)
    weights = instance.service.weights
    return within_number(weights.warning if warned else weights.passing)


def within_number(number: int) -> int:
    """A port or weight as an SRV record can hold it: 0..65535."""
    return min(max(number, 0), _NUMBER_MAX)


def metadata_texts(node: Node) -> list[Text]:
    """A node's metadata as TXT: `key=value` (RFC 1464), or the value alone where the key starts with `rfc1035-`."""
    return [_metadata_text(key, value) for key, value in sorted((node.meta or {}).items())]


@functools.lru_cache(_TEXTS_MAX)
def _metadata_text(key: str, value: str) -> Text:
    raw = key.lower().startswith(_RAW_PREFIX)
    text = value if raw else f"{_quoted_key(key)}={value.replace('`', '``')}"
    octets = text.encode("utf-8", "surrogateescape")
    pieces = tuple(octets[at : at + _STRING_BYTES_MAX] for at in range(0, len(octets), _STRING_BYTES_MAX))
    return Text(pieces or (b"",))


def _quoted_key(key: str) -> str:
    # RFC 1464: a grave accent quotes itself and the equals sign.
    return key.replace("`", "``").replace("=", "`=")


def datacenter_of(node: Node, zone: Zone) -> str:
    """The datacenter in the names of `node`, lower case."""
    return node.datacenter.lower() or zone.datacenter


def _lower(labels: Labels) -> Labels:
    return tuple(label.lower() for label in labels)
