"""Which requests the configuration forbids to everybody: `http_config.block_endpoints` and `allow_write_http_from`.

Pure. The answers are those of Consul 1.8.7. A client on a Unix socket has no address, so where only some networks may
write it may not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

__all__ = ["Access"]

_READING: Final = ("GET", "HEAD", "OPTIONS")


class Access:
    """Prefixes of paths that nobody may ask, and networks from which things may be changed; all where none is named."""

    def __init__(self, blocked: Sequence[str] = (), writers: Sequence[str] = ()) -> None:
        """Raises `ValueError` for a network that is none: the configuration was checked before."""
        self._blocked = tuple(blocked)
        self._writers = tuple(ipaddress.ip_network(network, strict=False) for network in writers)

    def blocked(self, path: str) -> str | None:
        """Why nobody may ask for this path; None when it is not blocked."""
        if self._blocked and path.startswith(self._blocked):
            return "Endpoint is blocked by agent configuration"
        return None

    def refusal(self, method: str, client: str) -> str | None:
        """Why this client may not do that; None when it may. `client` is an address, empty on a Unix socket."""
        if self._writers and method not in _READING and not self._may_write(client):
            return "Access is restricted"
        return None

    def _may_write(self, client: str) -> bool:
        try:
            address = ipaddress.ip_address(client)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        address = mapped or address
        return any(address.version == network.version and address in network for network in self._writers)
