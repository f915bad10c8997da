"""Entries beside one another: which chains one of them has a part in, and what a change would break.

An entry may be written, or removed, only if every chain and every listener that it has a part in holds together
afterwards. Consul looks one step from what changes; here it is all that leads to it, since a redirect of a redirect
breaks just as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lictor_core.entries.base import Entry
from lictor_core.entries.compiler import ChainQuestion, compile_chain
from lictor_core.entries.defaults import TCP, ProxyDefaults, ServiceDefaults, is_http_like, protocol_in
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.gateways import WILDCARD, IngressGateway, TerminatingGateway
from lictor_core.entries.routing import Resolver, Router, Splitter
from lictor_core.errors import RequestError

__all__ = ["ROUTING_KINDS", "References", "concerned", "graph_flaws"]

ROUTING_KINDS: Final[tuple[type[Entry], ...]] = (Router, Splitter, Resolver)
_CHAIN_KINDS: Final = frozenset(one.kind for one in (ServiceDefaults, ProxyDefaults, Router, Splitter, Resolver))
_GATEWAY_KINDS: Final = (IngressGateway.kind, TerminatingGateway.kind)
_FLAWS_MAX: Final = 20
_TRUST_DOMAIN: Final = "x.consul"  # which one does not matter to whether a chain holds together


class References:
    """Which services' routing leads to which other ones, all in lower case: kept with the entries as they change.

    To look through all entries at each write would make every write slower the more of them there are.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._owners: dict[str, Counter[str]] = {}
        for entry in entries:
            self.replace(None, entry)

    def __len__(self) -> int:
        return sum(map(len, self._owners.values()))

    def to(self, service: str) -> Iterable[str]:
        """Who leads there in one step."""
        return self._owners.get(service, ())

    def replace(self, old: Entry | None, new: Entry | None) -> None:
        """Put `new` in the place of `old`; None stands for no entry."""
        for owner, service in _references(old):
            owners = self._owners[service]
            owners[owner] -= 1
            if not owners[owner]:
                del owners[owner]
            if not owners:
                del self._owners[service]
        for owner, service in _references(new):
            self._owners.setdefault(service, Counter())[owner] += 1


def concerned(references: References, kind: str, name: str) -> set[str] | None:
    """The services, in lower case, whose chain this entry has a part in; None when it has one in all of them.

    It makes no difference whether `references` has what the entry says before a change or after it: where its own
    service leads does not tell who leads to that.
    """
    if kind == ProxyDefaults.kind:
        return None
    if kind not in _CHAIN_KINDS:
        return set()
    found: set[str] = set()
    ahead = [name.lower()]
    while ahead:
        service = ahead.pop()
        if service not in found:
            found.add(service)
            ahead += references.to(service)
    return found


def graph_flaws(
    references: References, before: EntrySet, after: EntrySet, kind: str, name: str, datacenter: str
) -> list[str]:
    """What would not hold together once the entry `kind`, `name` is as in `after`; empty when all would.

    All holds together in `before`, and `references` are those of either.
    """
    flaws = list(_name_flaws(after, kind, name))
    services = _in_danger(before, after) if kind == ProxyDefaults.kind else concerned(references, kind, name)
    assert services is not None, "one kind alone is part of every chain"
    # Chains that some entry shapes need a look; any other one is a single resolver, which cannot be wrong.
    for one in sorted(services):
        shaping = [entry for form in ROUTING_KINDS if (entry := after.find(form, one)) is not None]
        if not shaping:
            continue
        if len(flaws) >= _FLAWS_MAX:
            break  # as many as are told
        question = ChainQuestion(
            service=shaping[-1].name, datacenter=datacenter, own_datacenter=datacenter, trust_domain=_TRUST_DOMAIN
        )
        try:
            compile_chain(after, question)
        except RequestError as error:
            flaws.append(str(error))
    for gateway in after.all(IngressGateway):
        is_changed = kind == IngressGateway.kind and gateway.name.lower() == name.lower()
        flaws += _listener_flaws(after, gateway, None if is_changed else services)
    return list(dict.fromkeys(flaws))[:_FLAWS_MAX]


def _in_danger(before: EntrySet, after: EntrySet) -> set[str]:
    """The services, in lower case, that another protocol of all proxies may do harm to: few, if any.

    Which other entries there are has not changed, so that what held together still does unless its protocols changed.
    Those that lean on that of all proxies change together. They get on with one another still, and can be routed if the
    new one can; only services with a protocol of their own among them make a difference.
    """
    former, now = _common_protocol(before), _common_protocol(after)
    if former == now:
        return set()
    own = {entry.name.lower() for entry in after.all(ServiceDefaults) if entry.protocol}
    leads_to: dict[str, set[str]] = {}
    for form in ROUTING_KINDS:
        for entry in after.all(form):
            for owner, service in _references(entry):
                leads_to.setdefault(owner, set()).add(service)
    listed = {
        service.name.lower()
        for gateway in after.all(IngressGateway)
        for listener in gateway.listeners or ()
        for service in listener.services or ()
        if service.name.lower() not in own
    }
    routed = {entry.name.lower() for form in ROUTING_KINDS for entry in after.all(form)}
    return listed | {one for one in routed if _is_in_danger(_led_to(one, leads_to), own, can_route=is_http_like(now))}


def _is_in_danger(services: set[str], own: set[str], *, can_route: bool) -> bool:
    leaning = services - own
    return bool(leaning) and (not can_route or leaning != services)


def _led_to(service: str, leads_to: Mapping[str, set[str]]) -> set[str]:
    """The service, and all that its routing leads to."""
    found: set[str] = set()
    ahead = [service]
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += leads_to.get(one, ())
    return found


def _common_protocol(entries: EntrySet) -> str:
    """The protocol of services that name none."""
    everyone = entries.proxy_defaults
    return (protocol_in(everyone.config) if everyone is not None else "") or TCP


def _name_flaws(after: EntrySet, kind: str, name: str) -> Iterator[str]:
    """A gateway's name belongs to one kind of gateway."""
    if after.find(IngressGateway, name) is None or after.find(TerminatingGateway, name) is None:
        return
    if kind in _GATEWAY_KINDS:
        other = next(one for one in _GATEWAY_KINDS if one != kind)
        yield f'there is a {other} with the name "{name}" already: a gateway is of one kind, choose another name'


def _listener_flaws(after: EntrySet, gateway: IngressGateway, services: set[str] | None) -> Iterator[str]:
    for listener in gateway.listeners or ():
        for service in listener.services or ():
            if service.name == WILDCARD or (services is not None and service.name.lower() not in services):
                continue
            protocol = after.protocol(service.name)
            if protocol != listener.protocol:
                yield (
                    f'ingress-gateway "{gateway.name}": service "{service.name}" has protocol "{protocol}", which does '
                    f'not match the protocol "{listener.protocol}" of the listener on port {listener.port}'
                )


def _references(entry: Entry | None) -> Iterator[tuple[str, str]]:
    """Which service's routing leads to which other one, both in lower case."""
    if entry is not None:
        for service in _named_by(entry):
            if service:
                yield entry.name.lower(), service.lower()


def _named_by(entry: Entry) -> Iterator[str]:
    match entry:
        case Router():
            for route in entry.routes or ():
                if route.destination is not None:
                    yield route.destination.service
                    yield "" if route.destination.mirror is None else route.destination.mirror.service
        case Splitter():
            for split in entry.splits:
                yield split.service
        case Resolver():
            if entry.redirect is not None:
                yield entry.redirect.service
            for failover in (entry.failover or {}).values():
                yield from (target.service for target in failover.ordered())
        case _:
            return
