"""Whom a question is asked for: the client subnet option of EDNS (RFC 7871, section 6), which forwarders add."""

from __future__ import annotations

import ipaddress
import struct
from typing import Final

__all__ = ["CLIENT_SUBNET", "normal_subnet", "subnet_address", "subnet_of", "with_scope"]

CLIENT_SUBNET: Final = 8
"""The number of the option."""

_HEAD: Final = struct.Struct(">HBB")
"""Family, the length of the prefix in bits, and that of the scope, which is 0 in a question."""
_NO_FAMILY: Final = 0
_FAMILIES: Final = {4: 1, 6: 2}
"""IANA's address family numbers, by IP version."""
_ADDRESS_BYTES: Final = {_NO_FAMILY: 0, _FAMILIES[4]: 4, _FAMILIES[6]: 16}


def normal_subnet(option: bytes) -> bytes | None:
    """An option as it goes back: scope 0, and the address as far as its prefix tells it, zeros beyond; None when it is
    malformed, which is a family that is not known or a prefix or scope longer than its addresses.

    Missing bytes of an address are zeros and further ones nothing, as in Consul.
    """
    if len(option) < _HEAD.size:
        return None
    family, prefix, scope = _head(option)
    size = _ADDRESS_BYTES.get(family)
    if size is None or prefix > 8 * size or (size and scope > 8 * size):
        return None
    told = (prefix + 7) // 8
    address = int.from_bytes(option[_HEAD.size : _HEAD.size + told].ljust(told, b"\0"), "big")
    beyond = 8 * told - prefix
    return _HEAD.pack(family, prefix, 0) + (address >> beyond << beyond).to_bytes(told, "big")


def with_scope(option: bytes, *, scoped: bool) -> bytes:
    """A normal option as it stands in a reply: with scope 0 for what is true for everybody, with its own prefix for
    what is not."""
    family, prefix, _ = _head(option)
    return _HEAD.pack(family, prefix, prefix if scoped else 0) + option[_HEAD.size :]


def subnet_address(option: bytes) -> str:
    """The first address of an option, empty where there is none that can be read."""
    if len(option) < _HEAD.size:
        return ""
    size, told = _ADDRESS_BYTES.get(_head(option)[0], 0), option[_HEAD.size :]
    return str(ipaddress.ip_address(told.ljust(size, b"\0"))) if 0 < size >= len(told) else ""


def subnet_of(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bytes:
    """The option of a question that is asked for `network`."""
    told = network.network_address.packed[: (network.prefixlen + 7) // 8]
    return _HEAD.pack(_FAMILIES[network.version], network.prefixlen, 0) + told


def _head(option: bytes) -> tuple[int, int, int]:
    family, prefix, scope = _HEAD.unpack_from(option)
    return family, prefix, scope
