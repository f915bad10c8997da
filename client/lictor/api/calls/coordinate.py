"""Network coordinates: `/v1/coordinate`. Source: Consul's document `api-docs/coordinate`."""

from __future__ import annotations

from lictor.api.messages import Call, Options, list_call
from lictor_core.coordinates import CoordinateMap, NodeCoordinate

__all__ = ["datacenters", "nodes"]


def datacenters() -> Call[list[CoordinateMap]]:
    """The servers of each datacenter and where they stand."""
    return list_call(list[CoordinateMap], "/v1/coordinate/datacenters")


def nodes(options: Options | None = None) -> Call[list[NodeCoordinate]]:
    """The nodes of the datacenter and where they stand."""
    return list_call(list[NodeCoordinate], "/v1/coordinate/nodes", options)
