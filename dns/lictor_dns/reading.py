"""What a name was taken for, in words."""

from __future__ import annotations

from typing import NamedTuple

from lictor_dns.answer import RecordType
from lictor_dns.names import (
    AddressName,
    Miss,
    Name,
    NodeName,
    QueryName,
    ReverseName,
    ServiceName,
    VirtualName,
    Zone,
    text_of,
)

__all__ = ["Reading", "reading"]

_ZONE_TYPES = frozenset((RecordType.SOA, RecordType.NS, RecordType.AXFR))


class Reading(NamedTuple):
    """`kind` is one word for programs, `text` is for people."""

    kind: str
    text: str


def reading(name: Name, zone: Zone, type: int) -> Reading:
    """How `name` is understood in a question of this type."""
    if name is Miss.FOREIGN:
        return Reading("foreign", f"it is not under {_domains(zone)}, and spells no address")
    if isinstance(name, ReverseName):
        if name.address is None:
            return Reading("reverse", "it is under arpa, and spells no whole address")
        return Reading("reverse", f"who has the address {name.address}")
    if type in _ZONE_TYPES:
        return Reading("zone", "the zone itself: such questions get the same answer at every name of it")
    return _ours(name, zone)


def _ours(name: Name, zone: Zone) -> Reading:
    match name:
        case ServiceName():
            return _service(name, zone)
        case NodeName(node, datacenter):
            return Reading("node", f"the node {node}{_within(datacenter, zone)}")
        case QueryName(query, datacenter):
            return Reading("query", f"the prepared query {query}{_within(datacenter, zone)}")
        case VirtualName(service, datacenter):
            place = _within(datacenter, zone)
            return Reading("virtual", f"the virtual address of the service {service}{place}")
        case AddressName(label, None, _):
            return Reading("address", f"an address spelled in hexadecimal, but {label!r} has not 8 or 32 digits")
        case AddressName(_, address, _):
            return Reading("address", f"the address {address}, spelled in hexadecimal")
        case _:
            return Reading("unknown", f"it is under {_domains(zone)}, but of no form that means something there")


def _service(name: ServiceName, zone: Zone) -> Reading:
    place = _within(name.datacenter, zone)
    if name.connect:
        return Reading("connect", f"what accepts mesh connections for the service {name.service}{place}")
    if name.ingress:
        return Reading("ingress", f"the ingress gateways that lead to the service {name.service}{place}")
    tag = f" with the tag {name.tag}" if name.tag else ""
    return Reading("service", f"the instances of the service {name.service}{tag}{place}")


def _within(datacenter: str, zone: Zone) -> str:
    return f" in the datacenter {datacenter}" if datacenter != zone.datacenter else ""


def _domains(zone: Zone) -> str:
    both = (zone.domain,) if zone.alternative is None else (zone.domain, zone.alternative)
    return " or ".join(f"{text_of(one)}." for one in both)
