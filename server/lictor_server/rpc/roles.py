"""What a certificate allows who shows it: to be asked as a server, and to speak for a node. Pure.

A *proof* is None where nobody is asked for a certificate: then nothing can be proven, and nothing is refused here (the
warning at the start, `lictor operator security` and `SECURITY.md` say so). Otherwise only `server.<dc>.<domain>` makes
a server. Which node an agent is stands in its certificate when `auto_encrypt` made it, or when it is made out to a node
id; other certificates of the CA tell agents from servers, and not one agent from another: that is what access control
lists are for.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.errors import PermissionDeniedError
from lictor_core.membership import SERVER_ROLE
from lictor_core.peers import RaftServer
from lictor_core.records import Member
from lictor_server.tls import Proof

__all__ = ["check_member_role", "check_server", "check_speaks_for"]


def check_server(method: str, address: str, proof: Proof | None) -> None:
    """Raise `PermissionDeniedError` for who is proven to be no server and calls what servers alone call."""
    if proof is not None and not proof.is_server:
        raise PermissionDeniedError(
            f"{method} is for servers alone, and the certificate of {address} is none of a server: it needs the name "
            "server.<datacenter>.<domain>"
        )


def check_member_role(member: Member, proof: Proof | None, servers: Iterable[RaftServer]) -> None:
    """Raise `PermissionDeniedError` for a member that is not what its certificate says.

    Who has the lease of a server is taken into the log by autopilot, and who has the lease of another node speaks in
    its name. `servers` are those of the log.
    """
    if proof is None:
        return
    if member.tags.get("role") == SERVER_ROLE and not proof.is_server:
        raise PermissionDeniedError(
            f"{member.name!r} calls itself a server, and its certificate is none of a server: it needs the name "
            "server.<datacenter>.<domain>"
        )
    check_speaks_for(member.name, proof, servers, node_id=member.tags.get("id", ""))


def check_speaks_for(node: str, proof: Proof | None, servers: Iterable[RaftServer], *, node_id: str = "") -> None:
    """Raise `PermissionDeniedError` for who says something in the name of a node that is proven to be another one.

    `node_id` is empty where none is said. The names and ids of servers are for who proves to be one.
    """
    if proof is None:
        return
    name, id = node.lower(), node_id.lower()
    if proof.node_names and name not in proof.node_names:
        made_out_to = ", ".join(sorted(proof.node_names))
        raise PermissionDeniedError(
            f"the certificate is one of node {made_out_to}, which cannot speak for {node[:64]!r}"
        )
    if proof.node_ids and id and id not in proof.node_ids:
        raise PermissionDeniedError(
            f"the certificate is one of node {', '.join(sorted(proof.node_ids))}, which cannot speak for {id[:64]!r}"
        )
    if proof.is_server:
        return
    if any(name == server.name.lower() or (id and id == server.id.lower()) for server in servers):
        raise PermissionDeniedError(
            f"{node[:64]!r} is a server, and the certificate of who speaks for it is none of a server: it needs the "
            "name server.<datacenter>.<domain>"
        )
