"""A server as a member of the cluster, and what other members must be."""

from __future__ import annotations

import re
from typing import Final

from lictor_core.codec import pack
from lictor_core.errors import RequestError
from lictor_core.membership import WAN_PORT_TAG, agent_member
from lictor_core.records import Member
from lictor_server.settings import ServerSettings

__all__ = ["MEMBER_BYTES_MAX", "check_member", "server_member"]

MEMBER_BYTES_MAX: Final = 2048
"""What an agent may say of itself, name and tags; Serf takes 512 bytes of tags. A frame holds a digest of such."""
_PORT_TAGS: Final = ("port", WAN_PORT_TAG)
_PORT: Final = re.compile(r"[0-9]{1,5}")


def server_member(settings: ServerSettings, server_port: int) -> Member:
    """This server."""
    return agent_member(
        name=settings.node_name,
        address=settings.advertise_address,
        node_id=settings.node_id,
        datacenter=settings.datacenter,
        server_port=server_port,
        bootstrap=settings.bootstraps,
        expect=settings.bootstrap_expect,
        reconnect=settings.reconnect,
    )


def check_member(member: Member) -> None:
    """Raise `RequestError` for what no agent says of itself: the leader makes nodes and services of it."""
    if not member.name or not member.addr:
        raise RequestError("a member must have a name and an address")
    for tag in _PORT_TAGS:
        if (port := member.tags.get(tag)) is not None and _PORT.fullmatch(port) is None:
            raise RequestError(f"tag {tag!r} of member {member.name!r} is {port[:64]!r}, which is no port")
    if (size := len(pack(member))) > MEMBER_BYTES_MAX:
        raise RequestError(
            f"member {member.name[:64]!r} says {size} bytes of itself; at most {MEMBER_BYTES_MAX} are taken"
        )
