"""Listening sockets of the HTTP API: TCP on several addresses, and Unix sockets."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lictor_core.addresses import join_host_port
from lictor_core.errors import ConfigurationError

__all__ = ["ListenAddress", "TcpAddress", "UnixAddress", "listen"]

_BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """An IP address and a port; port 0 takes any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return join_host_port(self.host, self.port)


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """The path of a Unix socket."""

    path: str

    def __str__(self) -> str:
        return f"unix://{self.path}"


ListenAddress = TcpAddress | UnixAddress


async def listen(
    addresses: Sequence[ListenAddress], connect: Callable[[], asyncio.BaseProtocol]
) -> list[asyncio.Server]:
    """Listen on every address, or on none: raises `ConfigurationError` that names the address and the next step."""
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    for address in addresses:
        try:
            match address:
                case TcpAddress(host, port):
                    server = await loop.create_server(connect, host, port, backlog=_BACKLOG)
                case UnixAddress(path):
                    server = await loop.create_unix_server(connect, path, backlog=_BACKLOG)
        except OSError as error:
            for opened in servers:
                opened.close()
            raise ConfigurationError(f"cannot listen for HTTP on {address}: {_reason(error, address)}") from error
        servers.append(server)
    return servers


def _reason(error: OSError, address: ListenAddress) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            how = "-http-port" if isinstance(address, TcpAddress) else "addresses.http"
            return f"it is in use by another program; stop that one, or choose another with {how}"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; choose one of its own with -client"
        case errno.EACCES:
            return "this user may not; choose a port above 1023 or a directory that is writable"
        case _:
            return f"{error.strerror or error}; choose another address with -client"
