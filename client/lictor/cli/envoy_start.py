"""What `connect envoy` finds out before it starts one: which proxy, where the agent serves, where the admin API is."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lictor.api.calls import agent
from lictor.api.errors import AgentError
from lictor.api.settings import Settings, parse_address
from lictor.cli.api import Api
from lictor.cli.errors import CommandError
from lictor.cli.gateways import GATEWAYS
from lictor_core.proxy_status import XdsOffer
from lictor_core.records import JsonObject, ServiceKind

if TYPE_CHECKING:
    from lictor_connect_proxy.xds.bootstrap import AgentDoor

__all__ = ["Proxy", "admin_address", "door_of", "proxy_of"]

_GRPC_VARIABLES: Final = ("LICTOR_GRPC_ADDR", "CONSUL_GRPC_ADDR")
_GRPC_PORT: Final = 8502
_ANY: Final = ("0.0.0.0", "::")
_PROXIES: Final = (ServiceKind.CONNECT_PROXY, *GATEWAYS.values())


class Proxy(NamedTuple):
    """Which proxy an Envoy is: its registration's id, the service it stands for, what is said of its start."""

    id: str
    cluster: str
    config: JsonObject


def proxy_of(api: Api, proxy_id: str, sidecar_for: str, gateway: str, *, asks: bool) -> Proxy:
    """The proxy that is meant. Without `asks` what is given is believed, and nothing is said of its start."""
    if not proxy_id and sidecar_for:
        proxy_id = _sidecar(api, sidecar_for)
    elif not proxy_id and gateway:
        proxy_id = _gateway(api, GATEWAYS[gateway])
    if not proxy_id:
        raise CommandError("nothing says which proxy to be: give -sidecar-for, -proxy-id or -gateway")
    if not asks:
        return Proxy(proxy_id, sidecar_for or proxy_id, {})
    found = api.send(agent.service(proxy_id))
    if found is None:
        raise CommandError(f"the agent knows no proxy {proxy_id!r}: register it first, or name another by -proxy-id")
    if found.kind not in _PROXIES:
        raise CommandError(f"{proxy_id!r} is no proxy and no gateway: name its proxy, or give -sidecar-for={proxy_id}")
    named = found.proxy.destination_service_name if found.proxy else ""
    return Proxy(proxy_id, named or found.service, (found.proxy.config if found.proxy else None) or {})


def _sidecar(api: Api, service_id: str) -> str:
    services = api.send(agent.services()).values()
    match [one.id for one in services if one.proxy and one.proxy.destination_service_id == service_id]:
        case [proxy_id]:
            return proxy_id
        case []:
            raise CommandError(
                f"no sidecar proxy is registered for {service_id!r}: register the service with connect.sidecar_service"
            )
        case several:
            raise CommandError(
                f"{len(several)} sidecar proxies are registered for {service_id!r}: name one of them by -proxy-id "
                f"({', '.join(several)})"
            )


def _gateway(api: Api, kind: ServiceKind) -> str:
    match [one.id for one in api.send(agent.services()).values() if one.kind == kind]:
        case [proxy_id]:
            return proxy_id
        case []:
            raise CommandError(f"no {kind.value} is registered with this agent: add -register, or register it first")
        case several:
            raise CommandError(
                f"{len(several)} of kind {kind.value} are registered with this agent: name one of them by -proxy-id "
                f"({', '.join(several)})"
            )


def door_of(api: Api, settings: Settings, given: str) -> AgentDoor:
    """Where the agent serves Envoys: as `given` or the environment says, else as the agent itself does."""
    from lictor_connect_proxy.xds.bootstrap import AgentDoor

    text = given or next((found for name in _GRPC_VARIABLES if (found := os.environ.get(name, ""))), "")
    if text.startswith("unix://"):
        return AgentDoor(path=text.removeprefix("unix://"))
    if text:
        endpoint = parse_address(text if "://" in text else f"{'https' if settings.endpoint.tls else 'http'}://{text}")
        return _port(settings, endpoint.host, endpoint.port, tls=endpoint.tls)
    offer = _offer(api)
    if offer.socket and os.access(offer.socket, os.R_OK | os.W_OK):
        return AgentDoor(path=offer.socket)
    for address in offer.addresses:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        own = settings.endpoint.host if not settings.endpoint.unix_path else "127.0.0.1"
        return _port(settings, own if host in _ANY else host, int(port), tls=offer.is_secure)
    raise CommandError(
        "the agent serves Envoys nowhere that can be reached from here: run this command as the agent's user on its "
        "host, or give the agent a gRPC port (ports.grpc), or say where by -grpc-addr"
    )


def _offer(api: Api) -> XdsOffer:
    try:
        return api.send(agent.xds())
    except AgentError as error:
        if error.status != 404:
            raise
        raise CommandError(
            "this agent does not say where it serves Envoys (is it Lictor's?): say it by -grpc-addr"
        ) from None


def _port(settings: Settings, host: str, port: int, *, tls: bool) -> AgentDoor:
    from lictor_connect_proxy.xds.bootstrap import AgentDoor

    return AgentDoor(
        host=_ip(host),
        port=port,
        tls=tls,
        ca_pem=_ca(settings) if tls else "",
        server_name=settings.tls_server_name,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
    )


def _ca(settings: Settings) -> str:
    paths = [Path(settings.ca_file)] if settings.ca_file else []
    try:
        if not paths and settings.ca_path:
            paths = sorted(path for path in Path(settings.ca_path).iterdir() if path.is_file())
        return "\n".join(path.read_text(encoding="ascii").strip() for path in paths)
    except (OSError, UnicodeError) as error:
        raise CommandError(f"the CA for the agent's gRPC port cannot be read: {error}") from error


def admin_address(text: str) -> tuple[str, int]:
    """IP address and port of `-admin-bind`; Envoy looks up no names there."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdecimal() or not 0 < int(port) <= 65_535:
        raise CommandError(f"-admin-bind: {text!r} is not host:port with a port from 1 to 65535")
    found = _ip(host.strip("[]") or "127.0.0.1")
    if not ipaddress.ip_address(found).is_loopback:
        print(
            f"-admin-bind: whoever reaches {found} can read this Envoy's configuration and end it; "
            "only figures are safe to show: envoy_prometheus_bind_addr",
            file=sys.stderr,
        )
    return found, int(port)


def _ip(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise CommandError(f"{host!r} is no IP address, and looking it up failed: {error}") from error
