"""The catalog by the armful, for user interfaces: nodes with all that is on them, all instances with their checks."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lictor_core import topics as on
from lictor_core.config_records import GatewayService
from lictor_core.query import FilterableQuery, Query
from lictor_core.records import Check, Record, Service, ServiceHealth
from lictor_core.topics import Topic

__all__ = [
    "AllServiceHealthQuery",
    "BehindGateway",
    "BehindGatewayQuery",
    "NodeInFull",
    "NodeInFullQuery",
    "NodesInFullQuery",
]

_EVERYTHING = (on.NODES, on.INSTANCES, on.checks_in_state("any"))


class NodeInFull(Record, frozen=True, kw_only=True):
    """A node with its instances and its checks, both by id."""

    id: str = msgspec.field(name="ID")
    node: str
    address: str
    tagged_addresses: dict[str, str] | None
    meta: dict[str, str] | None
    services: list[Service]
    checks: list[Check]


class NodesInFullQuery(FilterableQuery[list[NodeInFull]], frozen=True, kw_only=True, tag="NodesInFull"):
    """All nodes with what is on them, by name."""

    listed: ClassVar[str] = "node_in_full"

    def topics(self) -> tuple[Topic, ...]:
        return _EVERYTHING


class NodeInFullQuery(Query[NodeInFull | None], frozen=True, kw_only=True, tag="NodeInFull"):
    """A node, by name, with what is on it."""

    node: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.node(self.node), on.node_services(self.node), on.node_checks(self.node))


class AllServiceHealthQuery(FilterableQuery[list[ServiceHealth]], frozen=True, kw_only=True, tag="AllServiceHealth"):
    """All instances of all services with their checks: by service, then node and id."""

    listed: ClassVar[str] = "health"

    def topics(self) -> tuple[Topic, ...]:
        return _EVERYTHING


class BehindGateway(Record, frozen=True, kw_only=True):
    """A service behind a gateway with its instances, of which there may be none."""

    service: GatewayService
    instances: list[ServiceHealth]


class BehindGatewayQuery(Query[list[BehindGateway]], frozen=True, kw_only=True, tag="BehindGateway"):
    """The services behind a gateway, by name and port, with their instances."""

    gateway: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.gateway(self.gateway), *_EVERYTHING)
