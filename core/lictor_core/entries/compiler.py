"""From entries to the discovery chain of a service.

The rules are those of Consul's documents on router, splitter and resolver, with the answers of Consul 1.8.7 where these
are silent: a split or a route to a service goes through that service's own splitter (never its router), a splitter
under a splitter becomes part of it, a redirect is followed, a failover target is not failed over in turn, all services
of a chain speak one protocol.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from lictor_core.entries.base import seconds
from lictor_core.entries.chains import (
    Chain,
    ChainFailover,
    ChainNode,
    ChainResolver,
    ChainRoute,
    ChainSplit,
    Target,
)
from lictor_core.entries.defaults import ServiceDefaults, is_http_like
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.routing import (
    WEIGHT_WHOLE,
    HTTPMatch,
    Resolver,
    ResolverFailover,
    Route,
    RouteDestination,
    RouteMatch,
    Router,
    Split,
    Splitter,
    Subset,
    normal_weight,
)
from lictor_core.entries.traffic import HeaderModifiers, Mirror
from lictor_core.errors import RequestError
from lictor_core.names import NAMESPACE, service_sni
from lictor_core.records import MeshGateway

__all__ = [
    "CHAIN_SPLITS_MAX",
    "CONNECT_TIMEOUT",
    "REDIRECTS_MAX",
    "SPLITTERS_DEEP_MAX",
    "ChainQuestion",
    "compile_chain",
]

CONNECT_TIMEOUT: Final = "5s"
"""How long a connection may take to be made where no entry says it."""
SPLITTERS_DEEP_MAX: Final = 32
"""Splitters that may lead to one another in a row."""
REDIRECTS_MAX: Final = 64
"""Redirects of resolvers that may lead to one another in a row."""
CHAIN_SPLITS_MAX: Final = 1000
"""Shares of one splitter with all that it leads to: each splitter under a splitter multiplies them."""

_ROUTER: Final = "router"
_SPLITTER: Final = "splitter"
_RESOLVER: Final = "resolver"


class ChainQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Whose chain, seen from where. `datacenter` is where the service is, `own_datacenter` where the proxy is.

    What is not empty of the last three takes the place of what entries say.
    """

    service: str
    datacenter: str
    own_datacenter: str
    trust_domain: str
    namespace: str = NAMESPACE
    protocol: str = ""
    connect_timeout: str = ""
    mesh_gateway: str = ""


class _Place(NamedTuple):
    """A target before it is looked at."""

    service: str
    subset: str
    namespace: str
    datacenter: str

    @property
    def id(self) -> str:
        name = f"{self.service}.{self.namespace}.{self.datacenter}"
        return f"{self.subset}.{name}" if self.subset else name

    def moved(self, service: str, subset: str, namespace: str, datacenter: str) -> _Place:
        """Elsewhere, by what is not empty; another service has none of this one's subsets."""
        kept = self.subset if service in ("", self.service) else ""
        return _Place(
            service or self.service, subset or kept, namespace or self.namespace, datacenter or self.datacenter
        )


def compile_chain(entries: EntrySet, question: ChainQuestion) -> Chain:
    """The discovery chain that `entries` make. Raises `RequestError` for entries that contradict one another."""
    return _Compiler(entries, question).chain()


class _Compiler:
    def __init__(self, entries: EntrySet, question: ChainQuestion) -> None:
        self._entries = entries
        self._question = question
        self._nodes: dict[str, ChainNode] = {}
        self._targets: dict[str, Target] = {}
        self._protocol = ""
        self._customised: dict[str, str] = {}
        self._splitters_above: list[str] = []
        self._routes_requests = not question.protocol or is_http_like(question.protocol)

    def chain(self) -> Chain:
        question = self._question
        start = self._start(question.service)
        advanced = any(node.type != _RESOLVER for node in self._nodes.values())
        if advanced and not is_http_like(self._protocol):
            raise RequestError(
                f'discovery chain "{question.service}" uses a protocol "{self._protocol}" that does not permit '
                "advanced routing or splitting: set the Protocol of its service-defaults to http, http2 or grpc"
            )
        nodes = self._reachable(start)
        used = {target for node in nodes.values() for target in _targets_of(node)}
        if question.protocol and question.protocol.lower() != self._entries.protocol(question.service):
            self._customised["protocol"] = question.protocol
        return Chain(
            service_name=question.service,
            namespace=question.namespace,
            datacenter=question.datacenter,
            customization_hash=_digest(self._customised),
            protocol=self._protocol,
            start_node=start,
            nodes=dict(sorted(nodes.items())),
            targets={id: self._targets[id] for id in sorted(used)},
        )

    def _start(self, service: str) -> str:
        router = self._entries.find(Router, service) if self._routes_requests else None
        return self._splitter_or_resolver(service) if router is None else self._router(service, router)

    def _router(self, service: str, router: Router) -> str:
        self._take_protocol(service)
        routes = [self._route(service, route) for route in router.routes or ()]
        everything = Route(
            match=RouteMatch(http=HTTPMatch(path_prefix="/")),
            destination=RouteDestination(service=service, namespace=self._question.namespace),
        )
        routes.append(ChainRoute(definition=everything, next_node=self._splitter_or_resolver(service)))
        return self._add(ChainNode(type=_ROUTER, name=f"{service}.{self._question.namespace}", routes=tuple(routes)))

    def _route(self, service: str, route: Route) -> ChainRoute:
        to = route.destination or RouteDestination()
        mirror = "" if to.mirror is None else self._mirror_target(to.mirror)
        if to.service_subset or to.namespace not in ("", self._question.namespace):
            place = self._place(to.service or service, to.service_subset, to.namespace)
            return ChainRoute(definition=route, next_node=self._resolver(place), mirror_target=mirror)
        following = self._splitter_or_resolver(to.service or service)
        return ChainRoute(definition=route, next_node=following, mirror_target=mirror)

    def _mirror_target(self, mirror: Mirror) -> str:
        """Who gets copies: instances alone, since nobody waits for what they answer."""
        place, entry = self._settled(self._place(mirror.service, mirror.service_subset))
        self._add_target(place, entry)
        return place.id

    def _splitter_or_resolver(self, service: str) -> str:
        splitter = self._entries.find(Splitter, service) if self._routes_requests else None
        return self._resolver(self._place(service)) if splitter is None else self._splitter(service, splitter)

    def _splitter(self, service: str, splitter: Splitter) -> str:
        name = f"{service}.{self._question.namespace}"
        node = f"{_SPLITTER}:{name}"
        if service.lower() in self._splitters_above:
            around = " -> ".join([*self._splitters_above, service.lower()])
            raise RequestError(f"detected circular reference: splitters lead back to themselves ({around})")
        if node in self._nodes:
            return node
        if len(self._splitters_above) == SPLITTERS_DEEP_MAX:
            raise RequestError(f'splitters from "{service}" on go more than {SPLITTERS_DEEP_MAX} deep: merge some')
        self._splitters_above.append(service.lower())
        splits: list[ChainSplit] = []
        for one in splitter.splits:
            to = one.service or service
            is_own = to.lower() == service.lower()
            if is_own or one.service_subset or one.namespace not in ("", self._question.namespace):
                following = self._resolver(self._place(to, one.service_subset, one.namespace))
            else:
                following = self._splitter_or_resolver(to)
            splits += self._flattened(one, following)
            if len(splits) > CHAIN_SPLITS_MAX:
                raise RequestError(f'the splitters under "{service}" make more than {CHAIN_SPLITS_MAX} shares')
        self._splitters_above.pop()
        return self._add(ChainNode(type=_SPLITTER, name=name, splits=tuple(splits)))

    def _flattened(self, split: Split, following: str) -> list[ChainSplit]:
        """A share, or the shares of the splitter that it leads to, which keep the headers that they change."""
        below = self._nodes[following]
        definition = split if split.changes_headers else None
        if below.type != _SPLITTER:
            return [ChainSplit(weight=split.weight, next_node=following, definition=definition)]
        share = Decimal(str(split.weight)) / WEIGHT_WHOLE
        return [
            ChainSplit(
                weight=normal_weight(Decimal(str(one.weight)) * share),
                next_node=one.next_node,
                definition=_with_headers(definition, one.definition),
            )
            for one in below.splits
        ]

    def _resolver(self, place: _Place) -> str:
        place, entry = self._settled(place)
        node = f"{_RESOLVER}:{place.id}"
        if node in self._nodes:
            return node
        self._add_target(place, entry)
        failovers = entry.failover or {}
        failover = failovers.get(place.subset) or failovers.get("*")
        targets = [] if failover is None else self._failover_targets(place, failover)
        resolver = ChainResolver(
            connect_timeout=self._connect_timeout(entry),
            default=entry.is_default(),
            target=place.id,
            failover=ChainFailover(targets=targets) if targets else None,
            request_timeout=entry.request_timeout,
            load_balancer=entry.load_balancer,
        )
        return self._add(ChainNode(type=_RESOLVER, name=place.id, resolver=resolver))

    def _settled(self, place: _Place) -> tuple[_Place, Resolver]:
        """Where `place` leads when redirects are followed and subsets are chosen, with the resolver that says so."""
        seen: list[str] = []
        while True:
            self._take_protocol(place.service)
            entry = self._entries.find(Resolver, place.service) or Resolver(name=place.service)
            to = entry.redirect
            moved = place if to is None else place.moved(to.service, to.service_subset, to.namespace, to.datacenter)
            if moved == place:
                break
            if place.id in seen:
                raise RequestError(f"detected circular resolver redirect: {' -> '.join([*seen, place.id])}")
            if len(seen) == REDIRECTS_MAX:
                raise RequestError(f'redirects from "{seen[0]}" on go more than {REDIRECTS_MAX} deep: name the end')
            seen.append(place.id)
            place = moved
        if not place.subset:
            place = place._replace(subset=entry.default_subset)
        if not entry.has_subset(place.subset):
            raise RequestError(
                f'service "{place.service}" does not have a subset named "{place.subset}": define it in its '
                "service-resolver"
            )
        self._check_external(place.service, entry)
        return place, entry

    def _check_external(self, service: str, entry: Resolver) -> None:
        defaults = self._entries.find(ServiceDefaults, service)
        if defaults is None or not defaults.external_sni:
            return
        parts = {"Redirect": entry.redirect is not None, "Subsets": entry.subsets, "Failover": entry.failover}
        used = [name for name, is_used in parts.items() if is_used]
        if used:
            raise RequestError(
                f'service "{service}" has an ExternalSNI: it is outside the mesh, and its service-resolver cannot use '
                f"{', '.join(used)}"
            )

    def _failover_targets(self, place: _Place, failover: ResolverFailover) -> list[str]:
        found: dict[str, None] = {}
        for one in failover.ordered():
            moved = place.moved(one.service, one.service_subset, one.namespace, one.datacenter)
            if moved == place:
                continue
            settled, entry = self._settled(moved)
            if settled != place:
                self._add_target(settled, entry)
                found[settled.id] = None
        return list(found)

    def _connect_timeout(self, entry: Resolver) -> str:
        asked = self._question.connect_timeout
        if seconds(asked) > 0:
            self._customised["connect_timeout"] = asked
            return asked
        return entry.connect_timeout or CONNECT_TIMEOUT

    def _place(self, service: str, subset: str = "", namespace: str = "") -> _Place:
        return _Place(service, subset, namespace or self._question.namespace, self._question.datacenter)

    def _take_protocol(self, service: str) -> None:
        protocol = self._question.protocol or self._entries.protocol(service)
        if not self._protocol:
            self._protocol = protocol
        elif protocol != self._protocol:
            raise RequestError(
                f'discovery chain "{self._question.service}" uses inconsistent protocols: service "{service}" has '
                f'"{protocol}", which is not "{self._protocol}"; give both the same Protocol in their service-defaults'
            )

    def _add(self, node: ChainNode) -> str:
        key = f"{node.type}:{node.name}"
        self._nodes[key] = node
        return key

    def _add_target(self, place: _Place, entry: Resolver) -> None:
        defaults = self._entries.find(ServiceDefaults, place.service)
        sni = service_sni(
            place.service, place.datacenter, self._question.trust_domain, subset=place.subset, namespace=place.namespace
        )
        external = "" if defaults is None else defaults.external_sni
        self._targets[place.id] = Target(
            id=place.id,
            service=place.service,
            service_subset=place.subset,
            namespace=place.namespace,
            datacenter=place.datacenter,
            mesh_gateway=MeshGateway(mode=self._gateway_mode(place, defaults)),
            subset=(entry.subsets or {}).get(place.subset, Subset()),
            external=bool(external),
            sni=external or sni,
            name=sni,
        )

    def _gateway_mode(self, place: _Place, defaults: ServiceDefaults | None) -> str:
        """By which gateways the target is reached; those are for other datacenters alone."""
        if place.datacenter == self._question.own_datacenter:
            return ""
        everyone = self._entries.proxy_defaults
        mode = "" if defaults is None else defaults.mesh_gateway.mode
        mode = mode or ("" if everyone is None else everyone.mesh_gateway.mode)
        asked = self._question.mesh_gateway
        if asked and asked != mode:
            self._customised["mesh_gateway"] = asked
        return asked or mode

    def _reachable(self, start: str) -> dict[str, ChainNode]:
        """What can be reached from `start`: splitters that became part of others are left out."""
        found: dict[str, ChainNode] = {}
        ahead = [start]
        while ahead:
            key = ahead.pop()
            if key not in found:
                found[key] = node = self._nodes[key]
                ahead += [one.next_node for one in node.routes]
                ahead += [one.next_node for one in node.splits]
        return found


def _with_headers(outer: Split | None, inner: Split | None) -> Split | None:
    """One split for two that follow one another: both change headers, and where they differ the inner one holds."""
    if outer is None or inner is None:
        return inner or outer
    return msgspec.structs.replace(
        inner,
        request_headers=_both(outer.request_headers, inner.request_headers),
        response_headers=_both(outer.response_headers, inner.response_headers),
    )


def _both(outer: HeaderModifiers | None, inner: HeaderModifiers | None) -> HeaderModifiers | None:
    if outer is None or inner is None:
        return inner or outer
    return HeaderModifiers(
        add={**(outer.add or {}), **(inner.add or {})} or None,
        set={**(outer.set or {}), **(inner.set or {})} or None,
        remove=tuple(dict.fromkeys((*outer.remove, *inner.remove))),
    )


def _targets_of(node: ChainNode) -> Iterable[str]:
    if node.resolver is None:
        return tuple(one.mirror_target for one in node.routes if one.mirror_target)
    failover = node.resolver.failover
    return (node.resolver.target, *(() if failover is None else failover.targets))


def _digest(customised: dict[str, str]) -> str:
    if not customised:
        return ""
    told = "\n".join(f"{name}={customised[name]}" for name in sorted(customised))
    return hashlib.sha256(told.encode()).hexdigest()[:8]
