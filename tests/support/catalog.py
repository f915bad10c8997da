"""A catalog over plain lists, for what reads a `CatalogView`, and builders of its records with short defaults."""

from __future__ import annotations

from collections.abc import Sequence

from lictor_core import topics
from lictor_core.records import (
    PASSING,
    AddressHolder,
    AddressHolders,
    Check,
    CheckDefinition,
    Connect,
    Expose,
    MeshGateway,
    Node,
    Proxy,
    Service,
    ServiceHealth,
    ServiceKind,
    Weights,
)
from lictor_core.topics import Topic

__all__ = ["PlainCatalog", "make_check", "make_instance", "make_node", "make_service"]


class PlainCatalog:
    """A `CatalogView` that looks through lists. Change it by its methods, which keep version and stamps right."""

    def __init__(self, instances: Sequence[ServiceHealth] = (), nodes: Sequence[Node] = ()) -> None:
        self.version = 1
        self.age_s = 0.0
        self._nodes: dict[str, Node] = {}
        self._instances: dict[tuple[str, str], ServiceHealth] = {}
        self._stamps: dict[Topic, int] = {}
        self._wakes: dict[Topic, int] = {}
        for node in nodes:
            self.put_node(node)
        for instance in instances:
            self.put(instance)

    def put(self, instance: ServiceHealth) -> None:
        """Register an instance and its node, in place of what has the same id on that node."""
        if self._nodes.get(instance.node.node.lower()) != instance.node:
            self.put_node(instance.node)
        self._instances[_key(instance)] = instance
        self._touch(instance)

    def put_node(self, node: Node) -> None:
        """Register a node."""
        self._nodes[node.node.lower()] = node
        self.version += 1
        for topic in (topics.NODES, topics.node(node.node)):
            self._stamps[topic] = self._wakes[topic] = self.version

    def remove(self, instance: ServiceHealth) -> None:
        """Deregister an instance; its node stays."""
        del self._instances[_key(instance)]
        self._touch(instance)

    def stamp(self, topics: Sequence[Topic]) -> int:
        return max((self._stamps.get(topic, 0) for topic in topics), default=0)

    def wake_index(self, topics: Sequence[Topic]) -> int:
        return max((self._wakes.get(topic, 0) for topic in topics), default=0)

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        wanted = name.lower()
        return [
            instance
            for instance in self._instances.values()
            if wanted in (_mesh_names(instance) if connect else (instance.service.service.lower(),))
        ]

    def node(self, name: str) -> Node | None:
        return self._nodes.get(name.lower())

    def holders_at(self, address: str) -> AddressHolders:
        nodes = [node for node in self._nodes.values() if node.address == address]
        instances = [instance for instance in self._instances.values() if instance.service.address == address]
        return AddressHolders(
            nodes=[AddressHolder(name=node.node, datacenter=node.datacenter) for node in nodes],
            services=[AddressHolder(name=one.service.service, datacenter=one.node.datacenter) for one in instances],
        )

    def _touch(self, instance: ServiceHealth) -> None:
        self.version += 1
        touched = [topics.SERVICES, topics.service(instance.service.service)]
        touched += [topics.connect(name) for name in _mesh_names(instance)]
        for topic in touched:
            self._stamps[topic] = self._wakes[topic] = self.version

    def tell_output(self, instance: ServiceHealth) -> None:
        """Only the output of a check of this instance changes, which wakes nobody."""
        self.version += 1
        self._stamps[topics.service(instance.service.service)] = self.version


def _key(instance: ServiceHealth) -> tuple[str, str]:
    return instance.node.node.lower(), instance.service.id


def _mesh_names(instance: ServiceHealth) -> list[str]:
    service = instance.service
    if service.kind is ServiceKind.CONNECT_PROXY:
        return [service.proxy.destination_service_name.lower()]
    return [service.service.lower()] if service.connect.native else []


def make_node(name: str = "node-1", address: str = "10.0.0.1", *, meta: dict[str, str] | None = None) -> Node:
    """A node of `dc1`."""
    return Node(
        id="",
        node=name,
        address=address,
        datacenter="dc1",
        tagged_addresses=None,
        meta=meta,
        create_index=1,
        modify_index=1,
    )


def make_service(
    name: str = "web",
    *,
    id: str = "",
    port: int = 80,
    address: str = "",
    tags: Sequence[str] = (),
    weights: tuple[int, int] = (1, 1),
    proxy_of: str = "",
    native: bool = False,
) -> Service:
    """An instance of `name`; with `proxy_of` a proxy in front of that service."""
    return Service(
        kind=ServiceKind.CONNECT_PROXY if proxy_of else ServiceKind.TYPICAL,
        id=id or name,
        service=name,
        tags=list(tags),
        address=address,
        meta=None,
        port=port,
        weights=Weights(passing=weights[0], warning=weights[1]),
        enable_tag_override=False,
        proxy=Proxy(destination_service_name=proxy_of, mesh_gateway=MeshGateway(), expose=Expose()),
        connect=Connect(native=native),
        create_index=1,
        modify_index=1,
    )


def make_check(status: str = PASSING, *, node: str = "node-1", service: Service | None = None) -> Check:
    """A check of an instance, or with no `service` of a node."""
    return Check(
        node=node,
        check_id=f"check-{service.id if service else 'node'}",
        name="check",
        status=status,
        notes="",
        output="",
        service_id=service.id if service else "",
        service_name=service.service if service else "",
        service_tags=service.tags if service else [],
        type="",
        definition=CheckDefinition(),
        create_index=1,
        modify_index=1,
    )


def make_instance(
    service: Service | None = None, node: Node | None = None, *, statuses: Sequence[str] = ()
) -> ServiceHealth:
    """An instance on a node, with one check for each of `statuses`."""
    service = service or make_service()
    node = node or make_node()
    checks = [make_check(status, node=node.node, service=service) for status in statuses]
    return ServiceHealth(node=node, service=service, checks=checks)
