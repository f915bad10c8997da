"""An HTTP/2 connection of a check: what its peer says, event by event. The `h2` library does the protocol.

h2ping and gRPC checks use it. A client library for gRPC was not taken: a health check is one request with one message
of one field, and each run opens a connection of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Final, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.exceptions import ProtocolError

from lictor_agent.checks.connecting import Dialer, Tls
from lictor_agent.checks.dialing import DialError, read_failure
from lictor_agent.checks.tls import TlsContexts
from lictor_config.definitions import CheckDefinition

__all__ = ["ALPN", "Http2Connection", "open_http2", "tls_of"]

ALPN: Final = ("h2",)
_EVENTS_MAX: Final = 1_000
"""Events of one connection; a check is answered with a handful."""


def tls_of(definition: CheckDefinition, contexts: TlsContexts, host: str) -> Tls:
    """TLS for a check of HTTP/2. Raises `ConfigurationError` for the agent's own material."""
    context = contexts.context(skip_verify=definition.tls_skip_verify, alpn=ALPN)
    return Tls(context, definition.tls_server_name or host)


async def open_http2(dialer: Dialer, address: str, tls: Tls | None) -> Http2Connection:
    """A connection on which the preface was sent. `close` it. Raises `DialError` and `ssl.SSLError`."""
    return await dialer.dial(address, lambda: Http2Connection(address), tls)


class Http2Connection(asyncio.Protocol):
    """One connection; `state` is h2's, and after each change of it `flush` sends what is to be sent."""

    def __init__(self, address: str) -> None:
        self.state = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._address = address
        self._events: deque[Event] = deque()
        self._seen = 0
        self._wake = asyncio.Event()
        self._failure: Exception | None = None
        self._transport: asyncio.Transport | None = None

    async def next_event(self) -> Event:
        """What comes next. Raises `DialError` when nothing more does, or what came was no HTTP/2."""
        while not self._events:
            if self._failure is not None:
                raise self._failure
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

    def flush(self) -> None:
        """Send what the state has to send."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self.state.data_to_send())

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not descend from it
        self.state.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        if self._failure is not None:
            return
        try:
            found = self.state.receive_data(data)
        except ProtocolError as error:
            self._fail(DialError(f"http2: {str(error) or type(error).__name__}"))
            self.close()
            return
        self._seen += len(found)
        if self._seen > _EVENTS_MAX:
            self._fail(DialError(f"http2: more than {_EVENTS_MAX} events on one connection"))
            self.close()
            return
        self._events += found
        self.flush()
        self._wake.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError):
            self._fail(DialError(read_failure(self._address, exc)))
        else:
            self._fail(DialError("connection closed" if exc is None else str(exc) or type(exc).__name__))

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
        self._wake.set()
