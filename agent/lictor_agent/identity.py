"""Who this agent is: what never changes while it runs, and the member and node records that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final

from lictor_core.membership import agent_member
from lictor_core.records import Member, Node
from lictor_core.version import COMPATIBLE, LICTOR, semantic_version

__all__ = ["SEGMENT_KEY", "Identity"]

SEGMENT_KEY: Final = "consul-network-segment"
"""Metadata that every node of Consul's carries; segments themselves are of its enterprise edition."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """This agent's names and addresses. `client_addresses` are those that serve HTTP and DNS."""

    node_name: str
    node_id: str
    datacenter: str
    domain: str
    bind_address: str
    advertise_address: str
    client_addresses: tuple[str, ...]
    http_port: int
    dns_port: int
    grpc_port: int
    server_port: int
    server: bool
    bootstrap: bool = False
    expect: int = 0
    """How many servers found the cluster together; 0 and 1 for none such."""
    meta: tuple[tuple[str, str], ...] = ()
    alt_domain: str = ""
    """The second domain that DNS answers, empty for none."""
    wan_address: str = ""
    """What other datacenters use; empty for the advertised address."""
    lan_ipv4: str = ""
    lan_ipv6: str = ""
    wan_ipv4: str = ""
    wan_ipv6: str = ""
    """Addresses of one family for those who ask for that family; where empty, those above serve if they are of it."""
    tagged_addresses: tuple[tuple[str, str], ...] = ()
    """More of them, under names of the operator's choice."""
    acls_enabled: bool = False
    reconnect: str = ""
    """For how long it wishes to be remembered once it failed or left, a Go duration; empty for the servers' setting."""
    lictor_version: str = LICTOR
    compatible_version: str = COMPATIBLE
    semantic_version: str = semantic_version()

    def node(self) -> Node:
        """The catalog's record of this node, with the tagged addresses that Consul gives every node."""
        return Node(
            id=self.node_id,
            node=self.node_name,
            address=self.advertise_address,
            datacenter=self.datacenter,
            tagged_addresses=self._all_tagged_addresses(),
            meta={**dict(self.meta), SEGMENT_KEY: ""},
            create_index=0,
            modify_index=0,
        )

    def member(self) -> Member:
        """This agent as a member of the cluster, with Consul's tags."""
        return agent_member(
            name=self.node_name,
            address=self.advertise_address,
            node_id=self.node_id,
            datacenter=self.datacenter,
            server_port=self.server_port if self.server else None,
            bootstrap=self.bootstrap,
            expect=self.expect,
            acls_enabled=self.acls_enabled,
            reconnect=self.reconnect,
        )

    def _all_tagged_addresses(self) -> dict[str, str]:
        own = _tagged("lan", self.advertise_address) | _tagged("wan", self.wan_address or self.advertise_address)
        families = {
            "lan_ipv4": self.lan_ipv4,
            "lan_ipv6": self.lan_ipv6,
            "wan_ipv4": self.wan_ipv4,
            # Consul 1.8.7 reads both from `advertise_addr_ipv6`, where nothing else is told of the wide area.
            "wan_ipv6": self.wan_ipv6 or own.get("wan_ipv6", self.lan_ipv6),
        }
        told = {tag: address for tag, address in families.items() if address}
        return dict(sorted({**dict(self.tagged_addresses), **own, **told}.items()))


def _tagged(name: str, address: str) -> dict[str, str]:
    """An address under its name, and under its name with its family."""
    family = "ipv4" if isinstance(ip_address(address), IPv4Address) else "ipv6"
    return {name: address, f"{name}_{family}": address}
