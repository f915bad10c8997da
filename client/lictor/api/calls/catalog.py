"""The catalog: `/v1/catalog`. Source: Consul's document `api-docs/catalog`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lictor.api.messages import Call, Options, Response, json_call, list_call, true_call
from lictor_core.records import CatalogService, Node, NodeServiceList, NodeServices, Record

__all__ = [
    "GatewayService",
    "connect",
    "datacenters",
    "deregister",
    "gateway_services",
    "node",
    "node_services",
    "nodes",
    "register",
    "service",
    "services",
]


class Named(Record, frozen=True, kw_only=True):
    """The name of a service."""

    name: str


class GatewayService(Record, frozen=True, kw_only=True):
    """A service that a gateway stands in front of, or behind; certificates and key are paths on the gateway's host."""

    gateway: Named
    service: Named
    gateway_kind: str
    port: int = 0
    protocol: str = ""
    hosts: list[str] | None = None
    ca_file: str = msgspec.field(default="", name="CAFile")
    cert_file: str = ""
    key_file: str = ""
    sni: str = msgspec.field(default="", name="SNI")
    from_wildcard: bool = False
    create_index: int = 0
    modify_index: int = 0


def register(registration: Mapping[str, object], *, dc: str = "") -> Call[bool]:
    """Write a node and what is on it into the catalog, from the keys of Consul's API. Agents register by themselves."""
    return true_call("PUT", "/v1/catalog/register", ("dc", dc), body=dict(registration))


def deregister(node: str, *, service_id: str = "", check_id: str = "", dc: str = "") -> Call[bool]:
    """Take a node out of the catalog, or only an instance or a check of it."""
    named = (("Datacenter", dc), ("Node", node), ("ServiceID", service_id), ("CheckID", check_id))
    return true_call("PUT", "/v1/catalog/deregister", body={key: text for key, text in named if text})


def datacenters() -> Call[list[str]]:
    """The names of the known datacenters."""
    return list_call(list[str], "/v1/catalog/datacenters")


def nodes(options: Options | None = None) -> Call[list[Node]]:
    """All nodes."""
    return list_call(list[Node], "/v1/catalog/nodes", options)


def services(options: Options | None = None) -> Call[dict[str, list[str]]]:
    """The names of all services with the tags of their instances."""
    return json_call(dict[str, list[str]], "/v1/catalog/services", options)


def service(name: str, options: Options | None = None, *, tag: str = "") -> Call[list[CatalogService]]:
    """The instances of a service with their nodes."""
    return list_call(list[CatalogService], f"/v1/catalog/service/{name}", options, ("tag", tag))


def connect(name: str, options: Options | None = None) -> Call[list[CatalogService]]:
    """The instances that take mesh connections for a service: proxies, and those that need none."""
    return list_call(list[CatalogService], f"/v1/catalog/connect/{name}", options)


def gateway_services(gateway: str, options: Options | None = None) -> Call[list[GatewayService]]:
    """The services of an ingress or terminating gateway."""
    return list_call(list[GatewayService], f"/v1/catalog/gateway-services/{gateway}", options)


def node(name: str, options: Options | None = None) -> Call[NodeServices | None]:
    """A node, by name or id, with the instances on it by their ids; None when there is no such node."""
    base = json_call(NodeServices, f"/v1/catalog/node/{name}", options)

    def read(response: Response) -> NodeServices | None:
        return None if response.body.strip() == b"null" else base.read(response)

    return Call(request=base.request, read=read)


def node_services(name: str, options: Options | None = None) -> Call[NodeServiceList]:
    """A node with the instances on it in a list."""
    return json_call(NodeServiceList, f"/v1/catalog/node-services/{name}", options)
