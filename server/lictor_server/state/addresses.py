"""Who is at an IP address: reverse look-ups of nodes and instances, built when first asked for after a change."""

from __future__ import annotations

import ipaddress

from lictor_core.records import AddressHolder, AddressHolders, Node, ServiceHealth
from lictor_server.state.catalog import Catalog
from lictor_server.state.health import HealthRows

__all__ = ["Addresses"]


class Addresses:
    """Nodes and instances by address; addresses compare as addresses, not as text."""

    def __init__(self, catalog: Catalog, health: HealthRows) -> None:
        self._catalog = catalog
        self._health = health
        self._nodes: dict[str, list[Node]] | None = None
        self._instances: dict[str, list[ServiceHealth]] | None = None

    def nodes_at(self, address: str) -> list[Node]:
        """The nodes with this address."""
        if self._nodes is None:
            self._nodes = {}
            for node in self._catalog.nodes():
                self._nodes.setdefault(_canonical(node.address), []).append(node)
        return self._nodes.get(_canonical(address), [])

    def instances_at(self, address: str) -> list[ServiceHealth]:
        """The instances with this address of their own."""
        if self._instances is None:
            self._instances = {}
            for name in self._catalog.service_tags():
                for row in self._health.of(name):
                    if row.service.service == name and row.service.address:
                        self._instances.setdefault(_canonical(row.service.address), []).append(row)
        return self._instances.get(_canonical(address), [])

    def holders(self, address: str) -> AddressHolders:
        """Both, by their names."""
        return AddressHolders(
            nodes=[AddressHolder(name=node.node, datacenter=node.datacenter) for node in self.nodes_at(address)],
            services=[
                AddressHolder(name=row.service.service, datacenter=row.node.datacenter)
                for row in self.instances_at(address)
            ],
        )

    def forget(self) -> None:
        """Something in the catalog changed."""
        self._nodes = None
        self._instances = None


def _canonical(address: str) -> str:
    try:
        return ipaddress.ip_address(address).compressed
    except ValueError:
        return address.lower()
