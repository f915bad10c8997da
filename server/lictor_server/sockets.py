"""Sockets between servers: how they are dialed, and how a silent end is noticed."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from contextlib import suppress
from typing import Final, cast

from lictor_core.addresses import join_host_port, split_host_port
from lictor_core.errors import RequestError, UnreachableError

__all__ = [
    "CONNECT_TIMEOUT_S",
    "RESOLVED_MAX",
    "SERVER_PORT",
    "SILENCE_MAX_S",
    "abort_unread",
    "dial",
    "peer_name",
    "reason_of",
    "resolve",
    "tuned",
]

CONNECT_TIMEOUT_S: Final = 1.0
"""How long the other machine may take to answer the first packet; a lost one is sent again after a second anyway."""
SILENCE_MAX_S: Final = 3.0
"""A machine that acknowledges nothing for so long is given up: what was sent to it, or probes on a quiet connection."""
_PROBE_EVERY_S: Final = 1
SERVER_PORT: Final = 8300
"""The port of a server whose address names none."""
RESOLVED_MAX: Final = 16
"""Addresses taken of one name."""
_SHOWN_MAX: Final = 64


def tuned(sock: socket.socket) -> socket.socket:
    """`sock`, non-blocking, without Nagle's delay, and closed by the kernel when the other machine falls silent."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SILENCE_MAX_S * 1000))
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_EVERY_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_EVERY_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, round(SILENCE_MAX_S / _PROBE_EVERY_S))
    return sock


async def dial(address: str, *, source: str = "", timeout_s: float = CONNECT_TIMEOUT_S) -> socket.socket:
    """A connected socket to `host:port` or `host`, from the IP `source` when one is given.

    Raises `UnreachableError` when nobody answers within `timeout_s`, and when `address` is none: another server may
    have named it.
    """
    loop = asyncio.get_running_loop()
    try:
        host, port = split_host_port(address, SERVER_PORT)
        async with asyncio.timeout(timeout_s):
            family, kind, protocol, where = await _found(host, port)
            sock = socket.socket(family, kind, protocol)
            try:
                tuned(sock)
                if source:
                    _bind_source(sock, source)
                await loop.sock_connect(sock, where)
            except BaseException:
                sock.close()
                raise
            return sock
    except TimeoutError:
        raise UnreachableError(f"{address} does not answer within {timeout_s:g} s") from None
    except OSError as error:
        raise UnreachableError(f"{address} cannot be reached: {reason_of(error)}") from error
    except (RequestError, UnicodeError) as error:  # the latter for a name that DNS cannot hold
        raise UnreachableError(f"{address[:_SHOWN_MAX]!r} is no address: {error}") from error


async def _found(
    host: str, port: int
) -> tuple[socket.AddressFamily, socket.SocketKind, int, tuple[str | int | bytes, ...]]:
    """Where `host` is, the first place of several. An address is read at once, without a thread that looks names up."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, where = found[0]
    return family, kind, protocol, where


def _bind_source(sock: socket.socket, source: str) -> None:
    """Dial from `source`; the port is found when it is known where to.

    Otherwise the system looks for one that nobody at all uses at this address, longer and longer the more do.
    """
    if hasattr(socket, "IP_BIND_ADDRESS_NO_PORT"):
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((source, 0))


def reason_of(error: OSError) -> str:
    """What the system says, never nothing: asyncio names the address once more, or says no word at all.

    Errors of names (below 0) and of TLS have numbers of their own.
    """
    if isinstance(error, ssl.SSLError) or error.errno is None or error.errno <= 0:
        return error.strerror or str(error) or "it ended without a word"
    return os.strerror(error.errno).lower()


async def resolve(address: str, default_port: int) -> list[str]:
    """The places, `IP:port`, that `host:port` or `host` names, sorted; of a name with many the first `RESOLVED_MAX`.

    Raises `UnreachableError` for a name that does not resolve, and for what is no address.
    """
    try:
        host, port = split_host_port(address, default_port)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError(f"{address}: {reason_of(error)}") from error
    except (RequestError, UnicodeError) as error:
        raise UnreachableError(f"{address[:_SHOWN_MAX]}: {error}") from error
    return sorted({join_host_port(str(entry[4][0]), port) for entry in found})[:RESOLVED_MAX]


def abort_unread(sock: socket.socket) -> None:
    """Close at once and with a reset: nothing is left in the kernel for a peer that is not worth it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def peer_name(address: object) -> str:
    """`host:port` of the other end for the log, from what a socket or a transport says of it."""
    if isinstance(address, tuple):
        host, port, *_ = cast("tuple[object, ...]", address)
        return f"{host}:{port}"
    return "unknown"
