"""A catalog over plain lists, for what reads a `CatalogView`, and builders of its records with short defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lictor_core import topics
from lictor_core.coordinates import DIMENSIONS, Coordinate
from lictor_core.prepared import PreparedQuery, QueryDNS, QueryFailover, QueryService, QueryTemplate
from lictor_core.prepared_names import PreparedNames
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
    ServiceAddress,
    ServiceHealth,
    ServiceKind,
    Weights,
)
from lictor_core.topics import Topic

__all__ = ["PlainCatalog", "make_check", "make_instance", "make_node", "make_query", "make_service"]


class PlainCatalog:
    """A `CatalogView` that looks through lists. Change it by its methods, which keep version and stamps right."""

    def __init__(self, instances: Sequence[ServiceHealth] = (), nodes: Sequence[Node] = ()) -> None:
        self.version = 1
        self.age_s = 0.0
        self._nodes: dict[str, Node] = {}
        self._instances: dict[tuple[str, str], ServiceHealth] = {}
        self._ingress: dict[str, tuple[str, ...]] = {}
        self._queries: dict[str, PreparedQuery] = {}
        self._coordinates: dict[str, Coordinate] = {}
        self._virtual: dict[str, str] = {}
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

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        gateways = self._ingress.get(name.lower(), ())
        return [one for one in self._instances.values() if one.service.service.lower() in gateways]

    def put_ingress(self, service: str, *gateways: str) -> None:
        """These gateways let traffic in to a service."""
        self._ingress[service.lower()] = gateways
        self._note(topics.ingress(service))

    def prepared_query(self, id_or_name: str) -> PreparedQuery | None:
        return PreparedNames(self._queries.values()).render(id_or_name)

    def put_query(self, query: PreparedQuery) -> None:
        """Keep a prepared query, in place of the one with its id."""
        self._queries[query.id] = query
        self._note(topics.PREPARED_QUERIES)

    def coordinates(self) -> Mapping[str, Coordinate]:
        return self._coordinates

    def place(self, node: str, far_s: float) -> None:
        """A node is so far from the middle, on one line with all others."""
        self._coordinates[node.lower()] = Coordinate(
            vec=[far_s, *[0.0] * (DIMENSIONS - 1)], error=0.0, adjustment=0.0, height=0.0
        )
        self._note(topics.COORDINATES)

    def put_virtual(self, service: str, address: str) -> None:
        """A service has this virtual address; an empty one takes it away."""
        self._virtual[service.lower()] = address
        self._note(topics.VIRTUAL_ADDRESSES)

    def virtual_address(self, service: str) -> str | None:
        return self._virtual.get(service.lower()) or None

    def node(self, name: str) -> Node | None:
        return self._nodes.get(name.lower())

    def holders_at(self, address: str) -> AddressHolders:
        nodes = [node for node in self._nodes.values() if node.address == address]
        instances = [instance for instance in self._instances.values() if instance.service.address == address]
        return AddressHolders(
            nodes=[AddressHolder(name=node.node, datacenter=node.datacenter) for node in nodes],
            services=[AddressHolder(name=one.service.service, datacenter=one.node.datacenter) for one in instances],
        )

    def _note(self, *touched: Topic) -> None:
        self.version += 1
        for topic in touched:
            self._stamps[topic] = self._wakes[topic] = self.version

    def _touch(self, instance: ServiceHealth) -> None:
        touched = [topics.SERVICES, topics.service(instance.service.service)]
        touched += [topics.connect(name) for name in _mesh_names(instance)]
        touched += [
            topics.ingress(name) for name, gateways in self._ingress.items() if instance.service.service in gateways
        ]
        self._note(*touched)

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


def make_query(
    name: str = "query",
    service: str = "web",
    *,
    id: str = "",
    template: bool = False,
    near: str = "",
    tags: list[str] | None = None,
    connect: bool = False,
    ignored: list[str] | None = None,
    ttl: str = "",
) -> PreparedQuery:
    """A prepared query for the instances of `service`; with `template` one for all names that begin with its own."""
    return PreparedQuery(
        id=id or f"00000000-0000-0000-0000-{len(name):012}",
        name=name,
        session="",
        token="",
        template=QueryTemplate(type="name_prefix_match" if template else "", regexp="", remove_empty_tags=False),
        service=QueryService(
            service=service,
            failover=QueryFailover(nearest_n=0, datacenters=None),
            only_passing=False,
            ignore_check_ids=ignored,
            near=near,
            tags=tags,
            node_meta=None,
            service_meta=None,
            connect=connect,
        ),
        dns=QueryDNS(ttl=ttl),
        create_index=1,
        modify_index=1,
    )


def make_node(
    name: str = "node-1",
    address: str = "10.0.0.1",
    *,
    meta: dict[str, str] | None = None,
    datacenter: str = "dc1",
    tagged: dict[str, str] | None = None,
) -> Node:
    """A node; `tagged` are its addresses by tag."""
    return Node(
        id="",
        node=name,
        address=address,
        datacenter=datacenter,
        tagged_addresses=tagged,
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
    tagged: dict[str, tuple[str, int]] | None = None,
) -> Service:
    """An instance of `name`; with `proxy_of` a proxy in front of that service. `tagged` are its addresses by tag."""
    return Service(
        kind=ServiceKind.CONNECT_PROXY if proxy_of else ServiceKind.TYPICAL,
        id=id or name,
        service=name,
        tags=list(tags),
        address=address,
        tagged_addresses={tag: ServiceAddress(address=host, port=at) for tag, (host, at) in (tagged or {}).items()}
        or None,
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
