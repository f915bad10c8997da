"""Host and port as one text, the same wherever people read it."""

import ipaddress

from lictor_core.errors import RequestError
from lictor_core.limits import PORT_MAX

__all__ = ["join_host_port", "split_host_port", "split_ip_port"]


def join_host_port(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_host_port(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[IPv6]:port` or a bare IPv6 address.

    Raises `RequestError` for a port that is none, or a host that is missing.
    """
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or rest[:1] not in ("", ":"):
            raise RequestError(f"{text!r} is no address of IPv6: write [address] or [address]:port")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    if not host:
        raise RequestError(f"{text!r} names no host: write host or host:port")
    if not port:
        return host, default_port
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= PORT_MAX:
        raise RequestError(f"{text!r} has the port {port!r}, which is none: it must be 1 to {PORT_MAX}")
    return host, int(port)


def split_ip_port(text: str, default_port: int) -> tuple[str, int]:
    """The same of an address that somebody can be reached at: an IP address, and not the one that stands for any.

    Raises `RequestError` for others.
    """
    host, port = split_host_port(text, default_port)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise RequestError(
            f"{text!r} names no IP address: write address, address:port or [IPv6 address]:port"
        ) from None
    if address.is_unspecified:
        raise RequestError(f"{text!r} stands for any address: name the one to reach")
    return host, port
