"""From who is a member to what the catalog must say: pure decisions.

As Consul's leader: a living member has a node with a passing `serfHealth`, a server among them the service `consul`; a
failed one keeps its node with a critical `serfHealth` whose output says why; one that left, or was forgotten, loses its
node. What an agent registered about its own node (meta, tagged addresses) stays. Where the catalog has the name of a
living member for another node, the member's lease counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from lictor_core.commands import Deregister, Register
from lictor_core.membership import SERVER_ROLE
from lictor_core.records import (
    CRITICAL,
    PASSING,
    Check,
    CheckDefinition,
    Connect,
    Expose,
    Member,
    MemberStatus,
    MeshGateway,
    Node,
    Proxy,
    Service,
    Weights,
)
from lictor_server.leases.causes import ALIVE_OUTPUT, failed_output
from lictor_server.state.catalog import SERF_CHECK_ID, Catalog

__all__ = ["reconcile", "reconcile_member"]

_SERF_CHECK_NAME: Final = "Serf Health Status"


def reconcile(members: Iterable[Member], catalog: Catalog) -> list[Register | Deregister]:
    """The commands that make `catalog` say what `members` are; none when it already does."""
    known = {member.name.lower(): member for member in members}
    strangers = [node.node for node in catalog.nodes() if node.node.lower() not in known]
    commands = [command for member in known.values() for command in reconcile_member(member.name, member, catalog)]
    return commands + [command for name in strangers for command in reconcile_member(name, None, catalog)]


def reconcile_member(name: str, member: Member | None, catalog: Catalog) -> list[Register | Deregister]:
    """The commands for one name; `member` None is for one that nobody has, or that was forgotten."""
    if member is None:
        gone = catalog.check_on(name, SERF_CHECK_ID) is not None
        return [Deregister(node=name)] if gone else []
    match member.status:
        case MemberStatus.ALIVE:
            return _alive(member, catalog)
        case MemberStatus.FAILED:
            return _failed(member, catalog)
        case MemberStatus.LEFT if catalog.node(member.name) is not None:
            return [Deregister(node=member.name)]
        case _:
            return []


def _alive(member: Member, catalog: Catalog) -> list[Register | Deregister]:
    wanted = _node(member, catalog)
    current = catalog.node(member.name)
    service = _server_service(member) if member.tags.get("role") == SERVER_ROLE else None
    has_node = current is not None and current == wanted
    has_service = service is None or _same(catalog.service_on(member.name, service.id), service)
    check = _check(member, PASSING, ALIVE_OUTPUT)
    if has_node and has_service and _has_health(catalog, check):
        return []
    commands: list[Register | Deregister] = []
    if current is not None and current.id and current.id.lower() != wanted.id.lower():
        # The lease says whose name it is; the catalog gives the name of a node away that does not pass.
        taken = _check(member, CRITICAL, failed_output(f"node {wanted.id} has taken over its name"))
        commands.append(Register(node=current, skip_node_update=True, checks=[taken]))
    return [*commands, Register(node=wanted, skip_node_update=has_node, service=service, checks=[check])]


def _failed(member: Member, catalog: Catalog) -> list[Register | Deregister]:
    node = catalog.node(member.name)
    check = _check(member, CRITICAL, failed_output(member.cause))
    if node is None or _has_health(catalog, check):
        return []
    return [Register(node=node, skip_node_update=True, checks=[check])]


def _node(member: Member, catalog: Catalog) -> Node:
    node_id = member.tags.get("id", "")
    current = catalog.node(member.name)
    if current is not None:
        return msgspec.structs.replace(current, id=node_id or current.id, address=member.addr)
    return Node(
        id=node_id,
        node=member.name,
        address=member.addr,
        datacenter=member.tags.get("dc", ""),
        tagged_addresses=None,
        meta=None,
        create_index=0,
        modify_index=0,
    )


def _has_health(catalog: Catalog, wanted: Check) -> bool:
    check = catalog.check_on(wanted.node, SERF_CHECK_ID)
    return check is not None and (check.status, check.output) == (wanted.status, wanted.output)


def _check(member: Member, status: str, output: str) -> Check:
    return Check(
        node=member.name,
        check_id=SERF_CHECK_ID,
        name=_SERF_CHECK_NAME,
        status=status,
        notes="",
        output=output,
        service_id="",
        service_name="",
        service_tags=[],
        type="",
        definition=CheckDefinition(),
        create_index=0,
        modify_index=0,
    )


def _server_service(member: Member) -> Service:
    return Service(
        id=SERVER_ROLE,
        service=SERVER_ROLE,
        tags=[],
        address="",
        meta={
            "non_voter": "false",
            "raft_version": member.tags.get("raft_vsn", ""),
            "serf_protocol_current": str(member.protocol_cur),
            "serf_protocol_max": str(member.protocol_max),
            "serf_protocol_min": str(member.protocol_min),
            "version": member.tags.get("build", "").partition(":")[0],
        },
        port=int(member.tags.get("port", "0")),
        weights=Weights(passing=1, warning=1),
        enable_tag_override=False,
        proxy=Proxy(mesh_gateway=MeshGateway(), expose=Expose()),
        connect=Connect(),
        create_index=0,
        modify_index=0,
    )


def _same(current: Service | None, wanted: Service) -> bool:
    return current is not None and wanted == msgspec.structs.replace(current, create_index=0, modify_index=0)
