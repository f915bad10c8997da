"""The members as the catalog remembers them: for an agent that asks while nobody leads. Pure.

Leases are the leader's; what it made of them is in every server's catalog (`reconcile`), and read back here. A member
is what it was when the last leader looked; those without a node, which have left, are not remembered.
"""

from __future__ import annotations

import msgspec

from lictor_core.membership import SERVER_ROLE, agent_member
from lictor_core.records import PASSING, Member, MemberStatus, Node
from lictor_server.state.catalog import SERF_CHECK_ID, Catalog

__all__ = ["remembered_members"]


def remembered_members(catalog: Catalog, own: Member) -> list[Member]:
    """The members by name; `own` is this server, which knows itself better than the catalog does."""
    others = [_member(node, catalog) for node in catalog.nodes() if node.node.lower() != own.name.lower()]
    return sorted([own, *(one for one in others if one is not None)], key=lambda one: one.name.lower())


def _member(node: Node, catalog: Catalog) -> Member | None:
    """The member that this node was made of; None when somebody else registered it."""
    check = catalog.check_on(node.node, SERF_CHECK_ID)
    if check is None:
        return None
    service = catalog.service_on(node.node, SERVER_ROLE)
    member = agent_member(
        name=node.node,
        address=node.address,
        node_id=node.id,
        datacenter=node.datacenter,
        server_port=None if service is None else service.port,
    )
    status = MemberStatus.ALIVE if check.status == PASSING else MemberStatus.FAILED
    return msgspec.structs.replace(member, status=status)
