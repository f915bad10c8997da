"""Non-blocking sockets: dialing by name, address or path, the usual options, and cutting a connection."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import ipaddress
import os
import socket
import struct
from collections.abc import Callable
from typing import Final

__all__ = ["KEEPALIVE", "cut", "dial", "dial_path", "prepare", "reason_of", "settled", "tells_errors_once"]

_NO_LINGER: Final = struct.pack("ii", 1, 0)
_IN_PROGRESS: Final = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EINTR})
_PATH_RETRY_S: Final = 0.01
"""A Unix socket whose backlog is full refuses instead of waiting as TCP does (unix(7): EAGAIN)."""

KEEPALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
"""A peer that vanished without a word is noticed within a minute, not after the two hours that systems come with."""

_Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


def prepare(sock: socket.socket) -> None:
    """Set the options of a relayed connection: no delay for small messages, dead peers noticed by keep-alive.

    Connections that a listening socket accepts take its options over.
    """
    sock.setblocking(False)
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connection to `host` (address or name). Raises `OSError`, `TimeoutError` when `timeout_s` seconds pass."""
    numeric = _numeric(host)
    if numeric is not None:
        return await _connected(numeric, (host, port), timeout_s)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    error: OSError | None = None
    async with asyncio.timeout_at(deadline):
        found = await _addresses(loop, host, port)
    for family, address in found:
        try:
            return await _connected(family, address, max(0.0, deadline - loop.time()))
        except TimeoutError:
            raise
        except OSError as failed:
            error = failed
    raise error if error is not None else OSError(f"{host} has no address")


async def dial_path(path: str, timeout_s: float) -> socket.socket:
    """A connection to the Unix socket at `path`. Raises as `dial`."""
    async with asyncio.timeout(timeout_s):
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.setblocking(False)
                sock.connect(path)
                return sock
            except BlockingIOError:
                sock.close()
                await asyncio.sleep(_PATH_RETRY_S)
            except OSError:
                sock.close()
                raise


async def _connected(family: socket.AddressFamily, address: _Address, timeout_s: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        prepare(sock)
        code = sock.connect_ex(address)
        if code in _IN_PROGRESS:
            # On one machine the connection stands by now, and asking again says so: that spares a turn of the loop.
            code = sock.connect_ex(address)
        if code in _IN_PROGRESS:
            loop = asyncio.get_running_loop()
            await settled(loop, sock, loop.add_writer, loop.remove_writer, timeout_s)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code not in (0, errno.EISCONN):
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


async def settled(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    add: Callable[..., None],
    remove: Callable[[socket.socket], object],
    timeout_s: float,
) -> None:
    """Wait for one readiness of `sock`, told by `add` (`add_reader` or `add_writer`). Raises `TimeoutError`.

    A future and a timer of the loop's own: `asyncio.timeout` and the loop's own `sock_connect` cost three times that.
    """
    waiter: asyncio.Future[bool] = loop.create_future()
    timer = loop.call_later(timeout_s, _tell, waiter, False)
    add(sock, _tell, waiter, True)
    try:
        if not await waiter:
            raise TimeoutError
    finally:
        timer.cancel()
        remove(sock)


def _tell(waiter: asyncio.Future[bool], is_ready: bool) -> None:
    if not waiter.done():
        waiter.set_result(is_ready)


@functools.lru_cache(maxsize=4096)
def _numeric(host: str) -> socket.AddressFamily | None:
    """The family of an address; None for a name."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    return socket.AF_INET if version == 4 else socket.AF_INET6


async def _addresses(
    loop: asyncio.AbstractEventLoop, host: str, port: int
) -> list[tuple[socket.AddressFamily, _Address]]:
    try:
        return [(found[0], found[4]) for found in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError:
        raise OSError(f"{host!r} is no host name") from None


def cut(sock: socket.socket) -> None:
    """Close with a reset, so that the other end cannot take the stream for complete."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock.close()


def tells_errors_once(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a reader of `loop` is called once for a socket in error, and no more, whatever there is still to read.

    libuv ceases to watch a descriptor once it reports an error, and uvloop calls the reader for the last time then: who
    reads bytes that came before a reset never hears of the reset. A loop of asyncio's own calls again.
    """
    return not isinstance(loop, asyncio.SelectorEventLoop)


def reason_of(error: OSError) -> str:
    """The system's words for an error; event loops replace them by their own, which name no reason."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
