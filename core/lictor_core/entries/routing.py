"""Kinds that make a discovery chain: which instances requests to a service go to.

Sources: Consul's documents `docs/agent/config-entries/service-{router,splitter,resolver}`; what is refused was asked of
Consul 1.8.7, which names the first flaw where these name all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar, Final

import msgspec

from lictor_core.entries.base import Duration, Entry, Flaw, Part, key_place, place, seconds
from lictor_core.entries.matching import RequestMatch, match_flaws, one_form, repeated_methods, upper_methods
from lictor_core.entries.traffic import RETRY_CONDITIONS, Fault, HeaderModifiers, LoadBalancer, Mirror

__all__ = [
    "ROUTES_MAX",
    "WEIGHT_WHOLE",
    "FailoverTarget",
    "HTTPMatch",
    "QueryMatch",
    "Resolver",
    "ResolverFailover",
    "ResolverRedirect",
    "Route",
    "RouteDestination",
    "RouteMatch",
    "Router",
    "Split",
    "Splitter",
    "Subset",
    "normal_weight",
]

WEIGHT_WHOLE: Final = 100
_WEIGHT_STEP: Final = Decimal("0.01")
_SUBSET_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
ROUTES_MAX: Final = 2_000
"""Routes of one router. All of them are looked at in one go when it is written, and nobody else is served meanwhile."""
_SUBSET_CHARS_MAX: Final = 63


def normal_weight(weight: float | Decimal) -> int | float:
    """`weight` in the steps that are kept, hundredths of a percent, halves going up; whole where it is whole.

    One that is no percentage stays as it is, for whoever refuses it: of a huge one there are no hundredths.
    """
    exact = weight if isinstance(weight, Decimal) else Decimal(str(weight))
    if not exact.is_finite() or not 0 <= exact <= 100:
        return float(weight)
    found = float(exact.quantize(_WEIGHT_STEP, rounding=ROUND_HALF_UP))
    return int(found) if found.is_integer() else found


class QueryMatch(Part, frozen=True, kw_only=True):
    """A parameter of a request's query."""

    name: str
    present: bool = False
    exact: str = ""
    regex: str = ""


class HTTPMatch(RequestMatch, frozen=True, kw_only=True):
    """Which requests a route is for."""

    query_param: tuple[QueryMatch, ...] = ()
    methods: tuple[str, ...] = ()


class RouteMatch(Part, frozen=True, kw_only=True):
    """Which requests a route is for, by protocol."""

    http: HTTPMatch | None = msgspec.field(default=None, name="HTTP")


class RouteDestination(Part, frozen=True, kw_only=True):
    """Where the requests of a route go, and how often and long they are tried. Empty is the router's own service."""

    request_timeout: Duration = ""
    service: str = ""
    service_subset: str = ""
    namespace: str = ""
    prefix_rewrite: str = ""
    num_retries: int = 0
    retry_on_connect_failure: bool = False
    retry_on_status_codes: tuple[int, ...] = ()
    retry_on: tuple[str, ...] = ()
    idle_timeout: Duration = ""
    request_headers: HeaderModifiers | None = None
    response_headers: HeaderModifiers | None = None
    fault: Fault | None = None
    mirror: Mirror | None = None


class Route(Part, frozen=True, kw_only=True):
    """One rule of a router; the first that matches decides."""

    match: RouteMatch | None = None
    destination: RouteDestination | None = None


class Router(Entry, frozen=True, kw_only=True):
    """Sends the requests to a service to this or that service, by what stands in them."""

    kind: ClassVar[str] = "service-router"

    routes: list[Route] | None

    def normal(self) -> Router:
        """With methods in upper case."""
        routes = None if self.routes is None else [_with_upper_methods(one) for one in self.routes]
        return msgspec.structs.replace(self, routes=routes)

    def flaws(self) -> Iterator[Flaw]:
        """Each route's rules."""
        yield from super().flaws()
        if len(self.routes or ()) > ROUTES_MAX:
            reason = f"has {len(self.routes or ())} routes; at most {ROUTES_MAX} are taken: merge some"
            yield Flaw("Routes", reason)
            return
        for number, route in enumerate(self.routes or ()):
            yield from _route_flaws(route, place("Routes", number))


def _with_upper_methods(route: Route) -> Route:
    if route.match is None or route.match.http is None or not route.match.http.methods:
        return route
    http = msgspec.structs.replace(route.match.http, methods=upper_methods(route.match.http.methods))
    return msgspec.structs.replace(route, match=RouteMatch(http=http))


def _route_flaws(route: Route, where: str) -> Iterator[Flaw]:
    http = None if route.match is None else route.match.http
    if http is not None:
        inside = f"{where}.Match.HTTP"
        yield from match_flaws(http, inside)
        for number, query in enumerate(http.query_param):
            forms = (query.present, query.exact, query.regex)
            yield from one_form(query.name, forms, "Present, Exact and Regex", place(f"{inside}.QueryParam", number))
        yield from repeated_methods(http.methods, inside)
    destination = route.destination
    has_path = http is not None and bool(http.path_exact or http.path_prefix)
    if destination is None:
        return
    if destination.prefix_rewrite and not has_path:
        reason = "needs a PathExact or PathPrefix in the route's match, for that is what it replaces"
        yield Flaw(f"{where}.Destination.PrefixRewrite", reason)
    if seconds(destination.request_timeout) < 0:
        yield Flaw(f"{where}.Destination.RequestTimeout", f"is {destination.request_timeout}, and must not be negative")
    if destination.num_retries < 0:
        yield Flaw(f"{where}.Destination.NumRetries", f"is {destination.num_retries}, and must not be negative")
    yield from _destination_flaws(destination, f"{where}.Destination")


def _destination_flaws(destination: RouteDestination, where: str) -> Iterator[Flaw]:
    for condition in destination.retry_on:
        if condition not in RETRY_CONDITIONS:
            yield Flaw(f"{where}.RetryOn", f"names {condition!r}: choose among {', '.join(RETRY_CONDITIONS)}")
    if seconds(destination.idle_timeout) < 0:
        yield Flaw(f"{where}.IdleTimeout", f"is {destination.idle_timeout}, and must not be negative")
    yield from _header_flaws(destination.request_headers, destination.response_headers, where)
    for name, part in (("Fault", destination.fault), ("Mirror", destination.mirror)):
        if part is not None:
            yield from part.flaws(f"{where}.{name}")


def _header_flaws(request: HeaderModifiers | None, response: HeaderModifiers | None, where: str) -> Iterator[Flaw]:
    for name, headers in (("RequestHeaders", request), ("ResponseHeaders", response)):
        if headers is not None:
            yield from headers.flaws(f"{where}.{name}")


class Split(Part, frozen=True, kw_only=True):
    """A share of the requests, in percent, and where it goes. Empty is the splitter's own service."""

    weight: int | float
    service: str = ""
    service_subset: str = ""
    namespace: str = ""
    request_headers: HeaderModifiers | None = None
    response_headers: HeaderModifiers | None = None

    @property
    def changes_headers(self) -> bool:
        """Whether its requests or their answers get other headers."""
        return self.request_headers is not None or self.response_headers is not None


class Splitter(Entry, frozen=True, kw_only=True):
    """Shares out the requests to a service among services and subsets, by weight."""

    kind: ClassVar[str] = "service-splitter"

    splits: list[Split]

    def normal(self) -> Splitter:
        """With weights in the steps that are kept."""
        splits = [msgspec.structs.replace(one, weight=normal_weight(one.weight)) for one in self.splits]
        return msgspec.structs.replace(self, splits=splits)

    def flaws(self) -> Iterator[Flaw]:
        """Weights make a whole, and no destination comes twice."""
        yield from super().flaws()
        if not self.splits:
            yield Flaw("Splits", "is empty: name at least one destination, with weights that sum to 100")
            return
        for number, split in enumerate(self.splits):
            if not 0 <= split.weight <= WEIGHT_WHOLE:
                yield Flaw(f"{place('Splits', number)}.Weight", f"is {split.weight:g}, and must be 0 to 100")
            yield from _header_flaws(split.request_headers, split.response_headers, place("Splits", number))
        total = sum(Decimal(str(one.weight)) for one in self.splits)
        if total != WEIGHT_WHOLE:
            yield Flaw("Splits", f"the weights sum to {total:f}, and must sum to 100")
        seen: set[tuple[str, str, str]] = set()
        for number, split in enumerate(self.splits):
            key = (split.service or self.name, split.service_subset, split.namespace)
            if key in seen:
                to = f"service {key[0]!r}" + (f", subset {key[1]!r}" if key[1] else "")
                yield Flaw(place("Splits", number), f"{to} has a share already: add this weight to that one")
            seen.add(key)


class Subset(Part, frozen=True, kw_only=True):
    """Some instances of a service: those that match `filter`, and with `only_passing` have no warning."""

    filter: str = ""
    only_passing: bool = False


class ResolverRedirect(Part, frozen=True, kw_only=True):
    """Whose instances stand for the service's."""

    service: str = ""
    service_subset: str = ""
    namespace: str = ""
    datacenter: str = ""


class FailoverTarget(Part, frozen=True, kw_only=True):
    """One of several whose instances serve in turn; what is empty is the service's own."""

    service: str = ""
    service_subset: str = ""
    namespace: str = ""
    datacenter: str = ""


class ResolverFailover(Part, frozen=True, kw_only=True):
    """Whose instances serve when none of the service's is healthy; datacenters, or `targets`, are tried in order."""

    service: str = ""
    service_subset: str = ""
    namespace: str = ""
    datacenters: tuple[str, ...] = ()
    targets: tuple[FailoverTarget, ...] = ()

    def ordered(self) -> tuple[FailoverTarget, ...]:
        """Whom to try, whichever way it was written."""
        if self.targets:
            return self.targets
        return tuple(
            FailoverTarget(
                service=self.service, service_subset=self.service_subset, namespace=self.namespace, datacenter=one
            )
            for one in self.datacenters or ("",)
        )


class Resolver(Entry, frozen=True, kw_only=True):
    """Which instances a service's name stands for. `failover` is by subset, `*` for the others."""

    kind: ClassVar[str] = "service-resolver"

    default_subset: str = ""
    subsets: dict[str, Subset] | None = None
    redirect: ResolverRedirect | None = None
    failover: dict[str, ResolverFailover] | None = None
    connect_timeout: Duration = ""
    request_timeout: Duration = ""
    load_balancer: LoadBalancer | None = None

    def is_default(self) -> bool:
        """Whether it says nothing that would hold without it as well."""
        return not (
            self.default_subset
            or self.subsets
            or self.redirect is not None
            or self.failover
            or seconds(self.connect_timeout)
            or seconds(self.request_timeout)
            or self.load_balancer is not None
        )

    def has_subset(self, name: str) -> bool:
        """Whether `name` is a subset; the empty name is the whole."""
        return not name or name in (self.subsets or {})

    def normal(self) -> Resolver:
        """Without what says nothing: a timeout of 0, no subsets, no failover."""
        timeout = self.connect_timeout if seconds(self.connect_timeout) else ""
        return msgspec.structs.replace(
            self, connect_timeout=timeout, subsets=self.subsets or None, failover=self.failover or None
        )

    def flaws(self) -> Iterator[Flaw]:
        """Names of subsets, and what excludes one another."""
        yield from super().flaws()
        for name in self.subsets or {}:
            if len(name) > _SUBSET_CHARS_MAX or _SUBSET_NAME.fullmatch(name) is None:
                reason = "is no name of a subset: use 1 to 63 lower case letters, digits and inner hyphens"
                yield Flaw(place("Subsets", key_place(name)), reason)
        if not self.has_subset(self.default_subset):
            yield Flaw("DefaultSubset", f"is {self.default_subset!r}, which Subsets does not define")
        if seconds(self.connect_timeout) < 0:
            yield Flaw("ConnectTimeout", f"is {self.connect_timeout}, and must not be negative")
        if seconds(self.request_timeout) < 0:
            yield Flaw("RequestTimeout", f"is {self.request_timeout}, and must not be negative")
        if self.load_balancer is not None:
            yield from self.load_balancer.flaws("LoadBalancer")
        if self.redirect is not None:
            yield from self._redirect_flaws(self.redirect)
        for name, failover in (self.failover or {}).items():
            yield from self._failover_flaws(name, failover)

    def _redirect_flaws(self, redirect: ResolverRedirect) -> Iterator[Flaw]:
        if self.failover:
            yield Flaw("Redirect", "excludes Failover: a service that stands for another one has nothing to fail")
        if not (redirect.service or redirect.service_subset or redirect.namespace or redirect.datacenter):
            yield Flaw("Redirect", "is empty: name at least a Service or a Datacenter")
        if not redirect.service:
            for name, value in (("ServiceSubset", redirect.service_subset), ("Namespace", redirect.namespace)):
                if value:
                    yield Flaw(f"Redirect.{name}", "needs Redirect.Service beside it")

    def _failover_flaws(self, name: str, failover: ResolverFailover) -> Iterator[Flaw]:
        where = place("Failover", key_place(name))
        if name != "*" and name not in (self.subsets or {}):
            yield Flaw(where, f"is for the subset {name!r}, which Subsets does not define; '*' is for all")
        others = failover.service or failover.service_subset or failover.namespace or failover.datacenters
        if failover.targets:
            yield from self._target_flaws(failover.targets, where)
            if others:
                yield Flaw(f"{where}.Targets", "excludes what else says where to go: keep one of the two")
            return
        if not others:
            yield Flaw(where, "is empty: name a Service, a ServiceSubset, Datacenters or Targets")
        own = failover.service in ("", self.name)
        if own and not self.has_subset(failover.service_subset):
            reason = f"is {failover.service_subset!r}, which Subsets does not define"
            yield Flaw(f"{where}.ServiceSubset", reason)
        for number, datacenter in enumerate(failover.datacenters):
            if not datacenter:
                yield Flaw(place(f"{where}.Datacenters", number), "is empty")

    def _target_flaws(self, targets: tuple[FailoverTarget, ...], where: str) -> Iterator[Flaw]:
        for number, target in enumerate(targets):
            here = place(f"{where}.Targets", number)
            if not (target.service or target.service_subset or target.namespace or target.datacenter):
                yield Flaw(here, "is empty: name a Service, a ServiceSubset or a Datacenter")
            if target.service in ("", self.name) and not self.has_subset(target.service_subset):
                yield Flaw(f"{here}.ServiceSubset", f"is {target.service_subset!r}, which Subsets does not define")
