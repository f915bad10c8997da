"""Virtual addresses: one IP for each service of the mesh, whatever instances it has (Consul 1.11 and later).

They are out of 240.0.0.0/4, which is reserved (RFC 1112, section 4) and routed by nobody: proxies that take over all
that an application sends tell by it which service is meant. Pure.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from lictor_core import topics as on
from lictor_core.query import Query
from lictor_core.records import Record
from lictor_core.topics import Topic

__all__ = ["NUMBER_MAX", "VirtualAddress", "VirtualAddressesQuery", "address_of"]

_NETWORK: Final = ipaddress.IPv4Network("240.0.0.0/4")
NUMBER_MAX: Final = _NETWORK.num_addresses - 2
"""Virtual addresses are numbered from 1 to this: not the network itself, nor 255.255.255.255, the broadcast."""


class VirtualAddress(Record, frozen=True, kw_only=True):
    """The address of a service, whose name is in lower case."""

    service: str
    address: str


class VirtualAddressesQuery(Query[list[VirtualAddress]], frozen=True, kw_only=True, tag="VirtualAddresses"):
    """The virtual addresses of all services that have one, by name. Nodes follow all of them together."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.VIRTUAL_ADDRESSES,)


def address_of(number: int) -> str:
    """The virtual address of a number in 1..`NUMBER_MAX`."""
    assert 1 <= number <= NUMBER_MAX, f"{number} is the number of no virtual address"
    return str(_NETWORK[number])
