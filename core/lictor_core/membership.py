"""Members as Consul's clients know them: the tags that its agents gossip, with the numbers of its protocols.

Lictor has no gossip. Serf's ports and protocol numbers are those of Consul 1.8, for those who read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from lictor_core.records import Member, MemberStatus
from lictor_core.version import member_build

__all__ = [
    "AGENT_ROLE",
    "AT_ONCE_MAX",
    "MOVES_PER_S",
    "RECONNECT_TAG",
    "SERF_LAN_PORT",
    "SERVER_ROLE",
    "SPREAD_S_MAX",
    "WAN_PORT_TAG",
    "LeaseGrant",
    "Renewal",
    "agent_member",
    "living_member",
    "spread_s",
]

SERVER_ROLE: Final = "consul"
"""The `role` tag of servers."""
AGENT_ROLE: Final = "node"
"""The `role` tag of agents that are no servers."""
WAN_PORT_TAG: Final = "wan_join_port"
"""The tag by which the servers of other datacenters find a server; no other member has it."""
RECONNECT_TAG: Final = "rc_tm"
"""The tag by which an agent says for how long it is remembered once it failed or left, a Go duration (Consul 1.9)."""
SERF_LAN_PORT: Final = 8301
_SERF_WAN_PORT: Final = 8302
AT_ONCE_MAX: Final = 50
"""So few agents of a lost server may look for another one at once."""
MOVES_PER_S: Final = 500
"""Of more so many do in a second; each needs some 3 ms of a server's time."""
SPREAD_S_MAX: Final = 4.0
"""However many they are: so long nobody waits for a server without need."""


class Renewal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent's wish to take or renew its lease.

    `counter` grows with every attempt of the agent, so that of two servers that heard it the one that did so later is
    known, whatever their clocks say. `server` is the id of the server that granted its last renewal; empty for the
    first one of a process.
    """

    member: Member
    counter: int
    server: str = ""


class LeaseGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of a renewal at the server with id `server`: the next one is due in `renew_s` seconds.

    With `seen` above 0 nothing was granted: the servers know a renewal under that counter, as of a former process, and
    want one above it, at once.
    """

    renew_s: float
    server: str
    seen: int = 0


def living_member(name: str, address: str, port: int, tags: Mapping[str, str]) -> Member:
    """A living member with these tags; `port` is Serf's, 0 where nobody told it."""
    return Member(
        name=name,
        addr=address,
        port=port,
        tags=dict(sorted(tags.items())),
        status=MemberStatus.ALIVE,
        protocol_min=1,
        protocol_max=5,
        protocol_cur=2,
        delegate_min=2,
        delegate_max=5,
        delegate_cur=4,
    )


def agent_member(
    *,
    name: str,
    address: str,
    node_id: str,
    datacenter: str,
    server_port: int | None = None,
    bootstrap: bool = False,
    expect: int = 0,
    acls_enabled: bool = False,
    reconnect: str = "",
) -> Member:
    """A Lictor agent as a member; with `server_port` a server, with `bootstrap` the one that starts a cluster, with
    an `expect` above 1 one of so many that do.

    `reconnect` is how long it wishes to be remembered, a Go duration; empty for what the servers are set to.
    """
    tags = {
        "acls": "1" if acls_enabled else "0",
        "build": member_build(),
        "dc": datacenter,
        "id": node_id,
        "role": AGENT_ROLE,
        "segment": "",
        "vsn": "2",
        "vsn_max": "3",
        "vsn_min": "2",
    }
    if server_port is not None:
        tags |= {
            "role": SERVER_ROLE,
            "ft_fs": "1",
            "port": str(server_port),
            "raft_vsn": "3",
            WAN_PORT_TAG: str(_SERF_WAN_PORT),
        }
        if bootstrap:
            tags["bootstrap"] = "1"
        if expect > 1:
            tags["expect"] = str(expect)
    if reconnect:
        tags[RECONNECT_TAG] = reconnect
    return living_member(name, address, SERF_LAN_PORT, tags)


def spread_s(agents: int) -> float:
    """The seconds over which the agents of a lost server come to the others, when it had so many."""
    return min(max(agents - AT_ONCE_MAX, 0) / MOVES_PER_S, SPREAD_S_MAX)
