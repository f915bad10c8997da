"""What every call of the server port needs, each method and stream: one table, with a row for each.

Reads and writes are judged by what they read and write (`needs_of_reads`, `needs_of_writes`). Calls that say something
in the name of a node, or are for servers alone, are held against certificates first (`rpc.roles`). Who belongs to the
cluster is known to all its agents, as with Consul's gossip: they show it by what tokens allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from lictor_core.acl.rules import Access, Resource

__all__ = ["NEEDS_OF_CALLS", "CallNeed"]


class CallNeed(NamedTuple):
    """What a call needs: `access` to what it names of `resource`; without a resource what `said` tells people."""

    said: str
    resource: Resource | None = None
    access: Access = Access.READ


def _open(because: str) -> CallNeed:
    return CallNeed(f"open: {because}")


def _needs(resource: Resource, access: Access, of: str = "") -> CallNeed:
    return CallNeed(f"{resource}:{access.word}{of and ' of '}{of}", resource, access)


_OPERATORS: Final = _needs(Resource.OPERATOR, Access.WRITE)
_BY_READS: Final = CallNeed("what the query needs")
_BY_WRITES: Final = CallNeed("what the command needs")
_FOR_SERVERS: Final = CallNeed("that the caller is a server, by its certificate")
_KNOWN: Final = _open("every agent knows who the servers and the members are, as by gossip; agents show it by token")
_HELD: Final = CallNeed("what the call that it belongs to needs, on the same connection")

NEEDS_OF_CALLS: Final[Mapping[str, CallNeed]] = {
    "acl": CallNeed("acl:write; nothing to bootstrap, log in and log out"),
    "agent_ca": _open("whom to trust is no secret, and needed before there is a token"),
    "attend": _KNOWN,
    "autopilot_health": _KNOWN,
    "configure_ca": _OPERATORS,
    "feed": _BY_READS,
    "force_leave": _OPERATORS,
    "keys": _open("fingerprints of encryption keys, and who knows which; agents show it by keyring:read"),
    "leader_status": _KNOWN,
    "leave": _open("who holds the lease says it, on its connection or by its certificate"),
    "look": _KNOWN,
    "members": _KNOWN,
    "place": _needs(Resource.NODE, Access.WRITE, "the node"),
    "position": _open("agents measure the way to servers by it"),
    "propose": _BY_WRITES,
    "proxies": CallNeed("service:read of each proxied service"),
    "raft_servers": _KNOWN,
    "read": _BY_READS,
    "remove_peer": _OPERATORS,
    "renew": _open("membership is proven by certificates and the encryption key, as Consul's gossip"),
    "renew_session": _needs(Resource.SESSION, Access.WRITE, "its node"),
    "resolve_token": _open("who asks shows the secret of the token"),
    "restore_begin": _needs(Resource.ACL, Access.WRITE),
    "restore_part": _HELD,
    "restore_finish": _needs(Resource.ACL, Access.WRITE),
    "save_state": _needs(Resource.ACL, Access.WRITE),
    "saved_part": _HELD,
    "sign_agent": CallNeed("node:write of the agent that the leaf is for"),
    "sign_leaf": CallNeed("service:write of the service, or node:write of the agent, that the leaf is for"),
    "stamps": _BY_READS,
    "tell_keys": _open("who speaks for the node is proven as for leases, and nobody's rights depend on it"),
    "tell_proxies": _open("who speaks for the node is proven as for leases, and nobody's rights depend on it"),
    "ticks": _open("how fresh a server is"),
    "transfer_leader": _OPERATORS,
    "write": _BY_WRITES,
    "leader.acl": CallNeed("acl:write; nothing to bootstrap, log in and log out"),
    "leader.autopilot_health": _FOR_SERVERS,
    "leader.configure_ca": _OPERATORS,
    "leader.force_leave": _OPERATORS,
    "leader.leave": _FOR_SERVERS,
    "leader.members": _FOR_SERVERS,
    "leader.place": _FOR_SERVERS,
    "leader.raft_servers": _FOR_SERVERS,
    "leader.read_index": _FOR_SERVERS,
    "leader.remove_peer": _OPERATORS,
    "leader.renew_session": _needs(Resource.SESSION, Access.WRITE, "its node"),
    "leader.restore_step": _FOR_SERVERS,
    "leader.sign_leaf": CallNeed("service:write of the service, or node:write of the agent, that the leaf is for"),
    "leader.transfer_leader": _OPERATORS,
    "leader.vouch": _FOR_SERVERS,
    "leader.write": _BY_WRITES,
    "keys_told": _FOR_SERVERS,
    "proxies_told": _FOR_SERVERS,
    "server.introduce": _FOR_SERVERS,
    "server.promise": _FOR_SERVERS,
}
"""Each method by its name on the wire."""
