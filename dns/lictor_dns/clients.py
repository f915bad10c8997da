"""Who asks: the client's address, or that of the network on whose behalf a resolver asks (RFC 7871). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from lictor_dns.question import Edns
from lictor_dns.subnet import subnet_address

__all__ = ["Asker", "asker_of", "host_of"]


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


def host_of(client: object) -> str:
    """The IP address of a peer, named by a socket's tuple or as `host:port`; empty when it cannot be told."""
    if isinstance(client, tuple):
        host = str(cast("tuple[object, ...]", client)[0])
    else:
        host = str(client).rpartition(":")[0].removeprefix("[").removesuffix("]")
    return host.partition("%")[0]
