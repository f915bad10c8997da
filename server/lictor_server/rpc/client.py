"""Calls to other servers: one connection to each, made when it is needed, shared by all, closed when it is not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.errors import IncompatibleError, OverloadedError, PeerError, UnreachableError
from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.rpc.connection import GOODBYE_S, Connection, Question
from lictor_server.sockets import CONNECT_TIMEOUT_S, dial, reason_of
from lictor_server.tls import AGENT_BYTE, PLAIN, Tls, untrusted

__all__ = ["CONNECTIONS_MAX", "FOREIGN_S", "IDLE_S", "RETRY_FIRST_S", "RETRY_MAX_S", "RpcPool"]

CONNECTIONS_MAX: Final = 64
"""Servers that one process talks to; one more takes the place of one that nobody uses."""
IDLE_S: Final = 30.0
"""A connection that nobody used for so long is closed; servers close theirs later."""
RETRY_FIRST_S: Final = 0.02
RETRY_MAX_S: Final = 0.5
"""A server that could not be reached is not dialed again before this; calls until then fail at once."""
FOREIGN_S: Final = 10.0
"""One that speaks no protocol that is spoken here is dialed again after half of this to all of it, at random."""
_HANDSHAKE_S: Final = 3.0
_WITHOUT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "TLSV1_ALERT_ACCESS_DENIED", "TLSV1_ALERT_DECODE_ERROR"})
_UNSPOKEN: Final = "; a server that speaks no TLS, or wants an encrypt key proven first, answers so"
_KNOCK: Final = bytes([AGENT_BYTE])


@dataclass(eq=False)
class _Line:
    """What is known of one address."""

    backoff: Backoff
    dialing: asyncio.Task[Connection] | None = None
    connection: Connection | None = None
    dead_until: float = 0.0
    reason: str = ""
    is_foreign: bool = False
    idle: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def in_use(self) -> bool:
        return self.dialing is not None or (self.connection is not None and self.connection.in_use)


class RpcPool:
    """Connections by address. All methods belong to one event loop."""

    def __init__(
        self,
        *,
        rng: Rng,
        tls: Tls = PLAIN,
        keyed: Keyed = UNKEYED,
        source: str = "",
        idle_s: float = IDLE_S,
        connect_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        """`source` is the IP that is dialed from; empty for whichever the system takes. `connect_s` is how long the
        other machine may take to answer the first packet."""
        self._rng = rng
        self._tls = tls
        self._keyed = keyed
        self._source = source
        self._idle_s = idle_s
        self._connect_s = connect_s
        self._lines: dict[str, _Line] = {}
        self._stopped = False

    async def call(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        """The answer of the server at `address` (`host:port`), within `timeout_s` for everything.

        Raises what the server raised. `UnreachableError`: no byte of the request left, so it was not carried out.
        `PeerError` otherwise: nobody knows. `OverloadedError`: too many requests or connections, and not carried out.
        When the time is over, or the caller is cancelled, the server is told to stop.
        """
        question = Question(method, payload)
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._connection(address)
                return await connection.ask(question)
        except TimeoutError:
            if question.left:
                raise PeerError(f"{address} did not answer {method} within {timeout_s:g} s") from None
            raise UnreachableError(f"{address} took no request within {timeout_s:g} s") from None

    async def stream(self, address: str, method: str, payload: bytes) -> AsyncGenerator[bytes]:
        """The items that the server at `address` gives, until there are no more; wrap it in `contextlib.aclosing`.

        Raises what the server raised, `UnreachableError` or `PeerError` when it cannot be reached or is lost, and
        `OverloadedError` when items are not taken as fast as they come, after those that came before. Closing it tells
        the server to stop.
        """
        connection = await self._connection(address)
        async with aclosing(connection.stream(Question(method, payload))) as items:
            async for item in items:
                yield item

    def silence_s(self, address: str) -> float | None:
        """Seconds since the server at `address` was heard while something is under way there; None otherwise."""
        line = self._lines.get(address)
        if line is None or line.connection is None or not line.connection.in_use:
            return None
        return asyncio.get_running_loop().time() - line.connection.heard_at

    def hang_up(self, address: str, reason: str) -> None:
        """Close the connection to `address`: what is under way there ends with `reason`, as when it is lost.

        The server is told, if it still hears, that this end lives on."""
        line = self._lines.get(address)
        if line is not None:
            self._hang_up(address, line, PeerError(f"{address}: {reason}"))

    async def stop(self) -> None:
        """Close every connection; what is under way ends as it does when a connection is lost."""
        self._stopped = True
        lines = list(self._lines.values())
        self._lines.clear()
        dialing = [line.dialing for line in lines if line.dialing is not None]
        for task in dialing:
            task.cancel()
        for line in lines:
            if line.connection is not None:
                line.connection.close(UnreachableError("this process is stopping"))
            if line.idle is not None:
                line.idle.cancel()
        if dialing:
            await asyncio.wait(dialing)

    async def _connection(self, address: str) -> Connection:
        line = self._line(address)
        if line.connection is not None:
            if line.connection.is_open:
                return line.connection
            self._note_end(line, line.connection)
        dialing = line.dialing
        if dialing is None:
            if asyncio.get_running_loop().time() < line.dead_until:
                raise (IncompatibleError if line.is_foreign else UnreachableError)(line.reason)
            dialing = line.dialing = asyncio.get_running_loop().create_task(self._dial(address, line))
            dialing.add_done_callback(_seen)
        # Whoever gives up waiting does not end the dialing: others may wait for it too.
        await asyncio.wait([dialing])
        if dialing.cancelled():
            raise UnreachableError("this process is stopping")
        return dialing.result()

    def _note_end(self, line: _Line, connection: Connection) -> None:
        """A server that takes connections and answers nothing is as good as none."""
        line.connection = None
        if connection.proven:
            line.backoff.reset()
        elif connection.is_foreign:
            line.reason, line.is_foreign = connection.reason, True
            line.dead_until = connection.heard_at + self._rng.uniform(FOREIGN_S / 2, FOREIGN_S)
        else:
            self._note_failure(line, connection.reason)

    def _note_failure(self, line: _Line, reason: str) -> None:
        line.reason, line.is_foreign = reason, False
        line.dead_until = asyncio.get_running_loop().time() + line.backoff.next_s()

    def _line(self, address: str) -> _Line:
        if self._stopped:
            raise UnreachableError("this process is stopping")
        line = self._lines.pop(address, None)
        if line is None:
            if len(self._lines) >= CONNECTIONS_MAX:
                self._make_room()
            line = _Line(Backoff(self._rng, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S))
        self._lines[address] = line  # last, as the one used latest
        return line

    def _make_room(self) -> None:
        for address, line in self._lines.items():
            if not line.in_use:
                self._hang_up(address, line, _unused(address))
                return
        raise OverloadedError(f"connections to {CONNECTIONS_MAX} servers are in use already")

    async def _dial(self, address: str, line: _Line) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            connection = await self._dialed(address)
        except UnreachableError as error:
            self._note_failure(line, str(error))
            raise
        finally:
            line.dialing = None
        if self._lines.get(address) is not line:  # hung up meanwhile: nobody would look after it, or ever close it
            connection.close(UnreachableError(line.reason))
            raise UnreachableError(line.reason)
        line.connection = connection
        if line.idle is not None:
            line.idle.cancel()
        line.idle = loop.call_later(self._idle_s, self._look_after, address, line)
        return connection

    async def _dialed(self, address: str) -> Connection:
        sock = await dial(address, source=self._source, timeout_s=self._connect_s)
        await self._keyed.greet(sock, address)
        connection, tls = Connection(address), self._tls
        loop = asyncio.get_running_loop()
        try:
            if tls.dialing_rpc is None:
                await loop.create_connection(lambda: connection, sock=sock)
            else:
                if tls.knocks:
                    sock.send(_KNOCK)
                await loop.create_connection(
                    lambda: connection,
                    sock=sock,
                    ssl=tls.dialing_rpc,
                    server_hostname=tls.server_name,
                    ssl_handshake_timeout=_HANDSHAKE_S,
                    ssl_shutdown_timeout=GOODBYE_S,
                )
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(untrusted(address, error)) from error
        except ConnectionAbortedError as error:
            if error.errno is not None:
                raise UnreachableError(f"{address} broke the connection off: {reason_of(error)}") from error
            # asyncio's own word, and uvloop's: it was we who gave up
            reason = f"{address} did not finish the TLS handshake within {_HANDSHAKE_S:g} s: is it overloaded?"
            raise UnreachableError(reason) from error
        except OSError as error:
            hint = _UNSPOKEN if isinstance(error, ssl.SSLError) and error.reason in _WITHOUT_TLS else ""
            raise UnreachableError(f"{address} broke the connection off: {reason_of(error)}{hint}") from error
        return connection

    def _look_after(self, address: str, line: _Line) -> None:
        """Close the connection when nobody used it lately, or look again when that may be the case."""
        connection = line.connection
        if connection is None or not connection.is_open:
            return
        unused_s = asyncio.get_running_loop().time() - connection.used_at
        if unused_s >= self._idle_s and not connection.in_use:
            self._hang_up(address, line, _unused(address))
        else:
            left_s = max(self._idle_s - unused_s, self._idle_s / 2)
            line.idle = asyncio.get_running_loop().call_later(left_s, self._look_after, address, line)

    def _hang_up(self, address: str, line: _Line, error: PeerError) -> None:
        if self._lines.get(address) is line:
            del self._lines[address]
        line.reason = str(error)
        if line.idle is not None:
            line.idle.cancel()
        if line.connection is not None:
            line.connection.leave(error)


def _unused(address: str) -> PeerError:
    return UnreachableError(f"{address}: the connection was not used")


def _seen(task: asyncio.Task[Connection]) -> None:
    """Nobody may wait for it any more; then its failure is no news."""
    if not task.cancelled():
        task.exception()
