"""Question to answer, over a view of the catalog. Pure: the time, chance and whose turn it is are arguments.

Shapes of answers are Consul 1.8.7's, asked from the real one where its document (`docs/discovery/dns`) is silent:
SOA and NS are answered for every name of the zone, before the name is looked at; a service without the wanted data
gets the SOA (RFC 2308, section 2.2), a node or `addr` name just nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lictor_core.clock import Rng
from lictor_core.errors import RequestError
from lictor_core.records import Node
from lictor_core.registry import CatalogView
from lictor_dns.age import with_age
from lictor_dns.answer import Answer, Record, RecordType, Result, Soa, Target
from lictor_dns.clients import asker_of
from lictor_dns.finder import Finder
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
    lowered,
    node_target,
    parse_name,
    service_target,
)
from lictor_dns.outside import Heard, Outside, with_recursion
from lictor_dns.question import Question
from lictor_dns.reach import Viewpoint, address_record, datacenter_of, node_place
from lictor_dns.settings import DnsSettings
from lictor_dns.texts import text_records

__all__ = ["resolve"]

_SERVERS: Final = ServiceName("consul", "", "")
"""The service under which the servers of a cluster are registered; name servers of the zone are its nodes."""
_NAME_SERVERS_MAX: Final = 3
_SERIAL_MAX: Final = 2**32 - 1
_NODE_TYPES: Final = frozenset((RecordType.A, RecordType.AAAA, RecordType.ANY, RecordType.TXT))
_TEXT_TYPES: Final = frozenset((RecordType.ANY, RecordType.TXT))


def resolve(
    view: CatalogView,
    question: Question,
    settings: DnsSettings,
    *,
    now: float,
    rng: Rng,
    turn: int,
    records_max: int,
    client: object = None,
    recursion: Outside | None = None,
) -> Answer:
    """The answer to `question`. `now` is in seconds since 1970; `turn` says which instance stands first.

    `client` is who sent it, as sockets name it; only some prepared queries look at that.

    `Answer.turns` of any answer says how many successive turns give different ones. Of very many instances only
    `records_max` are given, which should be one more than the reply can hold, so that it shows what it leaves out.
    Where there are recursors, `recursion` knows what they say of host names outside our zone.
    """
    asker = asker_of(settings.node_name, client, question.edns)
    outside = Heard(recursion, question.type) if recursion is not None and settings.recursors else None
    finder = Finder(
        view,
        settings,
        settings.zone(),
        rng,
        turn,
        records_max,
        asker,
        has_edns=question.edns is not None,
        outside=outside,
    )
    answer = _Resolution(view, question, settings, now, finder).answer()
    if settings.recursors:
        answer = with_recursion(answer, outside)
    return with_age(answer, view, settings) if settings.enable_age_txt else answer


class _Resolution:
    """One question being answered."""

    def __init__(
        self, view: CatalogView, question: Question, settings: DnsSettings, now: float, finder: Finder
    ) -> None:
        self._view = view
        self._asked = question
        self._settings = settings
        self._zone: Zone = settings.zone()
        self._finder = finder
        self._now = now

    def answer(self) -> Answer:
        name = parse_name(self._asked.labels, self._zone, is_srv=self._asked.type == RecordType.SRV)
        if name is Miss.FOREIGN:
            return Answer(result=Result.ELSEWHERE if self._settings.recursors else Result.REFUSED)
        if self._asked.type == RecordType.AXFR:
            return Answer(result=Result.NOT_OFFERED)
        if self._view.age_s > self._settings.age_s_max:
            return Answer(result=Result.FAILED, this_second=True)
        if isinstance(name, ReverseName):
            return self._reverse(name)
        if self._asked.type == RecordType.SOA:
            servers, addresses = self._name_servers()
            return self._made(Result.FOUND, [self._soa()], authority=servers, additional=addresses, this_second=True)
        if self._asked.type == RecordType.NS:
            servers, addresses = self._name_servers()
            return self._made(Result.FOUND, servers, additional=addresses, turns=max(1, len(servers)))
        if isinstance(name, AddressName):
            records = self._finder.spelled(name, self._spelled_owner(name))
            return self._made(Result.FOUND if records else Result.NO_DATA, records)
        if isinstance(name, NodeName) and self._asked.type not in _NODE_TYPES:
            # As from Consul, whether there is such a node, or datacenter, or not.
            return self._made(Result.NO_DATA)
        if isinstance(name, Miss) or name.datacenter != self._zone.datacenter:
            return self._negative(Result.NO_NAME)
        if isinstance(name, VirtualName):
            return self._virtual(name)
        return self._node(name) if isinstance(name, NodeName) else self._service(name)

    def _virtual(self, name: VirtualName) -> Answer:
        record = self._finder.virtual(name, self._asked.labels)
        if record is None:
            return self._negative(Result.NO_NAME)
        if self._asked.type not in (record.type, RecordType.ANY):
            return self._negative(Result.NO_DATA)
        return self._made(Result.FOUND, [record])

    def _service(self, name: ServiceName | QueryName) -> Answer:
        try:
            found = self._finder.found(name)
        except RequestError:
            return self._made(Result.FAILED)
        if found is None or not found.instances:
            return self._negative(Result.NO_NAME)
        instances, ttl = found.instances, found.ttl_s
        labels, wanted = self._asked.labels, self._asked.type
        scoped = isinstance(name, QueryName)
        attached: list[tuple[Record, ...]] = []
        if wanted == RecordType.SRV:
            answers, attached = self._finder.ports(instances, labels, ttl)
        else:
            answers = self._finder.addresses(instances, labels, wanted, ttl)
        if not answers:
            return self._negative(Result.NO_DATA, scoped=scoped)
        return self._made(
            Result.FOUND,
            answers,
            attached=attached,
            turns=found.turns,
            interchangeable=True,
            ranked=found.ranked,
            scoped=scoped,
        )

    def _node(self, name: NodeName) -> Answer:
        labels, wanted = self._asked.labels, self._asked.type
        node = self._finder.node(name.node)
        if node is None:
            return self._negative(Result.NO_NAME)
        answers = [] if wanted == RecordType.TXT else self._finder.node_addresses(node, labels, wanted)
        metadata = text_records(node, labels, self._settings.node_ttl_s)
        if wanted in _TEXT_TYPES:
            answers += metadata
            metadata = []
        elif not self._settings.node_meta_txt:
            metadata = []
        return self._made(Result.FOUND if answers else Result.NO_DATA, answers, additional=metadata)

    def _reverse(self, name: ReverseName) -> Answer:
        target = None if name.address is None else self._holder(str(name.address))
        if target is None:
            if self._settings.recursors:
                return Answer(result=Result.ELSEWHERE, any_change=True)
            # As Consul says it: nobody could be asked.
            return Answer(result=Result.FAILED, recursion_available=True, authoritative=False, any_change=True)
        pointer = Record(self._asked.labels, RecordType.PTR, 0, Target(target))
        if self._asked.type != RecordType.SOA:
            return Answer(result=Result.FOUND, answers=(pointer,), any_change=True)
        zone = (self._soa(),)
        return Answer(result=Result.FOUND, answers=(pointer,), authority=zone, any_change=True, this_second=True)

    def _holder(self, address: str) -> Labels | None:
        holders = self._view.holders_at(address)
        own = self._zone.datacenter
        for node in holders.nodes:
            target = node_target(node.name, node.datacenter.lower() or own, self._zone)
            if target is not None:
                return target
        for service in holders.services:
            target = service_target(service.name, service.datacenter.lower() or own, self._zone)
            if target is not None:
                return target
        return None

    def _spelled_owner(self, name: AddressName) -> Labels:
        # Consul names what it gives here under the main domain, in lower case, however it was asked.
        inner = self._zone.inside(lowered(self._asked.labels))
        assert inner is not None, f"{name} was parsed as ours"
        return (*inner, *self._zone.domain)

    def _name_servers(self) -> tuple[list[Record], list[Record]]:
        ttl = self._settings.node_ttl_s
        nodes: dict[str, Node] = {}
        for instance in self._finder.instances(_SERVERS):
            nodes.setdefault(instance.node.node, instance.node)
        servers: list[Record] = []
        addresses: list[Record] = []
        for node in nodes.values():
            place = node_place(node, Viewpoint(self._zone))
            owner = node_target(node.node, datacenter_of(node, self._zone), self._zone)
            if place is None or owner is None or len(servers) == _NAME_SERVERS_MAX:
                continue
            servers.append(Record(self._zone.domain, RecordType.NS, ttl, Target(owner)))
            if place.host is None and (record := address_record(owner, place, RecordType.ANY, ttl)):
                addresses.append(record)
        return servers, addresses

    def _soa(self) -> Record:
        soa = self._settings.soa
        domain = self._zone.domain
        serial = int(self._now) % (_SERIAL_MAX + 1)
        times = (serial, soa.refresh_s, soa.retry_s, soa.expire_s, soa.min_ttl_s)
        return Record(domain, RecordType.SOA, soa.min_ttl_s, Soa((b"ns", *domain), (b"hostmaster", *domain), *times))

    def _negative(self, result: Result, *, scoped: bool = False) -> Answer:
        return self._made(result, authority=[self._soa()], this_second=True, scoped=scoped)

    def _made(
        self,
        result: Result,
        answers: Sequence[Record] = (),
        *,
        authority: Sequence[Record] = (),
        additional: Sequence[Record] = (),
        attached: Sequence[tuple[Record, ...]] = (),
        turns: int = 1,
        interchangeable: bool = False,
        ranked: bool = False,
        this_second: bool = False,
        scoped: bool = False,
    ) -> Answer:
        return Answer(
            result=result,
            answers=tuple(answers),
            authority=tuple(authority),
            additional=tuple(additional),
            attached=tuple(attached),
            turns=turns,
            interchangeable=interchangeable,
            ranked=ranked,
            scoped=scoped,
            topics=tuple(self._finder.topics),
            any_change=self._finder.any_change,
            this_second=this_second,
            by_client=self._finder.by_client,
        )
