"""A listening socket that stays: bound again and again until it holds, bounded in connections and open handshakes.

At a bound it stops accepting, and new connections wait in the kernel's backlog; nothing grows in the process.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.driver.lives import Lives, Relaying
from lictor_connect_proxy.driver.places import Place
from lictor_connect_proxy.driver.sockets import reason_of
from lictor_core.addresses import join_host_port

__all__ = ["HANDSHAKES_MAX", "Admission", "Listener"]

HANDSHAKES_MAX: Final = 512
"""Connections of one listener that have not been settled yet: a handshake or a dial under way."""
_LOCAL: Final = "unix"
_ACCEPTS_MAX: Final = 64
"""Connections taken in one pass of the loop, so that live relays get their turn."""
_BIND_RETRY_S: Final = 1.0
_BIND_FAILURES_A_REMINDER: Final = 60
"""An address that cannot be had is told of at once, then every minute: a log must not fill with one sentence."""
_ACCEPT_RETRY_S: Final = 0.1
"""Pause after the process or the machine ran out of file descriptors."""


class Admission:
    """One accepted connection's place: among those of its listener until it ends, first among the unsettled ones.

    `at_end` is called once when it has ended. Unless it is kept, that is when the task ends that serves it.
    """

    __slots__ = ("_listener", "_unsettled", "at_end", "kept")

    def __init__(self, listener: Listener) -> None:
        self.at_end: Callable[[], None] | None = None
        self._listener: Listener | None = listener
        self._unsettled = True
        self.kept: Relaying | None = None
        """What goes on without the task that served it."""
        listener.entered()

    def settle(self) -> None:
        """The handshake or dial is over; calling it again does nothing."""
        if self._unsettled and self._listener is not None:
            self._unsettled = False
            self._listener.settled()

    def keep(self, relay: Relaying) -> None:
        """It goes on without its task; `relay` calls `end`."""
        assert self._listener is not None, "an ended connection cannot go on"
        self.kept = relay
        self._listener.lives.keep(relay)

    def end(self) -> None:
        """The connection has ended; calling it again does nothing."""
        listener, at_end = self._listener, self.at_end
        if listener is None:
            return
        self.settle()
        kept, self.kept, self._listener, self.at_end = self.kept, None, None, None
        if at_end is not None:
            at_end()
        listener.left(kept)


Serve = Callable[[socket.socket, str, Admission], Awaitable[None]]


class Listener:
    """Accepts at one place and serves each connection as one of `lives`."""

    def __init__(
        self,
        place: Place,
        serve: Serve,
        *,
        name: str,
        connections_max: int,
        lives: Lives,
        log: FilteringBoundLogger,
    ) -> None:
        self.address = place.name
        self.name = name
        self.is_listening = False
        self.failure = ""
        self._place = place
        self._serve = serve
        self.connections_max = connections_max
        self.lives = lives
        self._log = log.bind(listener=name, address=self.address)
        self._sock: socket.socket | None = None
        self._accepting = False
        self._live = 0
        self.unsettled = 0

    async def run(self) -> None:
        """Listen until cancelled. Connections that were accepted live on."""
        self._sock = sock = await self._bind()
        self._log.info("proxy.listener.started")
        self.is_listening = True
        self._resume()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.is_listening = False
            self._pause()
            self._sock = None
            sock.close()
            self._place.release()
            self._log.info("proxy.listener.stopped")

    async def _bind(self) -> socket.socket:
        """The listening socket, as soon as the address can be had."""
        for failures in itertools.count():
            try:
                sock = self._place.bind()
                self.failure = ""
                return sock
            except OSError as error:
                self.failure = reason_of(error)
                if failures % _BIND_FAILURES_A_REMINDER == 0:
                    self._log.warning("proxy.listener.failed", reason=reason_of(error), retry_s=_BIND_RETRY_S)
                await asyncio.sleep(_BIND_RETRY_S)
        raise AssertionError("counting never ends")

    def entered(self) -> None:
        """A connection was accepted."""
        self._live += 1
        self.unsettled += 1
        self.lives.enter()

    def left(self, relay: Relaying | None) -> None:
        """A connection has ended, which went on as `relay` unless that is None."""
        self._live -= 1
        self.lives.leave(relay)
        self._resume()

    def settled(self) -> None:
        """A connection's handshake or dial is over, one way or the other."""
        self.unsettled -= 1
        self._resume()

    def _has_room(self) -> bool:
        return self._live < self.connections_max and self.unsettled < HANDSHAKES_MAX

    def _resume(self) -> None:
        if self._sock is not None and not self._accepting and self._has_room():
            self._accepting = True
            asyncio.get_running_loop().add_reader(self._sock, self._accept)

    def _pause(self) -> None:
        if self._sock is not None and self._accepting:
            self._accepting = False
            asyncio.get_running_loop().remove_reader(self._sock)

    def _accept(self) -> None:
        assert self._sock is not None
        for _ in range(_ACCEPTS_MAX):
            if not self._has_room():
                self._pause()
                return
            try:
                sock, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._log.warning("proxy.listener.exhausted", reason=str(error), retry_s=_ACCEPT_RETRY_S)
                self._pause()
                asyncio.get_running_loop().call_later(_ACCEPT_RETRY_S, self._resume)
                return
            # A client of a Unix socket has no address.
            name = join_host_port(str(peer[0]), int(peer[1])) if peer else _LOCAL
            self.lives.spawn(self._one(sock, name, Admission(self)))

    async def _one(self, sock: socket.socket, peer: str, admission: Admission) -> None:
        try:
            sock.setblocking(False)
            await self._serve(sock, peer, admission)
        except Exception:
            # One connection must never take the others with it; the traceback is what a developer needs.
            self._log.exception("proxy.connection.crashed", peer=peer)
            if admission.kept is not None:
                admission.kept.abort("it crashed")
        finally:
            if admission.kept is None:
                sock.close()
                admission.end()
