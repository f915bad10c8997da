"""Listening sockets of the HTTP API: TCP on several addresses, with TLS or without, and Unix sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from lictor_agent.http.hot import HotConnection
from lictor_agent.http.unix_sockets import NOBODY, SocketOwner, UnixSocket
from lictor_core.addresses import join_host_port
from lictor_core.errors import ConfigurationError

if TYPE_CHECKING:
    from lictor_agent.http.https import SecureDoor

__all__ = ["ListenAddress", "Listener", "TcpAddress", "UnixAddress", "listen"]

_BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """An IP address and a port; port 0 takes any that is free. TLS is spoken where it `is_secure`."""

    host: str
    port: int
    is_secure: bool = False

    def __str__(self) -> str:
        return join_host_port(self.host, self.port)


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """The path of a Unix socket, and whose it is to be. TLS is never spoken there: its mode says who may come."""

    path: str
    owner: SocketOwner = NOBODY

    @property
    def is_secure(self) -> bool:
        """Never."""
        return False

    def __str__(self) -> str:
        return f"unix://{self.path}"


ListenAddress = TcpAddress | UnixAddress


class Listener(Protocol):
    """What listens, until it is closed."""

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """Where."""
        ...

    def close(self) -> None:
        """Take no more connections."""
        ...


async def listen(
    addresses: Sequence[ListenAddress], connect: Callable[[], HotConnection], door: SecureDoor | None = None
) -> list[Listener]:
    """Listen on every address, or on none: raises `ConfigurationError` that names the address and the next step.

    `door` secures connections of addresses that are secure.
    """
    listeners: list[Listener] = []
    for address in addresses:
        try:
            listeners.append(await _listener(address, connect, door))
        except (OSError, ConfigurationError) as error:
            for opened in listeners:
                opened.close()
            reason = _reason(error, address) if isinstance(error, OSError) else error
            name = "HTTPS" if address.is_secure else "HTTP"
            raise ConfigurationError(f"cannot listen for {name} on {address}: {reason}") from error
    return listeners


async def _listener(address: ListenAddress, connect: Callable[[], HotConnection], door: SecureDoor | None) -> Listener:
    loop = asyncio.get_running_loop()
    match address:
        case UnixAddress(path, owner):
            unix = UnixSocket(path, owner, _BACKLOG)
            return _UnixListener(unix, await loop.create_unix_server(connect, sock=unix.socket))
        case TcpAddress(host, port, is_secure=False):
            return _TcpListener(await loop.create_server(connect, host, port, backlog=_BACKLOG))
        case TcpAddress(host, port):
            from lictor_agent.http.https import HttpsListener  # most agents speak none

            assert door is not None, "a secure address needs a door"
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
            listening.setblocking(False)
            return HttpsListener(listening, connect, door)


class _TcpListener:
    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    @property
    def sockets(self) -> Sequence[socket.socket]:
        return self._server.sockets

    def close(self) -> None:
        self._server.close()


class _UnixListener(_TcpListener):
    def __init__(self, unix: UnixSocket, server: asyncio.Server) -> None:
        super().__init__(server)
        self._unix = unix

    def close(self) -> None:
        super().close()
        self._unix.close()


def _reason(error: OSError, address: ListenAddress) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            how = "addresses.http"
            if isinstance(address, TcpAddress):
                how = "-https-port" if address.is_secure else "-http-port"
            return f"it is in use by another program; stop that one, or choose another with {how}"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; choose one of its own with -client"
        case errno.EACCES:
            return "this user may not; choose a port above 1023 or a directory that is writable"
        case _:
            return f"{error.strerror or error}; choose another address with -client"
