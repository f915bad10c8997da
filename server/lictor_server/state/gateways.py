"""Which services are behind which gateways: follows from the gateways' entries and from what is in the catalog.

A terminating gateway stands, for each of its services, among the instances that take mesh connections for it; an
ingress gateway lets traffic in to its services. A `*` in an entry is every typical service that there is. Nothing is
stored: what changes is found by looking at what a command touched, and only where there are gateways at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import Final

from lictor_core import topics as on
from lictor_core.config_records import ConfigEntry, GatewayName, GatewayService
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.gateways import WILDCARD, IngressGateway, TerminatingGateway
from lictor_core.records import Node, Service, ServiceKind
from lictor_core.topics import Topic
from lictor_server.state.catalog import Catalog, fold, mesh_name
from lictor_server.state.config_entries import ConfigEntries
from lictor_server.state.indexes import Change

__all__ = ["Gateways"]

_SERVERS: Final = "consul"
"""The service that the servers register themselves as: no `*` means it."""


class Gateways:
    """The links between gateways and services. Names ignore case."""

    def __init__(self, catalog: Catalog, entries: ConfigEntries) -> None:
        self._catalog = catalog
        self._entries = entries
        self._terminating: dict[str, set[str]] = {}
        self._ingress: dict[str, set[str]] = {}
        self._names: set[str] = set()
        self._typical: dict[str, str] | None = None
        """What a `*` means, by folded name, as it is written; None while there is none."""

    # Reading.

    def mesh_instances(self, service: str) -> Iterator[tuple[Node, Service]]:
        """What takes mesh connections for a service: its proxies and native instances, then gateways."""
        yield from self._catalog.instances(service, connect=True)
        if self._terminating:
            for node, one in self._gateway_instances(self._terminating, ServiceKind.TERMINATING_GATEWAY, service):
                if fold(mesh_name(one)) != fold(service):  # else it stands above already
                    yield node, one

    def ingress_instances(self, service: str) -> Iterator[tuple[Node, Service]]:
        """The instances of the gateways that let traffic in to a service."""
        return self._gateway_instances(self._ingress, ServiceKind.INGRESS_GATEWAY, service)

    def leads_out_to(self, service: str) -> bool:
        """Whether the entry of a terminating gateway names a service, or means it by its `*`."""
        return bool(self._terminating) and bool(self._gateways_of(self._terminating, service))

    def led_out_to(self) -> list[str]:
        """The services of which that is so, in lower case and no order."""
        meant = (self._typical or _NOBODY) if WILDCARD in self._terminating else _NOBODY
        return [*(name for name in self._terminating if name != WILDCARD), *meant]

    def services_of(self, gateway: str) -> list[GatewayService]:
        """What is behind a gateway, by name and port. What its entry names goes before what its `*` means."""
        entries = self._entries.set()
        found: dict[tuple[str, int], GatewayService] = {}
        for row in self._links(entries, gateway):
            if row.service.name != WILDCARD:
                found[row.service.name.lower(), row.port] = row
        for row in self._links(entries, gateway):
            if row.service.name == WILDCARD:
                for name, written in (self._typical or _NOBODY).items():
                    found.setdefault((name, row.port), _meant(row, written))
        return [found[key] for key in sorted(found)]

    def _links(self, entries: EntrySet, gateway: str) -> Iterator[GatewayService]:
        ingress = entries.find(IngressGateway, gateway)
        terminating = entries.find(TerminatingGateway, gateway)
        if ingress is not None:
            yield from _ingress_links(ingress, self._row(IngressGateway.kind, gateway))
        if terminating is not None:
            yield from _terminating_links(terminating, self._row(TerminatingGateway.kind, gateway))

    def _row(self, kind: str, name: str) -> ConfigEntry:
        row = self._entries.get(kind, name)
        assert row is not None, "a typed entry has its row"
        return row

    def _gateway_instances(
        self, links: dict[str, set[str]], kind: ServiceKind, service: str
    ) -> Iterator[tuple[Node, Service]]:
        for gateway in sorted(self._gateways_of(links, service)):
            for node, instance in self._catalog.instances(gateway):
                if instance.kind is kind:
                    yield node, instance

    def _gateways_of(self, links: dict[str, set[str]], service: str) -> Set[str]:
        name = fold(service)
        found: Set[str] = links.get(name, _NONE)
        if WILDCARD in links and self._typical is not None and name in self._typical:
            found = found | links[WILDCARD]
        return found

    # Following what changes.

    def rebuild(self) -> None:
        """Look at the entries and the catalog anew: after a restore, or when an entry of a gateway changed."""
        entries = self._entries.set()
        self._terminating = {}
        self._ingress = {}
        self._names = {fold(one.name) for form in (TerminatingGateway, IngressGateway) for one in entries.all(form)}
        for terminating in entries.all(TerminatingGateway):
            for linked in terminating.services or ():
                self._terminating.setdefault(fold(linked.name), set()).add(fold(terminating.name))
        for ingress in entries.all(IngressGateway):
            for listener in ingress.listeners or ():
                for service in listener.services or ():
                    self._ingress.setdefault(fold(service.name), set()).add(fold(ingress.name))
        if WILDCARD not in self._terminating and WILDCARD not in self._ingress:
            self._typical = None
        elif self._typical is None:
            found = {name: self._typical_name(name) for name in map(fold, self._catalog.service_tags())}
            self._typical = {name: written for name, written in found.items() if written}

    def forget(self) -> None:
        """The catalog and the entries are others now."""
        self._typical = None
        self.rebuild()

    def entry_changed(self, change: Change, change_entries: Callable[[], None], gateway: str) -> None:
        """Carry out `change_entries`, which writes or removes the entry of `gateway`, and wake who sees it."""
        self._touch_behind(change.retire, gateway)
        change_entries()
        self.rebuild()
        self._touch_behind(change.wake, gateway)
        if fold(gateway) in self._names:
            change.wake(on.gateway(gateway))
        else:
            change.retire(on.gateway(gateway))

    def _touch_behind(self, touch: Callable[[Topic], None], gateway: str) -> None:
        for row in self.services_of(gateway):
            is_ingress = row.gateway_kind == IngressGateway.kind
            touch(on.ingress(row.service.name) if is_ingress else on.connect(row.service.name))

    def follow(self, change: Change) -> None:
        """Touch what depends on the services that `change` touched.

        In the order of their names: `change` has them in an order that not every server shares.
        """
        if not (self._terminating or self._ingress):
            return
        woken, stamped = (
            sorted(topic.name for topic in topics if topic.kind == _SERVICE_KIND)
            for topics in (change.woken, change.stamped)
        )
        if self._typical is not None:
            for name in woken:
                self._follow_name(change, name, self._typical)
        for names, touch in ((woken, change.wake), (stamped, change.stamp)):
            for name in names:
                if name in self._names:  # the instances of a gateway stand in the lists of the services behind it
                    self._touch_behind(touch, name)

    def _follow_name(self, change: Change, name: str, typical: dict[str, str]) -> None:
        """A service that came or went is meant by each `*`, or not any more."""
        written = self._typical_name(name)
        former = typical.get(name, "")
        if written == former:
            return
        if written:
            typical[name] = written
        else:
            del typical[name]
        for gateway in self._terminating.get(WILDCARD, _NONE) | self._ingress.get(WILDCARD, _NONE):
            change.wake(on.gateway(gateway))
        if written and former:
            return
        touch = change.wake if written else change.retire
        if WILDCARD in self._terminating:
            touch(on.connect(name))
        if WILDCARD in self._ingress:
            touch(on.ingress(name))

    def _typical_name(self, name: str) -> str:
        """How the service of this folded name is written, by its first typical instance; empty when it has none."""
        if name == _SERVERS:
            return ""
        instances = self._catalog.instances(name)
        return next((one.service for _, one in instances if one.kind is ServiceKind.TYPICAL), "")


_NONE: Final[frozenset[str]] = frozenset()
_NOBODY: Final[dict[str, str]] = {}
_SERVICE_KIND: Final = on.service("").kind


def _meant(row: GatewayService, service: str) -> GatewayService:
    """The row of a `*`, for one of the services that it means."""
    return GatewayService(
        gateway=row.gateway,
        service=GatewayName(name=service),
        gateway_kind=row.gateway_kind,
        port=row.port,
        protocol=row.protocol,
        ca_file=row.ca_file,
        cert_file=row.cert_file,
        key_file=row.key_file,
        sni=row.sni,
        from_wildcard=True,
        create_index=row.create_index,
        modify_index=row.modify_index,
    )


# Consul makes these rows anew with each write of the entry, so that both of their indexes are that of the write.


def _ingress_links(entry: IngressGateway, row: ConfigEntry) -> Iterator[GatewayService]:
    for listener in entry.listeners or ():
        for service in listener.services or ():
            yield GatewayService(
                gateway=GatewayName(name=entry.name),
                service=GatewayName(name=service.name),
                gateway_kind=entry.kind,
                port=listener.port,
                protocol=listener.protocol,
                hosts=tuple(service.hosts or ()),
                create_index=row.modify_index,
                modify_index=row.modify_index,
            )


def _terminating_links(entry: TerminatingGateway, row: ConfigEntry) -> Iterator[GatewayService]:
    for service in entry.services or ():
        yield GatewayService(
            gateway=GatewayName(name=entry.name),
            service=GatewayName(name=service.name),
            gateway_kind=entry.kind,
            ca_file=service.ca_file,
            cert_file=service.cert_file,
            key_file=service.key_file,
            sni=service.sni,
            create_index=row.modify_index,
            modify_index=row.modify_index,
        )
