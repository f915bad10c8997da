"""Records of services and nodes, read from a view of the catalog; pure. `resolve` makes answers of them.

Rules that Consul 1.8.7 shows and its document does not tell: a host name as address becomes a CNAME, given alone and
only where no instance has a plain address (RFC 2181, section 10.1); when it is of our own zone, what is behind it
follows, nodes with their metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

from lictor_core import topics
from lictor_core.clock import Rng
from lictor_core.errors import RequestError
from lictor_core.records import Node, ServiceHealth
from lictor_core.registry import CatalogView
from lictor_core.topics import Topic
from lictor_dns.answer import Address, Record, RecordType, Srv, Target
from lictor_dns.clients import Asker
from lictor_dns.health import is_serving, weight
from lictor_dns.names import (
    AddressName,
    Labels,
    Miss,
    NodeName,
    QueryName,
    ReverseName,
    ServiceName,
    VirtualName,
    Zone,
    node_target,
    parse_ip,
    parse_name,
)
from lictor_dns.order import shuffled
from lictor_dns.prepared import find_prepared
from lictor_dns.reach import (
    Place,
    Viewpoint,
    address_record,
    datacenter_of,
    instance_place,
    instance_port,
    node_place,
)
from lictor_dns.settings import DnsSettings
from lictor_dns.texts import text_records

__all__ = ["Finder", "Found"]

_HOPS_MAX: Final = 3
"""Host names followed one after the other inside our zone, after the first."""
_DEPTH_PER_RECORD: Final = 4
"""Instances in random order for each record that is made: several may be at one address, which is given once."""
_BEHIND_MAX: Final = 5
"""Records of what is behind the host name of an instance that clients without EDNS get, as from Consul."""
_PRIORITY: Final = 1
_FAMILIES: Final = {RecordType.A: 4, RecordType.AAAA: 6}
_ADDRESS_TYPES: Final = frozenset((RecordType.A, RecordType.AAAA, RecordType.CNAME))


class Found(NamedTuple):
    """Instances in the order of this turn, the time to live of answers about them, and how many turns differ.

    `ranked`: some come before others in every turn.
    """

    instances: list[ServiceHealth]
    ttl_s: int
    turns: int
    ranked: bool = False


class Finder:
    """Reads the catalog for one question and remembers in `topics` what the answer depends on.

    `any_change`: it depends on more than topics tell. `by_client`: it is for this client alone. Of very many instances
    only `records_max` records are made, since no reply holds more. `has_edns`: who asks takes more behind host names.
    """

    def __init__(
        self,
        view: CatalogView,
        settings: DnsSettings,
        zone: Zone,
        rng: Rng,
        turn: int,
        records_max: int,
        asker: Asker,
        *,
        has_edns: bool = False,
        outside: Callable[[Labels], Sequence[Record]] | None = None,
    ) -> None:
        self.topics: dict[Topic, None] = {}
        self.any_change = False
        self.by_client = False
        self._view = view
        self._settings = settings
        self._zone = zone
        self._seen = Viewpoint(zone, settings.translate_wan_addrs)
        self._rng = rng
        self._turn = turn
        self._asker = asker
        self._outside = outside
        self._behind_max = records_max if has_edns else _BEHIND_MAX
        limit = settings.a_record_limit
        self._records_max = records_max
        self._addresses_max = min(limit, records_max) if limit else records_max

    def found(self, name: ServiceName | QueryName) -> Found | None:
        """What `name` means; None for a query that is not there.

        Raises `RequestError` for a query that cannot be carried out.
        """
        if isinstance(name, QueryName):
            return self._prepared(name)
        instances = self.instances(name)
        return Found(instances, self._settings.service_ttl_s(name.service), len(instances))

    def instances(self, name: ServiceName) -> list[ServiceHealth]:
        """The healthy instances that `name` means, in the order of this turn."""
        serving = [
            instance
            for instance in self._registered(name)
            if is_serving(instance, only_passing=self._settings.only_passing) and _has_tag(instance, name.tag)
        ]
        return shuffled(serving, self._rng, self._turn, depth=_DEPTH_PER_RECORD * self._records_max)

    def _registered(self, name: ServiceName) -> Sequence[ServiceHealth]:
        if name.ingress:
            self.topics[topics.ingress(name.service)] = None
            return self._view.ingress_health(name.service)
        self.topics[topics.connect(name.service) if name.connect else topics.service(name.service)] = None
        return self._view.service_health(name.service, connect=name.connect)

    def _prepared(self, name: QueryName) -> Found | None:
        prepared = find_prepared(self._view, name.query, self._asker, self._depend)
        if prepared is None:
            return None
        self.any_change |= prepared.any_change
        self.by_client |= prepared.by_client
        ttl_s = prepared.ttl_s
        return Found(
            [instance for run in prepared.runs for instance in self._shuffled(run)],
            self._settings.service_ttl_s(prepared.service) if ttl_s is None else ttl_s,
            max(map(len, prepared.runs), default=0),
            ranked=len(prepared.runs) > 1,
        )

    def _shuffled(self, instances: Sequence[ServiceHealth]) -> list[ServiceHealth]:
        return shuffled(instances, self._rng, self._turn, depth=_DEPTH_PER_RECORD * self._records_max)

    def _depend(self, topic: Topic) -> None:
        self.topics[topic] = None

    def node(self, name: str) -> Node | None:
        """The node of this name."""
        self.topics[topics.node(name)] = None
        return self._view.node(name)

    def addresses(
        self,
        instances: Sequence[ServiceHealth],
        name: Labels,
        wanted: int,
        ttl: int,
        *,
        hops: int = 0,
        rather: int = RecordType.ANY,
    ) -> list[Record]:
        """Address records of `instances` under `name`, each address once, of the families `wanted` asks for.

        Behind a host name, where Consul looks for any address, of two that an instance has the one of type `rather`
        is taken.
        """
        found: dict[Record, None] = {}
        link: Place | None = None
        for instance in instances:
            if len(found) >= self._addresses_max:
                break
            place = _rather(partial(instance_place, instance, name, self._seen), wanted, rather)
            if place is None:
                continue
            record = address_record(name, place, wanted, ttl)
            if place.host is not None:
                link = link or place
            elif record is not None:
                found[record] = None
        if not found and link is not None:
            return self._linked(name, link.target, ttl, hops, wanted if wanted in _FAMILIES else rather)
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
            place = instance_place(instance, name, self._seen)
            key = (node.node, service.address, service.port)
            if place is None or key in seen:
                continue
            seen.add(key)
            port = Srv(_PRIORITY, weight(instance), instance_port(instance, self._seen), place.target)
            answers.append(Record(name, RecordType.SRV, ttl, port))
            attached.append((*self._target_addresses(place, ttl), *self._instance_texts(node, ttl)))
        return answers, attached

    def _target_addresses(self, place: Place, ttl: int) -> Iterable[Record]:
        if place.host is not None:
            return self._behind(place.host, ttl, 0, RecordType.ANY)
        record = address_record(place.target, place, RecordType.ANY, ttl)
        return () if record is None else (record,)

    def _instance_texts(self, node: Node, ttl: int) -> Iterable[Record]:
        owner = node_target(node.node, datacenter_of(node, self._zone), self._zone)
        return text_records(node, owner, ttl) if owner is not None and self._settings.node_meta_txt else ()

    def node_addresses(
        self, node: Node, name: Labels, wanted: int, *, hops: int = 0, rather: int = RecordType.ANY
    ) -> list[Record]:
        """The address record of `node` under `name`, or its host name and what is behind that in our zone."""
        place = _rather(partial(node_place, node, self._seen), wanted, rather)
        if place is None:
            return []
        record = address_record(name, place, wanted, self._settings.node_ttl_s)
        if record is None or place.host is None:
            return [record] if record else []
        return [record, *self._follow(place.host, hops, wanted if wanted in _FAMILIES else rather)]

    def virtual(self, name: VirtualName, owner: Labels) -> Record | None:
        """The virtual address of a service under `owner`; None when it has none. It lives as long as a node's."""
        self.topics[topics.VIRTUAL_ADDRESSES] = None
        address = self._view.virtual_address(name.service)
        ip = None if address is None else parse_ip(address)
        return None if ip is None else Record(owner, RecordType.A, self._settings.node_ttl_s, Address(ip))

    def spelled(self, name: AddressName, owner: Labels) -> list[Record]:
        """The address that `name` spells; Consul gives it to questions of every type."""
        if name.address is None:
            return []
        kind = RecordType.A if name.address.version == 4 else RecordType.AAAA
        return [Record(owner, kind, self._settings.node_ttl_s, Address(name.address))]

    def _linked(self, name: Labels, target: Labels, ttl: int, hops: int, rather: int) -> list[Record]:
        return [Record(name, RecordType.CNAME, ttl, Target(target)), *self._behind(target, ttl, hops, rather)]

    def _behind(self, target: Labels, ttl: int, hops: int, rather: int) -> Iterable[Record]:
        # They stand in a service's answer, so its time to live goes for them too.
        found = (record for record in self._follow(target, hops, rather) if record.type in _ADDRESS_TYPES)
        most = _BEHIND_MAX if hops else self._behind_max  # what Consul asks of itself has no EDNS
        return (record._replace(ttl=ttl) for record in islice(found, most))

    def _follow(self, target: Labels, hops: int, rather: int) -> list[Record]:
        name = parse_name(target, self._zone, is_srv=False)
        if name is Miss.FOREIGN and self._outside is not None:
            return list(self._outside(target))
        if hops >= _HOPS_MAX or isinstance(name, Miss | ReverseName):
            return []
        if isinstance(name, AddressName):
            return self.spelled(name, target)
        if name.datacenter != self._zone.datacenter:
            return []
        if isinstance(name, VirtualName):
            virtual = self.virtual(name, target)
            return [] if virtual is None else [virtual]
        if isinstance(name, NodeName):
            node = self.node(name.node)
            if node is None:
                return []
            return [
                *self.node_addresses(node, target, RecordType.ANY, hops=hops + 1, rather=rather),
                *text_records(node, target, self._settings.node_ttl_s),
            ]
        try:
            found = self.found(name)
        except RequestError:
            found = None
        if found is None:
            return []
        # Consul asks itself, by UDP without EDNS, for as many as such a client gets.
        behind = self.addresses(found.instances, target, RecordType.ANY, found.ttl_s, hops=hops + 1, rather=rather)
        return behind[: self._settings.few_max]


def _rather(find: Callable[[int], Place | None], wanted: int, rather: int) -> Place | None:
    """What `find` finds for the type `rather`, if that is an address of its family; else what it finds for `wanted`."""
    if rather in _FAMILIES:
        place = find(rather)
        if place is not None and place.ip is not None and place.ip.version == _FAMILIES[RecordType(rather)]:
            return place
    return find(wanted)


def _has_tag(instance: ServiceHealth, tag: str) -> bool:
    return not tag or any(own.lower() == tag for own in instance.service.tags)
