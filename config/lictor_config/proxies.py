"""The `proxy` part of a service definition, and what each kind of instance must and must not have.

Sources: Consul's documents `docs/connect/registration`, `docs/connect/gateways`; the texts are Consul 1.8.7's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lictor_config.reading import Dialect, Reader
from lictor_core.limits import PORT_MAX
from lictor_core.records import Expose, ExposePath, MeshGateway, Proxy, ServiceKind, Upstream

__all__ = ["kind_flaws", "read_proxy"]

_DESTINATION_TYPES: Final = ("service", "prepared_query")
_EXPOSE_PROTOCOLS: Final = ("http", "http2")
_SOCKET_MODE: Final = re.compile(r"0?[0-7]{3}")


def read_proxy(reader: Reader, *, upstream_type: str = "service") -> Proxy:
    """The proxy settings in a mapping, problems noted in the reader. An upstream that says no type is `upstream_type`.

    An agent fills that in; the catalog keeps what it was given, also nothing, as Consul's does.
    """
    proxy = Proxy(
        destination_service_name=reader.text("destination_service_name"),
        destination_service_id=reader.text("destination_service_id"),
        local_service_address=reader.text("local_service_address"),
        local_service_port=reader.integer("local_service_port"),
        local_service_socket_path=reader.text("local_service_socket_path"),
        config=reader.free("config"),
        upstreams=[_read_upstream(child, upstream_type) for child in reader.children("upstreams")],
        mesh_gateway=_read_mesh_gateway(reader),
        expose=_read_expose(reader),
    )
    reader.done()
    return proxy


def kind_flaws(kind: ServiceKind, port: int, proxy: Proxy, *, native: bool) -> list[str]:
    """What the kind of an instance forbids; empty when it is sound."""
    match kind:
        case ServiceKind.CONNECT_PROXY:
            return _connect_proxy_flaws(port, proxy, native=native)
        case ServiceKind.MESH_GATEWAY | ServiceKind.TERMINATING_GATEWAY:
            return _gateway_flaws(kind, port, proxy)
        case ServiceKind.INGRESS_GATEWAY | ServiceKind.TYPICAL:
            return []


def _connect_proxy_flaws(port: int, proxy: Proxy, *, native: bool) -> list[str]:
    flaws: list[str] = []
    if not proxy.destination_service_name:
        flaws.append("Proxy.DestinationServiceName must be non-empty for Connect proxy services")
    if port == 0:
        flaws.append("Port must be set for a Connect proxy")
    if native:
        flaws.append("A Proxy cannot also be Connect Native, only typical services")
    return flaws + _upstream_flaws(proxy.upstreams) + _expose_flaws(proxy.expose.paths)


def _upstream_flaws(upstreams: Sequence[Upstream]) -> list[str]:
    flaws: list[str] = []
    destinations: set[tuple[str, str, str, str]] = set()
    binds: set[tuple[str, int]] = set()
    sockets: set[str] = set()
    for one in upstreams:
        if one.destination_type and one.destination_type not in _DESTINATION_TYPES:
            flaws.append(f'unknown upstream destination type: "{one.destination_type}"')
            continue
        if not one.destination_name:
            flaws.append("upstream destination name cannot be empty")
            continue
        if one.local_bind_port == 0 and not one.local_bind_socket_path:
            flaws.append("upstream local bind port cannot be zero")
            continue
        flaws += _socket_flaws(one)
        destination = (one.destination_type, one.destination_name, one.destination_namespace, one.datacenter)
        if destination in destinations:
            flaws.append(
                "upstreams cannot contain duplicates of "
                f'[type="{one.destination_type}", name="{one.destination_name}", '
                f'namespace="{one.destination_namespace}", datacenter="{one.datacenter}"]'
            )
        destinations.add(destination)
        if one.local_bind_socket_path:
            if one.local_bind_socket_path in sockets:
                flaws.append(f"two upstreams are at the Unix socket {one.local_bind_socket_path}: give each its own")
            sockets.add(one.local_bind_socket_path)
            continue
        bind = (one.local_bind_address or "127.0.0.1", one.local_bind_port)
        if bind in binds:
            flaws.append(
                "upstreams cannot contain duplicates by local bind address and port; "
                f'"{bind[0]}:{bind[1]}" is specified twice'
            )
        binds.add(bind)
    return flaws


def _socket_flaws(one: Upstream) -> list[str]:
    flaws: list[str] = []
    if one.local_bind_socket_path and (one.local_bind_port or one.local_bind_address):
        flaws.append(f"upstream {one.destination_name} has a Unix socket and a port or an address: keep one of the two")
    if one.local_bind_socket_mode and not one.local_bind_socket_path:
        flaws.append(f"upstream {one.destination_name} has a mode of a Unix socket, and no path of one")
    if one.local_bind_socket_mode and _SOCKET_MODE.fullmatch(one.local_bind_socket_mode) is None:
        mode = one.local_bind_socket_mode
        flaws.append(f"upstream {one.destination_name} has the socket mode {mode!r}: write octal digits, such as 0600")
    return flaws


def _expose_flaws(paths: Sequence[ExposePath]) -> list[str]:
    flaws: list[str] = []
    seen: set[str] = set()
    for one in paths:
        if one.path in seen:
            flaws.append("expose.paths: duplicate paths exposed")
        seen.add(one.path)
        if not 0 < one.listener_port <= PORT_MAX:
            flaws.append(f"expose.paths: invalid listener port: {one.listener_port}")
        if one.protocol and one.protocol not in _EXPOSE_PROTOCOLS:
            known = " ".join(_EXPOSE_PROTOCOLS)
            flaws.append(f"protocol '{one.protocol}' not supported for path: {one.path}, must be in: [{known}]")
    return flaws


def _gateway_flaws(kind: ServiceKind, port: int, proxy: Proxy) -> list[str]:
    flaws = [] if port != 0 else [f"Port must be non-zero for a {kind.value}"]
    forbidden = {
        "DestinationServiceName": proxy.destination_service_name,
        "DestinationServiceID": proxy.destination_service_id,
        "LocalServiceAddress": proxy.local_service_address,
        "LocalServicePort": proxy.local_service_port,
        "LocalServiceSocketPath": proxy.local_service_socket_path,
        "Upstreams": proxy.upstreams,
    }
    flaws += [
        f"The Proxy.{name} configuration is invalid for a {kind.value}" for name, value in forbidden.items() if value
    ]
    return flaws


def _read_upstream(reader: Reader, upstream_type: str) -> Upstream:
    upstream = Upstream(
        destination_type=reader.text("destination_type") or upstream_type,
        destination_namespace=reader.text("destination_namespace"),
        destination_name=reader.text("destination_name"),
        datacenter=reader.text("datacenter"),
        local_bind_address=reader.text("local_bind_address"),
        local_bind_port=reader.integer("local_bind_port"),
        local_bind_socket_path=reader.text("local_bind_socket_path"),
        local_bind_socket_mode=reader.text("local_bind_socket_mode"),
        config=reader.free("config"),
        mesh_gateway=_read_mesh_gateway(reader),
    )
    reader.done()
    return upstream


def _read_mesh_gateway(reader: Reader) -> MeshGateway:
    child = reader.child("mesh_gateway")
    if child is None:
        return MeshGateway()
    gateway = MeshGateway(mode=child.text("mode"))
    child.done()
    return gateway


def _read_expose(reader: Reader) -> Expose:
    child = reader.child("expose")
    if child is None:
        return Expose()
    paths = [_read_expose_path(path) for path in child.children("paths")]
    if child.dialect is Dialect.FILE:
        child.skip("port")  # read by Consul 1.8.7, used by nothing in it
    expose = Expose(checks=child.boolean("checks"), paths=paths)
    child.done()
    return expose


def _read_expose_path(reader: Reader) -> ExposePath:
    path = ExposePath(
        listener_port=reader.integer("listener_port"),
        path=reader.text("path"),
        local_path_port=reader.integer("local_path_port"),
        protocol=reader.text("protocol"),
        parsed_from_check=reader.boolean("parsed_from_check"),
    )
    reader.done()
    return path
