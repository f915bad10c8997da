"""Which proxy a request of a check goes through: the environment's `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`.

Pure: the environment is an argument. As in Consul this machine is never asked through a proxy.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from lictor_agent.checks.http_message import MessageError, Target

__all__ = ["Proxy", "proxy_for"]

_LOCAL: Final = "localhost"


class Proxy(NamedTuple):
    """A proxy: the `host:port` to dial, and the header line that it wants, with its line end; empty for none."""

    address: str
    header: str


def proxy_for(target: Target, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for a request; None where it goes straight. Raises `MessageError` for one that cannot be used."""
    name = "https_proxy" if target.is_https else "http_proxy"
    url = environment.get(name.upper()) or environment.get(name) or ""
    if not url or _goes_straight(target, environment.get("NO_PROXY") or environment.get("no_proxy") or ""):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme != "http" or not host:
        # It may carry a password: the value itself is not shown.
        raise MessageError(f"proxyconnect: {name.upper()} must be an http:// URL for checks; unset it or use NO_PROXY")
    shown = f"[{host}]" if ":" in host else host
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    header = f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n" if parts.username else ""
    return Proxy(f"{shown}:{80 if port is None else port}", header)


def _goes_straight(target: Target, exceptions: str) -> bool:
    host = target.host.lower().rstrip(".")
    address = _address(host)
    if host == _LOCAL or (address is not None and address.is_loopback):
        return True
    port = target.address.rpartition(":")[2]
    return any(_excepts(one.strip().lower(), host, port, address) for one in exceptions.split(","))


def _excepts(
    exception: str, host: str, port: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None
) -> bool:
    if exception in ("", "*"):
        return exception == "*"
    if address is not None and "/" in exception:
        try:
            return address in ipaddress.ip_network(exception, strict=False)
        except ValueError:
            return False
    name, colon, wanted = exception.rpartition(":")
    if colon and wanted.isdigit() and ":" not in name:
        if wanted != port:
            return False
        exception = name
    if address is not None:
        return _address(exception.strip("[]")) == address
    suffix = exception.removeprefix("*").removeprefix(".")
    return host.endswith("." + suffix) or (host == suffix and not exception.startswith((".", "*")))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
