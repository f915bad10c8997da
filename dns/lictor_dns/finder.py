"""Records of services and nodes, read from a view of the catalog; pure. `resolve` makes answers of them.

Rules that Consul 1.8.7 shows and its document does not tell: a host name as address becomes a CNAME, given alone and
only where no instance has a plain address (RFC 2181, section 10.1); when it is of our own zone, what is behind it
follows, nodes with their metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lictor_core import topics
from lictor_core.clock import Rng
from lictor_core.records import Node, ServiceHealth
from lictor_core.registry import CatalogView
from lictor_core.topics import Topic
from lictor_dns.answer import Address, Record, RecordType, Srv, Target
from lictor_dns.names import (
    AddressName,
    Labels,
    Miss,
    NodeName,
    QueryName,
    ReverseName,
    ServiceName,
    Zone,
    node_target,
    parse_name,
)
from lictor_dns.order import shuffled
from lictor_dns.reach import (
    Place,
    address_record,
    datacenter_of,
    instance_place,
    is_serving,
    metadata_texts,
    node_place,
    weight,
    within_number,
)
from lictor_dns.settings import DnsSettings

__all__ = ["Finder"]

_HOPS_MAX: Final = 3
"""Host names followed one after the other inside our zone, after the first."""
_DEPTH_PER_RECORD: Final = 4
"""Instances in random order for each record that is made: several may be at one address, which is given once."""
_PRIORITY: Final = 1
_ADDRESS_TYPES: Final = frozenset((RecordType.A, RecordType.AAAA, RecordType.CNAME))


class Finder:
    """Reads the catalog for one question and remembers in `topics` what the answer depends on.

    Of very many instances only `records_max` records are made, since no reply holds more.
    """

    def __init__(
        self, view: CatalogView, settings: DnsSettings, zone: Zone, rng: Rng, turn: int, records_max: int
    ) -> None:
        self.topics: dict[Topic, None] = {}
        self._view = view
        self._settings = settings
        self._zone = zone
        self._rng = rng
        self._turn = turn
        limit = settings.a_record_limit
        self._records_max = records_max
        self._addresses_max = min(limit, records_max) if limit else records_max

    def instances(self, name: ServiceName) -> list[ServiceHealth]:
        """The healthy instances that `name` means, in the order of this turn."""
        if name.ingress:
            return []
        topic = topics.connect(name.service) if name.connect else topics.service(name.service)
        self.topics[topic] = None
        serving = [
            instance
            for instance in self._view.service_health(name.service, connect=name.connect)
            if is_serving(instance, only_passing=self._settings.only_passing) and _has_tag(instance, name.tag)
        ]
        return shuffled(serving, self._rng, self._turn, depth=_DEPTH_PER_RECORD * self._records_max)

    def node(self, name: str) -> Node | None:
        """The node of this name."""
        self.topics[topics.node(name)] = None
        return self._view.node(name)

    def addresses(
        self, instances: Sequence[ServiceHealth], name: Labels, wanted: int, ttl: int, *, hops: int = 0
    ) -> list[Record]:
        """Address records of `instances` under `name`, each address once, of the families `wanted` asks for."""
        found: dict[Record, None] = {}
        link: Place | None = None
        for instance in instances:
            if len(found) >= self._addresses_max:
                break
            place = instance_place(instance, name, self._zone)
            if place is None:
                continue
            record = address_record(name, place, wanted, ttl)
            if place.host is not None:
                link = link or place
            elif record is not None:
                found[record] = None
        if not found and link is not None:
            return self._linked(name, link.target, ttl, hops)
        return list(found)

    def ports(
        self, instances: Sequence[ServiceHealth], name: Labels, ttl: int
    ) -> tuple[list[Record], list[tuple[Record, ...]]]:
        """SRV records of `instances`, and for each what a client needs besides: its target's addresses, metadata."""
        answers: list[Record] = []
        attached: list[tuple[Record, ...]] = []
        seen: set[tuple[str, str, int]] = set()
        for instance in instances:
            if len(answers) >= self._records_max:
                break
            node, service = instance.node, instance.service
            place = instance_place(instance, name, self._zone)
            key = (node.node, service.address, service.port)
            if place is None or key in seen:
                continue
            seen.add(key)
            port = Srv(_PRIORITY, weight(instance), within_number(service.port), place.target)
            answers.append(Record(name, RecordType.SRV, ttl, port))
            attached.append((*self._target_addresses(place, ttl), *self._instance_texts(node, ttl)))
        return answers, attached

    def _target_addresses(self, place: Place, ttl: int) -> Iterable[Record]:
        if place.host is not None:
            return self._behind(place.host, ttl, 0)
        record = address_record(place.target, place, RecordType.ANY, ttl)
        return () if record is None else (record,)

    def _instance_texts(self, node: Node, ttl: int) -> Iterable[Record]:
        owner = node_target(node.node, datacenter_of(node, self._zone), self._zone)
        return texts(node, owner, ttl) if owner is not None and self._settings.node_meta_txt else ()

    def node_addresses(self, node: Node, name: Labels, wanted: int, *, hops: int = 0) -> list[Record]:
        """The address record of `node` under `name`, or its host name and what is behind that in our zone."""
        place = node_place(node, self._zone)
        if place is None:
            return []
        record = address_record(name, place, wanted, self._settings.node_ttl_s)
        if record is None or place.host is None:
            return [record] if record else []
        return [record, *self._follow(place.host, hops)]

    def spelled(self, name: AddressName, owner: Labels) -> list[Record]:
        """The address that `name` spells; Consul gives it to questions of every type."""
        if name.address is None:
            return []
        kind = RecordType.A if name.address.version == 4 else RecordType.AAAA
        return [Record(owner, kind, self._settings.node_ttl_s, Address(name.address))]

    def _linked(self, name: Labels, target: Labels, ttl: int, hops: int) -> list[Record]:
        return [Record(name, RecordType.CNAME, ttl, Target(target)), *self._behind(target, ttl, hops)]

    def _behind(self, target: Labels, ttl: int, hops: int) -> Iterable[Record]:
        # They stand in a service's answer, so its time to live goes for them too.
        return (record._replace(ttl=ttl) for record in self._follow(target, hops) if record.type in _ADDRESS_TYPES)

    def _follow(self, target: Labels, hops: int) -> list[Record]:
        name = parse_name(target, self._zone, is_srv=False)
        if hops >= _HOPS_MAX or isinstance(name, Miss | QueryName | ReverseName):
            return []
        if isinstance(name, AddressName):
            return self.spelled(name, target)
        if name.datacenter != self._zone.datacenter:
            return []
        if isinstance(name, NodeName):
            node = self.node(name.node)
            if node is None:
                return []
            return [
                *self.node_addresses(node, target, RecordType.ANY, hops=hops + 1),
                *texts(node, target, self._settings.node_ttl_s),
            ]
        ttl = self._settings.service_ttl_s(name.service)
        return self.addresses(self.instances(name), target, RecordType.ANY, ttl, hops=hops + 1)


def texts(node: Node, owner: Labels, ttl: int) -> list[Record]:
    """The metadata of `node` as TXT records of `owner`."""
    return [Record(owner, RecordType.TXT, ttl, text) for text in metadata_texts(node)]


def _has_tag(instance: ServiceHealth, tag: str) -> bool:
    return not tag or any(own.lower() == tag for own in instance.service.tags)
