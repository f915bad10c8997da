"""What a registration must be before it may enter the log, and what is filled in for those who left it out."""

from __future__ import annotations

import uuid

import msgspec

from lictor_core.agreement import clipped_output
from lictor_core.codec import check_nesting
from lictor_core.commands import Deregister, NodeUpdate, Register
from lictor_core.errors import RequestError
from lictor_core.records import CRITICAL, Check, Node, Service, ServiceKind
from lictor_server.endpoints.metadata import check_metadata
from lictor_server.endpoints.reads import check_datacenter

__all__ = [
    "checked_check",
    "checked_deregistration",
    "checked_node",
    "checked_registration",
    "checked_service",
    "checked_update",
]


def checked_registration(command: Register, datacenter: str) -> Register:
    """`command` with its blanks filled. Raises `RequestError` with what is missing or wrong."""
    node = checked_node(command.node, datacenter, stays=command.skip_node_update)
    service = None if command.service is None else checked_service(command.service)
    checks = [checked_check(check, node.node) for check in command.checks]
    return msgspec.structs.replace(command, node=node, service=service, checks=checks)


def checked_update(command: NodeUpdate, datacenter: str) -> NodeUpdate:
    """`command` with its blanks filled. Raises `RequestError` with what is missing or wrong."""
    node = checked_node(command.node, datacenter, stays=command.skip_node_update)
    services = [checked_service(service) for service in command.services]
    checks = [checked_check(check, node.node) for check in command.checks]
    return msgspec.structs.replace(command, node=node, services=services, checks=checks)


def checked_deregistration(command: Deregister) -> Deregister:
    """`command`, if it names a node."""
    if not command.node:
        raise RequestError("Node is missing: name the node to deregister from")
    return command


def checked_node(node: Node, datacenter: str, *, stays: bool) -> Node:
    """The record of a node. With `stays` it needs no address: there is one already, or none is asked for."""
    if not node.node:
        raise RequestError("Node is missing: name the node to register")
    if not node.address and not stays:
        raise RequestError(f"Address of node {node.node!r} is missing: give it, or set SkipNodeUpdate")
    if node.id:
        try:
            uuid.UUID(node.id)
        except ValueError:
            raise RequestError(f"ID of node {node.node!r} is {node.id[:64]!r}, which is no UUID") from None
    check_datacenter(node.datacenter, datacenter)
    check_metadata(node.meta, f"node {node.node!r}", any_key=True)
    return msgspec.structs.replace(node, datacenter=datacenter)


def checked_service(service: Service) -> Service:
    """The record of an instance, under its name where it has no id. Raises `RequestError`."""
    if not service.service:
        raise RequestError(f"Service of instance {service.id!r} is missing: an ID needs a service name")
    what = f"service {service.service!r}"
    check_metadata(service.meta, what)
    for config in (service.proxy.config, *(upstream.config for upstream in service.proxy.upstreams)):
        check_nesting(config, f"Proxy.Config of {what}")
    if service.kind is ServiceKind.CONNECT_PROXY:
        if not service.proxy.destination_service_name:
            raise RequestError(
                f"Proxy.DestinationServiceName of {what} is missing: say for which service it is a proxy"
            )
        if not service.port:
            raise RequestError(f"Port of {what} is missing: a proxy must say where it listens")
        if service.connect.native:
            raise RequestError(f"{what} is a proxy and so cannot be Connect.Native as well")
    return service if service.id else msgspec.structs.replace(service, id=service.service)


def checked_check(check: Check, node: str) -> Check:
    """The record of a check on the node named `node`: critical until somebody says otherwise. Raises `RequestError`."""
    if not check.check_id and not check.name:
        raise RequestError(f"a check on node {node!r} has neither CheckID nor Name: give it one")
    return msgspec.structs.replace(
        check,
        node=check.node or node,
        check_id=check.check_id or check.name,
        name=check.name,
        status=check.status or CRITICAL,
        output=clipped_output(check.output),
    )
