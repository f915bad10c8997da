"""Non-blocking TCP sockets: dialing by name or address, the usual options, and cutting a connection."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import struct
from typing import Final

__all__ = ["cut", "dial", "prepare", "reason_of"]

_NO_LINGER: Final = struct.pack("ii", 1, 0)


def prepare(sock: socket.socket) -> None:
    """Set the options of a relayed connection: no delay for small messages, dead peers noticed by keep-alive."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


async def dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connection to `host` (address or name). Raises `OSError`, `TimeoutError` when `timeout_s` seconds pass."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout_s):
        error: OSError | None = None
        for family, address in await _addresses(loop, host, port):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                prepare(sock)
                await loop.sock_connect(sock, address)
                return sock
            except OSError as failed:
                sock.close()
                error = failed
            except BaseException:
                sock.close()
                raise
        raise error if error is not None else OSError(f"{host} has no address")


async def _addresses(
    loop: asyncio.AbstractEventLoop, host: str, port: int
) -> list[tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]]:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        pass
    else:
        return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]
    try:
        return [(found[0], found[4]) for found in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError:
        raise OSError(f"{host!r} is no host name") from None


def cut(sock: socket.socket) -> None:
    """Close with a reset, so that the other end cannot take the stream for complete."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock.close()


def reason_of(error: OSError) -> str:
    """The system's words for an error; event loops replace them by their own, which name no reason."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
