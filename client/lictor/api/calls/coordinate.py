"""Network coordinates: `/v1/coordinate`. Source: Consul's document `api-docs/coordinate`."""

from __future__ import annotations

from collections.abc import Mapping

from lictor.api.messages import Call, Options, Response, list_call, none_call
from lictor_core.coordinates import CoordinateMap, NodeCoordinate

__all__ = ["datacenters", "node", "nodes", "update"]

_NOT_FOUND = 404


def datacenters() -> Call[list[CoordinateMap]]:
    """The servers of each datacenter and where they stand."""
    return list_call(list[CoordinateMap], "/v1/coordinate/datacenters")


def nodes(options: Options | None = None) -> Call[list[NodeCoordinate]]:
    """The nodes of the datacenter and where they stand."""
    return list_call(list[NodeCoordinate], "/v1/coordinate/nodes", options)


def node(name: str, options: Options | None = None) -> Call[list[NodeCoordinate]]:
    """Where one node stands, in each segment; empty where nothing is known of it."""
    found = list_call(list[NodeCoordinate], f"/v1/coordinate/node/{name}", options)

    def read(response: Response) -> list[NodeCoordinate]:
        return [] if response.status == _NOT_FOUND else found.read(response)

    return Call(request=found.request, read=read)


def update(coordinate: Mapping[str, object], *, dc: str = "") -> Call[None]:
    """Say where a node stands, from the keys of Consul's API. Agents do so by themselves."""
    return none_call("PUT", "/v1/coordinate/update", ("dc", dc), body=dict(coordinate))
