"""Whom a question is asked for: the client subnet option of EDNS (RFC 7871, section 6), which forwarders add."""

from __future__ import annotations

from typing import Final

__all__ = ["CLIENT_SUBNET", "normal_subnet"]

CLIENT_SUBNET: Final = 8
"""The number of the option."""

_HEAD_BYTES: Final = 4
"""Family, the length of the prefix in bits, and that of the scope, which is 0 in a question."""
_ADDRESS_BYTES: Final = {0: 0, 1: 4, 2: 16}
"""By family: IPv4, IPv6 (IANA's address family numbers); 0 is for no address at all."""


def normal_subnet(option: bytes) -> bytes | None:
    """An option as it goes back: scope 0, and the address as far as its prefix tells it, zeros beyond; None when it is
    malformed, which is a family that is not known or a prefix longer than its addresses.

    Missing bytes of an address are zeros and further ones nothing, as in Consul.
    """
    if len(option) < _HEAD_BYTES:
        return None
    size, prefix = _ADDRESS_BYTES.get(int.from_bytes(option[:2], "big")), option[2]
    if size is None or prefix > 8 * size:
        return None
    told = (prefix + 7) // 8
    address = int.from_bytes(option[_HEAD_BYTES : _HEAD_BYTES + told].ljust(told, b"\0"), "big")
    beyond = 8 * told - prefix
    return option[:3] + b"\0" + (address >> beyond << beyond).to_bytes(told, "big")
