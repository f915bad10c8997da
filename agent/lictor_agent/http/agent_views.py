"""What `/v1/agent/*` shows of services and checks: Consul's shapes there differ from the catalog's. Pure.

Source: Consul's documents `api-docs/agent/{service,check}`; null, empty and absent as Consul 1.8.7 gives them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from lictor_agent.maintenance import is_maintenance
from lictor_core.codec import pack
from lictor_core.records import (
    EMPTY_CHECK_DEFINITION,
    MAINT,
    Check,
    JsonObject,
    Proxy,
    Service,
    ServiceKind,
    Upstream,
    worst_status,
)

__all__ = ["aggregated_status", "check_detail", "content_hash", "service_view"]

_HASH_BYTES: Final = 8


def service_view(service: Service, *, shows_hash: bool = False) -> JsonObject:
    """One instance; with `shows_hash` its content hash too, as where one is asked for."""
    view: JsonObject = {} if service.kind is ServiceKind.TYPICAL else {"Kind": service.kind}
    view |= {
        "ID": service.id,
        "Service": service.service,
        "Tags": service.tags,
        "Meta": service.meta or {},
        "Port": service.port,
        "Address": service.address,
    }
    if service.tagged_addresses:
        view["TaggedAddresses"] = service.tagged_addresses
    view |= {"Weights": service.weights, "EnableTagOverride": service.enable_tag_override}
    if shows_hash:
        view["ContentHash"] = content_hash(service)
    if service.kind is not ServiceKind.TYPICAL:
        view["Proxy"] = _proxy_view(service.proxy)
    if service.connect.native:
        view["Connect"] = service.connect
    return view


def content_hash(service: Service) -> str:
    """A short hash of everything an instance was registered with: it changes when that does."""
    return hashlib.blake2b(pack(service), digest_size=_HASH_BYTES).hexdigest()


def check_detail(check: Check) -> JsonObject:
    """One check as the health endpoints of the agent show it: with every field of a definition, none of them filled.

    How a check is done is the agent's own affair; Consul shows the empty definition here too.
    """
    return {
        "Node": check.node,
        "CheckID": check.check_id,
        "Name": check.name,
        "Status": check.status,
        "Notes": check.notes,
        "Output": check.output,
        "ServiceID": check.service_id,
        "ServiceName": check.service_name,
        "ServiceTags": check.service_tags or None,
        "Type": "",
        "Definition": EMPTY_CHECK_DEFINITION,
        "CreateIndex": 0,
        "ModifyIndex": 0,
    }


def aggregated_status(checks: Iterable[Check]) -> str:
    """What checks come to: `maintenance` when one of them says so, else the worst status."""
    statuses = [MAINT if is_maintenance(check.check_id) else check.status for check in checks]
    return worst_status(statuses)


def _proxy_view(proxy: Proxy) -> JsonObject:
    view: JsonObject = {}
    if proxy.destination_service_name:
        view["DestinationServiceName"] = proxy.destination_service_name
    if proxy.destination_service_id:
        view["DestinationServiceID"] = proxy.destination_service_id
    if proxy.local_service_address:
        view["LocalServiceAddress"] = proxy.local_service_address
    if proxy.local_service_port:
        view["LocalServicePort"] = proxy.local_service_port
    if proxy.local_service_socket_path:
        view["LocalServiceSocketPath"] = proxy.local_service_socket_path
    if proxy.config:
        view["Config"] = proxy.config
    if proxy.upstreams:
        view["Upstreams"] = [_upstream_view(upstream) for upstream in proxy.upstreams]
    return view | {"MeshGateway": proxy.mesh_gateway, "Expose": proxy.expose}


def _upstream_view(upstream: Upstream) -> JsonObject:
    view: JsonObject = {"DestinationType": upstream.destination_type}
    if upstream.destination_namespace:
        view["DestinationNamespace"] = upstream.destination_namespace
    view["DestinationName"] = upstream.destination_name
    if upstream.datacenter:
        view["Datacenter"] = upstream.datacenter
    if upstream.local_bind_address:
        view["LocalBindAddress"] = upstream.local_bind_address
    view["LocalBindPort"] = upstream.local_bind_port
    if upstream.local_bind_socket_path:
        view["LocalBindSocketPath"] = upstream.local_bind_socket_path
    if upstream.local_bind_socket_mode:
        view["LocalBindSocketMode"] = upstream.local_bind_socket_mode
    if upstream.config:
        view["Config"] = upstream.config
    return view | {"MeshGateway": upstream.mesh_gateway}
