"""Where a listener listens: an address with a port, or a Unix socket with its file.

A Unix socket leaves its file behind when its process dies. Such a file is removed, if nobody listens there and if it is
a socket at all; a file of another kind is never touched.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from typing import Final, Protocol

from lictor_connect_proxy.driver.sockets import prepare
from lictor_core.addresses import join_host_port

__all__ = ["Place", "SocketFile", "TcpPort"]

_BACKLOG: Final = 1024


class Place(Protocol):
    """One place to listen at; `name` says it to people."""

    @property
    def name(self) -> str: ...

    def bind(self) -> socket.socket:
        """A socket that listens, non-blocking. Raises `OSError` while the place cannot be had."""
        ...

    def release(self) -> None:
        """Clean up after the socket was closed."""
        ...


class TcpPort:
    """`host` is an address; `::` takes IPv4 as well where the system can."""

    def __init__(self, host: str, port: int) -> None:
        self.name = join_host_port(host, port)
        self._address = (host, port)

    def bind(self) -> socket.socket:
        """As `Place.bind`. Accepted connections take over the options of relayed ones."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            prepare(sock)
            sock.bind(self._address)
            sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            raise
        return sock

    def release(self) -> None:
        """Nothing is left of a port."""


class SocketFile:
    """A Unix socket at `path`, whose file has the permissions `mode`."""

    def __init__(self, path: str, mode: int) -> None:
        self.name = path
        self._mode = mode
        self._made: tuple[int, int] | None = None

    def bind(self) -> socket.socket:
        """As `Place.bind`."""
        _remove_stale(self.name)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            prepare(sock)
            sock.bind(self.name)
            # Nobody can connect before the socket listens, so nobody comes in by other permissions.
            os.chmod(self.name, self._mode)
            self._made = _identity(self.name)
            sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            self.release()
            raise
        return sock

    def release(self) -> None:
        """Remove the file, unless it is somebody else's by now."""
        made, self._made = self._made, None
        with contextlib.suppress(OSError):
            if made is not None and _identity(self.name) == made:
                os.unlink(self.name)


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def _remove_stale(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "there is a file, and it is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        code = probe.connect_ex(path)
    if code == errno.ECONNREFUSED:
        os.unlink(path)
    elif code != errno.ENOENT:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
