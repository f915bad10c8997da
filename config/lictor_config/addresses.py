"""Which addresses an agent binds to and which one it advertises.

Source: Consul's document `docs/agent/options`, flags `-bind`, `-advertise`, `-client`.
Pure but for `interface_addresses`, which asks the machine.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final

from lictor_config.tree import Addresses, Configuration
from lictor_core.errors import ConfigurationError

__all__ = ["ANY", "address_flaw", "interface_addresses", "resolve_addresses", "resolve_advertise"]

ANY: Final = ("0.0.0.0", "::", "[::]")
_SIOCGIFADDR: Final = 0x8915  # netdevice(7)
_IFREQ_BYTES: Final = 256
_PATH_MAX: Final = 107  # unix(7): sun_path holds 108 bytes, the last one is zero


def address_flaw(address: str, *, unix_allowed: bool = False) -> str | None:
    """Why nothing can listen at `address`; None when something can."""
    if address.startswith("unix://"):
        path = address.removeprefix("unix://")
        if not unix_allowed:
            return "cannot be a unix socket"
        return None if 0 < len(path.encode()) <= _PATH_MAX else f"needs a path of at most {_PATH_MAX} bytes"
    if "{{" in address:
        return "templates of addresses are not supported: write the address itself"
    try:
        ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return "is no IP address"
    return None


def resolve_addresses(configuration: Configuration) -> Addresses:
    """Where each listener binds: its own addresses, else those of `client_addr`, without the brackets of IPv6."""
    own, common = configuration.addresses, configuration.client_addr
    tcp = tuple(address for address in common if not address.startswith("unix://"))
    return Addresses(
        dns=_bare(own.dns or tcp),
        http=_bare(own.http or common),
        grpc=_bare(own.grpc or common),
    )


def resolve_advertise(bind_address: str, interfaces: Callable[[], Sequence[str]]) -> str:
    """The address to advertise when none is given: what is bound, or this machine's one private IPv4 address.

    Raises `ConfigurationError` when everything is bound and there is not exactly one to choose.
    """
    if bind_address not in ANY:
        return bind_address.strip("[]")
    found = [address for address in interfaces() if _is_private(address)]
    match found:
        case [address]:
            return address
        case []:
            raise ConfigurationError(
                "bind_addr: no private IPv4 address found on this machine; name the address to bind with -bind, "
                "or the one to advertise with -advertise"
            )
        case _:
            raise ConfigurationError(
                f"bind_addr: several private IPv4 addresses found ({', '.join(found)}); "
                "choose one with -bind or -advertise"
            )


def interface_addresses() -> list[str]:
    """The IPv4 addresses of this machine's network interfaces, in the order of the interfaces."""
    addresses: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                reply = _interface_request(probe.fileno(), name)
            except OSError:
                continue  # an interface without an IPv4 address
            addresses.append(socket.inet_ntoa(reply[20:24]))
    return addresses


def _interface_request(descriptor: int, name: str) -> bytes:
    import fcntl  # not on every system; only asked for when there is something to resolve

    return fcntl.ioctl(descriptor, _SIOCGIFADDR, struct.pack(f"{_IFREQ_BYTES}s", name.encode()[:15]))


def _is_private(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return ip.is_private and not ip.is_loopback and not ip.is_link_local


def _bare(addresses: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        address if address.startswith("unix://") else address.strip("[]") for address in dict.fromkeys(addresses)
    )
