"""What `/v1/agent/service/<id>` says of a proxy or a gateway, with the cluster's settings in it. Pure.

All that is wrong raises `UnusableAnswerError` with the name of the key, and nothing is served by half. Sources:
Consul's documents `api-docs/agent/service`, `docs/connect/registration/service-registration`,
`docs/connect/proxies/{built-in,envoy}`; sockets in place of ports are of its later versions.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from lictor_connect_proxy.feed.opaque import Opaque, UnusableAnswerError
from lictor_connect_proxy.snapshot import (
    CONNECT_TIMEOUT_S,
    CONNECTIONS_MAX,
    HANDSHAKE_TIMEOUT_S,
    LOCAL_CONNECT_TIMEOUT_S,
    BindAddress,
    ExposedPath,
    Limits,
    PassiveHealth,
    PublicListener,
    UpstreamListener,
)
from lictor_core.codec import from_json, to_json
from lictor_core.durations import format_duration
from lictor_core.errors import RequestError
from lictor_core.limits import PORT_MAX
from lictor_core.records import JsonObject, ServiceKind

__all__ = ["UPSTREAMS_MAX", "Registration", "registration_in", "sidecars_in"]

T = TypeVar("T")

UPSTREAMS_MAX: Final = 1024
_EXPOSED_MAX: Final = 1024
_ANY_ADDRESS: Final = "0.0.0.0"
_LOOPBACK: Final = "127.0.0.1"
_GATEWAYS: Final = (ServiceKind.MESH_GATEWAY, ServiceKind.TERMINATING_GATEWAY, ServiceKind.INGRESS_GATEWAY)
_KINDS: Final = {kind.value: kind for kind in (ServiceKind.CONNECT_PROXY, *_GATEWAYS)}
_QUERY: Final = "prepared_query"
_MODES: Final = ("", "none", "local", "remote")
_OCTAL: Final = re.compile(r"(?:0o?)?[0-7]{1,4}")


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy or a gateway as it is registered. `service` is whom it speaks for: a gateway for itself.

    `exposes_checks` is for the agent: which checks it looks at through the proxy.
    """

    proxy_id: str = ""
    kind: ServiceKind = ServiceKind.CONNECT_PROXY
    service: str
    public: PublicListener | None = None
    upstreams: tuple[UpstreamListener, ...] = ()
    exposed: tuple[ExposedPath, ...] = ()
    exposes_checks: bool = False
    config: JsonObject = {}
    bind_addresses: tuple[BindAddress, ...] = ()


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    """Base: Consul's keys; those that are not named do not matter."""


class _Mode(_Answer, frozen=True):
    mode: str = ""


class _Path(_Answer, frozen=True):
    path: str = ""
    listener_port: int = 0
    local_path_port: int = 0
    protocol: str = ""
    parsed_from_check: bool = False


class _Expose(_Answer, frozen=True):
    checks: bool = False
    paths: list[_Path] | None = None


class _Upstream(_Answer, frozen=True):
    destination_name: str
    local_bind_port: int = 0
    destination_type: str = ""
    datacenter: str = ""
    local_bind_address: str = ""
    local_bind_socket_path: str = ""
    local_bind_socket_mode: str = ""
    config: JsonObject | None = None
    mesh_gateway: _Mode = _Mode()


class _Proxy(_Answer, frozen=True):
    destination_service_name: str = ""
    destination_service_id: str = msgspec.field(name="DestinationServiceID", default="")
    local_service_address: str = ""
    local_service_port: int = 0
    local_service_socket_path: str = ""
    config: JsonObject | None = None
    upstreams: list[_Upstream] | None = None
    mesh_gateway: _Mode = _Mode()
    expose: _Expose = _Expose()


class _TaggedAddress(_Answer, frozen=True):
    address: str = ""
    port: int = 0


class _ProxyService(_Answer, frozen=True):
    kind: str
    id: str = msgspec.field(name="ID", default="")
    service: str = ""
    address: str = ""
    port: int = 0
    proxy: _Proxy = _Proxy()
    tagged_addresses: dict[str, _TaggedAddress] | None = None


class _SidecarOf(_Answer, frozen=True):
    destination_service_id: str = msgspec.field(name="DestinationServiceID", default="")


class _AnyService(_Answer, frozen=True):
    id: str = msgspec.field(name="ID")
    kind: str = ""
    proxy: _SidecarOf | None = None


def registration_in(body: bytes) -> Registration:
    """The proxy or gateway of `/v1/agent/service/<id>`. Raises `UnusableAnswerError`."""
    found = _read(body, _ProxyService, "proxy registration")
    kind = _KINDS.get(found.kind)
    if kind is None:
        raise UnusableAnswerError(
            f"the registered service is of kind {found.kind!r}, and must be one of {', '.join(_KINDS)}: name a proxy"
        )
    config = Opaque(found.proxy.config, "proxy.config")
    if kind is not ServiceKind.CONNECT_PROXY:
        return Registration(
            proxy_id=found.id,
            kind=kind,
            service=found.service,
            config=config.values,
            bind_addresses=_bind_addresses(found, config),
        )
    if not found.proxy.destination_service_name:
        raise UnusableAnswerError("proxy.destination_service_name is empty: name the service behind the proxy")
    upstreams = found.proxy.upstreams or []
    if len(upstreams) > UPSTREAMS_MAX:
        raise UnusableAnswerError(f"the proxy has {len(upstreams)} upstreams; at most {UPSTREAMS_MAX} are served")
    return Registration(
        proxy_id=found.id,
        service=found.proxy.destination_service_name,
        public=_public(found, config),
        upstreams=tuple(_upstream(one, found.proxy.mesh_gateway.mode) for one in upstreams),
        exposed=_exposed(found.proxy),
        exposes_checks=found.proxy.expose.checks,
        config=config.values,
    )


def sidecars_in(body: bytes, service_id: str) -> list[str]:
    """The ids in `/v1/agent/services` of proxies that are sidecars for the instance `service_id`, sorted."""
    services = _read(body, dict[str, _AnyService], "services")
    return sorted(
        one.id
        for one in services.values()
        if one.kind == "connect-proxy" and one.proxy is not None and one.proxy.destination_service_id == service_id
    )


def _public(found: _ProxyService, config: Opaque) -> PublicListener | None:
    port = config.whole("bind_port") or found.port
    if not port:
        return None
    path = found.proxy.local_service_socket_path
    host, application_port = found.proxy.local_service_address or _LOOPBACK, found.proxy.local_service_port
    address = config.text("local_service_address")
    if address:
        host, separator, text = address.rpartition(":")
        if not separator or not text.isascii() or not text.isdecimal():
            raise UnusableAnswerError(
                f"proxy.config.local_service_address is {address!r}, and must be host:port: correct the registration"
            )
        host, application_port = host.strip("[]") or _LOOPBACK, int(text)
    return PublicListener(
        bind_address=config.text("bind_address") or found.address or _ANY_ADDRESS,
        bind_port=_port(port, "port"),
        application_host=host,
        application_port=0 if path else _port(application_port, "local_service_port"),
        application_path=path,
        application_timeout_s=config.milliseconds("local_connect_timeout_ms") or LOCAL_CONNECT_TIMEOUT_S,
        handshake_timeout_s=config.milliseconds("handshake_timeout_ms") or HANDSHAKE_TIMEOUT_S,
        connections_max=config.whole("max_inbound_connections") or CONNECTIONS_MAX,
        protocol=config.text("protocol").lower(),
    )


def _upstream(one: _Upstream, common_mode: str) -> UpstreamListener:
    if one.destination_type not in ("", "service", _QUERY):
        raise UnusableAnswerError(
            f"upstream {one.destination_name} has the destination_type {one.destination_type!r}, and must have "
            f"service or {_QUERY}: correct the registration"
        )
    place = f"config of upstream {one.destination_name}"
    config = Opaque(one.config, place)
    limits = config.inner("limits")
    connections = limits.whole("max_connections")
    mode = one.mesh_gateway.mode or config.inner("mesh_gateway").text("mode") or common_mode
    if mode not in _MODES:
        raise UnusableAnswerError(
            f"mesh_gateway.mode of upstream {one.destination_name} is {mode!r}, and must be none, local or remote"
        )
    timeout_s = config.milliseconds("connect_timeout_ms")
    path = one.local_bind_socket_path
    return UpstreamListener(
        service=one.destination_name,
        datacenter=one.datacenter,
        is_query=one.destination_type == _QUERY,
        bind_address="" if path else one.local_bind_address or _LOOPBACK,
        bind_port=0 if path else _port(one.local_bind_port, f"local_bind_port of upstream {one.destination_name}"),
        socket_path=path,
        socket_mode=_socket_mode(one),
        protocol=config.text("protocol").lower(),
        mesh_gateway=mode,
        connect_timeout_s=timeout_s or CONNECT_TIMEOUT_S,
        demanded_connect_timeout=format_duration(timeout_s) if timeout_s else "",
        connections_max=connections or CONNECTIONS_MAX,
        limits=Limits(
            max_connections=connections,
            max_pending_requests=limits.whole("max_pending_requests"),
            max_concurrent_requests=limits.whole("max_concurrent_requests"),
        ),
        passive_health=_passive_health(config),
        config_json=to_json(config.values).decode(),
    )


def _passive_health(config: Opaque) -> PassiveHealth | None:
    if not config.values.get("passive_health_check"):
        return None
    passive = config.inner("passive_health_check")
    return PassiveHealth(
        interval_s=passive.duration("interval"),
        failures_max=passive.whole("max_failures") or None,
        ejection_s=passive.duration("base_ejection_time"),
        ejected_percent_max=passive.whole("max_ejection_percent"),
        enforced_percent=passive.whole("enforcing_consecutive_5xx"),
    )


def _socket_mode(one: _Upstream) -> int:
    text = one.local_bind_socket_mode
    if not text:
        return 0o600
    if _OCTAL.fullmatch(text) is None or int(text.removeprefix("0o"), 8) > 0o777:
        raise UnusableAnswerError(
            f"local_bind_socket_mode of upstream {one.destination_name} is {text!r}, and must be octal digits such as "
            "0600: correct the registration"
        )
    return int(text.removeprefix("0o"), 8)


def _exposed(proxy: _Proxy) -> tuple[ExposedPath, ...]:
    paths = proxy.expose.paths or []
    if len(paths) > _EXPOSED_MAX:
        raise UnusableAnswerError(f"the proxy exposes {len(paths)} paths; at most {_EXPOSED_MAX} are served")
    return tuple(
        ExposedPath(
            path=one.path,
            listener_port=_port(one.listener_port, f"expose: listener_port of {one.path}"),
            application_port=_port(one.local_path_port, f"expose: local_path_port of {one.path}"),
            protocol=one.protocol or "http",
            from_check=one.parsed_from_check,
        )
        for one in paths
    )


def _bind_addresses(found: _ProxyService, config: Opaque) -> tuple[BindAddress, ...]:
    """Where a gateway listens: its own address, those that are tagged where it says so, those that it names."""
    bound: list[BindAddress] = []
    if not _truth(config, "envoy_gateway_no_default_bind"):
        bound.append(BindAddress(name="default", address=found.address or _ANY_ADDRESS, port=found.port))
    if _truth(config, "envoy_gateway_bind_tagged_addresses"):
        bound += [
            BindAddress(name=name, address=one.address, port=one.port)
            for name, one in sorted((found.tagged_addresses or {}).items())
        ]
    named = config.inner("envoy_gateway_bind_addresses")
    for name in sorted(named.values):
        one = named.inner(name)
        port = one.whole("port") or one.whole("Port") or found.port
        bound.append(BindAddress(name=name, address=one.text("address") or one.text("Address"), port=port))
    return tuple(bound)


def _truth(config: Opaque, key: str) -> bool:
    return config.values.get(key) in (True, "true", 1, "1")


def _port(value: int, name: str) -> int:
    if not 0 < value <= PORT_MAX:
        raise UnusableAnswerError(f"{name} {value} is not between 1 and {PORT_MAX}; correct the registration")
    return value


def _read(body: bytes, kind: type[T], what: str) -> T:
    try:
        return from_json(body, kind)
    except RequestError as error:
        raise UnusableAnswerError(f"the {what} from the agent cannot be understood: {error}") from error
