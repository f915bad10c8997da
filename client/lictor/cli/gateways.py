"""The registration of a gateway by `connect envoy -register`. Source: Consul 1.8.7, what it registers."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lictor.cli.errors import CommandError
from lictor_config.interfaces import machine_interfaces
from lictor_config.templates import TemplateProblem, expand, is_template
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject, ServiceKind

__all__ = ["GATEWAYS", "GatewayOptions", "gateway_definition", "lan_address"]

GATEWAYS: Final = {
    "mesh": ServiceKind.MESH_GATEWAY,
    "terminating": ServiceKind.TERMINATING_GATEWAY,
    "ingress": ServiceKind.INGRESS_GATEWAY,
}
_PORT: Final = 443
_CHECK_INTERVAL: Final = "10s"


@dataclass(frozen=True, kw_only=True)
class GatewayOptions:
    """The flags of a registration, as written."""

    kind: str
    proxy_id: str = ""
    service: str = ""
    address: str = ""
    wan_address: str = ""
    bind_addresses: tuple[str, ...] = ()
    deregister_after_critical: str = "6h"
    expose_servers: bool = False


def gateway_definition(options: GatewayOptions) -> JsonObject:
    """The body of the registration. Raises `CommandError` naming the flag that cannot be used."""
    kind = GATEWAYS[options.kind]
    name = options.service or kind.value
    host, port = lan_address(options)
    try:
        parse_duration(options.deregister_after_critical)
    except RequestError as error:
        raise CommandError(f"-deregister-after-critical: {error}") from error
    definition: JsonObject = {
        "Kind": kind.value,
        "Name": name,
        "ID": options.proxy_id or name,
        "Address": host,
        "Port": port,
        "Check": {
            "Name": f"{kind.value} listening",
            "TCP": f"{host or '127.0.0.1'}:{port}" if ":" not in host else f"[{host}]:{port}",
            "Interval": _CHECK_INTERVAL,
            "DeregisterCriticalServiceAfter": options.deregister_after_critical,
        },
    }
    tagged: JsonObject = {"lan": {"Address": host, "Port": port}} if host else {}
    if options.wan_address:
        wan_host, wan_port = _address("-wan-address", options.wan_address, port)
        tagged["wan"] = {"Address": wan_host, "Port": wan_port}
    if tagged:
        definition["TaggedAddresses"] = tagged
    if options.bind_addresses:
        bound = _bound(options.bind_addresses)
        definition["Proxy"] = {"Config": {"envoy_gateway_no_default_bind": True, "envoy_gateway_bind_addresses": bound}}
    if options.expose_servers:
        definition["Meta"] = {"consul-wan-federation": "1"}
    return definition


def lan_address(options: GatewayOptions) -> tuple[str, int]:
    """Where the gateway is reached within the datacenter; the agent's own address where nothing is said."""
    return _address("-address", options.address, _PORT) if options.address else ("", _PORT)


def _bound(texts: Sequence[str]) -> JsonObject:
    found: JsonObject = {}
    for text in texts:
        name, separator, address = text.partition("=")
        if not separator or not name:
            raise CommandError(f"-bind-address: {text!r} is not of the form name=ip:port")
        host, port = _address("-bind-address", address, 0)
        if not host or not port:
            raise CommandError(f"-bind-address: {text!r} is not of the form name=ip:port")
        found[name] = {"Address": host, "Port": port}
    return found


def _address(flag: str, text: str, port: int) -> tuple[str, int]:
    """`ip:port`, or an IP alone with the port that is usual; templates of go-sockaddr are filled in."""
    try:
        filled = expand(text, machine_interfaces()) if is_template(text) else text
    except TemplateProblem as error:
        raise CommandError(f"{flag}: {error}") from error
    host, separator, number = filled.rpartition(":")
    if _is_ip(filled) or not separator:
        host, number = filled, str(port)
    host = host.removeprefix("[").removesuffix("]")
    if not number.isascii() or not number.isdecimal() or not 0 <= int(number) <= 65_535:
        raise CommandError(f"{flag}: {text!r} has no port from 0 to 65535 after its last colon")
    return host, int(number)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
