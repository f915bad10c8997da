"""Moves the bytes of one relay between a plain socket and a TLS session, with back pressure both ways.

Each direction reads only while the other end takes what it is given; what a socket did not take at once is *held*, and
its source is not read until that is gone. So a connection holds at most one read of each direction. The scratch
buffers are shared by all pumps of a loop: nothing stays in them after a callback.

The two `_readable` methods are the hot path of the proxy: one receive, one call of OpenSSL per record, one send.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from typing import Final, cast

from lictor_connect_proxy.commands import Abort, Close, Command, Finish
from lictor_connect_proxy.driver.handshake import Bios, TlsEnd
from lictor_connect_proxy.driver.sockets import cut, tells_errors_once
from lictor_connect_proxy.events import Finished, Lost, Side
from lictor_connect_proxy.layers.relay import RelayLayer

__all__ = ["READ_BYTES_MAX", "Pump", "Scratch"]

READ_BYTES_MAX: Final = 256 * 1024
"""Bytes that one read takes, and with that the most that a direction holds (before TLS adds its own)."""
_RECORD_BYTES: Final = 16 * 1024  # RFC 8446, section 5.1: the plaintext of a record is at most 2^14 bytes


class Scratch:
    """Buffers for one event loop."""

    __slots__ = ("bios", "plain", "received")

    def __init__(self) -> None:
        self.bios = Bios()
        self.received = memoryview(bytearray(READ_BYTES_MAX))
        # One read, after a record that lacked its end, after what a handshake had read too far.
        self.plain = memoryview(bytearray(READ_BYTES_MAX + 2 * _RECORD_BYTES))


class Pump:
    """One relay. `ended` is called once when both sockets are closed: with None in order, else with the reason.

    `heard` is called once, after the first bytes from the mesh: with them come TLS 1.3's tickets. `to_local` and
    `to_mesh` count the bytes that were moved.
    """

    __slots__ = (
        "_end",
        "_ended",
        "_finish_local",
        "_finish_mesh",
        "_heard",
        "_held_local",
        "_held_mesh",
        "_incoming",
        "_is_closing",
        "_local",
        "_local_error",
        "_local_open",
        "_loop",
        "_mesh",
        "_mesh_error",
        "_mesh_open",
        "_outgoing",
        "_plain",
        "_received",
        "_relay",
        "_session",
        "_tells",
        "_tells_errors_once",
        "to_local",
        "to_mesh",
    )

    def __init__(
        self,
        local: socket.socket,
        mesh: TlsEnd,
        scratch: Scratch,
        ended: Callable[[str | None], None],
        heard: Callable[[], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._tells_errors_once = tells_errors_once(self._loop)
        self._local = local
        self._end = mesh
        self._mesh = mesh.sock
        self._session = mesh.session
        self._incoming = mesh.incoming
        self._outgoing = mesh.outgoing
        self._received = scratch.received
        self._plain = scratch.plain
        self._relay = RelayLayer()
        self._heard = heard
        self._tells: Callable[[str | None], None] | None = ended
        self._held_local = b""
        self._held_mesh = b""
        self._local_open = True
        self._mesh_open = True
        self._local_error = 0
        self._mesh_error = 0
        self._finish_local = False
        self._finish_mesh = False
        self._is_closing = False
        self._ended = False
        self.to_local = 0
        self.to_mesh = 0

    def start(self) -> None:
        """Let bytes flow, first those that came together with the end of the handshake."""
        self._loop.add_reader(self._local, self._local_readable)
        self._loop.add_reader(self._mesh, self._mesh_readable if self._heard is None else self._mesh_readable_first)
        if self._end.ahead:
            self._incoming.write(self._end.ahead)
            self._end.ahead = b""
            self._decrypt()

    def abort(self, reason: str) -> None:
        """Cut both ends now."""
        if self._ended:
            return
        self._forget_sockets()
        cut(self._local)
        cut(self._mesh)
        self._tell(reason)

    def held_bytes(self) -> int:
        """What was read and not yet sent, both directions together."""
        return len(self._held_local) + len(self._held_mesh)

    # From the application into the mesh.

    def _local_readable(self) -> None:
        try:
            count = self._local.recv_into(self._received)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(Side.LOCAL, error)
            return
        if not count:
            if self._local_error:
                self._lost(Side.LOCAL, os.strerror(self._local_error))
                return
            self._local_open = False
            self._loop.remove_reader(self._local)
            self._perform(self._relay.handle(Finished(Side.LOCAL)))
            return
        if self._tells_errors_once and (code := self._local.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            self._local_error = code
            self._watch_again(self._local, self._local_readable)
        self.to_mesh += count
        try:
            self._session.write(self._received[:count])
        except ssl.SSLError as error:
            self._outgoing.read()
            self._lost(Side.MESH, error)
            return
        # Nothing is held, else this side would not be read.
        self._send_mesh(self._outgoing.read())

    def _send_mesh(self, data: bytes) -> None:
        try:
            sent = self._mesh.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lost(Side.MESH, error)
            return
        if sent != len(data):
            self._held_mesh = data[sent:]
            self._loop.remove_reader(self._local)
            self._loop.add_writer(self._mesh, self._mesh_writable)

    def _mesh_writable(self) -> None:
        try:
            sent = self._mesh.send(self._held_mesh)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(Side.MESH, error)
            return
        self._held_mesh = self._held_mesh[sent:]
        if self._held_mesh:
            return
        self._loop.remove_writer(self._mesh)
        self._resume_local()

    def _say(self, data: bytes) -> None:
        """Send what TLS says besides the application's bytes, behind those that wait."""
        if self._held_mesh:
            self._held_mesh += data
        elif data:
            self._send_mesh(data)

    def _resume_local(self) -> None:
        if self._held_mesh or self._ended:
            return
        if self._local_open:
            self._loop.add_reader(self._local, self._local_readable)
        self._settle()

    # From the mesh to the application.

    def _mesh_readable_first(self) -> None:
        self._loop.add_reader(self._mesh, self._mesh_readable)
        self._mesh_readable()
        heard, self._heard = self._heard, None
        if heard is not None and not self._ended:
            heard()
            self._say(self._outgoing.read())

    def _mesh_readable(self) -> None:
        try:
            count = self._mesh.recv_into(self._received)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(Side.MESH, error)
            return
        if not count:
            if self._mesh_error:
                self._lost(Side.MESH, os.strerror(self._mesh_error))
                return
            # RFC 8446, section 6.1: without close_notify the data may have been cut short.
            self._lost(Side.MESH, "the TLS stream ended without close_notify")
            return
        if self._tells_errors_once and (code := self._mesh.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            self._mesh_error = code
            self._watch_again(self._mesh, self._mesh_readable)
        self._incoming.write(self._received[:count])
        self._decrypt()

    def _decrypt(self) -> None:
        """Pass on all that was received. Nothing stays in the BIOs, on which `_say_finished` relies as well."""
        plain, incoming = self._plain, self._incoming
        # Into a buffer; its stub names bytearray alone.
        read = cast(Callable[[int, memoryview], int], self._session.read)
        filled = 0
        try:
            while incoming.pending:
                count = read(_RECORD_BYTES, plain[filled:] if filled else plain)
                if not count:
                    self._mesh_open = False
                    incoming.read()
                    break
                filled += count
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._mesh_open = False
            incoming.read()
        except ssl.SSLError as error:
            incoming.read()
            self._outgoing.read()
            self._send_local(plain[:filled])
            self._lost(Side.MESH, error)
            return
        said = self._outgoing.read() if self._outgoing.pending else b""
        if filled:
            self._send_local(plain[:filled])
        if self._ended:
            return
        if said:
            self._say(said)
        if not (self._mesh_open or self._ended):
            self._loop.remove_reader(self._mesh)
            self._perform(self._relay.handle(Finished(Side.MESH)))

    def _send_local(self, data: memoryview) -> None:
        self.to_local += len(data)
        try:
            sent = self._local.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lost(Side.LOCAL, error)
            return
        if sent != len(data):
            self._held_local = bytes(data[sent:])
            self._loop.remove_reader(self._mesh)
            self._loop.add_writer(self._local, self._local_writable)

    def _local_writable(self) -> None:
        try:
            sent = self._local.send(self._held_local)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(Side.LOCAL, error)
            return
        self._held_local = self._held_local[sent:]
        if self._held_local:
            return
        self._loop.remove_writer(self._local)
        if self._mesh_open:
            self._loop.add_reader(self._mesh, self._mesh_readable)
        self._settle()

    # The ends.

    def _watch_again(self, sock: socket.socket, readable: Callable[[], None]) -> None:
        """Go on reading a socket whose error was taken off it: up to its end, which is told as that error then."""
        self._loop.remove_reader(sock)
        self._loop.add_reader(sock, readable)

    def _lost(self, side: Side, error: ssl.SSLError | OSError | str) -> None:
        if isinstance(error, ssl.SSLError):
            text = (error.reason or str(error)).replace("_", " ").lower()
        else:
            text = str(error)
        reason = f"{side.value}: {text}"
        self._perform(self._relay.handle(Lost(side, reason)), reason)

    def _perform(self, commands: list[Command], reason: str = "") -> None:
        for command in commands:
            match command:
                case Finish(Side.LOCAL):
                    self._finish_local = True
                case Finish(Side.MESH):
                    self._finish_mesh = True
                case Close():
                    self._is_closing = True
                case Abort():
                    self.abort(reason)
                case _:
                    raise AssertionError(f"a relay does not know {command}")
        if not self._ended:
            self._settle()

    def _settle(self) -> None:
        """Carry out the ends that were waiting for held bytes."""
        if self._finish_local and not self._held_local:
            self._finish_local = False
            _shut(self._local)
        if self._finish_mesh and not self._held_mesh:
            self._finish_mesh = not self._say_finished()
        if self._is_closing and not (self._finish_local or self._finish_mesh) and not self._ended:
            self._forget_sockets()
            self._local.close()
            self._mesh.close()
            self._tell(None)

    def _say_finished(self) -> bool:
        """Send `close_notify` and FIN. False while the socket does not take them."""
        # OpenSSL looks for the peer's close_notify while it sends ours, and drops any data that it meets: there is none
        # in its reach, since `_decrypt` leaves none behind.
        with contextlib.suppress(ssl.SSLError):
            self._session.unwrap()
        self._incoming.read()
        self._say(self._outgoing.read())
        if self._held_mesh:
            return False
        _shut(self._mesh)
        return True

    def _tell(self, reason: str | None) -> None:
        # It leads back to whoever holds this pump. What is in no circle is freed at once, OpenSSL's part with it.
        tells, self._tells = self._tells, None
        if tells is not None:
            tells(reason)

    def _forget_sockets(self) -> None:
        self._ended = True
        self._heard = None  # as with `_tells`
        self._local_open = self._mesh_open = False
        for sock in (self._local, self._mesh):
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
