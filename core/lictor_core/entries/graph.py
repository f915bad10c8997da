"""Entries beside one another: which chains one of them has a part in, and what a change would break.

An entry may be written, or removed, only if every chain and every listener that it has a part in holds together
afterwards. Consul looks one step from what changes; here it is all that leads to it, since a redirect of a redirect
breaks just as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lictor_core.entries.base import Entry
from lictor_core.entries.compiler import ChainQuestion, compile_chain
from lictor_core.entries.defaults import ProxyDefaults, ServiceDefaults
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.gateways import WILDCARD, IngressGateway, TerminatingGateway
from lictor_core.entries.routing import Resolver, Router, Splitter
from lictor_core.errors import RequestError

__all__ = ["ROUTING_KINDS", "concerned", "graph_flaws"]

ROUTING_KINDS: Final[tuple[type[Entry], ...]] = (Router, Splitter, Resolver)
_CHAIN_KINDS: Final = frozenset(one.kind for one in (ServiceDefaults, ProxyDefaults, Router, Splitter, Resolver))
_GATEWAY_KINDS: Final = (IngressGateway.kind, TerminatingGateway.kind)
_FLAWS_MAX: Final = 20
_TRUST_DOMAIN: Final = "x.consul"  # which one does not matter to whether a chain holds together


def concerned(entries: Iterable[EntrySet], kind: str, name: str) -> set[str] | None:
    """The services, in lower case, whose chain this entry has a part in; None when it has one in all of them.

    `entries` are the sets before and after a change.
    """
    if kind == ProxyDefaults.kind:
        return None
    if kind not in _CHAIN_KINDS:
        return set()
    leads_to: dict[str, set[str]] = {}
    for one in entries:
        for owner, service in _references(one):
            leads_to.setdefault(service, set()).add(owner)
    found: set[str] = set()
    ahead = [name.lower()]
    while ahead:
        service = ahead.pop()
        if service not in found:
            found.add(service)
            ahead += leads_to.get(service, ())
    return found


def graph_flaws(before: EntrySet, after: EntrySet, kind: str, name: str, datacenter: str) -> list[str]:
    """What would not hold together once the entry `kind`, `name` is as in `after`; empty when all would."""
    flaws = list(_name_flaws(after, kind, name))
    services = concerned((before, after), kind, name)
    checked = {entry.name.lower(): entry.name for form in ROUTING_KINDS for entry in after.all(form)}
    if services is not None:
        checked = {service: checked.get(service, service) for service in sorted(services)}
    # Chains that some entry shapes need a look; any other one is a single resolver, which cannot be wrong.
    for _, service in sorted(checked.items()):
        if any(after.find(form, service) is not None for form in ROUTING_KINDS):
            question = ChainQuestion(
                service=service, datacenter=datacenter, own_datacenter=datacenter, trust_domain=_TRUST_DOMAIN
            )
            try:
                compile_chain(after, question)
            except RequestError as error:
                flaws.append(str(error))
    for gateway in after.all(IngressGateway):
        is_changed = kind == IngressGateway.kind and gateway.name.lower() == name.lower()
        flaws += _listener_flaws(after, gateway, None if is_changed else services)
    return list(dict.fromkeys(flaws))[:_FLAWS_MAX]


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


def _references(entries: EntrySet) -> Iterator[tuple[str, str]]:
    """Which service's routing leads to which other one, both in lower case."""
    for form in ROUTING_KINDS:
        for entry in entries.all(form):
            for service in _named_by(entry):
                if service:
                    yield entry.name.lower(), service.lower()


def _named_by(entry: Entry) -> Iterator[str]:
    match entry:
        case Router():
            for route in entry.routes or ():
                if route.destination is not None:
                    yield route.destination.service
        case Splitter():
            for split in entry.splits:
                yield split.service
        case Resolver():
            if entry.redirect is not None:
                yield entry.redirect.service
            for failover in (entry.failover or {}).values():
                yield failover.service
        case _:
            return
