"""Who asks: the client's address, or that of the network on whose behalf a resolver asks (RFC 7871). Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from lictor_dns.question import Edns

__all__ = ["Asker", "asker_of", "host_of", "subnet_address"]

_IPV4: Final = 1  # IANA's address family numbers, as in RFC 7871, section 6
_IPV6: Final = 2
_PREFIX_BYTES: Final = 4
_ADDRESS_BYTES: Final = {_IPV4: 4, _IPV6: 16}


class Asker(NamedTuple):
    """On whose behalf is asked: `client` tells the address of who sent the message, only where that is needed.

    `agent` is the name of the node that answers, `subnet` the option of the message that names another asker.
    """

    agent: str
    client: Callable[[], str]
    subnet: bytes = b""

    @property
    def is_named(self) -> bool:
        """Whether the message itself says who asks."""
        return bool(subnet_address(self.subnet))

    def address(self) -> str:
        """The IP address of who asks; empty when it is not known."""
        return subnet_address(self.subnet) or self.client()


def asker_of(agent: str, client: object, edns: Edns | None) -> Asker:
    """Who asks through `client`, as sockets name it, with these words of EDNS."""
    return Asker(agent, lambda: host_of(client), edns.client_subnet if edns else b"")


def subnet_address(option: bytes) -> str:
    """The address in a client subnet option, empty where there is none that can be read."""
    family = int.from_bytes(option[:2], "big")
    size = _ADDRESS_BYTES.get(family, 0)
    given = option[_PREFIX_BYTES:]
    if len(option) < _PREFIX_BYTES or not size or len(given) > size:
        return ""
    return str(ipaddress.ip_address(given.ljust(size, b"\0")))


def host_of(client: object) -> str:
    """The IP address of a peer, named by a socket's tuple or as `host:port`; empty when it cannot be told."""
    if isinstance(client, tuple):
        host = str(cast("tuple[object, ...]", client)[0])
    else:
        host = str(client).rpartition(":")[0].removeprefix("[").removesuffix("]")
    return host.partition("%")[0]
