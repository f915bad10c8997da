"""Kinds with the services behind gateways: of those that let traffic into the mesh, and of those that let it out.

Sources: Consul's documents `docs/agent/config-entries/{ingress,terminating}-gateway`; what is refused was asked of
Consul 1.8.7. A port that no listener can have is refused here, which Consul keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

import msgspec

from lictor_core.entries.base import Entry, Flaw, Part, place
from lictor_core.entries.defaults import TCP, is_http_like
from lictor_core.entries.traffic import HeaderModifiers
from lictor_core.limits import PORT_MAX

__all__ = [
    "CERTIFIED_HOSTS_MAX",
    "SERVICES_MAX",
    "WILDCARD",
    "IngressDefaults",
    "IngressGateway",
    "IngressListener",
    "IngressService",
    "IngressTLS",
    "LinkedService",
    "TerminatingGateway",
    "certified_names",
]

WILDCARD: Final = "*"
SERVICES_MAX: Final = 10_000
"""Services that one gateway names: each is linked to it by one command that nothing interrupts. `*` is for more."""
CERTIFIED_HOSTS_MAX: Final = 100
"""Hosts that one certificate carries, as of public CAs: clients read all of them at each connection."""
_PROTOCOLS: Final = (TCP, "http", "http2", "grpc")
_LABEL_AND_REST: Final = re.compile(r"\*(?:\..+)?")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


def certified_names(hosts: Iterable[str], datacenter: str, domains: Iterable[str]) -> tuple[str, ...]:
    """The DNS names in the certificate of an ingress gateway with TLS: where DNS answers for it, and `hosts`.

    Consul's leaf has the same ones, but for what no client would find in a certificate: the dot at the end of its
    domain, and ports. Hosts that are no DNS names are left out, and those past `CERTIFIED_HOSTS_MAX`.
    """
    found: dict[str, None] = {}
    for domain in domains:
        if domain:
            found[f"*.ingress.{domain}".lower()] = None
            found[f"*.ingress.{datacenter}.{domain}".lower()] = None
    bare = {host.partition(":")[0].rstrip(".").lower() for host in hosts}
    good = sorted(host for host in bare if _DNS_NAME.fullmatch(host))
    found.update(dict.fromkeys(good[:CERTIFIED_HOSTS_MAX]))
    return tuple(found)


class IngressTLS(Part, frozen=True, kw_only=True):
    """Whether the listeners of an ingress gateway speak TLS."""

    enabled: bool


class IngressService(Part, frozen=True, kw_only=True):
    """A service that a listener lets traffic to; `*` is each there is. `hosts` are what requests must name."""

    name: str
    hosts: list[str] | None
    request_headers: HeaderModifiers | None = None
    response_headers: HeaderModifiers | None = None
    max_connections: int = 0
    max_pending_requests: int = 0
    max_concurrent_requests: int = 0


class IngressDefaults(Part, frozen=True, kw_only=True):
    """Limits of each service behind a gateway that has none of its own; 0 is none."""

    max_connections: int = 0
    max_pending_requests: int = 0
    max_concurrent_requests: int = 0


class IngressListener(Part, frozen=True, kw_only=True):
    """A port that an ingress gateway opens, and the services behind it. `tls` is in place of the gateway's."""

    port: int
    protocol: str
    services: list[IngressService] | None
    tls: IngressTLS | None = msgspec.field(default=None, name="TLS")


class IngressGateway(Entry, frozen=True, kw_only=True):
    """Lets traffic into the mesh."""

    kind: ClassVar[str] = "ingress-gateway"

    tls: IngressTLS = msgspec.field(name="TLS")
    listeners: list[IngressListener] | None
    defaults: IngressDefaults | None = None

    @property
    def named_hosts(self) -> tuple[str, ...] | None:
        """The hosts of the listeners with TLS, which its certificate is to carry, sorted; None where none has TLS."""
        having = [one for one in self.listeners or () if (one.tls or self.tls).enabled]
        if not having:
            return None
        return tuple(sorted({host for one in having for row in one.services or () for host in row.hosts or ()}))

    def normal(self) -> IngressGateway:
        """With protocols in lower case, `tcp` where there is none."""
        listeners = [
            msgspec.structs.replace(one, protocol=(one.protocol or TCP).lower()) for one in self.listeners or ()
        ]
        return msgspec.structs.replace(self, listeners=listeners if self.listeners is not None else None)

    def flaws(self) -> Iterator[Flaw]:
        """Each listener's rules; a port has one listener."""
        yield from super().flaws()
        if flaw := _too_many("Listeners", sum(len(one.services or ()) for one in self.listeners or ())):
            yield flaw
            return
        if self.defaults is not None:
            yield from _limit_flaws(self.defaults, "Defaults")
        ports: set[int] = set()
        for number, listener in enumerate(self.listeners or ()):
            where = place("Listeners", number)
            if listener.port in ports:
                yield Flaw(f"{where}.Port", f"{listener.port} has a listener already: merge the two")
            ports.add(listener.port)
            yield from self._listener_flaws(listener, where)

    def _listener_flaws(self, listener: IngressListener, where: str) -> Iterator[Flaw]:
        services = listener.services or []
        if not 0 <= listener.port <= PORT_MAX:
            yield Flaw(f"{where}.Port", f"is {listener.port}, and must be at most {PORT_MAX}")
        if listener.protocol not in _PROTOCOLS:
            yield Flaw(f"{where}.Protocol", f"is {listener.protocol!r}: choose one of {', '.join(_PROTOCOLS)}")
        if not services:
            yield Flaw(f"{where}.Services", f"is empty: name what listens on port {listener.port} leads to")
        if len(services) > 1 and listener.protocol == TCP:
            yield Flaw(f"{where}.Services", "has several services, which a tcp listener cannot tell apart: keep one")
        hosts: set[str] = set()
        for number, service in enumerate(services):
            inside = place(f"{where}.Services", number)
            if not service.name:
                yield Flaw(f"{inside}.Name", "is required")
            yield from _request_flaws(listener, service, inside)
            yield from _host_rules(listener, service, inside)
            for host in service.hosts or ():
                if host in hosts:
                    yield Flaw(f"{inside}.Hosts", f"{host!r} leads elsewhere already: a host belongs to one service")
                hosts.add(host)
                yield from self._host_flaws(host, f"{inside}.Hosts")

    def _host_flaws(self, host: str, where: str) -> Iterator[Flaw]:
        if host == WILDCARD and self.tls.enabled:
            yield Flaw(where, "'*' cannot stand in a certificate: with TLS, name the hosts")
        elif not host:
            yield Flaw(where, "has an empty host")
        elif WILDCARD in host and (_LABEL_AND_REST.fullmatch(host) is None or host.count(WILDCARD) > 1):
            yield Flaw(where, f"{host!r} has '*' elsewhere than as its whole first label")


def _too_many(where: str, count: int) -> Flaw | None:
    if count <= SERVICES_MAX:
        return None
    return Flaw(where, f"names {count} services; at most {SERVICES_MAX} are taken: let '*' stand for all there are")


def _request_flaws(listener: IngressListener, service: IngressService, where: str) -> Iterator[Flaw]:
    for name, headers in (("RequestHeaders", service.request_headers), ("ResponseHeaders", service.response_headers)):
        if headers is None:
            continue
        if not is_http_like(listener.protocol):
            yield Flaw(f"{where}.{name}", f"means nothing on a {listener.protocol} listener, which sees no headers")
        yield from headers.flaws(f"{where}.{name}")
    yield from _limit_flaws(service, where)


def _limit_flaws(limits: IngressService | IngressDefaults, where: str) -> Iterator[Flaw]:
    if min(limits.max_connections, limits.max_pending_requests, limits.max_concurrent_requests) < 0:
        yield Flaw(where, "has a negative limit")


def _host_rules(listener: IngressListener, service: IngressService, where: str) -> Iterator[Flaw]:
    if service.name == WILDCARD and not is_http_like(listener.protocol):
        yield Flaw(f"{where}.Name", f"is '*', which a {listener.protocol} listener cannot tell apart: name one service")
    if not service.hosts:
        return
    if listener.protocol == TCP:
        yield Flaw(f"{where}.Hosts", "means nothing on a tcp listener, which sees no host: leave it out")
    elif service.name == WILDCARD:
        yield Flaw(f"{where}.Hosts", "cannot be of '*', where each service has a host of its own: leave it out")


class LinkedService(Part, frozen=True, kw_only=True):
    """A service outside the mesh, and how a terminating gateway reaches it; `*` is each there is."""

    name: str = ""
    ca_file: str = msgspec.field(default="", name="CAFile")
    cert_file: str = msgspec.field(default="", name="CertFile")
    key_file: str = msgspec.field(default="", name="KeyFile")
    sni: str = msgspec.field(default="", name="SNI")


class TerminatingGateway(Entry, frozen=True, kw_only=True):
    """Lets traffic out of the mesh."""

    kind: ClassVar[str] = "terminating-gateway"

    services: list[LinkedService] | None

    def flaws(self) -> Iterator[Flaw]:
        """Each service once, and a certificate with all that belongs to it."""
        yield from super().flaws()
        if flaw := _too_many("Services", len(self.services or ())):
            yield flaw
            return
        seen: set[str] = set()
        for number, service in enumerate(self.services or ()):
            where = place("Services", number)
            if not service.name:
                yield Flaw(f"{where}.Name", "is required")
            elif service.name in seen:
                yield Flaw(f"{where}.Name", f"{service.name!r} comes twice: merge the two")
            seen.add(service.name)
            if (service.cert_file or service.key_file) and not (
                service.cert_file and service.key_file and service.ca_file
            ):
                yield Flaw(where, "a client certificate needs CertFile, KeyFile and CAFile together")
