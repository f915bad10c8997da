"""The gRPC side of aggregated discovery, over grpclib: who asks, messages, errors. What is said stands in `session`.

The token of a proxy is the metadata `x-consul-token`; which proxy it is stands in the first request, as the node's id.
Raises `ConfigurationError` at import when grpclib is not installed (`lictor[xds]`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Mapping
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.xds.descriptors import Message, message_class
from lictor_connect_proxy.xds.door import Door
from lictor_connect_proxy.xds.kinds import XDS_EXTRA
from lictor_connect_proxy.xds.revoking import Revocations
from lictor_connect_proxy.xds.session import Build, Knowledge, Session
from lictor_connect_proxy.xds.stream import DeltaRequest, DeltaResponse
from lictor_connect_proxy.xds.wire import REQUEST, RESPONSE, Asked, asked, response_message
from lictor_core.clock import Clock
from lictor_core.errors import (
    ConfigurationError,
    LictorError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RequestError,
)
from lictor_core.metrics import Gauge, Meter

try:
    from grpclib import GRPCError, Status
    from grpclib.const import Cardinality, Handler
    from grpclib.exceptions import StreamTerminatedError
    from grpclib.protocol import Connection, H2Protocol
    from grpclib.server import Server, Stream
    from h2.exceptions import StreamClosedError
except ImportError as error:
    raise ConfigurationError(f"grpclib is not installed ({error}): {XDS_EXTRA}") from error

__all__ = ["REQUEST_BYTES_MAX", "STREAMS_MAX", "XdsServer"]

STREAMS_MAX: Final = 1024
"""Envoys of one agent."""
REQUEST_BYTES_MAX: Final = 8 * 1024 * 1024
"""Of one request; one that names the versions of 60,000 resources has less."""
_FIRST_S_MAX: Final = 10.0
"""So long a client has to say who it is."""
_OWED_MAX: Final = 1024
_END_S_MAX: Final = 1.0
"""How long a stream may take to end once its connection has."""
_TOKEN: Final = "x-consul-token"
_PREFIX_BYTES: Final = 5
_SERVICE: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService"
_STATUSES: Final[tuple[tuple[type[LictorError], Status], ...]] = (
    (PermissionDeniedError, Status.PERMISSION_DENIED),
    (NotFoundError, Status.NOT_FOUND),
    (OverloadedError, Status.RESOURCE_EXHAUSTED),
    (RequestError, Status.INVALID_ARGUMENT),
    (LictorError, Status.UNAVAILABLE),
)


class XdsServer:
    """Serves Envoys at any number of sockets. `serve` adds one, `close` ends all."""

    def __init__(
        self, knowledge: Knowledge, build: Build, clock: Clock, log: FilteringBoundLogger, meter: Meter
    ) -> None:
        self._knowledge = knowledge
        self._build = build
        self._clock = clock
        self._log = log
        self._meter = meter
        self._server: Server | None = None
        self._door = Door(self._speaker, lambda speaker: speaker.connection in self._connections, log)
        self._streams = 0
        self._serving: set[asyncio.Task[object]] = set()
        self._connections: Counter[Connection] = Counter()  # how many streams of each are served
        self._owed: dict[str, Mapping[str, frozenset[str]]] = {}
        self._revocations = Revocations()
        meter.watch(lambda: [Gauge("xds.server.streams", float(self._streams))])

    async def serve(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take connections at a socket that is bound."""
        self._door.open(listening, tls)

    async def close(self) -> None:
        """End all streams and listeners."""
        await self._door.close()
        if self._serving:
            await asyncio.wait(self._serving, timeout=_END_S_MAX)

    def _speaker(self) -> H2Protocol:
        """What speaks HTTP/2 on a connection: of grpclib's own server, which bounds neither their number nor time."""
        if self._server is None:
            self._server = Server([self])
        return self._server._protocol_factory()  # pyright: ignore[reportPrivateUsage]  # `start` would listen itself

    def __mapping__(self) -> dict[str, Handler]:
        """What grpclib asks a service: its methods by path."""
        return {
            f"{_SERVICE}/DeltaAggregatedResources": Handler(
                self._delta, Cardinality.STREAM_STREAM, message_class(REQUEST), message_class(RESPONSE)
            ),
            f"{_SERVICE}/StreamAggregatedResources": Handler(
                self._whole, Cardinality.STREAM_STREAM, message_class(REQUEST), message_class(RESPONSE)
            ),
        }

    async def _whole(self, stream: Stream[Message, Message]) -> None:
        raise GRPCError(
            Status.UNIMPLEMENTED, "this agent speaks delta xDS alone: set api_type DELTA_GRPC in the bootstrap"
        )

    async def _delta(self, stream: Stream[Message, Message]) -> None:
        proxy_id = ""
        task = asyncio.current_task()
        assert task is not None, "grpclib has one for each stream"
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            if self._streams >= STREAMS_MAX:
                raise OverloadedError(f"this agent serves {STREAMS_MAX} proxies already")
            async with asyncio.timeout(_FIRST_S_MAX):
                first = await _received(stream)
            if first is None:
                return
            proxy_id = first.proxy_id
            await self._session(stream, first)
        except (TimeoutError, LictorError) as error:
            flaw = error if isinstance(error, LictorError) else RequestError("no request came: nobody knows who asks")
            status = next(status for kind, status in _STATUSES if isinstance(flaw, kind))
            self._log.warning("xds.stream.refused", proxy_id=proxy_id, reason=str(flaw), status=status.name)
            raise GRPCError(status, str(flaw)) from error
        except (StreamTerminatedError, StreamClosedError):
            return  # the client has gone while it was told something

    async def _session(self, stream: Stream[Message, Message], first: Asked) -> None:
        proxy_id = first.proxy_id
        session = Session(
            proxy_id,
            first.version,
            lambda snapshot: self._build(self._revocations.marked(proxy_id, snapshot)),
            self._knowledge,
            owed=self._owed.pop(proxy_id, {}),
            clock=self._clock,
            log=self._log,
        )

        async def receive() -> DeltaRequest | None:
            received = await _received(stream)
            return None if received is None else received.request

        async def send(response: DeltaResponse) -> None:
            await stream.send_message(response_message(response))
            self._meter.count("xds.server.responses", (("type", response.kind.rpartition(".")[2]),))

        self._streams += 1
        connection = stream._stream.connection  # pyright: ignore[reportPrivateUsage]  # as below
        self._connections[connection] += 1
        self._log.info("xds.stream.opened", proxy_id=proxy_id, version=first.version)
        try:
            token = stream.metadata.get(_TOKEN, "") if stream.metadata else ""
            await session.run(str(token), first.request, receive, send)
        finally:
            self._streams -= 1
            self._connections[connection] -= 1
            if not self._connections[connection]:
                del self._connections[connection]
            if session.owed and len(self._owed) < _OWED_MAX:
                self._owed[proxy_id] = session.owed
            if session.rejections:
                self._meter.count("xds.server.rejections", by=session.rejections)
            if session.delivered_s is not None:
                self._meter.sample("xds.server.streamStart", session.delivered_s * 1000)
            self._log.info("xds.stream.closed", proxy_id=proxy_id)
            self._knowledge.forget(proxy_id)


async def _received(stream: Stream[Message, Message]) -> Asked | None:
    """The next request, as grpclib's `recv_message` would read it but with a bound: that takes four gigabytes."""
    raw = stream._stream  # pyright: ignore[reportPrivateUsage]  # nothing public leads to bytes that are under way
    prefix = await raw.recv_data(_PREFIX_BYTES)
    if not prefix:
        return None
    size = int.from_bytes(prefix[1:], "big")
    if prefix[0] or size > REQUEST_BYTES_MAX:
        raise OverloadedError(f"a request may have {REQUEST_BYTES_MAX} bytes, uncompressed; this one has {size}")
    return asked(await raw.recv_data(size))
