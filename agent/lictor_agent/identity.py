"""Who this agent is: what never changes while it runs, and the member and node records that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final

from lictor_core.records import Member, MemberStatus, Node
from lictor_core.version import COMPATIBLE, LICTOR, member_build, semantic_version

__all__ = ["SEGMENT_KEY", "Identity"]

SEGMENT_KEY: Final = "consul-network-segment"
"""Metadata that every node of Consul's carries; segments themselves are of its enterprise edition."""

_SERF_LAN_PORT: Final = 8301
_SERF_WAN_PORT: Final = 8302
"""Ports of the gossip that Lictor does without; members carry them for those who read them."""


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
    meta: tuple[tuple[str, str], ...] = ()
    tagged_addresses: tuple[tuple[str, str], ...] = ()
    acls_enabled: bool = False
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
        tags = {
            "acls": "1" if self.acls_enabled else "0",
            "build": member_build(),
            "dc": self.datacenter,
            "id": self.node_id,
            "role": "node",
            "segment": "",
            "vsn": "2",
            "vsn_max": "3",
            "vsn_min": "2",
        }
        if self.server:
            tags |= {
                "role": "consul",
                "ft_fs": "1",
                "port": str(self.server_port),
                "raft_vsn": "3",
                "wan_join_port": str(_SERF_WAN_PORT),
            }
            if self.bootstrap:
                tags["bootstrap"] = "1"
        return Member(
            name=self.node_name,
            addr=self.advertise_address,
            port=_SERF_LAN_PORT,
            tags=tags,
            status=MemberStatus.ALIVE,
            protocol_min=1,
            protocol_max=5,
            protocol_cur=2,
            delegate_min=2,
            delegate_max=5,
            delegate_cur=4,
        )

    def _all_tagged_addresses(self) -> dict[str, str]:
        family = "ipv4" if isinstance(ip_address(self.advertise_address), IPv4Address) else "ipv6"
        derived = {
            "lan": self.advertise_address,
            f"lan_{family}": self.advertise_address,
            "wan": self.advertise_address,
            f"wan_{family}": self.advertise_address,
        }
        return derived | dict(self.tagged_addresses)
