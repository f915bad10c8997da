"""What the agent's answers mean to a proxy. Pure; every function raises `UnusableAnswerError` and nothing else.

An answer that cannot be judged by is no policy: an unknown action makes the whole set unusable, so nobody is let
in by half of it. Rules on requests (`Permissions`, `JWT`) are read as what they are; who sees connections alone
cannot judge by them.
Sources: Consul's documents `api-docs/agent/{service,connect}`, `api-docs/connect/intentions`, `api-docs/health`,
`docs/connect/proxies/built-in`, `docs/connect/registration/service-registration`.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lictor_connect_proxy.snapshot import (
    CONNECT_TIMEOUT_S,
    CONNECTIONS_MAX,
    HANDSHAKE_TIMEOUT_S,
    LOCAL_CONNECT_TIMEOUT_S,
    Endpoint,
    Leaf,
    Policy,
    PublicListener,
    TrustRoots,
    UpstreamListener,
)
from lictor_core.codec import from_json
from lictor_core.errors import PeerError, RequestError
from lictor_core.intentions import Rule, precedence, stated_rule
from lictor_core.limits import PORT_MAX
from lictor_core.names import NAMESPACE
from lictor_core.records import PASSING, WARNING, IntentionAction

__all__ = [
    "Registration",
    "UnusableAnswerError",
    "default_allow_in",
    "endpoints_in",
    "leaf_in",
    "policy_in",
    "registration_in",
    "roots_in",
    "sidecars_in",
]

T = TypeVar("T")
_UPSTREAMS_MAX: Final = 1024
_ACTIONS: Final = frozenset(IntentionAction)


class UnusableAnswerError(PeerError):
    """The agent answered, and what it said cannot be used."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy as it is registered. `unsupported` names upstreams that this proxy cannot serve."""

    service: str
    public: PublicListener | None
    upstreams: tuple[UpstreamListener, ...]
    unsupported: tuple[str, ...] = ()


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    """Base: Consul's keys; those that are not named do not matter."""


class _Leaf(_Answer, frozen=True):
    serial_number: str
    certificate: str = msgspec.field(name="CertPEM")
    key: str = msgspec.field(name="PrivateKeyPEM")
    uri: str = msgspec.field(name="ServiceURI")
    valid_before: str = ""


class _Root(_Answer, frozen=True):
    root_cert: str
    intermediate_certs: list[str] | None = None


class _Roots(_Answer, frozen=True):
    trust_domain: str
    roots: list[_Root]


class _Intention(_Answer, frozen=True):
    source_name: str
    destination_name: str
    action: str
    id: str = msgspec.field(name="ID", default="")
    source_namespace: str = msgspec.field(name="SourceNS", default="")
    destination_namespace: str = msgspec.field(name="DestinationNS", default="")
    permissions: object = None
    jwt: object = msgspec.field(name="JWT", default=None)


class _Debug(_Answer, frozen=True):
    enabled: bool = msgspec.field(name="ACLsEnabled")
    default_policy: str = msgspec.field(name="ACLDefaultPolicy")


class _Self(_Answer, frozen=True):
    debug_config: _Debug


class _HealthNode(_Answer, frozen=True):
    node: str
    address: str


class _HealthService(_Answer, frozen=True):
    id: str = msgspec.field(name="ID")
    address: str = ""
    port: int = 0


class _HealthCheck(_Answer, frozen=True):
    status: str


class _Health(_Answer, frozen=True):
    node: _HealthNode
    service: _HealthService
    checks: list[_HealthCheck]


class _Limits(msgspec.Struct, frozen=True):
    max_connections: int | None = None


class _UpstreamConfig(msgspec.Struct, frozen=True):
    connect_timeout_ms: float | None = None
    limits: _Limits = _Limits()


class _Upstream(_Answer, frozen=True):
    destination_name: str
    local_bind_port: int
    destination_type: str = ""
    datacenter: str = ""
    local_bind_address: str = ""
    config: _UpstreamConfig | None = None


class _ProxyConfig(msgspec.Struct, frozen=True):
    bind_address: str = ""
    bind_port: int = 0
    local_service_address: str = ""
    local_connect_timeout_ms: float | None = None
    handshake_timeout_ms: float | None = None
    max_inbound_connections: int | None = None


class _Proxy(_Answer, frozen=True):
    destination_service_name: str
    destination_service_id: str = msgspec.field(name="DestinationServiceID", default="")
    local_service_address: str = ""
    local_service_port: int = 0
    config: _ProxyConfig | None = None
    upstreams: list[_Upstream] | None = None


class _ProxyService(_Answer, frozen=True):
    kind: str
    proxy: _Proxy
    address: str = ""
    port: int = 0


class _AnyService(_Answer, frozen=True):
    id: str = msgspec.field(name="ID")
    kind: str = ""
    proxy: _SidecarOf | None = None


class _SidecarOf(_Answer, frozen=True):
    destination_service_id: str = msgspec.field(name="DestinationServiceID", default="")


def leaf_in(body: bytes) -> Leaf:
    """The leaf of `/v1/agent/connect/ca/leaf/<service>`."""
    found = _read(body, _Leaf, "leaf certificate")
    return Leaf(
        certificate_pem=found.certificate,
        private_key_pem=found.key,
        uri=found.uri,
        serial=found.serial_number,
        valid_before=found.valid_before,
    )


def roots_in(body: bytes) -> TrustRoots:
    """The roots of `/v1/agent/connect/ca/roots`, those that are being rotated out included."""
    found = _read(body, _Roots, "CA roots")
    pems = tuple(pem for root in found.roots for pem in (root.root_cert, *(root.intermediate_certs or ())))
    if not pems or not found.trust_domain:
        raise UnusableAnswerError("the agent knows no CA roots yet; is Connect enabled on the servers?")
    return TrustRoots(trust_domain=found.trust_domain.lower(), pems=pems)


def policy_in(body: bytes, service: str) -> Policy:
    """The intentions of `/v1/connect/intentions/match?by=destination`."""
    found = _read(body, dict[str, list[_Intention] | None], "intentions")
    if service not in found:
        raise UnusableAnswerError(f"the intentions that the agent sent do not speak of {service}")
    return Policy(rules=tuple(_rule(one) for one in found[service] or ()))


def _rule(one: _Intention) -> Rule:
    if {one.source_namespace, one.destination_namespace} - {"", NAMESPACE, "*"}:
        raise UnusableAnswerError(f"the intention {one.source_name} -> {one.destination_name} is of another namespace")
    looks_at_requests = bool(one.permissions) or one.jwt is not None
    if one.action not in _ACTIONS and not looks_at_requests:
        raise UnusableAnswerError(
            f"the intention {one.source_name} -> {one.destination_name} has the action {one.action!r}, which is unknown"
        )
    rule = Rule(
        source=one.source_name,
        destination=one.destination_name,
        # One with rules on requests has no action of its own in later Consul.
        action=IntentionAction.DENY if looks_at_requests else IntentionAction(one.action),
        precedence=precedence(one.source_name, one.destination_name),
        id=one.id,
    )
    return stated_rule(rule, one.permissions, one.jwt)


def default_allow_in(body: bytes) -> bool:
    """What `/v1/agent/self` says of connections that no intention speaks of: allowed where ACLs are off."""
    found = _read(body, _Self, "configuration").debug_config
    return not found.enabled or found.default_policy == "allow"


def endpoints_in(body: bytes) -> tuple[Endpoint, ...]:
    """The instances of `/v1/health/connect/<service>` that pass or warn, in a stable order."""
    found = _read(body, list[_Health], "instances")
    return tuple(
        sorted(
            Endpoint(one.service.address or one.node.address, one.service.port, f"{one.node.node}/{one.service.id}")
            for one in found
            if all(check.status in (PASSING, WARNING) for check in one.checks)
        )
    )


def registration_in(body: bytes) -> Registration:
    """The proxy of `/v1/agent/service/<id>`. Settings under `config` have the names that Consul documents."""
    found = _read(body, _ProxyService, "proxy registration")
    if found.kind != "connect-proxy" or not found.proxy.destination_service_name:
        raise UnusableAnswerError("the registered service is not of kind connect-proxy")
    upstreams = found.proxy.upstreams or []
    if len(upstreams) > _UPSTREAMS_MAX:
        raise UnusableAnswerError(f"the proxy has {len(upstreams)} upstreams; at most {_UPSTREAMS_MAX} are served")
    served = [one for one in upstreams if one.destination_type in ("", "service")]
    return Registration(
        service=found.proxy.destination_service_name,
        public=_public(found),
        upstreams=tuple(_upstream(one) for one in served),
        unsupported=tuple(f"{one.destination_type} {one.destination_name}" for one in upstreams if one not in served),
    )


def sidecars_in(body: bytes, service_id: str) -> list[str]:
    """The ids in `/v1/agent/services` of proxies that are sidecars for the instance `service_id`, sorted."""
    found = _read(body, dict[str, _AnyService], "services")
    return sorted(
        one.id
        for one in found.values()
        if one.kind == "connect-proxy" and one.proxy is not None and one.proxy.destination_service_id == service_id
    )


def _public(found: _ProxyService) -> PublicListener | None:
    config = found.proxy.config or _ProxyConfig()
    port = config.bind_port or found.port
    if not port:
        return None
    host, application_port = found.proxy.local_service_address or "127.0.0.1", found.proxy.local_service_port
    if config.local_service_address:
        host, separator, text = config.local_service_address.rpartition(":")
        if not separator or not text.isascii() or not text.isdecimal():
            raise UnusableAnswerError(f"local_service_address {config.local_service_address!r} is not host:port")
        host, application_port = host.strip("[]") or "127.0.0.1", int(text)
    return PublicListener(
        bind_address=config.bind_address or found.address or "0.0.0.0",
        bind_port=_port(port, "port"),
        application_host=host,
        application_port=_port(application_port, "local_service_port"),
        application_timeout_s=_seconds(config.local_connect_timeout_ms, LOCAL_CONNECT_TIMEOUT_S),
        handshake_timeout_s=_seconds(config.handshake_timeout_ms, HANDSHAKE_TIMEOUT_S),
        connections_max=_count(config.max_inbound_connections),
    )


def _upstream(one: _Upstream) -> UpstreamListener:
    config = one.config or _UpstreamConfig()
    return UpstreamListener(
        service=one.destination_name,
        datacenter=one.datacenter,
        bind_address=one.local_bind_address or "127.0.0.1",
        bind_port=_port(one.local_bind_port, f"local_bind_port of upstream {one.destination_name}"),
        connect_timeout_s=_seconds(config.connect_timeout_ms, CONNECT_TIMEOUT_S),
        connections_max=_count(config.limits.max_connections),
    )


def _port(value: int, name: str) -> int:
    if not 0 < value <= PORT_MAX:
        raise UnusableAnswerError(f"{name} {value} is not between 1 and {PORT_MAX}; correct the registration")
    return value


def _seconds(ms: float | None, default_s: float) -> float:
    return ms / 1000 if ms is not None and ms > 0 else default_s


def _count(value: int | None) -> int:
    return value if value is not None and value > 0 else CONNECTIONS_MAX


def _read(body: bytes, kind: type[T], what: str) -> T:
    try:
        return from_json(body, kind)
    except RequestError as error:
        raise UnusableAnswerError(f"the {what} from the agent cannot be understood: {error}") from error
