"""Connections to a gRPC server, bounded: in number, in all and for an address; in the time to secure and to use them.

Clients of this machine share its loopback addresses, and those of a Unix socket have none: these count together only.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Final, Generic, TypeVar, cast

from structlog.typing import FilteringBoundLogger

from lictor_core.flood import Flood

__all__ = ["CONNECTIONS_MAX", "HANDSHAKE_S_MAX", "PER_CLIENT_MAX", "UNUSED_S_MAX", "Door"]

P = TypeVar("P", bound=asyncio.Protocol)

CONNECTIONS_MAX: Final = 1280
"""More than the streams that are served: an Envoy that comes again may have its old connection yet."""
PER_CLIENT_MAX: Final = 128
"""Connections of one address that is not this machine's."""
HANDSHAKE_S_MAX: Final = 5.0
"""How long TLS may take."""
UNUSED_S_MAX: Final = 15.0
"""How long a connection may be open without a stream that said who it is: longer than one has to say that."""
_BACKLOG: Final = 128
_CLOSE_S_MAX: Final = 0.5
_BREATH_S: Final = 1.0
"""When nobody can be accepted, nobody is for so long."""


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


class Door(Generic[P]):
    """Accepts at listening sockets from `open` to `close`.

    `make` gives what speaks on a connection, `in_use` tells of what it gave whether it has a stream that is served.
    """

    def __init__(
        self,
        make: Callable[[], P],
        in_use: Callable[[P], bool],
        log: FilteringBoundLogger,
        *,
        connections_max: int = CONNECTIONS_MAX,
        per_client_max: int = PER_CLIENT_MAX,
        handshake_s_max: float = HANDSHAKE_S_MAX,
        unused_s_max: float = UNUSED_S_MAX,
        is_own: Callable[[str], bool] = _is_loopback,
    ) -> None:
        self._is_own = is_own
        self._make = make
        self._in_use = in_use
        self._log = log
        self._connections_max = connections_max
        self._per_client_max = per_client_max
        self._handshake_s_max = handshake_s_max
        self._unused_s_max = unused_s_max
        self._refused = Flood(lambda: asyncio.get_running_loop().time())
        self._count = 0
        self._by_client: Counter[str] = Counter()
        self._guards: set[_Guard[P]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Connections, those that are being secured among them."""
        return self._count

    def open(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Begin to accept at a socket that is bound and does not block."""
        listening.listen(_BACKLOG)
        self._spawn(self._accept(listening, tls))

    async def close(self) -> None:
        """Accept no more, and end every connection: at once for who does not take what was said before."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        guards = tuple(self._guards)
        for guard in guards:
            guard.close()
        if guards:
            ends = [guard.over for guard in guards]
            await asyncio.wait(ends, timeout=_CLOSE_S_MAX)
            for guard in guards:
                guard.abort()
            await asyncio.wait(ends, timeout=_CLOSE_S_MAX)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listening)
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no descriptor is left, or memory: others give some back
                self._log.error("grpc.listener.exhausted", reason=error.strerror, pause_s=_BREATH_S)
                await asyncio.sleep(_BREATH_S)
                continue
            host = _host(address)
            client = "" if not host or self._is_own(host) else host
            if (reason := self._refusal(client)) is not None:
                self._note_refused(str(address), reason)
                sock.close()
                continue
            self._enter(client)
            self._spawn(self._take(sock, client, tls))

    def _note_refused(self, peer: str, reason: str) -> None:
        if self._refused.passes():
            left_out = self._refused.take_left_out()
            self._log.warning("grpc.connection.refused", peer=peer, reason=reason, left_out=left_out)

    def _refusal(self, client: str) -> str | None:
        if self._count >= self._connections_max:
            return f"{self._connections_max} connections are open already"
        if client and self._by_client[client] >= self._per_client_max:
            return f"this address has {self._per_client_max} connections open already"
        return None

    def _enter(self, client: str) -> None:
        self._count += 1
        self._by_client[client] += 1

    def _leave(self, client: str) -> None:
        self._count -= 1
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    async def _take(self, sock: socket.socket, client: str, tls: ssl.SSLContext | None) -> None:
        guard = _Guard(self._make(), self._in_use, self._unused_s_max, lambda: self._end(guard, client))
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: guard, sock, ssl=tls, ssl_handshake_timeout=self._handshake_s_max if tls else None
            )
        except OSError as error:
            self._log.info("grpc.handshake.failed", peer=client, reason=str(error))
        finally:
            if not guard.is_made:
                sock.close()
                self._leave(client)
        if guard.is_made and not guard.over.done():
            self._guards.add(guard)

    def _end(self, guard: _Guard[P], client: str) -> None:
        self._guards.discard(guard)
        self._leave(client)


class _Guard(asyncio.Protocol, Generic[P]):
    """Hands everything on to what speaks, and ends the connection when it is not used."""

    def __init__(self, inner: P, in_use: Callable[[P], bool], unused_s_max: float, ended: Callable[[], None]) -> None:
        self._inner = inner
        self._in_use = in_use
        self._unused_s_max = unused_s_max
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_made = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Settled once the connection is over."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Of a stream it is a Transport, whatever the loop; uvloop's is no subclass.
        self._transport = cast("asyncio.Transport", transport)
        self.is_made = True
        self._inner.connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        self._inner.connection_lost(exc)
        self._ended()

    def close(self) -> None:
        """End it once everything is said."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._unused_s_max, self._look)

    def _look(self) -> None:
        if self._in_use(self._inner):
            self._watch()
        else:
            self.abort()


def _host(address: object) -> str:
    """The IP of a peer; empty on a Unix socket."""
    return str(cast("tuple[object, ...]", address)[0]) if isinstance(address, tuple) else ""
