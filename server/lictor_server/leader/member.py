"""A server as a member of the cluster, with the tags that Consul's servers gossip."""

from __future__ import annotations

from typing import Final

from lictor_core.records import Member, MemberStatus
from lictor_core.version import LICTOR
from lictor_server.settings import ServerSettings

__all__ = ["SERVER_ROLE", "server_member"]

SERVER_ROLE: Final = "consul"
"""The `role` tag of servers; agents that are none have `node`."""
_SERF_LAN_PORT: Final = 8301
_SERF_WAN_PORT: Final = 8302


def server_member(settings: ServerSettings, server_port: int) -> Member:
    """This server. Lictor has no gossip: Serf's ports and protocol numbers are Consul's, for those who read them."""
    return Member(
        name=settings.node_name,
        addr=settings.advertise_address,
        port=_SERF_LAN_PORT,
        tags={
            "acls": "0",
            "build": f"{settings.version}:lictor.{LICTOR}",
            "dc": settings.datacenter,
            "ft_fs": "1",
            "id": settings.node_id,
            "port": str(server_port),
            "raft_vsn": "3",
            "role": SERVER_ROLE,
            "segment": "",
            "vsn": "2",
            "vsn_max": "3",
            "vsn_min": "2",
            "wan_join_port": str(_SERF_WAN_PORT),
        },
        status=MemberStatus.ALIVE,
        protocol_min=1,
        protocol_max=5,
        protocol_cur=2,
        delegate_min=2,
        delegate_max=5,
        delegate_cur=4,
    )
