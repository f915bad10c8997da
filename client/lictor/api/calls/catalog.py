"""The catalog: `/v1/catalog`. Source: Consul's document `api-docs/catalog`."""

from __future__ import annotations

from lictor.api.messages import Call, Options, Response, json_call, list_call
from lictor_core.records import CatalogService, Node, NodeServiceList, NodeServices

__all__ = ["datacenters", "node", "node_services", "nodes", "service", "services"]


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


def node(name: str, options: Options | None = None) -> Call[NodeServices | None]:
    """A node, by name or id, with the instances on it by their ids; None when there is no such node."""
    base = json_call(NodeServices, f"/v1/catalog/node/{name}", options)

    def read(response: Response) -> NodeServices | None:
        return None if response.body.strip() == b"null" else base.read(response)

    return Call(request=base.request, read=read)


def node_services(name: str, options: Options | None = None) -> Call[NodeServiceList]:
    """A node with the instances on it in a list."""
    return json_call(NodeServiceList, f"/v1/catalog/node-services/{name}", options)
