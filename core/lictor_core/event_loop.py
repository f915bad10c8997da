"""The event loop of agents and proxies: uvloop, with one owner for each descriptor.

A connection that breaks while uvloop takes over a connected socket leaves a descriptor with two owners: the loop closed
it, and the socket object closes the same number again when it goes, which may be somebody else's by then. Who loses his
descriptor so hears nothing any more; and where libuv watches it, the process aborts (uvloop, issue 738). Each pipe is
closed twice, and a thread that opens a file in between loses that (issue 763).
"""

from __future__ import annotations

import functools
import io
import os
import socket
from collections.abc import Callable
from typing import Final, TypeVar

import uvloop

__all__ = ["EventLoop", "new_event_loop"]

T = TypeVar("T")

_TAKE_OVER: Final = (
    "create_connection",
    "create_unix_connection",
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
)


class _Lent(socket.socket):
    """Stands for a connected socket without owning it: what becomes of this object closes nothing."""

    __slots__ = ("_number",)

    def __init__(self, sock: socket.socket) -> None:
        self._number = sock.fileno()
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        super().detach()

    def fileno(self) -> int:
        """The descriptor, which belongs to the loop."""
        return self._number

    def setblocking(self, flag: bool, /) -> None:
        """Nothing: the loop sets that itself."""


class _LentPipe:
    """Stands for one end of a pipe, as `_Lent` does for a socket."""

    __slots__ = ("_number",)

    def __init__(self, file: io.IOBase) -> None:
        self._number = os.dup(file.fileno())
        file.close()

    def fileno(self) -> int:
        """The descriptor, which belongs to the loop."""
        return self._number

    def close(self) -> None:
        """Nothing: the loop closes it."""


class EventLoop(uvloop.Loop):
    """uvloop's, which owns the sockets and pipes that it is given from then on, whatever comes of it."""


def _owning(method: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(method)
    def call(*args: object, **named: object) -> T:
        return method(*map(_lent, args), **{name: _lent(value) for name, value in named.items()})

    return call


def _lent(value: object) -> object:
    if isinstance(value, socket.socket) and not isinstance(value, _Lent):  # uvloop's methods call one another
        return _Lent(value)
    if isinstance(value, io.IOBase):
        return _LentPipe(value)
    return value


for _name in _TAKE_OVER:
    setattr(EventLoop, _name, _owning(getattr(uvloop.Loop, _name)))


def new_event_loop() -> EventLoop:
    """A loop for `asyncio.Runner`."""
    return EventLoop()
