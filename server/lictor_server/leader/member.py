"""A server as a member of the cluster, with the tags that Consul's servers gossip."""

from __future__ import annotations

import re
from typing import Final

from lictor_core.errors import RequestError
from lictor_core.records import Member, MemberStatus
from lictor_core.version import member_build
from lictor_server.settings import ServerSettings

__all__ = ["SERVER_ROLE", "check_member", "server_member"]

SERVER_ROLE: Final = "consul"
"""The `role` tag of servers; agents that are none have `node`."""
_PORT_TAGS: Final = ("port", "wan_join_port")
_PORT: Final = re.compile(r"[0-9]{1,5}")
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
            "build": member_build(),
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


def check_member(member: Member) -> None:
    """Raise `RequestError` for what no agent says of itself: the leader makes nodes and services of it."""
    if not member.name or not member.addr:
        raise RequestError("a member must have a name and an address")
    for tag in _PORT_TAGS:
        if (port := member.tags.get(tag)) is not None and _PORT.fullmatch(port) is None:
            raise RequestError(f"tag {tag!r} of member {member.name!r} is {port[:64]!r}, which is no port")
