"""Everything a data plane must know, in one frozen value: identity, trust, policy, listeners, endpoints.

The feed makes a new snapshot for every change; the built-in proxy and the builders of other data planes read it. What
is not known yet, or could not be understood, is None, and None never lets anybody in (architecture, decision 10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from lictor_core.errors import RequestError
from lictor_core.intentions import Rule
from lictor_core.names import ServiceId, parse_spiffe

__all__ = [
    "CONNECTIONS_MAX",
    "CONNECT_TIMEOUT_S",
    "HANDSHAKE_TIMEOUT_S",
    "LOCAL_CONNECT_TIMEOUT_S",
    "Endpoint",
    "Leaf",
    "Policy",
    "ProxySnapshot",
    "PublicListener",
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
    """The intentions with the service as destination."""

    rules: tuple[Rule, ...]


class Endpoint(NamedTuple):
    """Where one instance of an upstream accepts mTLS. `instance` names it to people."""

    host: str
    port: int
    instance: str


class UpstreamKey(NamedTuple):
    """A set of instances: a service in a datacenter, which is empty for the local one."""

    service: str
    datacenter: str


class UpstreamListener(msgspec.Struct, frozen=True, kw_only=True):
    """A local port that leads to an upstream."""

    service: str
    datacenter: str = ""
    bind_address: str = "127.0.0.1"
    bind_port: int
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    connections_max: int = CONNECTIONS_MAX

    @property
    def key(self) -> UpstreamKey:
        """The set of instances it leads to."""
        return UpstreamKey(self.service, self.datacenter)


class PublicListener(msgspec.Struct, frozen=True, kw_only=True):
    """Where the mesh reaches the service, and where the application is."""

    bind_address: str
    bind_port: int
    application_host: str
    application_port: int
    application_timeout_s: float = LOCAL_CONNECT_TIMEOUT_S
    handshake_timeout_s: float = HANDSHAKE_TIMEOUT_S
    connections_max: int = CONNECTIONS_MAX


class ProxySnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one proxy. `policy` None: none yet, or one that cannot be judged by; nobody is let in.

    `default_allow` None: not known; only an explicit rule lets anybody in.
    """

    service: str
    leaf: Leaf | None = None
    roots: TrustRoots | None = None
    policy: Policy | None = None
    default_allow: bool | None = None
    public: PublicListener | None = None
    upstreams: tuple[UpstreamListener, ...] = ()
    endpoints: Mapping[UpstreamKey, tuple[Endpoint, ...]] = {}

    def has_identity(self) -> bool:
        """Whether the proxy can speak TLS at all."""
        return self.leaf is not None and self.roots is not None

    def can_judge(self) -> bool:
        """Whether the public side can judge everybody."""
        return self.has_identity() and self.policy is not None and self.default_allow is not None

    def is_complete(self) -> bool:
        """Whether all is known that the listeners of this proxy need."""
        has_instances = all(upstream.key in self.endpoints for upstream in self.upstreams)
        return self.has_identity() and has_instances and (self.public is None or self.can_judge())
