"""What entries of later Consul say of single requests and connections: headers, balancing, limits, logs.

Sources: the later documents `docs/connect/config-entries/{service-router,service-splitter,service-resolver,
service-defaults,proxy-defaults,ingress-gateway}`. `Fault` and `Mirror` are of this registry alone: Consul leaves both
to its escape hatches. All of it needs a proxy that sees requests, but for balancing by source address, by chance and
in turn, and the limits on connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from lictor_core.entries.base import Duration, Flaw, Part, place, seconds
from lictor_core.records import JsonObject, MeshGateway

__all__ = [
    "POLICIES",
    "RETRY_CONDITIONS",
    "AccessLogs",
    "CookieConfig",
    "Fault",
    "FaultAbort",
    "FaultDelay",
    "HashPolicy",
    "HeaderModifiers",
    "InstanceRate",
    "LeastRequest",
    "LoadBalancer",
    "Mirror",
    "PassiveHealthCheck",
    "RateLimits",
    "RequestRate",
    "RingHash",
    "RouteRate",
    "UpstreamLimits",
    "UpstreamSettings",
    "UpstreamsConfig",
]

POLICIES: Final = ("", "random", "round_robin", "least_request", "ring_hash", "maglev")
"""How instances may be chosen; the empty one is `round_robin`."""
RETRY_CONDITIONS: Final = (
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "envoy-ratelimited",
    "retriable-4xx",
    "refused-stream",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
)
"""What `RetryOn` may name, as Consul documents it."""
_HASHED: Final = ("header", "cookie", "query_parameter")
_RING_MAX: Final = 8_388_608
"""Envoy takes no larger ring."""
_LOG_TYPES: Final = ("", "stdout", "stderr", "file")
_STATUS_FIRST, _STATUS_LAST = 200, 599
_PERCENT_MAX: Final = 100


class HeaderModifiers(Part, frozen=True, kw_only=True):
    """Headers to add to those there are, to set in their place, and to take away."""

    add: dict[str, str] | None = None
    set: dict[str, str] | None = None
    remove: tuple[str, ...] = ()

    def flaws(self, where: str) -> Iterator[Flaw]:
        """Each header has a name, and is not both set and taken away."""
        for field, names in (("Add", self.add or ()), ("Set", self.set or ()), ("Remove", self.remove)):
            if not all(names):
                yield Flaw(f"{where}.{field}", "has an empty name of a header")
        for name in sorted({one.lower() for one in self.set or ()} & {one.lower() for one in self.remove}):
            yield Flaw(f"{where}.Remove", f"names {name!r}, which Set sets: keep one of the two")


class RingHash(Part, frozen=True, kw_only=True):
    """Sizes of the ring of `ring_hash`; 0 leaves them to the proxy."""

    minimum_ring_size: int = 0
    maximum_ring_size: int = 0


class LeastRequest(Part, frozen=True, kw_only=True):
    """Of how many instances, drawn by chance, `least_request` takes the one with the least to do; 0 is 2."""

    choice_count: int = 0


class CookieConfig(Part, frozen=True, kw_only=True):
    """The cookie that is made for a client without one, to find it again."""

    session: bool = False
    ttl: Duration = msgspec.field(default="", name="TTL")
    path: str = ""


class HashPolicy(Part, frozen=True, kw_only=True):
    """What is hashed to choose an instance. `terminal` ends the list where this one found something."""

    field: str = ""
    field_value: str = ""
    cookie_config: CookieConfig | None = None
    source_ip: bool = msgspec.field(default=False, name="SourceIP")
    terminal: bool = False

    def flaws(self, where: str) -> Iterator[Flaw]:
        """Either the address of the client or something in the request, with its name."""
        if self.source_ip:
            if self.field or self.field_value:
                yield Flaw(f"{where}.SourceIP", "excludes Field and FieldValue: keep one of the two")
            return
        if self.field not in _HASHED:
            yield Flaw(f"{where}.Field", f"is {self.field!r}: choose one of {', '.join(_HASHED)}, or set SourceIP")
        elif not self.field_value:
            yield Flaw(f"{where}.FieldValue", f"is required: name the {self.field} whose value is hashed")
        if self.cookie_config is not None:
            if self.field != "cookie":
                yield Flaw(f"{where}.CookieConfig", "is for the Field cookie alone")
            elif self.cookie_config.session and seconds(self.cookie_config.ttl):
                yield Flaw(f"{where}.CookieConfig", "has both Session and TTL: a cookie of a session has no TTL")


class LoadBalancer(Part, frozen=True, kw_only=True):
    """How one of several instances is chosen."""

    policy: str = ""
    ring_hash_config: RingHash | None = None
    least_request_config: LeastRequest | None = None
    hash_policies: tuple[HashPolicy, ...] = ()

    def flaws(self, where: str) -> Iterator[Flaw]:
        """A known policy, and beside it only what is for it."""
        if self.policy not in POLICIES:
            yield Flaw(f"{where}.Policy", f"is {self.policy!r}: choose one of {', '.join(POLICIES[1:])}")
        if self.ring_hash_config is not None:
            if self.policy != "ring_hash":
                yield Flaw(f"{where}.RingHashConfig", "is for the Policy ring_hash alone")
            low, high = self.ring_hash_config.minimum_ring_size, self.ring_hash_config.maximum_ring_size
            if not (0 <= low <= _RING_MAX and 0 <= high <= _RING_MAX) or (high and low > high):
                yield Flaw(
                    f"{where}.RingHashConfig", f"sizes must be 0 to {_RING_MAX}, the minimum not above the other"
                )
        if self.least_request_config is not None:
            if self.policy != "least_request":
                yield Flaw(f"{where}.LeastRequestConfig", "is for the Policy least_request alone")
            count = self.least_request_config.choice_count
            if count and count < 2:
                yield Flaw(f"{where}.LeastRequestConfig.ChoiceCount", f"is {count}, and must be at least 2")
        if self.hash_policies and self.policy not in ("ring_hash", "maglev"):
            yield Flaw(f"{where}.HashPolicies", "are for the Policies ring_hash and maglev alone")
        for number, one in enumerate(self.hash_policies):
            yield from one.flaws(place(f"{where}.HashPolicies", number))


class FaultDelay(Part, frozen=True, kw_only=True):
    """So many percent of the requests wait so long."""

    duration: Duration = ""
    percent: float = 100.0


class FaultAbort(Part, frozen=True, kw_only=True):
    """So many percent of the requests are answered with `status` and go no further."""

    status: int = 0
    percent: float = 100.0


class Fault(Part, frozen=True, kw_only=True):
    """Faults that requests meet on purpose, to see what becomes of their clients."""

    delay: FaultDelay | None = None
    abort: FaultAbort | None = None

    def flaws(self, where: str) -> Iterator[Flaw]:
        """Percentages, a delay that is one, a status that HTTP has."""
        if self.delay is None and self.abort is None:
            yield Flaw(where, "is empty: name a Delay or an Abort")
        if self.delay is not None:
            yield from _percent_flaws(self.delay.percent, f"{where}.Delay.Percent")
            if seconds(self.delay.duration) <= 0:
                yield Flaw(f"{where}.Delay.Duration", "is required, and must be above 0")
        if self.abort is not None:
            yield from _percent_flaws(self.abort.percent, f"{where}.Abort.Percent")
            if not _STATUS_FIRST <= self.abort.status <= _STATUS_LAST:
                known = f"{_STATUS_FIRST} to {_STATUS_LAST}"
                yield Flaw(f"{where}.Abort.Status", f"is {self.abort.status}, and must be {known}")


class Mirror(Part, frozen=True, kw_only=True):
    """So many percent of the requests go to `service` as well, whose answers nobody sees."""

    service: str = ""
    service_subset: str = ""
    percent: float = 100.0

    def flaws(self, where: str) -> Iterator[Flaw]:
        """A service and a percentage."""
        if not self.service:
            yield Flaw(f"{where}.Service", "is required: name who gets the copies")
        yield from _percent_flaws(self.percent, f"{where}.Percent")


class RequestRate(Part, frozen=True, kw_only=True):
    """Requests in a second, and at once when none came before; 0 is no limit, and as many as in a second."""

    requests_per_second: int = 0
    requests_max_burst: int = 0


class RouteRate(RequestRate, frozen=True, kw_only=True):
    """The same for the requests of one path."""

    path_exact: str = ""
    path_prefix: str = ""
    path_regex: str = ""


class InstanceRate(RequestRate, frozen=True, kw_only=True):
    """Limits of each instance, and others for some of its paths."""

    routes: tuple[RouteRate, ...] = ()


class RateLimits(Part, frozen=True, kw_only=True):
    """How many requests the proxy of an instance lets pass; the others are answered with 429."""

    instance_level: InstanceRate = InstanceRate()

    def flaws(self, where: str) -> Iterator[Flaw]:
        """No negative rates, no burst without a rate, one path a route."""
        inside = f"{where}.InstanceLevel"
        yield from _rate_flaws(self.instance_level, inside)
        for number, route in enumerate(self.instance_level.routes):
            here = place(f"{inside}.Routes", number)
            yield from _rate_flaws(route, here)
            if sum(map(bool, (route.path_exact, route.path_prefix, route.path_regex))) != 1:
                yield Flaw(here, "must have exactly one of PathExact, PathPrefix and PathRegex")


class UpstreamLimits(Part, frozen=True, kw_only=True):
    """What may go on at a time towards an upstream; None is left to the proxy."""

    max_connections: int | None = None
    max_pending_requests: int | None = None
    max_concurrent_requests: int | None = None


class PassiveHealthCheck(Part, frozen=True, kw_only=True):
    """When an instance that fails is put aside for a while."""

    interval: Duration = ""
    max_failures: int = 0
    enforcing_consecutive5xx: int | None = msgspec.field(default=None, name="EnforcingConsecutive5xx")
    max_ejection_percent: int | None = None
    base_ejection_time: Duration = ""


class UpstreamSettings(Part, frozen=True, kw_only=True):
    """What holds for connections to an upstream; `name` is empty where it is for all."""

    name: str = ""
    envoy_listener_json: str = msgspec.field(default="", name="EnvoyListenerJSON")
    envoy_cluster_json: str = msgspec.field(default="", name="EnvoyClusterJSON")
    protocol: str = ""
    connect_timeout_ms: int = 0
    mesh_gateway: MeshGateway | None = None
    limits: UpstreamLimits | None = None
    passive_health_check: PassiveHealthCheck | None = None
    balance_outbound_connections: str = ""

    def flaws(self, where: str) -> Iterator[Flaw]:
        """Numbers that count something."""
        if self.connect_timeout_ms < 0:
            yield Flaw(f"{where}.ConnectTimeoutMs", f"is {self.connect_timeout_ms}, and must not be negative")
        limits = self.limits or UpstreamLimits()
        numbers = {
            "MaxConnections": limits.max_connections,
            "MaxPendingRequests": limits.max_pending_requests,
            "MaxConcurrentRequests": limits.max_concurrent_requests,
        }
        for name, number in numbers.items():
            if number is not None and number < 0:
                yield Flaw(f"{where}.Limits.{name}", f"is {number}, and must not be negative")
        if self.passive_health_check is not None and self.passive_health_check.max_failures < 0:
            yield Flaw(f"{where}.PassiveHealthCheck.MaxFailures", "must not be negative")

    def proxy_config(self) -> JsonObject:
        """The same by the keys that opaque configuration has; what says nothing is left out."""
        limits, passive = self.limits, self.passive_health_check
        said: JsonObject = {
            "envoy_listener_json": self.envoy_listener_json,
            "envoy_cluster_json": self.envoy_cluster_json,
            "protocol": self.protocol,
            "connect_timeout_ms": self.connect_timeout_ms,
            "mesh_gateway": None if self.mesh_gateway is None else {"mode": self.mesh_gateway.mode},
            "balance_outbound_connections": self.balance_outbound_connections,
        }
        if limits is not None:
            said["limits"] = _given(
                max_connections=limits.max_connections,
                max_pending_requests=limits.max_pending_requests,
                max_concurrent_requests=limits.max_concurrent_requests,
            )
        if passive is not None:
            said["passive_health_check"] = _given(
                interval=passive.interval or None,
                max_failures=passive.max_failures or None,
                enforcing_consecutive_5xx=passive.enforcing_consecutive5xx,
                max_ejection_percent=passive.max_ejection_percent,
                base_ejection_time=passive.base_ejection_time or None,
            )
        return {key: value for key, value in said.items() if value}


class UpstreamsConfig(Part, frozen=True, kw_only=True):
    """What holds for connections of a service to its upstreams: to all, and to some of them."""

    defaults: UpstreamSettings | None = None
    overrides: tuple[UpstreamSettings, ...] = ()

    def flaws(self, where: str) -> Iterator[Flaw]:
        """Each upstream once, by its name."""
        if self.defaults is not None:
            if self.defaults.name:
                yield Flaw(f"{where}.Defaults.Name", "must be empty: the defaults are for all upstreams")
            yield from self.defaults.flaws(f"{where}.Defaults")
        seen: set[str] = set()
        for number, one in enumerate(self.overrides):
            here = place(f"{where}.Overrides", number)
            if not one.name:
                yield Flaw(f"{here}.Name", "is required: name the upstream")
            elif one.name in seen:
                yield Flaw(f"{here}.Name", f"{one.name!r} comes twice: merge the two")
            seen.add(one.name)
            yield from one.flaws(here)

    def proxy_config(self, upstream: str) -> JsonObject:
        """What holds for one upstream, by the keys that opaque configuration of upstreams has."""
        own = next((one for one in self.overrides if one.name == upstream), None)
        parts = [one.proxy_config() for one in (self.defaults, own) if one is not None]
        return {key: value for part in parts for key, value in part.items()}


class AccessLogs(Part, frozen=True, kw_only=True):
    """What proxies write of each connection and request, and where."""

    enabled: bool = False
    disable_listener_logs: bool = False
    type: str = ""
    path: str = ""
    json_format: str = msgspec.field(default="", name="JSONFormat")
    text_format: str = ""

    def flaws(self, where: str) -> Iterator[Flaw]:
        """A known type, a path for a file, one format."""
        if self.type not in _LOG_TYPES:
            yield Flaw(f"{where}.Type", f"is {self.type!r}: choose one of {', '.join(_LOG_TYPES[1:])}")
        if (self.type == "file") != bool(self.path):
            yield Flaw(f"{where}.Path", "goes with the Type file, and only with it")
        if self.json_format and self.text_format:
            yield Flaw(where, "has both JSONFormat and TextFormat: keep one")


def _given(**values: object) -> JsonObject:
    return {key: value for key, value in values.items() if value is not None}


def _percent_flaws(percent: float, where: str) -> Iterator[Flaw]:
    if not 0 <= percent <= _PERCENT_MAX:
        yield Flaw(where, f"is {percent:g}, and must be 0 to {_PERCENT_MAX}")


def _rate_flaws(rate: RequestRate, where: str) -> Iterator[Flaw]:
    if rate.requests_per_second < 0 or rate.requests_max_burst < 0:
        yield Flaw(where, "has a negative rate")
    if rate.requests_max_burst and not rate.requests_per_second:
        yield Flaw(f"{where}.RequestsMaxBurst", "needs RequestsPerSecond beside it")
