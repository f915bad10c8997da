"""Everything a data plane must know, in one frozen value: identity, trust, policy, listeners, endpoints.

The feed makes a new snapshot for every change; the built-in proxy and the builders of other data planes read it. What
is not known yet, or could not be understood, is None, and None never lets anybody in (architecture, decision 10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from lictor_core.entries.chains import Chain
from lictor_core.entries.traffic import HeaderModifiers
from lictor_core.errors import RequestError
from lictor_core.intentions import Rule
from lictor_core.names import ServiceId, parse_spiffe
from lictor_core.records import JsonObject, ServiceKind

__all__ = [
    "CONNECTIONS_MAX",
    "CONNECT_TIMEOUT_S",
    "HANDSHAKE_TIMEOUT_S",
    "LOCAL_CONNECT_TIMEOUT_S",
    "BindAddress",
    "Endpoint",
    "ExposedPath",
    "IngressListener",
    "IngressService",
    "Leaf",
    "Limits",
    "MeshGatewayServices",
    "PassiveHealth",
    "Policy",
    "ProxySnapshot",
    "PublicListener",
    "QueryResult",
    "TerminatedService",
    "TrustRoots",
    "UpstreamKey",
    "UpstreamListener",
]

CONNECTIONS_MAX: Final = 8192
"""Live connections of one listener; more wait in the kernel's backlog."""
CONNECT_TIMEOUT_S: Final = 10.0
"""Until a connection to an upstream instance stands, TLS included; Consul's default of `connect_timeout_ms`."""
HANDSHAKE_TIMEOUT_S: Final = 10.0
"""Until an incoming handshake is done; Consul's default of `handshake_timeout_ms`."""
LOCAL_CONNECT_TIMEOUT_S: Final = 1.0
"""Until the application has accepted; Consul's default of `local_connect_timeout_ms`."""


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate of the service with its private key, both PEM; intermediates follow the certificate."""

    certificate_pem: str
    private_key_pem: str
    uri: str
    serial: str
    valid_before: str

    def __repr__(self) -> str:
        # The key must not reach a log or a traceback.
        return f"Leaf(uri={self.uri!r}, serial={self.serial!r}, valid_before={self.valid_before!r})"

    def identity(self) -> ServiceId | None:
        """The service that this leaf speaks for; None when its URI is none of a service."""
        try:
            identity = parse_spiffe(self.uri)
        except RequestError:
            return None
        return identity if isinstance(identity, ServiceId) else None


class TrustRoots(msgspec.Struct, frozen=True, kw_only=True):
    """The CA certificates (PEM) that a peer must chain to, and the trust domain it must be of."""

    trust_domain: str
    pems: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The intentions with the service as destination, as they were at the registry's `index`; 0 where it told none."""

    rules: tuple[Rule, ...]
    index: int = 0


class Endpoint(NamedTuple):
    """Where one instance of an upstream accepts mTLS. `instance` names it to people.

    `weight` is its share among the instances, that of its warnings while a check warns; below 1 it gets nothing. One
    that is not `healthy` is known and not to be used. `service` is who it must prove to be, where the upstream does not
    say: a prepared query finds instances of a service that it names itself.
    """

    host: str
    port: int
    instance: str
    weight: int = 1
    healthy: bool = True
    service: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What may go on at a time towards an upstream, Consul's `limits`; None is left to the data plane.

    Requests are those of HTTP; a proxy for connections counts connections alone.
    """

    max_connections: int | None = None
    max_pending_requests: int | None = None
    max_concurrent_requests: int | None = None


class PassiveHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Consul's `passive_health_check`: so many failures in a row put an instance aside, looked at every interval.

    The others are of later Consul: for how long at first, how many instances of a hundred at a time, and how many of a
    hundred that have failed so often are put aside at all. None is left to the data plane.
    """

    interval_s: float | None = None
    failures_max: int | None = None
    ejection_s: float | None = None
    ejected_percent_max: int | None = None
    enforced_percent: int | None = None


class QueryResult(NamedTuple):
    """Whose instances a prepared query found: who is reached must prove to be that service of that datacenter."""

    service: str
    datacenter: str


class UpstreamKey(NamedTuple):
    """What leads to a set of instances: a service in a datacenter, which is empty for the local one, or a query.

    The last three are what the asker demands in place of what entries say: two upstreams to one service with other
    demands have two chains.
    """

    service: str
    datacenter: str = ""
    is_query: bool = False
    protocol: str = ""
    connect_timeout: str = ""
    mesh_gateway: str = ""


class UpstreamListener(msgspec.Struct, frozen=True, kw_only=True):
    """A local port, or with `socket_path` a Unix socket of mode `socket_mode`, that leads to an upstream.

    `service` is the name of a prepared query where `is_query` says so. `config_json` is the whole of what the
    registration and the cluster say of this upstream in Consul's opaque keys; text, so that listeners can be compared.
    """

    service: str
    datacenter: str = ""
    is_query: bool = False
    bind_address: str = "127.0.0.1"
    bind_port: int = 0
    socket_path: str = ""
    socket_mode: int = 0o600
    protocol: str = ""
    mesh_gateway: str = ""
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    demanded_connect_timeout: str = ""
    connections_max: int = CONNECTIONS_MAX
    limits: Limits = Limits()
    passive_health: PassiveHealth | None = None
    config_json: str = "{}"

    @property
    def key(self) -> UpstreamKey:
        """What it leads to."""
        return UpstreamKey(
            self.service,
            self.datacenter,
            self.is_query,
            self.protocol,
            self.demanded_connect_timeout,
            self.mesh_gateway,
        )


class PublicListener(msgspec.Struct, frozen=True, kw_only=True):
    """Where the mesh reaches the service, and where the application is: a port, or a Unix socket `application_path`."""

    bind_address: str
    bind_port: int
    application_host: str
    application_port: int
    application_path: str = ""
    application_timeout_s: float = LOCAL_CONNECT_TIMEOUT_S
    handshake_timeout_s: float = HANDSHAKE_TIMEOUT_S
    connections_max: int = CONNECTIONS_MAX
    protocol: str = ""


class ExposedPath(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP path that is served without mTLS on a port of its own, as checks from outside the mesh need it.

    `protocol` is `http` or `http2`. With `from_check` only the agent may come.
    """

    path: str
    listener_port: int
    application_port: int
    protocol: str = "http"
    from_check: bool = False


class BindAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One address of a gateway; `name` tells it from the others in the names of listeners."""

    name: str
    address: str
    port: int


class IngressService(msgspec.Struct, frozen=True, kw_only=True):
    """A service behind a listener of an ingress gateway, and the hosts that requests for it name.

    Headers of requests to it and of its answers are changed as said.
    """

    upstream: UpstreamListener
    hosts: tuple[str, ...] = ()
    request_headers: HeaderModifiers | None = None
    response_headers: HeaderModifiers | None = None


class IngressListener(msgspec.Struct, frozen=True, kw_only=True):
    """A port that an ingress gateway opens. With `tls` it shows the gateway's leaf."""

    bind_address: str
    port: int
    protocol: str
    services: tuple[IngressService, ...]
    tls: bool = False
    hosts: tuple[str, ...] = ()


class TerminatedService(msgspec.Struct, frozen=True, kw_only=True):
    """A service outside the mesh that a terminating gateway speaks for: its identity, its rules, how it is reached.

    `chain` holds its subsets; their instances are those of the snapshot, by the ids of targets. Files are those of the
    gateway's host.
    """

    service: str
    leaf: Leaf | None = None
    policy: Policy | None = None
    chain: Chain | None = None
    protocol: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    sni: str = ""


class MeshGatewayServices(msgspec.Struct, frozen=True, kw_only=True):
    """What a mesh gateway passes on, by the TLS server name that is asked for: services here, gateways elsewhere."""

    services: Mapping[str, tuple[Endpoint, ...]] = {}
    datacenters: Mapping[str, tuple[Endpoint, ...]] = {}


class ProxySnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one proxy. `policy` None: none yet, or one that cannot be judged by; nobody is let in.

    `default_allow` None: not known; only an explicit rule lets anybody in.
    `config` is the merged opaque configuration of the proxy, Consul's keys. `chains` are the discovery chains of
    upstreams; `instances` goes by the ids of their targets and says where to dial, gateways where a target is reached
    by them. An upstream of an agent that knows no chains, and one that is a prepared query, has `endpoints` instead; so
    has one whose chain is a single target without failover, for data planes that look no further, its usable instances
    alone. `queried` says whose instances those of a prepared query are.
    `jwt_providers` are the config entries of the kind by name, in their JSON form.
    `revoked_since` changes when live connections are to be ended whose source is denied now, where the data plane
    cannot tell which they are (`xds.revoking`).
    Which of the last fields are filled depends on `kind`; `knows_behind` says of a gateway that its services are known.
    """

    service: str
    leaf: Leaf | None = None
    roots: TrustRoots | None = None
    policy: Policy | None = None
    default_allow: bool | None = None
    public: PublicListener | None = None
    upstreams: tuple[UpstreamListener, ...] = ()
    endpoints: Mapping[UpstreamKey, tuple[Endpoint, ...]] = {}
    queried: Mapping[UpstreamKey, QueryResult] = {}
    chains: Mapping[UpstreamKey, Chain] = {}
    instances: Mapping[str, tuple[Endpoint, ...]] = {}
    proxy_id: str = ""
    kind: ServiceKind = ServiceKind.CONNECT_PROXY
    datacenter: str = ""
    config: JsonObject = {}
    exposed: tuple[ExposedPath, ...] = ()
    jwt_providers: Mapping[str, JsonObject] = {}
    bind_addresses: tuple[BindAddress, ...] = ()
    ingress: tuple[IngressListener, ...] = ()
    terminated: tuple[TerminatedService, ...] = ()
    mesh: MeshGatewayServices | None = None
    knows_behind: bool = False
    revoked_since: str = ""

    def has_identity(self) -> bool:
        """Whether the proxy can speak TLS at all."""
        return self.leaf is not None and self.roots is not None

    def can_judge(self) -> bool:
        """Whether the public side can judge everybody."""
        return self.has_identity() and self.policy is not None and self.default_allow is not None

    def is_complete(self) -> bool:
        """Whether all is known that the listeners of this proxy need."""
        match self.kind:
            case ServiceKind.MESH_GATEWAY:
                return self.roots is not None and self.mesh is not None
            case ServiceKind.TERMINATING_GATEWAY:
                return self.roots is not None and self.knows_behind and all(map(_is_whole, self.terminated))
            case ServiceKind.INGRESS_GATEWAY:
                behind = (one.upstream.key for listener in self.ingress for one in listener.services)
                return self.has_identity() and self.knows_behind and all(map(self.knows, behind))
            case _:
                has_instances = all(self.knows(upstream.key) for upstream in self.upstreams)
                return self.has_identity() and has_instances and (self.public is None or self.can_judge())

    def knows(self, key: UpstreamKey) -> bool:
        """Whether it is known where an upstream leads: instances, be it none, of everything that its chain needs."""
        chain = self.chains.get(key)
        if chain is None:
            return key in self.endpoints
        return all(target in self.instances for target in chain.targets)


def _is_whole(one: TerminatedService) -> bool:
    return one.leaf is not None and one.policy is not None and one.chain is not None
