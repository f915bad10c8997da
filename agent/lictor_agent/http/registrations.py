"""The body of `/v1/catalog/register`: what those register who have no agent. Source: Consul's `api-docs/catalog`.

Only form and defaults are read here; what the catalog itself forbids, the servers say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lictor_config.definitions import DefinitionError
from lictor_config.metadata import metadata_flaw
from lictor_config.proxies import kind_flaws, read_proxy
from lictor_config.reading import Problem, ProblemGroup, Reader
from lictor_core.commands import Register
from lictor_core.durations import format_duration
from lictor_core.records import (
    CRITICAL,
    Check,
    CheckDefinition,
    Connect,
    Expose,
    MeshGateway,
    Node,
    Proxy,
    Service,
    ServiceAddress,
    ServiceKind,
    Weights,
)

__all__ = ["Registration", "read_check", "read_registration", "read_service", "service_flaw"]

_EVEN: Final = Weights(passing=1, warning=1)
_WEIGHT_MAX: Final = 65_535
_RAFT_INDEXES: Final = ("CreateIndex", "ModifyIndex")


@dataclass(frozen=True, slots=True)
class Registration:
    """What was sent: the command, and the datacenter it is for (empty for this one)."""

    command: Register
    datacenter: str


def read_registration(reader: Reader, datacenter: str) -> Registration:
    """The registration in a mapping, problems noted in the reader. `datacenter` is the agent's own."""
    named = reader.text("Datacenter")
    node = Node(
        id=reader.text("ID"),
        node=reader.text("Node"),
        address=reader.text("Address"),
        datacenter=datacenter,
        tagged_addresses=reader.text_map("TaggedAddresses") or None,
        meta=reader.text_map("NodeMeta") or None,
        create_index=0,
        modify_index=0,
    )
    child = reader.child("Service")
    service = None if child is None else read_service(child)
    checks = [read_check(one, node.node) for one in reader.children("Checks")]
    single = reader.child("Check")
    if single is not None:
        checks.append(read_check(single, node.node))
    skips = reader.boolean("SkipNodeUpdate")
    _skip_indexes(reader)
    reader.done()
    return Registration(Register(node=node, service=service, checks=checks, skip_node_update=skips), named)


def service_flaw(command: Register) -> str | None:
    """Why the service in `command` cannot be, in Consul's words; None when it can, or there is none."""
    service = command.service
    if service is None:
        return None
    if not service.service:
        return "Must provide service name with ID" if service.id else "Must provide service name"
    rules = kind_flaws(service.kind, service.port, service.proxy, native=service.connect.native)
    if rules:
        return str(DefinitionError([Problem((), rule, ProblemGroup.RULE) for rule in rules]))
    if (flaw := metadata_flaw(service.meta or {}, allow_reserved=False, kind=service.kind)) is not None:
        where = f"node {command.node.node} and serviceID {service.id}"
        return f"failed inserting service: Invalid Service Meta for {where}: {flaw}"
    return None


def read_service(reader: Reader) -> Service:
    """The instance in a mapping, problems noted in the reader."""
    proxy = reader.child("Proxy")
    connect = reader.child("Connect")
    name = reader.text("Service")
    service = Service(
        kind=_read_kind(reader),
        id=reader.text("ID") or name,
        service=name,
        tags=list(reader.texts("Tags")),
        address=reader.text("Address"),
        tagged_addresses=_read_tagged_addresses(reader) or None,
        meta=reader.text_map("Meta") or None,
        port=reader.integer("Port"),
        weights=_read_weights(reader),
        enable_tag_override=reader.boolean("EnableTagOverride"),
        proxy=Proxy(mesh_gateway=MeshGateway(), expose=Expose())
        if proxy is None
        else read_proxy(proxy, upstream_type=""),
        connect=Connect(native=connect is not None and connect.boolean("Native")),
        create_index=0,
        modify_index=0,
    )
    _skip_indexes(reader)
    reader.done()
    return service


def _read_kind(reader: Reader) -> ServiceKind:
    try:
        return ServiceKind(reader.text("Kind"))
    except ValueError:
        return ServiceKind.TYPICAL  # Consul takes any kind, and treats one that it does not know as a typical service


def _read_tagged_addresses(reader: Reader) -> dict[str, ServiceAddress]:
    return {
        name: ServiceAddress(address=child.text("Address"), port=child.integer("Port"))
        for name, child in reader.named_children("TaggedAddresses").items()
    }


def _read_weights(reader: Reader) -> Weights:
    child = reader.child("Weights")
    if child is None:
        return _EVEN
    weights = Weights(passing=child.integer("Passing"), warning=child.integer("Warning"))
    child.done()
    is_sound = min(weights.passing, weights.warning) >= 0 and max(weights.passing, weights.warning) <= _WEIGHT_MAX
    # Consul registers such an instance all the same, and shows the weights that one without any has.
    return weights if is_sound and weights.passing + weights.warning > 0 else _EVEN


def read_check(reader: Reader, node: str) -> Check:
    """The check in a mapping, on the node named `node` unless it names another one."""
    child = reader.child("Definition")
    definition = CheckDefinition() if child is None else _read_check_definition(child)
    name = reader.text("Name")
    check = Check(
        node=reader.text("Node") or node,
        check_id=reader.text("CheckID") or name,
        name=name,
        status=reader.text("Status") or CRITICAL,
        notes=reader.text("Notes"),
        output=reader.text("Output"),
        service_id=reader.text("ServiceID"),
        service_name=reader.text("ServiceName"),
        service_tags=list(reader.texts("ServiceTags")),
        type=reader.text("Type") or ("http" if definition.http else "tcp" if definition.tcp else ""),
        definition=definition,
        create_index=0,
        modify_index=0,
    )
    _skip_indexes(reader)
    reader.done()
    return check


def _read_check_definition(reader: Reader) -> CheckDefinition:
    header = {name: list(values) for name, values in reader.texts_map("Header").items()}
    return CheckDefinition(
        http=reader.text("HTTP"),
        tls_skip_verify=reader.boolean("TLSSkipVerify"),
        header=header or None,
        method=reader.text("Method"),
        body=reader.text("Body"),
        tcp=reader.text("TCP"),
        interval=_read_duration(reader, "Interval"),
        timeout=_read_duration(reader, "Timeout"),
        deregister_critical_service_after=_read_duration(reader, "DeregisterCriticalServiceAfter"),
    )


def _read_duration(reader: Reader, name: str) -> str:
    # Consul has two names for each: the later one ends in `Duration`.
    seconds = reader.duration(name) or reader.duration(f"{name}Duration")
    return format_duration(seconds) if seconds else ""


def _skip_indexes(reader: Reader) -> None:
    for name in _RAFT_INDEXES:
        reader.integer(name)
