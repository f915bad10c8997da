"""Kinds with the settings of one service, of all proxies, and of the mesh.

Sources: Consul's documents `docs/agent/config-entries/{service-defaults,proxy-defaults}`; `mesh` is of later versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from lictor_core.codec import check_nesting
from lictor_core.entries.base import Entry, Flaw, Part, as_json
from lictor_core.entries.traffic import AccessLogs, RateLimits, UpstreamsConfig
from lictor_core.errors import RequestError
from lictor_core.records import Expose, JsonObject, MeshGateway

__all__ = ["GLOBAL", "MESH", "TCP", "Mesh", "ProxyDefaults", "ServiceDefaults", "is_http_like", "protocol_in"]

GLOBAL: Final = "global"
"""The name of the one proxy-defaults entry."""
MESH: Final = "mesh"
EXACT_BALANCE: Final = "exact_balance"
TCP: Final = "tcp"
"""The protocol of services of which nothing else is said."""
_HTTP_LIKE: Final = frozenset({"http", "http2", "grpc"})
_TLS_VERSIONS: Final = ("", "TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3")


def is_http_like(protocol: str) -> bool:
    """Whether requests of this protocol can be routed and split one by one."""
    return protocol.lower() in _HTTP_LIKE


def protocol_in(config: JsonObject | None) -> str:
    """The protocol that an opaque proxy configuration names; empty when it names none."""
    value = (config or {}).get("protocol")
    return value.lower() if isinstance(value, str) else ""


class ServiceDefaults(Entry, frozen=True, kw_only=True):
    """What holds for a service wherever it runs; `external_sni` is the TLS server name of one outside the mesh."""

    kind: ClassVar[str] = "service-defaults"

    protocol: str
    mesh_gateway: MeshGateway
    expose: Expose
    external_sni: str = msgspec.field(default="", name="ExternalSNI")
    upstream_config: UpstreamsConfig | None = None
    max_inbound_connections: int = 0
    local_connect_timeout_ms: int = 0
    local_request_timeout_ms: int = 0
    balance_inbound_connections: str = ""
    rate_limits: RateLimits | None = None

    def normal(self) -> ServiceDefaults:
        """With the protocol in lower case."""
        return msgspec.structs.replace(self, protocol=self.protocol.lower())

    def flaws(self) -> Iterator[Flaw]:
        """Numbers that count something, and what the parts forbid."""
        yield from super().flaws()
        numbers = {
            "MaxInboundConnections": self.max_inbound_connections,
            "LocalConnectTimeoutMs": self.local_connect_timeout_ms,
            "LocalRequestTimeoutMs": self.local_request_timeout_ms,
        }
        for name, number in numbers.items():
            if number < 0:
                yield Flaw(name, f"is {number}, and must not be negative")
        if self.balance_inbound_connections not in ("", EXACT_BALANCE):
            shown = self.balance_inbound_connections
            yield Flaw("BalanceInboundConnections", f"is {shown!r}, and must be {EXACT_BALANCE!r} or empty")
        if self.upstream_config is not None:
            yield from self.upstream_config.flaws("UpstreamConfig")
        if self.rate_limits is not None:
            yield from self.rate_limits.flaws("RateLimits")

    def proxy_config(self) -> JsonObject:
        """What it says of the service's own proxies, by the keys that their opaque configuration has."""
        said: JsonObject = {
            "protocol": self.protocol,
            "max_inbound_connections": self.max_inbound_connections,
            "local_connect_timeout_ms": self.local_connect_timeout_ms,
            "local_request_timeout_ms": self.local_request_timeout_ms,
            "balance_inbound_connections": self.balance_inbound_connections,
            "rate_limits": None if self.rate_limits is None else as_json(self.rate_limits),
        }
        return {key: value for key, value in said.items() if value}


class ProxyDefaults(Entry, frozen=True, kw_only=True):
    """What holds for every proxy of the datacenter, unless its service or itself says otherwise."""

    kind: ClassVar[str] = "proxy-defaults"
    only_name: ClassVar[str] = GLOBAL

    config: JsonObject | None
    mesh_gateway: MeshGateway
    expose: Expose
    access_logs: AccessLogs | None = None

    def normal(self) -> ProxyDefaults:
        """With the only name there is, whatever was written, as Consul does it."""
        return msgspec.structs.replace(self, name=GLOBAL)

    def flaws(self) -> Iterator[Flaw]:
        """Opaque configuration may not nest without bound."""
        yield from super().flaws()
        try:
            check_nesting(self.config, "Config")
        except RequestError as error:
            yield Flaw("Config", str(error))
        if self.access_logs is not None:
            yield from self.access_logs.flaws("AccessLogs")

    def proxy_config(self) -> JsonObject | None:
        """What it says of all proxies, by the keys that their opaque configuration has."""
        if self.access_logs is None or not self.access_logs.enabled:
            return self.config
        return {**(self.config or {}), "access_logs": as_json(self.access_logs)}


class TransparentProxy(Part, frozen=True, kw_only=True):
    """Whether transparent proxies let connections pass that lead out of the mesh."""

    mesh_destinations_only: bool = False


class MeshTLSDirection(Part, frozen=True, kw_only=True):
    """TLS of connections in one direction; what is empty is left to the proxy."""

    tls_min_version: str = msgspec.field(default="", name="TLSMinVersion")
    tls_max_version: str = msgspec.field(default="", name="TLSMaxVersion")
    cipher_suites: tuple[str, ...] = ()


class MeshTLS(Part, frozen=True, kw_only=True):
    """TLS between proxies."""

    incoming: MeshTLSDirection | None = None
    outgoing: MeshTLSDirection | None = None


class MeshHTTP(Part, frozen=True, kw_only=True):
    """What proxies do with HTTP headers."""

    sanitize_x_forwarded_client_cert: bool = False


class Mesh(Entry, frozen=True, kw_only=True):
    """What holds for the whole mesh."""

    kind: ClassVar[str] = "mesh"
    only_name: ClassVar[str] = MESH

    transparent_proxy: TransparentProxy = TransparentProxy()
    tls: MeshTLS | None = msgspec.field(default=None, name="TLS")
    http: MeshHTTP | None = msgspec.field(default=None, name="HTTP")

    def normal(self) -> Mesh:
        """With the only name there is, whatever was written."""
        return msgspec.structs.replace(self, name=MESH)

    def flaws(self) -> Iterator[Flaw]:
        """Versions of TLS must be known, and in order."""
        yield from super().flaws()
        if self.tls is None:
            return
        for side, one in (("Incoming", self.tls.incoming), ("Outgoing", self.tls.outgoing)):
            if one is None:
                continue
            versions = {"TLSMinVersion": one.tls_min_version, "TLSMaxVersion": one.tls_max_version}
            unknown = {name: version for name, version in versions.items() if version not in _TLS_VERSIONS}
            for name, version in unknown.items():
                known = ", ".join(_TLS_VERSIONS[1:])
                yield Flaw(f"TLS.{side}.{name}", f"is {version!r}: choose one of {known}")
            low, high = (one.tls_min_version, one.tls_max_version)
            if unknown or min(map(_TLS_VERSIONS.index, (low, high))) < _FIRST_NUMBERED:
                continue
            if _TLS_VERSIONS.index(low) > _TLS_VERSIONS.index(high):
                yield Flaw(f"TLS.{side}.TLSMinVersion", f"is {low}, which is above TLSMaxVersion {high}")


_FIRST_NUMBERED: Final = _TLS_VERSIONS.index("TLSv1_0")
