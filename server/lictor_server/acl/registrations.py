"""What it takes to change what is registered on a node. Pure.

As in Consul 1.8.7: the record of a node and its own checks need `node:write`, an instance and its checks need
`service:write` of its name, and of the name that it had. Whoever may write a node may take everything from it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.commands import Deregister, NodeUpdate, Register
from lictor_core.errors import AclRefusedError
from lictor_core.records import Check, Node, Service
from lictor_server.state import Store

__all__ = ["require_deregistering", "require_registering", "require_updating"]


def require_registering(store: Store, judge: Authorizer, command: Register) -> None:
    """Raise `PermissionDeniedError` unless all of it may be registered."""
    services = [] if command.service is None else [command.service]
    _require_node(store, judge, command.node, stays=command.skip_node_update)
    _require_services(store, judge, command.node.node, services)
    _require_checks(store, judge, command.node.node, command.checks, services)


def require_updating(store: Store, judge: Authorizer, command: NodeUpdate) -> None:
    """The same for what an agent says of its node at once, and takes from it."""
    node = command.node.node
    _require_node(store, judge, command.node, stays=command.skip_node_update)
    _require_services(store, judge, node, command.services)
    _require_checks(store, judge, node, command.checks, command.services)
    if judge.allows(Resource.NODE, node, Access.WRITE):
        return
    for id in command.gone_services:
        service = store.catalog.service_on(node, id)
        if service is not None:
            judge.require(Resource.SERVICE, service.service, Access.WRITE)
    for id in command.gone_checks:
        check = store.catalog.check_on(node, id)
        if check is not None:
            _require_check_of(judge, node, check.service_name)


def require_deregistering(store: Store, judge: Authorizer, command: Deregister) -> None:
    """Raise `PermissionDeniedError` unless it may be taken away; who may not write the node is told, as by Consul,
    with `AclRefusedError` of what is not there."""
    node = command.node
    if judge.allows(Resource.NODE, node, Access.WRITE):
        return
    if command.service_id:
        service = store.catalog.service_on(node, command.service_id)
        if service is None:
            raise AclRefusedError(
                f"Unknown service {command.service_id!r} on node {node!r}: there is nothing to remove"
            )
        judge.require(Resource.SERVICE, service.service, Access.WRITE)
    elif command.check_id:
        check = store.catalog.check_on(node, command.check_id)
        if check is None:
            raise AclRefusedError(f"Unknown check {command.check_id!r} on node {node!r}: there is nothing to remove")
        _require_check_of(judge, node, check.service_name)
    else:
        judge.require(Resource.NODE, node, Access.WRITE)


def _require_node(store: Store, judge: Authorizer, wanted: Node, *, stays: bool) -> None:
    held = store.catalog.node(wanted.node)
    if held is not None and (stays or _says(held) == _says(wanted)):
        return
    judge.require(Resource.NODE, wanted.node, Access.WRITE)
    renamed = store.catalog.node_of_id(wanted.id) if wanted.id else None
    if renamed is not None:
        judge.require(Resource.NODE, renamed.node, Access.WRITE)


def _says(node: Node) -> Node:
    return msgspec.structs.replace(
        node,
        tagged_addresses=node.tagged_addresses or None,
        meta=node.meta or None,
        create_index=0,
        modify_index=0,
    )


def _require_services(store: Store, judge: Authorizer, node: str, services: Iterable[Service]) -> None:
    for service in services:
        judge.require(Resource.SERVICE, service.service, Access.WRITE)
        held = store.catalog.service_on(node, service.id)
        if held is not None and held.service != service.service:
            judge.require(Resource.SERVICE, held.service, Access.WRITE)


def _require_checks(
    store: Store, judge: Authorizer, node: str, checks: Iterable[Check], services: Iterable[Service]
) -> None:
    names = {service.id.lower(): service.service for service in services}
    for check in checks:
        owner = ""
        if check.service_id:
            held_service = store.catalog.service_on(node, check.service_id)
            owner = names.get(check.service_id.lower()) or (held_service.service if held_service else "")
            if not owner:
                raise AclRefusedError(
                    f"Unknown service {check.service_id!r} for check {check.check_id!r}: register the service first"
                )
        _require_check_of(judge, node, owner)
        held = store.catalog.check_on(node, check.check_id)
        if held is not None and held.service_name != owner:
            _require_check_of(judge, node, held.service_name)


def _require_check_of(judge: Authorizer, node: str, service: str) -> None:
    """To change a check of `service`, or of the node itself when that is empty."""
    if service:
        judge.require(Resource.SERVICE, service, Access.WRITE)
    else:
        judge.require(Resource.NODE, node, Access.WRITE)
