"""Rows of health: an instance, its node and the checks of both, kept until one of them changes.

A list is built once and shared by every reader; a change drops the lists of what it touched and no others.
"""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.records import Node, Service, ServiceHealth
from lictor_core.topics import Topic
from lictor_server.state.catalog import Catalog, fold
from lictor_server.state.gateways import Gateways
from lictor_server.state.indexes import Change

__all__ = ["HealthRows"]


class HealthRows:
    """The joined lists of all services that somebody has asked for."""

    def __init__(self, catalog: Catalog, gateways: Gateways) -> None:
        self._catalog = catalog
        self._gateways = gateways
        self._lists: dict[Topic, list[ServiceHealth]] = {}

    def of(self, name: str, *, connect: bool = False) -> list[ServiceHealth]:
        """The instances of a service in a stable order: by node, then id. Callers do not change the list."""
        topic = on.connect(name) if connect else on.service(name)
        rows = self._lists.get(topic)
        if rows is None:
            of_mesh = self._gateways.mesh_instances
            found = of_mesh(name) if connect else self._catalog.instances(name)
            rows = [self._join(node, service) for node, service in found]
            if rows:  # names that nobody registered are without bound, so they are not remembered
                self._lists[topic] = rows
        return rows

    def of_ingress(self, name: str) -> list[ServiceHealth]:
        """The instances of the gateways that let traffic in to a service. Callers do not change the list."""
        topic = on.ingress(name)
        rows = self._lists.get(topic)
        if rows is None:
            rows = [self._join(node, service) for node, service in self._gateways.ingress_instances(name)]
            if rows:
                self._lists[topic] = rows
        return rows

    def _join(self, node: Node, service: Service) -> ServiceHealth:
        checks = list(self._catalog.checks_on(node.node))
        service_id = fold(service.id)
        of_node = [check for check in checks if not check.service_id]
        of_service = [check for check in checks if check.service_id and fold(check.service_id) == service_id]
        return ServiceHealth(node=node, service=service, checks=of_node + of_service)

    def forget(self, change: Change) -> None:
        """Drop the lists that `change` made old."""
        for topics in (change.woken, change.stamped):
            for topic in topics:
                self._lists.pop(topic, None)

    def forget_all(self) -> None:
        """Drop every list: the catalog is another one."""
        self._lists.clear()
