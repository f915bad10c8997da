"""Where Envoys ask for their configuration (xDS): the gRPC ports, and a Unix socket that only this user can reach.

Private keys travel here. The socket (0600 in a directory 0700) needs no TLS; ports speak it where HTTPS is on, with its
certificate, as Consul's do. What serves is imported when the first Envoy comes, in a thread: it takes a tenth of a
second and 30 MB, which most agents never need. Without the extra `lictor[xds]` whoever comes is turned away, and the
log says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.http.unix_sockets import SocketOwner, UnixSocket
from lictor_agent.relay_context import RelayContext
from lictor_core.addresses import join_host_port
from lictor_core.aside import aside
from lictor_core.errors import ConfigurationError
from lictor_core.proxy_status import XdsOffer

if TYPE_CHECKING:
    from lictor_connect_proxy.xds.server_grpclib import XdsServer

__all__ = ["SOCKET_NAME", "GrpcPort"]

SOCKET_NAME: Final = "envoy.sock"
_SERVER: Final = "lictor_connect_proxy.xds.server_grpclib"
_DIRECTORY: Final = "xds"
_BACKLOG: Final = 128
_PATH_BYTES_MAX: Final = 107
"""Of the name of a Unix socket, by the kernel."""
_OWN: Final = SocketOwner(mode="600")


class GrpcPort:
    """Listens from `start` to `close`; serves with what `make_server` returns, which may raise `ConfigurationError`."""

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        log: FilteringBoundLogger,
        *,
        make_server: Callable[[], XdsServer],
        data_dir: str = "",
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
    ) -> None:
        self._addresses = tuple(addresses)
        self._log = log
        self._make_server = make_server
        self._data_dir = data_dir
        self._tls = tls
        self._context: RelayContext | None = None
        self._sockets: list[socket.socket] = []
        self._unix: UnixSocket | None = None
        self._scratch = ""
        self._server: XdsServer | None = None
        self._opening: asyncio.Task[None] | None = None
        self._waiting: set[socket.socket] = set()

    @property
    def bound(self) -> list[tuple[str, int]]:
        """The addresses listened on."""
        return [one.getsockname()[:2] for one in self._sockets]

    def offer(self) -> XdsOffer:
        """Where Envoys may ask; nowhere before `start`."""
        return XdsOffer(
            socket=self._unix.path if self._unix else "",
            addresses=tuple(join_host_port(*address) for address in self.bound),
            is_secure=self._context is not None,
        )

    async def start(self) -> None:
        """Take the ports. Raises `ConfigurationError` when one cannot be had; then none is kept."""
        try:
            if self._addresses:
                first = self._tls()
                self._context = None if first is None else RelayContext(first)
            for host, port in self._addresses:
                self._sockets.append(_bound(host, port))
            self._unix = self._open_unix()
        except ConfigurationError:
            await self.close()
            raise
        loop = asyncio.get_running_loop()
        self._waiting = {*self._sockets, *((self._unix.socket,) if self._unix else ())}
        for one in self._waiting:
            loop.add_reader(one, self._arrived)

    def renewal(self, tls: Callable[[], ssl.SSLContext | None]) -> Callable[[], None]:
        """Read what handshakes to come use; what is returned has them use it. Streams stay.

        Raises what `tls` raises. TLS is turned neither on nor off so.
        """
        relay, read = self._context, tls() if self._context is not None else None

        def use() -> None:
            self._tls = tls
            if relay is not None and read is not None:
                relay.current = read

        return use

    async def close(self) -> None:
        """End all streams, and give the ports up."""
        self._stop_waiting()
        if self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._opening
        if self._server is not None:
            await self._server.close()
        for one in self._sockets:
            one.close()
        self._sockets = []
        if self._unix is not None:
            self._unix.close()
            self._unix = None
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _stop_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        for one in self._waiting:
            loop.remove_reader(one)
        self._waiting = set()

    def _arrived(self) -> None:
        """The first client is there: it stays in the kernel's queue until somebody serves."""
        if self._opening is None:
            for one in self._waiting:
                asyncio.get_running_loop().remove_reader(one)
            self._opening = asyncio.get_running_loop().create_task(self._open(), name="xds")

    async def _open(self) -> None:
        waiting, self._waiting = self._waiting, set()
        try:
            await aside(lambda: import_module(_SERVER))
            self._server = self._make_server()
        except ConfigurationError as error:
            await self._turn_away(waiting, str(error))
            return
        for one in self._sockets:
            await self._server.serve(one, self._context)
        if self._unix is not None:
            await self._server.serve(self._unix.socket)

    async def _turn_away(self, listening: set[socket.socket], reason: str) -> None:
        async with asyncio.TaskGroup() as group:
            for one in listening:
                group.create_task(self._refuse(one, reason))

    async def _refuse(self, listening: socket.socket, reason: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, peer = await loop.sock_accept(listening)
            sock.close()
            self._log.warning("grpc.connection.refused", peer=str(peer), reason=reason)

    def _open_unix(self) -> UnixSocket | None:
        """The socket in the data directory; where there is none, or its name would be too long, in one of its own."""
        directory = Path(self._data_dir, _DIRECTORY) if self._data_dir else None
        if directory is None or len(os.fsencode(directory / SOCKET_NAME)) > _PATH_BYTES_MAX:
            self._scratch = tempfile.mkdtemp(prefix="lictor-xds-", dir=os.environ.get("XDG_RUNTIME_DIR"))
            directory = Path(self._scratch)
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)
            return UnixSocket(str(directory / SOCKET_NAME), _OWN, _BACKLOG)
        except (OSError, ConfigurationError) as error:
            # The ports may serve all the same, and most agents have no Envoy at all.
            self._log.warning("grpc.socket.missing", path=str(directory / SOCKET_NAME), reason=str(error))
            return None


def _bound(host: str, port: int) -> socket.socket:
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen for gRPC on {join_host_port(host, port)}: {error.strerror or error}; "
            "choose another port with -grpc-port, or none with -grpc-port=-1"
        ) from error
    listening.setblocking(False)
    return listening
