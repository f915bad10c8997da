"""Records for tests: everything that a test does not speak of has a plain value."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lictor_core.commands import ConfigDelete, ConfigSet, Register
from lictor_core.coordinates import DIMENSIONS, Coordinate, NodeCoordinate
from lictor_core.entries.reading import body_of, read_entry
from lictor_core.membership import Renewal, living_member
from lictor_core.prepared import (
    TEMPLATE_TYPE,
    PreparedQuery,
    QueryDNS,
    QueryFailover,
    QueryService,
    QueryTemplate,
)
from lictor_core.records import (
    Check,
    CheckDefinition,
    Connect,
    Expose,
    Intention,
    IntentionAction,
    Member,
    MeshGateway,
    Node,
    Proxy,
    Service,
    ServiceCheckRef,
    ServiceKind,
    Session,
    SessionBehavior,
    UserEvent,
    Weights,
)

__all__ = [
    "check",
    "config",
    "event",
    "intention",
    "member",
    "node",
    "placed",
    "prepared_query",
    "register",
    "renewal",
    "service",
    "session",
    "template",
    "unconfig",
]


def node(name: str = "n1", *, id: str = "", address: str = "192.0.2.1", meta: dict[str, str] | None = None) -> Node:
    return Node(
        id=id,
        node=name,
        address=address,
        datacenter="dc1",
        tagged_addresses=None,
        meta=meta,
        create_index=0,
        modify_index=0,
    )


def service(
    name: str = "web",
    *,
    id: str = "",
    tags: list[str] | None = None,
    port: int = 80,
    address: str = "",
    proxy_for: str = "",
    native: bool = False,
    kind: ServiceKind | None = None,
) -> Service:
    return Service(
        kind=kind or (ServiceKind.CONNECT_PROXY if proxy_for else ServiceKind.TYPICAL),
        id=id or name,
        service=name,
        tags=tags or [],
        address=address,
        meta=None,
        port=port,
        weights=Weights(passing=1, warning=1),
        enable_tag_override=False,
        proxy=Proxy(destination_service_name=proxy_for, mesh_gateway=MeshGateway(), expose=Expose()),
        connect=Connect(native=native and not proxy_for),
        create_index=0,
        modify_index=0,
    )


def check(
    id: str = "c1", *, status: str = "passing", service_id: str = "", output: str = "", node: str = "", notes: str = ""
) -> Check:
    return Check(
        node=node,
        check_id=id,
        name=id,
        status=status,
        notes=notes,
        output=output,
        service_id=service_id,
        service_name="",
        service_tags=[],
        type="",
        definition=CheckDefinition(),
        create_index=0,
        modify_index=0,
    )


def register(of: Node | None = None, *, service: Service | None = None, checks: list[Check] | None = None) -> Register:
    return Register(node=of or node(), service=service, checks=checks or [])


def intention(source: str, destination: str, *, id: str, action: IntentionAction = IntentionAction.ALLOW) -> Intention:
    return Intention(
        id=id,
        description="",
        source_ns="default",
        source_name=source,
        destination_ns="default",
        destination_name=destination,
        source_type="consul",
        action=action,
        default_addr="",
        default_port=0,
        meta={},
        precedence=0,
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
        hash="",
        create_index=0,
        modify_index=0,
    )


def renewal(of: Member, counter: int = 1, *, server: str = "") -> Renewal:
    return Renewal(member=of, counter=counter, server=server)


def member(name: str = "a1", *, id: str = "", address: str = "192.0.2.9", role: str = "node") -> Member:
    tags = {"id": id, "dc": "dc1", "role": role, "port": "8300", "build": "1.2.3:", "raft_vsn": "3"}
    return living_member(name, address, 8301, tags)


def placed(node: str, at_s: float, *, segment: str = "") -> NodeCoordinate:
    """A node that is `at_s` seconds from the origin along the first axis."""
    vec = [at_s, *[0.0] * (DIMENSIONS - 1)]
    return NodeCoordinate(node=node, segment=segment, coord=Coordinate(vec=vec, error=0.1, adjustment=0.0, height=0.0))


def session(
    id: str,
    *,
    node: str = "n1",
    name: str = "",
    ttl: str = "",
    delay_s: float = 15.0,
    behavior: SessionBehavior = SessionBehavior.RELEASE,
    checks: list[str] | None = None,
    service_checks: list[str] | None = None,
) -> Session:
    return Session(
        id=id,
        name=name,
        node=node,
        lock_delay_ns=int(delay_s * 1e9),
        behavior=behavior,
        ttl=ttl,
        node_checks=checks or [],
        service_checks=[ServiceCheckRef(id=one, namespace="") for one in service_checks or []] or None,
        create_index=0,
        modify_index=0,
    )


def event(id: str, name: str = "deploy", *, payload: bytes | None = None, **filters: str) -> UserEvent:
    return UserEvent(
        id=id,
        name=name,
        payload=payload,
        node_filter=filters.get("node", ""),
        service_filter=filters.get("service", ""),
        tag_filter=filters.get("tag", ""),
        version=1,
        l_time=0,
    )


_QUERY_ID = "99999999-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def prepared_query(
    name: str = "q", *, id: str = _QUERY_ID, service: str = "web", session: str = "", tags: list[str] | None = None
) -> PreparedQuery:
    return PreparedQuery(
        id=id,
        name=name,
        session=session,
        token="",
        template=QueryTemplate(type="", regexp="", remove_empty_tags=False),
        service=QueryService(
            service=service,
            failover=QueryFailover(nearest_n=0, datacenters=None),
            only_passing=False,
            ignore_check_ids=None,
            near="",
            tags=tags,
            node_meta=None,
            service_meta=None,
            connect=False,
        ),
        dns=QueryDNS(ttl=""),
        create_index=0,
        modify_index=0,
    )


def template(
    name: str, *, id: str = _QUERY_ID, service: str = "web", tags: list[str] | None = None, regexp: str = ""
) -> PreparedQuery:
    kind = QueryTemplate(type=TEMPLATE_TYPE, regexp=regexp, remove_empty_tags=False)
    return msgspec.structs.replace(prepared_query(name, id=id, service=service, tags=tags), template=kind)


def config(kind: str, name: str, body: Mapping[str, object] | None = None, *, cas: int | None = None) -> ConfigSet:
    """A command that writes an entry, as the leader puts it into the log."""
    entry = read_entry({"Kind": kind, "Name": name, **(body or {})})
    return ConfigSet(kind=kind, name=entry.name, body=body_of(entry), cas=cas, at="2026-01-02T03:04:05.000006Z")


def unconfig(kind: str, name: str, *, cas: int | None = None) -> ConfigDelete:
    """A command that deletes an entry."""
    return ConfigDelete(kind=kind, name=name, cas=cas)
